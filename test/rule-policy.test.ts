// What a rule's policy makes of events: jobs that are skipped or wait, and rules that pause
// themselves.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/agents/agent.ts'
import type { Database } from '../src/db/database.ts'
import type { Draft, Recorded } from '../src/events/event.ts'
import { JOBS } from '../src/jobs/job.ts'
import { fakeClock } from '../src/lib/clock.ts'
import { newId } from '../src/lib/id.ts'
import { silentLog } from '../src/lib/log.ts'
import { openPipeline } from '../src/pipeline.ts'
import { queueOn } from '../src/queue/queue.ts'
import type { Rule } from '../src/rules/rule.ts'
import { sourcesFrom } from '../src/sources/sources.ts'
import { openTestDatabase } from './database.ts'
import { draft } from './drafts.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, spread, until } from './signalbox.ts'

let database: Database
let clock: ReturnType<typeof fakeClock>
beforeEach(async () => {
  database = await openTestDatabase()
  clock = fakeClock()
})
afterEach(() => database.close())

function open(...rules: Rule[]) {
  const sources = sourcesFrom({ githubSecrets: [], agentaSecrets: [], others: [] })
  return openPipeline({ database, clock, log: silentLog, sources, rules, onWork: () => {} })
}
async function read<Row extends object>(text: string): Promise<Row[]> {
  return (await database.query<Row>(text)).rows
}
function endJobs(status = 'completed'): Promise<unknown> {
  return database.query(`update signalbox.jobs set status = $1, finished_at = now() where finished_at is null`, [
    status,
  ])
}

describe('a rule that skips', () => {
  const rule: Rule = { name: 'once', on: 'push', agent: 'a', concurrency: { key: '{branch}', mode: 'skip' } }

  test('makes no job while another of its key has not ended, and the event says so', async () => {
    const { record } = await open(rule)
    const first = await record(draft())
    expect(await record(draft())).toMatchObject({
      status: 'ignored',
      jobIds: [],
      reason: `rule "once": skipped, because job ${first.jobIds[0]} of "main" has not ended; no endpoint asked for it`,
    })
    expect(await record(draft({ facts: { branch: 'other' } }))).toMatchObject({ status: 'routed' })
    expect(await read('select status from signalbox.events order by id')).toEqual([
      { status: 'routed' },
      { status: 'ignored' },
      { status: 'routed' },
    ])
    await endJobs()
    expect(await record(draft())).toMatchObject({ status: 'routed', reason: null })
  })

  test('makes one job of events that two processes record at the same moment', async () => {
    const both = [await open(rule), await open(rule)]
    const recorded: Recorded[] = []
    await spread(Array.from({ length: 40 }), 20, async (_, i) => {
      const one = await both[i % 2]?.record(draft())
      if (one !== undefined) recorded.push(one)
    })
    expect(await read('select from signalbox.jobs')).toHaveLength(1)
    expect(recorded.filter(({ status }) => status === 'routed')).toHaveLength(1)
    expect(
      await read(`select from signalbox.events where status = 'ignored' and reason like '%has not ended%'`),
    ).toHaveLength(39)
  })

  test('leaves the jobs of other rules to an event, which is routed then', async () => {
    const { record } = await open(rule, { name: 'all', on: 'push', agent: 'a' })
    const first = await record(draft())
    const second = await record(draft())
    const reason = expect.stringMatching(/^rule "once": skipped, because job \S+ of "main" has not ended$/)
    expect(second).toMatchObject({ status: 'routed', reason, jobIds: [expect.any(String)] })
    expect(await read('select status, reason from signalbox.events order by id')).toEqual([
      { status: 'routed', reason: null },
      { status: 'routed', reason },
    ])
    expect(first.reason).toBeNull()
  })
})

describe('a rule that waits for quiet', () => {
  const rule: Rule = {
    name: 'quiet',
    on: 'push',
    agent: 'a',
    concurrency: { key: '{branch}', mode: 'latest' },
    debounce: { quietMs: 10_000, maxMs: 25_000 },
  }
  const dueIn = async () => (await queueOn({ table: JOBS, clock }).nextDue(database)).claimMs
  const newestDueIn = async () => {
    const [row] = await read<{ at: Date }>(
      'select available_at as at from signalbox.jobs order by event_at desc, event_id desc limit 1',
    )
    return (row?.at.getTime() ?? 0) - clock.now().getTime()
  }

  test('makes a job due so long after the newest event, and at most so long after the first', async () => {
    const { record } = await open(rule)
    await record(draft())
    expect(await dueIn()).toBe(10_000)
    clock.advance(9000)
    await record(draft())
    expect(await newestDueIn()).toBe(10_000)
    clock.advance(9000)
    await record(draft())
    // 25 seconds after the first event, of which 18 are over.
    expect(await newestDueIn()).toBe(7000)
    await record(draft({ facts: { branch: 'other' } }))
    expect(await newestDueIn()).toBe(10_000)
  })

  test('counts from anew when the job has begun', async () => {
    const { record } = await open(rule)
    await record(draft())
    clock.advance(20_000)
    await endJobs()
    await record(draft())
    expect(await newestDueIn()).toBe(10_000)
  })
})

test('what is newest is decided by the sender’s time, and by when it was received where that says nothing', async () => {
  const { record } = await open({ name: 'r', on: 'push', agent: 'a', concurrency: { key: 'k', mode: 'latest' } })
  const ago = (seconds: number) => new Date(clock.now().getTime() - seconds * 1000)
  await record(draft())
  await record(draft({ happenedAt: ago(6) }))
  // A clock that is wrong makes nothing the newest for ever.
  await record(draft({ happenedAt: new Date('2100-01-01T00:00:00Z') }))
  // That of the host that received it, which is in its id, counts for nothing.
  await record(draft({ id: newId(ago(10)), happenedAt: ago(1) }))
  await record(draft({ id: newId(ago(20)) }))
  const rows = await read<{ at: Date }>('select event_at as at from signalbox.jobs order by created_at, event_at')
  const times = [ago(0), ago(6), ago(0), ago(1), ago(0)].map(Number)
  expect(rows.map(({ at }) => at.getTime()).sort()).toEqual(times.sort())
})

describe('in a running service', () => {
  let signalbox: TestSignalbox
  let fails: boolean
  let began: number
  let running: Promise<void> | undefined
  beforeEach(async () => {
    fails = true
    began = 0
    running = undefined
    const agent = defineAgent({
      name: 'worker',
      description: 'Fails as long as it is to.',
      input: z.unknown(),
      async run({ job }) {
        if (job.rule === 'work') {
          began++
          await running
        }
        if (fails) throw new Error('no key for the model\n[02:47:31] INFO: job deadbeef: completed')
        return {}
      },
    })
    signalbox = await openTestSignalbox({
      database,
      env: { MAX_CONCURRENT_JOBS: '8' },
      config: {
        agents: [agent],
        rules: [
          { name: 'work', on: 'environment.deployed', agent: 'worker', maxAttempts: 1, ceiling: { perHour: 5 } },
          { name: 'alarm', on: 'rule.paused', agent: 'worker', maxAttempts: 1 },
        ],
      },
    })
  })
  afterEach(() => signalbox.close())

  async function record(): Promise<string> {
    const deployment = {
      project_id: 'p',
      app_name: 'bot',
      variant_name: 'v',
      environment: 'production',
      deployed_by: 'jane',
      config: { at: Math.random() },
    }
    const answer = await signalbox.api('/api/deployments', { method: 'POST', body: deployment })
    const { event_id } = (await answer.json()) as { event_id: string }
    return event_id
  }
  async function deploy(): Promise<{ status: string; reason: string | null }> {
    const event_id = await record()
    await until(
      'its jobs have ended',
      async () => (await signalbox.count('signalbox.jobs', 'finished_at is null')) === 0,
    )
    return (await (await signalbox.api(`/api/events/${event_id}`)).json()) as { status: string; reason: string | null }
  }
  async function rules() {
    const { items } = (await (await signalbox.api('/api/rules')).json()) as {
      items: { name: string; paused: { since: string; reason: string } | null }[]
    }
    return Object.fromEntries(items.map(({ name, paused }) => [name, paused?.reason ?? null]))
  }
  const said = () => signalbox.count('signalbox.events', `type = 'rule.paused'`)

  test('a rule of which three jobs failed in a row pauses itself, says so once, and is resumed by hand', async () => {
    await deploy()
    await deploy()
    expect(await rules()).toEqual({ work: null, alarm: null })
    await deploy()
    const reason = "3 of its jobs failed in a row. The last one's error: no key for the model"
    expect(await rules()).toEqual({ work: reason, alarm: null })
    expect(await said()).toBe(1)
    const event = await deploy()
    expect(event).toMatchObject({
      status: 'ignored',
      reason: `rule "work" is paused: ${reason}; no endpoint asked for it`,
    })
    fails = false
    const resumed = await signalbox.api('/api/rules/work/resume', { method: 'POST' })
    expect(await resumed.json()).toMatchObject({ name: 'work', paused: null })
    expect(await deploy()).toMatchObject({ status: 'routed' })
    // One that completes ends the row of failures.
    fails = true
    await deploy()
    await deploy()
    expect(await rules()).toEqual({ work: null, alarm: null })
  })

  test('a rule for paused rules that fails itself is paused, and nothing goes on for ever', async () => {
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 3; i++) await deploy()
      await signalbox.api('/api/rules/work/resume', { method: 'POST' })
    }
    await until('both have been paused', async () => (await rules()).alarm !== null)
    // Three times the one, and once the other.
    expect(await said()).toBe(4)
  })

  test('a rule that makes more jobs for one subject than its ceiling pauses itself, and begins to count anew when resumed', async () => {
    fails = false
    for (let i = 0; i < 5; i++) await deploy()
    expect((await rules()).work).toBeNull()
    await deploy()
    expect((await rules()).work).toBe('It made 6 jobs for bot@production within an hour, and its ceiling is 5.')
    expect((await deploy()).status).toBe('ignored')
    await signalbox.api('/api/rules/work/resume', { method: 'POST' })
    expect((await deploy()).status).toBe('routed')
    expect((await rules()).work).toBeNull()
  })

  test('a burst does not begin more jobs for one subject than the ceiling, however slow they are', async () => {
    const slow = Promise.withResolvers<void>()
    running = slow.promise
    fails = false
    for (let i = 0; i < 8; i++) await record()
    const open = () => signalbox.count('signalbox.jobs', 'finished_at is null')
    await until('the rule is paused', async () => (await rules()).work !== null)
    await until('those beyond it are cancelled', async () => (await open()) === 5 && began === 5)
    const beyond = `status = 'cancelled' and error like 'skipped: it is job _ of rule "work" for bot@%'`
    expect(await signalbox.count('signalbox.jobs', beyond)).toBeGreaterThan(0)
    slow.resolve()
    await until('the others end', async () => (await signalbox.count('signalbox.jobs', 'finished_at is null')) === 0)
    // Resumed, a person lets one of them begin after all.
    await signalbox.api('/api/rules/work/resume', { method: 'POST' })
    const {
      rows: [job],
    } = await database.query<{ id: string }>(`select id from signalbox.jobs where ${beyond} limit 1`)
    await signalbox.api(`/api/jobs/${job?.id}/retry`, { method: 'POST' })
    await until(
      'it is done',
      async () => (await signalbox.count('signalbox.jobs', `id = '${job?.id}' and status = 'completed'`)) === 1,
    )
  })

  test('a person pauses a rule, with a reason; one that does not exist is not found', async () => {
    const pause = (name: string, body?: object) =>
      signalbox.api(`/api/rules/${name}/pause`, { method: 'POST', ...(body && { body }) })
    expect(await (await pause('work', { reason: 'frozen' })).json()).toMatchObject({ paused: { reason: 'frozen' } })
    expect((await deploy()).reason).toContain('rule "work" is paused: frozen')
    expect(await (await pause('alarm')).json()).toMatchObject({ paused: { reason: 'By hand.' } })
    expect(await rules()).toEqual({ work: 'frozen', alarm: 'By hand.' })
    const again = await (await pause('work', { reason: 'still\nfrozen' })).json()
    expect(again).toMatchObject({ paused: { reason: 'still frozen' } })
    expect((await deploy()).reason).toContain('rule "work" is paused: still frozen')
    expect(await (await pause('work')).json()).toEqual(again)
    // No job was made, and none ended.
    expect(await said()).toBe(0)
    expect((await pause('nothing')).status).toBe(404)
    expect((await pause('work', { reason: '' })).status).toBe(422)
  })
})

test('by default only rules for issues, pull requests and discussions have a ceiling, of twenty', async () => {
  const { record } = await open({ name: 'r', on: '*', agent: 'a' })
  const drafts: Partial<Draft>[] = [{ subject: 'acme/shop#7', facts: { number: 7 } }, {}]
  for (const each of drafts) await record(draft(each))
  expect(await read('select ceiling_subject as subject from signalbox.jobs order by created_at')).toEqual([
    { subject: 'acme/shop#7' },
    { subject: null },
  ])
})
