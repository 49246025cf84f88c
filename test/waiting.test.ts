// Jobs that wait: for a time, for an event, over restarts, and at no cost.
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database, Sql } from '../src/db/database.ts'
import { eventPayload } from '../src/events/payload.ts'
import { getEvent } from '../src/events/query.ts'
import { cancelJob } from '../src/jobs/change.ts'
import type { Run } from '../src/jobs/fixtures/test-orchestrator.ts'
import { openTestOrchestrator, work } from '../src/jobs/fixtures/test-orchestrator.ts'
import type { Orchestrator } from '../src/jobs/orchestrator.ts'
import { fakeClock } from '../src/lib/clock.ts'
import { silentLog } from '../src/lib/log.ts'
import type { Pipeline } from '../src/pipeline.ts'
import { openPipeline } from '../src/pipeline.ts'
import { sourcesFrom } from '../src/sources/sources.ts'
import { openTestDatabase } from './database.ts'
import { draft } from './drafts.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const SHOP = { repository: 'acme/shop', number: 7 }

let database: Database
let clock: ReturnType<typeof fakeClock>
let open: Orchestrator[]
let pipeline: Pipeline
beforeEach(async () => {
  database = await openTestDatabase()
  clock = fakeClock()
  open = []
  pipeline = await openOne()
})
afterEach(async () => {
  await Promise.all(open.map((orchestrator) => orchestrator.drain({ limitMs: 0 })))
  await database.close()
})

function openOne(on = database): Promise<Pipeline> {
  const sources = sourcesFrom({ githubSecrets: [], agentaSecrets: [], others: [] })
  const rules = [{ name: 'work', on: 'issues.opened', agent: 'work', who: 'anyone' as const }]
  return openPipeline({ database: on, clock, log: silentLog, sources, rules, onWork: () => {} })
}

function orchestrate(run: Run): Orchestrator {
  const loadEvent = (id: string) => getEvent(database, id)
  const options = { loadEvent, payloadOf: eventPayload, slots: 1 }
  const orchestrator = openTestOrchestrator({ database, clock, agents: [work(run)] }, options)
  open.push(orchestrator)
  return orchestrator
}

async function start(facts = SHOP): Promise<string> {
  const { jobIds } = await pipeline.record(draft({ type: 'issues.opened', facts }))
  return jobIds[0] ?? ''
}
function happen(type: string, facts: object = SHOP, body = '{}', by = pipeline) {
  return by.record(draft({ type, facts, body: Buffer.from(body) }))
}
type Job = {
  status: string
  attempt: number
  failures: number
  deferrals: number
  result: unknown
  error: string | null
}
async function job(id: string): Promise<Job> {
  const { rows } = await database.query<Job>(
    `select j.status, j.attempt, j.failures, j.deferrals, a.result, j.error from signalbox.jobs j
     left join signalbox.job_attempts a on a.job_id = j.id and a.outcome = 'completed' where j.id = $1`,
    [id],
  )
  return rows[0]!
}

describe('an agent that sleeps', () => {
  test('holds no slot, goes on after its steps when the time is up, and loses no attempt', async () => {
    let steps = 0
    const orchestrator = orchestrate(async ({ step, sleep, now }) => {
      const before = await step('before', () => ++steps)
      await sleep('a month', 30 * DAY_MS)
      return { result: { before, at: now().getTime() } }
    })
    const began = clock.now().getTime()
    const id = await start()
    await orchestrator.tick()
    expect(await job(id)).toMatchObject({ status: 'waiting', failures: 0, deferrals: 0, error: null })
    expect(orchestrator.running()).toBe(0)
    clock.advance(30 * DAY_MS - 1)
    expect(await orchestrator.tick()).toBe(0)
    clock.advance(1)
    expect(await orchestrator.tick()).toBe(1)
    expect(await job(id)).toMatchObject({
      status: 'completed',
      attempt: 2,
      result: { before: 1, at: began + 30 * DAY_MS },
    })
    expect(steps).toBe(1)
  })

  test('until a time that has passed goes on at once', async () => {
    const orchestrator = orchestrate(async ({ sleep, now }) => {
      await sleep('no time', now())
      return {}
    })
    const id = await start()
    await orchestrator.tick()
    expect(await job(id)).toMatchObject({ status: 'completed', attempt: 1 })
  })
})

describe('an agent that waits for an event', () => {
  const wait: Run = async ({ waitFor }) => ({
    result: await waitFor('checks', { event: 'check_run.*', timeoutMs: 10 * DAY_MS }),
  })

  test('is woken by the first that matches, of its own repository and number, and gets it', async () => {
    const orchestrator = orchestrate(wait)
    const id = await start()
    await orchestrator.tick()
    expect(await job(id)).toMatchObject({ status: 'waiting' })
    await happen('issues.closed')
    await happen('check_run.completed', { repository: 'acme/shop', number: 8 })
    await happen('check_run.completed', { repository: 'acme/other', number: 7 })
    expect(await job(id)).toMatchObject({ status: 'waiting' })
    const first = await happen('check_run.completed', SHOP, '{"ok":true}')
    await happen('check_run.completed', SHOP, '{"ok":false}')
    expect(await job(id)).toMatchObject({ status: 'pending' })
    expect(await orchestrator.tick()).toBe(1)
    expect(await job(id)).toMatchObject({
      status: 'completed',
      attempt: 2,
      result: { id: first.id, type: 'check_run.completed', facts: SHOP, payload: { ok: true } },
    })
  })

  test('gets null when the time is up, also if an event comes after that', async () => {
    const orchestrator = orchestrate(wait)
    const id = await start()
    await orchestrator.tick()
    clock.advance(10 * DAY_MS)
    await happen('check_run.completed')
    await orchestrator.tick()
    expect(await job(id)).toMatchObject({ status: 'completed', attempt: 2, result: null })
  })

  test('finds what came between its own event and the wait', async () => {
    const orchestrator = orchestrate(async (context) => {
      await context.step('slow', () => happen('check_run.completed', SHOP, '{"n":1}').then(() => null))
      return wait(context)
    })
    const id = await start()
    await orchestrator.tick()
    expect(await job(id)).toMatchObject({ status: 'completed', attempt: 1, result: { payload: { n: 1 } } })
  })

  test('matches by source, facts and payload, of anything', async () => {
    const orchestrator = orchestrate(async ({ waitFor }) => ({
      result: await waitFor('deployed', {
        event: ['environment.*', 'deployed'],
        match: { about: 'anything', source: 'git*', facts: { app: 'bot' }, payload: { 'data.revision': { gte: 3 } } },
      }),
    }))
    const id = await start()
    await orchestrator.tick()
    await happen('environment.deployed', { app: 'bot' }, '{"data":{"revision":2}}')
    await happen('environment.deployed', { app: 'cat' }, '{"data":{"revision":3}}')
    expect(await job(id)).toMatchObject({ status: 'waiting' })
    await happen('environment.deployed', { app: 'bot' }, '{"data":{"revision":3}}')
    await orchestrator.tick()
    expect(await job(id)).toMatchObject({ status: 'completed', result: { facts: { app: 'bot' } } })
  })

  test('may wait for several things at once, and wraps what that throws', async () => {
    const orchestrator = orchestrate(async ({ waitFor, sleep }) => {
      try {
        await Promise.all([sleep('a day', DAY_MS), waitFor('close', { event: 'issues.closed' })])
      } catch (cause) {
        throw new Error('not yet', { cause })
      }
      return { result: 'both' }
    })
    const id = await start()
    await orchestrator.tick()
    clock.advance(DAY_MS)
    await orchestrator.tick()
    expect(await job(id)).toMatchObject({ status: 'waiting', failures: 0 })
    await happen('issues.closed')
    await orchestrator.tick()
    expect(await job(id)).toMatchObject({ status: 'completed', result: 'both' })
  })

  test('of a cancelled job is woken no more', async () => {
    const orchestrator = orchestrate(wait)
    const id = await start()
    await orchestrator.tick()
    await cancelJob(database, clock, id)
    await happen('check_run.completed')
    expect(await orchestrator.tick()).toBe(0)
    expect(await job(id)).toMatchObject({ status: 'cancelled' })
    const { rows } = await database.query('select from signalbox.job_waits where ended_at is null')
    expect(rows).toHaveLength(0)
  })

  test('and whose options are wrong fails with the field', async () => {
    const orchestrator = orchestrate(async ({ waitFor }) => {
      await waitFor('x', { event: 'a', match: { facts: { 'a..b': 1 } } })
      return {}
    })
    const id = await start()
    await orchestrator.tick()
    expect(await job(id)).toMatchObject({ status: 'failed', error: expect.stringContaining('match.facts') })
  })
})

describe('10,000 jobs that wait', () => {
  test('cost an event that none of them waits for nothing, and one that one waits for little', async () => {
    const orchestrator = orchestrate(async ({ waitFor }) => {
      await waitFor('it', { event: 'check_run.completed' })
      return {}
    })
    const id = await start()
    await orchestrator.tick()
    await database.query(
      `with j as (
         insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status, available_at)
         select gen_random_uuid(), 'r', 't', 'work', '{}', 5, 5, 1000, 'waiting', now() + interval '30 days'
         from generate_series(1, 10000) returning id
       )
       insert into signalbox.job_waits (job_id, name, kind, attempt, wanted, repository, number, since, until)
       select id, 'it', 'event', 1, wanted, repository, 1000 + row_number() over (), since, until
       from j, signalbox.job_waits`,
    )
    await database.query('vacuum analyze signalbox.job_waits')
    const statements: string[] = []
    const query: Database['query'] = (text, values, name) => {
      statements.push(text)
      return database.query(text, values, name)
    }
    let [transactions, rows] = [0, 0]
    const transaction: Database['transaction'] = (run, options) => {
      transactions++
      return database.transaction((tx) => {
        const counting: Sql['query'] = async (...statement) => {
          const answer = await tx.query(...statement)
          rows += answer.rowCount
          return answer as never
        }
        return run({ ...tx, query: counting })
      }, options)
    }
    const counted = await openOne({ ...database, query, transaction })
    statements.length = 0
    await happen('push', SHOP, '{}', counted)
    await happen('check_run.created', SHOP, '{}', counted)
    expect([statements.length, transactions]).toEqual([2, 0])
    await happen('check_run.completed', SHOP, '{}', counted)
    expect(transactions).toBe(1)
    // The event, its wait, and the job; not all of those that wait.
    expect(rows).toBeLessThan(20)
    expect(await job(id)).toMatchObject({ status: 'pending' })
    expect(await orchestrator.tick()).toBe(1)
    expect(await orchestrator.tick()).toBe(0)
  })
})

describe('of a wait and its event', () => {
  test('any order, in any number of processes, gives exactly one wake-up', async () => {
    const others = [await openOne(), await openOne()]
    let turn = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 150 }), { minLength: 1, maxLength: 4 }), async (delays) => {
        const place = { repository: 'acme/shop', number: ++turn }
        const began = Promise.withResolvers<void>()
        const orchestrator = orchestrate(async ({ waitFor }) => {
          began.resolve()
          return { result: await waitFor('it', { event: `thing.${turn % 3}`, timeoutMs: DAY_MS }) }
        })
        const id = await start(place)
        const ticked = orchestrator.tick()
        await began.promise
        const recorded = await Promise.all(
          delays.map(async (turns, n) => {
            for (let turn = 0; turn < turns; turn++) await nextTurn()
            return happen(`thing.${turn % 3}`, place, '{}', others[n % 2])
          }),
        )
        await ticked
        let more = 0
        while ((await job(id)).status !== 'completed' && more < 3) more += (await orchestrator.tick()) || 1
        const { status, attempt, result } = await job(id)
        expect({ status, isOne: attempt <= 2 }).toEqual({ status: 'completed', isOne: true })
        expect(recorded.map((one) => one.id)).toContain((result as { id: string }).id)
        expect(await orchestrator.tick()).toBe(0)
      }),
      { numRuns: 60 },
    )
  })
})
