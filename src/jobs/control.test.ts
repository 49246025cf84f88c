// What people do to jobs: begun again from a step, ended by SQL, many at once; and why they failed.
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from '../db/database.ts'
import { fakeClock } from '../lib/clock.ts'
import { AgentDied, AppError, BudgetUsed, GiveUp } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import type { Output } from '../publisher/output.ts'
import { queueOn } from '../queue/queue.ts'
import { prioritiseJob, retryJob } from './change.ts'
import { cancelJobs, prioritiseJobs, retryJobs } from './change-many.ts'
import { causeOf } from './failure-cause.ts'
import { finishedJobEvent } from './finished.ts'
import type { Publish } from './fixtures/publishing.ts'
import type { Run } from './fixtures/test-orchestrator.ts'
import { LEASE_MS, openTestOrchestrator, work } from './fixtures/test-orchestrator.ts'
import type { Finished } from './job.ts'
import { JOBS } from './job.ts'
import type { OrchestratorOptions } from './orchestrator.ts'
import { getJob, listJobs } from './query.ts'

let database: Database
let clock: ReturnType<typeof fakeClock>
let finished: Finished[]
let written: string[]

beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())
beforeEach(async () => {
  await database.query('truncate signalbox.jobs cascade')
  clock = fakeClock()
  finished = []
  written = []
})

function orchestrate(run: Run, options: Partial<OrchestratorOptions> = {}) {
  const publish: Publish = async (_job, output) => {
    const { key = '' } = output as { key?: string }
    const isThere = written.includes(key)
    if (!isThere) written.push(key)
    return { url: `https://x/${key}`, created: !isThere }
  }
  const onFinished: OrchestratorOptions['onFinished'] = async (_tx, ended) => {
    finished.push(...ended)
    return false
  }
  const agents = [work(run)]
  return openTestOrchestrator({ database, clock, agents, publish }, { slots: 8, onFinished, ...options })
}

async function addJob({ rule = 'a-rule', at = 0, maxAttempts = 1 } = {}): Promise<string> {
  const id = newId()
  const due = new Date(clock.now().getTime() + at)
  await database.query(
    `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms, available_at, created_at)
     values ($1, $2, 't', 'work', '{}', 5, $4, 60000, $3, $3)`,
    [id, rule, due, maxAttempts],
  )
  return id
}

function note(key: string): Output {
  return { kind: 'comment', repository: 'o/r', target: { issue: 1 }, body: 'hi', key }
}

describe('a job that is begun again from a step', () => {
  const begun: string[] = []
  const agent = (isFailing: () => boolean) =>
    orchestrate(async ({ step, publish }) => {
      const did = (name: string) =>
        step(name, () => {
          begun.push(name)
          clock.advance(1000)
          return name
        })
      await did('read')
      await publish('early', [note('early')])
      clock.advance(1000)
      await did('plan')
      await publish('late', [note('late')])
      await did('build')
      if (isFailing()) throw new GiveUp('no')
      return { outputs: [note('done')] }
    })
  let fails: boolean
  let id: string
  beforeEach(async () => {
    begun.length = 0
    fails = true
    id = await addJob()
    await agent(() => fails).tick()
    fails = false
  })

  it('keeps what it did before, does the rest again, and writes nothing twice', async () => {
    expect(await retryJob(database, clock, id, { fromStep: 'plan' })).toMatchObject({
      status: 'pending',
      steps: [{ name: 'read' }],
    })
    await agent(() => fails).tick()
    expect(begun).toEqual(['read', 'plan', 'build', 'plan', 'build'])
    expect(written).toEqual(['early', 'late', 'done'])
    const job = await getJob(database, id)
    expect(job.status).toBe('completed')
    expect(job.outputs.map(({ early, status, receipt }) => [early, status, receipt?.created])).toEqual([
      ['early', 'published', true],
      [null, 'published', true],
      ['late', 'published', false],
      [null, 'published', true],
    ])
  })

  it('is refused with the steps that it has finished, and left alone', async () => {
    await expect(retryJob(database, clock, id, { fromStep: 'plam' })).rejects.toThrow(
      'from_step: the job has not finished a step "plam"; it has finished "read", "plan", "build"',
    )
    expect(await getJob(database, id)).toMatchObject({ status: 'failed', steps: [{}, {}, {}] })
  })

  it('does not run its agent again for what it has returned, unless that is asked for', async () => {
    await retryJob(database, clock, id)
    await agent(() => fails).tick()
    expect(begun).toEqual(['read', 'plan', 'build'])
  })
})

describe('a job that is ended by SQL', () => {
  const end = (id: string, set = `status = 'failed', error = 'Job timeout'`) =>
    database.query(`UPDATE agent_jobs SET ${set} WHERE id = $1`, [id])
  const hang = () => orchestrate(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)))

  const ended = [{ outcome: 'failed', error: 'Job timeout' }]

  it.each([
    [`status = 'failed', error = 'Job timeout'`],
    [`status = 'failed', error = 'Job timeout', completed_at = NOW()`],
  ])('while it is pending (%s) emits its event once, whoever looks', async (set) => {
    const id = await addJob({ at: 60_000 })
    await end(id, set)
    expect(finished).toEqual([])
    const [one, other] = [hang(), hang()]
    await Promise.all([one.tick(), other.tick(), one.renew(), other.renew()])
    expect(finished).toMatchObject(ended)
    expect(await getJob(database, id)).toMatchObject({ status: 'failed', cause: 'by hand' })
  })

  it('while it waits emits its event once', async () => {
    const id = await addJob()
    const orchestrator = orchestrate(async ({ sleep }) => {
      await sleep('a while', 60_000)
      return {}
    })
    await orchestrator.tick()
    await end(id)
    await orchestrator.tick()
    await orchestrator.renew()
    expect(finished).toMatchObject(ended)
  })

  it('while it runs on a live node emits its event once, when that has let go of it', async () => {
    const id = await addJob()
    const orchestrator = hang()
    const begun = orchestrator.tick()
    await expect.poll(() => orchestrator.running()).toBe(1)
    await end(id)
    await orchestrator.renew()
    await begun
    await orchestrator.tick()
    expect(finished).toMatchObject(ended)
    expect(await getJob(database, id)).toMatchObject({ status: 'failed', error: 'Job timeout', cause: 'by hand' })
  })

  it('while it runs on a dead node emits its event once, when its lease has ended', async () => {
    const id = await addJob()
    await queueOn({ table: JOBS, clock }).claim(database, { owner: newId(), limit: 1, leaseMs: LEASE_MS })
    await end(id)
    const orchestrator = hang()
    await orchestrator.tick()
    expect(finished).toEqual([])
    clock.advance(LEASE_MS)
    await orchestrator.tick()
    await orchestrator.tick()
    expect(finished).toMatchObject(ended)
  })

  it('again, after it was begun again, emits another event', async () => {
    const id = await addJob()
    const orchestrator = hang()
    await end(id)
    await orchestrator.tick()
    await retryJob(database, clock, id)
    // By the clock of the database, which both ends differ by.
    await database.query('select pg_sleep(0.01)')
    await end(id)
    await orchestrator.tick()
    const ids = finished.map((each) => finishedJobEvent(each, null, clock.now()).deliveryId)
    expect([ids.length, new Set(ids).size]).toEqual([2, 2])
  })

  it('and begun again before anybody looked emits none', async () => {
    const id = await addJob({ at: 60_000 })
    await end(id)
    await retryJob(database, clock, id)
    await database.query(`update signalbox.jobs set available_at = now() + interval '1 year' where id = $1`, [id])
    await hang().tick()
    expect(finished).toEqual([])
  })
})

describe('many jobs', () => {
  const statusOf = async (...ids: string[]) => Promise.all(ids.map(async (id) => (await getJob(database, id)).status))

  it('of a rule that failed since a time are counted, then begun again in the order of their ends', async () => {
    const failing = orchestrate(async () => {
      throw new GiveUp('no')
    })
    const old = await addJob()
    await failing.tick()
    clock.advance(3_600_000)
    const since = clock.now().toISOString()
    const [first, other] = [await addJob(), await addJob({ rule: 'other' })]
    await failing.tick()
    clock.advance(1000)
    const second = await addJob()
    await failing.tick()
    const which = { rule: 'a-rule', since, status: ['failed'] }
    const counted = { count: 2, more: false, by_rule: { 'a-rule': 2 } }
    expect(await retryJobs(database, clock, { ...which, dry_run: true })).toEqual({ ...counted, dry_run: true })
    expect(await statusOf(first, second)).toEqual(['failed', 'failed'])
    expect(await retryJobs(database, clock, which)).toEqual({ ...counted, dry_run: false })
    expect(await statusOf(old, other, first, second)).toEqual(['failed', 'failed', 'pending', 'pending'])
    const claimed = await queueOn({ table: JOBS, clock }).claim(database, { owner: newId(), limit: 1, leaseMs: 1 })
    expect(claimed.map(({ id }) => id)).toEqual([first])
  })

  it('are locked by their ids, so that two changes of them never wait for each other', async () => {
    const ids = [await addJob(), await addJob()].toSorted()
    const [low = '', high = ''] = ids
    for (const [id, at] of [
      [high, 1],
      [low, 2],
    ] as const)
      await database.query(
        `update signalbox.jobs set status = 'failed', finished_at = to_timestamp($2) where id = $1`,
        [id, at],
      )
    let retrying: Promise<unknown> = Promise.resolve()
    await database.transaction(async (tx) => {
      await tx.query('select from signalbox.jobs where id = $1 for update', [low])
      retrying = retryJobs(database, clock, { rule: 'a-rule' })
      const waiting = `select from pg_locks where not granted and locktype in ('transactionid', 'tuple')`
      await expect.poll(async () => (await database.query(waiting)).rowCount).toBeGreaterThan(0)
      await tx.query('select from signalbox.jobs where id = $1 for update nowait', [high])
    })
    expect(await retrying).toMatchObject({ count: 2 })
    expect(await statusOf(low, high)).toEqual(['pending', 'pending'])
  })

  it('are cancelled, and those that run are stopped', async () => {
    const [running, pending, other] = [
      await addJob(),
      await addJob({ at: 1000 }),
      await addJob({ rule: 'other', at: 1000 }),
    ]
    await queueOn({ table: JOBS, clock }).claim(database, { owner: newId(), limit: 1, leaseMs: LEASE_MS })
    expect(await cancelJobs(database, clock, { rule: 'a-rule' })).toMatchObject({ count: 2 })
    expect(await getJob(database, running)).toMatchObject({ status: 'running', ends_as: 'cancelled' })
    expect(await statusOf(pending, other)).toEqual(['cancelled', 'pending'])
    expect(await cancelJobs(database, clock, { rule: 'a-rule' })).toMatchObject({ count: 0 })
  })

  it('get another priority, by which they are begun', async () => {
    const [first, second, third] = [await addJob(), await addJob({ rule: 'other' }), await addJob()]
    expect(await prioritiseJobs(database, { rule: 'other', priority: 9 })).toMatchObject({ count: 1 })
    await prioritiseJob(database, first, 1)
    const claimed = await queueOn({ table: JOBS, clock }).claim(database, { owner: newId(), limit: 3, leaseMs: 1 })
    expect(claimed.map(({ id }) => id)).toEqual([second, third, first])
  })

  it.each([
    [{}, 'the request: say which'],
    [{ status: ['failed'], dry_run: true }, 'the request: say which'],
    [{ rule: 'r', since: 'yesterday' }, 'since: '],
    [{ rule: 'r', status: ['running'] }, 'status.0: '],
  ])('are not begun again by %j', async (body, says) => {
    await expect(async () => retryJobs(database, clock, body)).rejects.toThrow(says)
  })
})

test.each([
  ['an error', new TypeError('x is not a function'), 'error'],
  ['a process that ended', new AgentDied('SIGKILL'), 'crash'],
  ['a budget', new BudgetUsed('all of it'), 'limit'],
  ['giving up', new GiveUp('no'), 'refused'],
  ['a refusal', new AppError('forge_failed', 'no'), 'refused'],
  [
    'an address that does not answer',
    new Error('x', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }),
    'outside',
  ],
] as const)('%s is the cause of a failed job', async (_, error, cause) => {
  expect(causeOf(error, { isOverTime: false })).toBe(cause)
  const id = await addJob()
  await orchestrate(async () => {
    throw error
  }).tick()
  expect(await getJob(database, id)).toMatchObject({ status: 'failed', cause })
  const ours = ['error', 'crash', 'limit', 'lost'].includes(cause)
  expect((await listJobs(database, { cause: 'ours' })).items.map((job) => job.id)).toEqual(ours ? [id] : [])
  expect(await retryJobs(database, clock, { cause })).toMatchObject({ count: 1 })
  expect((await getJob(database, id)).cause).toBeNull()
})

test('a job whose orchestrators vanished ten times failed because it was lost', async () => {
  const id = await addJob()
  const queue = queueOn({ table: JOBS, clock })
  for (let n = 0; n < 10; n++) {
    await queue.claim(database, { owner: newId(), limit: 1, leaseMs: 1 })
    clock.advance(60_000)
    await queue.reclaimExpired(database)
    clock.advance(600_000)
  }
  expect(await getJob(database, id)).toMatchObject({ status: 'failed', losses: 10, cause: 'lost' })
})
