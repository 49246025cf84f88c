// Jobs of rules that want the latest only, over a real database.
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { until } from '../../test/until.ts'
import type { Database, Sql } from '../db/database.ts'
import { fakeClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import type { Log } from '../lib/log.ts'
import { silentLog } from '../lib/log.ts'
import { shortId } from '../lib/short-id.ts'
import { retryJob } from './change.ts'
import type { Run } from './fixtures/test-orchestrator.ts'
import { openTestOrchestrator, work } from './fixtures/test-orchestrator.ts'
import type { Orchestrator } from './orchestrator.ts'
import { getJob } from './query.ts'
import { supersede } from './supersede.ts'

let database: Database
let clock: ReturnType<typeof fakeClock>
let open: Orchestrator[]
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())
beforeEach(async () => {
  await database.query('truncate signalbox.jobs, signalbox.events, signalbox.nodes cascade')
  clock = fakeClock()
  open = []
})
afterEach(() => Promise.all(open.map((orchestrator) => orchestrator.drain({ limitMs: 0 }))))

function orchestrate(run: Run, log: Log = silentLog): Orchestrator {
  const publish = async () => expect.fail('nothing is published')
  const orchestrator = openTestOrchestrator({ database, clock, agents: [work(run)], publish }, { log })
  open.push(orchestrator)
  return orchestrator
}

/** Adds a job of an event that happened at a minute. */
async function addJob(minute: number, { rule = 'r', group = 'g', mode = 'latest' } = {}): Promise<string> {
  const id = newId()
  await database.query(
    `with event as (
       insert into signalbox.events (id, source, delivery_id, type, status) values ($1::uuid, 's', $1::uuid::text, 't', 'routed')
     )
     insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms, group_key,
       mode, event_at, available_at, created_at)
     values ($1, $1, $2, 't', 'work', '{}', 5, 5, 60000, $3, $4, $5, $6, $6)`,
    [id, rule, group, mode, new Date(Date.UTC(2026, 0, 1, 0, minute)), clock.now()],
  )
  return id
}

async function statuses(...ids: string[]): Promise<string[]> {
  return Promise.all(ids.map(async (id) => (await getJob(database, id)).status))
}

/** Works until nothing is left, and says which jobs were done. */
async function workOff(): Promise<string[]> {
  const done: string[] = []
  const orchestrator = orchestrate(async ({ job }) => {
    done.push(job.id)
    return {}
  })
  for (let begun = 1; begun > 0; ) begun = await orchestrator.tick()
  return done
}

it('the job of the newest event is done in the place of all older ones, in whatever order they came', async () => {
  const order = fc.shuffledSubarray([1, 2, 3, 4, 5, 6], { minLength: 2 })
  await fc.assert(
    fc.asyncProperty(order, fc.nat(5), async (minutes, split) => {
      await database.query('truncate signalbox.jobs, signalbox.events cascade')
      const ids = new Map<number, string>()
      const parts = [minutes.slice(0, split), minutes.slice(split)]
      const [done, doneLater] = [[], []] as [string[], string[]]
      for (const [at, part] of parts.entries()) {
        for (const minute of part) ids.set(minute, await addJob(minute))
        ;(at === 0 ? done : doneLater).push(...(await workOff()))
      }
      const newest = (of: number[]) => ids.get(Math.max(...of))
      // Of those that came first their newest, and then the newest of all, if it is another one.
      expect(done).toEqual([newest(parts[0] ?? [])].filter((id) => id !== undefined))
      expect(doneLater).toEqual([newest(minutes)].filter((id) => !done.includes(id ?? '')))
      const others = [...ids.values()].filter((id) => ![...done, ...doneLater].includes(id))
      for (const job of await Promise.all(others.map((id) => getJob(database, id)))) {
        expect(job).toMatchObject({ status: 'cancelled', error: `Superseded by job ${job.superseded_by}.` })
      }
    }),
    { numRuns: 25 },
  )
})

it('that a job was superseded before it ran is said once', async () => {
  const said: string[] = []
  const info: Log['info'] = (_: object | string, sentence?: string) => void said.push(sentence ?? '')
  const orchestrator = orchestrate(async () => ({}), { ...silentLog, info })
  const [oldest, older, newest] = [await addJob(1), await addJob(2), await addJob(3)]
  while ((await orchestrator.tick()) > 0);
  const of = (id: string) => said.filter((line) => line.startsWith(`job ${shortId(id)} `))
  expect(of(older)).toEqual([`job ${shortId(older)} work: cancelled: Superseded by job ${newest}.`])
  // It was claimed to be begun.
  expect(of(oldest)).toEqual([`job ${shortId(oldest)} work: cancelled in 0.0 s: Superseded by job ${newest}.`])
})

it('a running job is stopped for the next one, which begins when it has let go', async () => {
  const begun: string[] = []
  const orchestrator = orchestrate(async ({ job, signal }) => {
    begun.push(job.id)
    if (begun.length === 1) await new Promise((_, stop) => signal.addEventListener('abort', () => stop(signal.reason)))
    return {}
  })
  const first = await addJob(1)
  const running = orchestrator.tick()
  await until('it runs', async () => begun.length > 0)
  const second = await addJob(2)
  // It looks at nothing by itself: it was not started.
  orchestrator.nudge()
  await running
  expect(await statuses(first, second)).toEqual(['cancelled', 'pending'])
  expect(await getJob(database, first)).toMatchObject({
    superseded_by: second,
    error: `Superseded by job ${second}.`,
    attempts: [{ outcome: 'cancelled' }],
  })
  await orchestrator.tick()
  expect(await statuses(second)).toEqual(['completed'])
})

it('jobs of other rules and groups, and those of a rule that wants all, are left alone', async () => {
  const others = [
    await addJob(1, { rule: 'other' }),
    await addJob(1, { group: 'other' }),
    await addJob(1, { mode: 'queue' }),
  ]
  const [older, newest] = [await addJob(1), await addJob(2)]
  expect(await supersede(database, clock, [newest, ...others])).toMatchObject([{ id: older }])
  expect(await statuses(...others, newest)).toEqual(['pending', 'pending', 'pending', 'pending'])
})

it('a superseded job that a person asks for again is done', async () => {
  const orchestrator = orchestrate(async () => ({}))
  const [older, newest] = [await addJob(1), await addJob(2)]
  while ((await orchestrator.tick()) > 0);
  expect(await statuses(older, newest)).toEqual(['cancelled', 'completed'])
  expect(await retryJob(database, clock, older)).toMatchObject({ status: 'pending', superseded_by: null })
  await orchestrator.tick()
  expect(await statuses(older)).toEqual(['completed'])
})

describe('what a job inherits', () => {
  async function finishStep(id: string, name: string, result: unknown): Promise<void> {
    await database.query('insert into signalbox.job_steps (job_id, name, attempt, result) values ($1, $2, 1, $3)', [
      id,
      name,
      JSON.stringify(result),
    ])
  }

  it('are the finished steps of those it supersedes, of the newest that has one, back to the last that was done', async () => {
    const inherited: unknown[] = []
    const orchestrator = orchestrate(async (context) => {
      for (const name of ['files', 'summary', 'none']) inherited.push(await context.inherited(name))
      return {}
    })
    const done = await addJob(1)
    await finishStep(done, 'none', 'of a job that was done')
    await orchestrator.tick()
    inherited.length = 0
    const jobs = [await addJob(2), await addJob(3), await addJob(4)] as const
    await finishStep(jobs[0], 'files', ['a'])
    await finishStep(jobs[0], 'summary', 'first')
    await finishStep(jobs[1], 'summary', 'second')
    while ((await orchestrator.tick()) > 0);
    expect(await statuses(...jobs)).toEqual(['cancelled', 'cancelled', 'completed'])
    expect(inherited).toEqual([['a'], 'second', undefined])
  })

  it('is nothing for a rule that wants all', async () => {
    const inherited: unknown[] = []
    const orchestrator = orchestrate(async (context) => {
      inherited.push(await context.inherited('files'))
      return {}
    })
    const first = await addJob(1, { mode: 'queue' })
    await finishStep(first, 'files', ['a'])
    await addJob(2, { mode: 'queue' })
    while ((await orchestrator.tick()) > 0);
    expect(inherited).toEqual([undefined, undefined])
  })
})

describe('with the mode next', () => {
  const next = { mode: 'next' }

  it('what runs is done to its end, and then the newest of all rules of the group', async () => {
    const done: string[] = []
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const orchestrator = orchestrate(async ({ job }) => {
      done.push(job.id)
      if (done.length === 1) await gate
      return {}
    })
    const first = await addJob(1, next)
    const running = orchestrator.tick()
    await until('it runs', async () => done.length === 1)
    const older = await addJob(2, next)
    const newest = await addJob(3, { ...next, rule: 'another' })
    const other = await addJob(2, { ...next, group: 'other' })
    orchestrator.nudge()
    open()
    await running
    for (let begun = 1; begun > 0; ) begun = await orchestrator.tick()
    expect(await statuses(first, older, newest, other)).toEqual(['completed', 'cancelled', 'completed', 'completed'])
    expect((await getJob(database, older)).superseded_by).toBe(newest)
  })

  it('one that has begun keeps its group while it waits for another attempt', async () => {
    const runs: string[] = []
    const orchestrator = orchestrate(async ({ job, step }) => {
      runs.push(job.id)
      const isFirst = await step('attempt', () => job.attempt)
      if (job.id === first && job.attempt === isFirst) throw new Error('once more')
      return {}
    })
    const first = await addJob(1, next)
    await orchestrator.tick()
    const second = await addJob(2, next)
    for (let tick = 0; tick < 3; tick++) await orchestrator.tick()
    expect(runs).toEqual([first])
    clock.advance(3_600_000)
    for (let tick = 0; tick < 3; tick++) await orchestrator.tick()
    expect(runs).toEqual([first, first, second])
    expect(await statuses(first, second)).toEqual(['completed', 'completed'])
  })

  it('one that waits is superseded, though it has begun before', async () => {
    const runs: string[] = []
    const orchestrator = orchestrate(async ({ job, sleep }) => {
      runs.push(job.id)
      if (job.id === first) await sleep('a while', 60_000)
      return {}
    })
    const first = await addJob(1, next)
    await orchestrator.tick()
    const second = await addJob(2, next)
    for (let tick = 0; tick < 3; tick++) await orchestrator.tick()
    clock.advance(3_600_000)
    for (let tick = 0; tick < 3; tick++) await orchestrator.tick()
    expect(runs).toEqual([first, second])
    expect(await statuses(first, second)).toEqual(['cancelled', 'completed'])
  })

  it('of one second the order of receipt counts, whichever of them has fractions of it', async () => {
    const early = await addJob(1, next)
    await database.query(`update signalbox.jobs set event_at = event_at + interval '0.9 s' where id = $1`, [early])
    const late = await addJob(1, next)
    expect(await workOff()).toEqual([late])
    expect(await statuses(early)).toEqual(['cancelled'])
  })
})

it.each(['next', 'latest'] as const)('with %s, what a group has done before is not read', async (mode) => {
  await database.query(
    `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status, group_key, mode,
       event_at, event_id, finished_at)
     select gen_random_uuid(), 'r', 't', 'a', '{}', 5, 5, 1000, case when n = 0 then 'pending' else 'completed' end, 'g', $1,
       now() - n * interval '1 minute', null, case when n > 0 then now() end from generate_series(0, 20000) n`,
    [mode],
  )
  await database.query('analyze signalbox.jobs')
  const { rows } = await database.query<{ id: string }>(`select id from signalbox.jobs where status = 'pending'`)
  let pages = Number.POSITIVE_INFINITY
  const measuring: Sql = {
    async query(text, values) {
      const plan = await database.query<{ 'QUERY PLAN': [{ Plan: { 'Shared Hit Blocks': number } }] }>(
        `explain (analyze, buffers, format json) ${text}`,
        values,
      )
      pages = plan.rows[0]?.['QUERY PLAN'][0].Plan['Shared Hit Blocks'] ?? pages
      return { rows: [], rowCount: 0 }
    },
  }
  await supersede(measuring, clock, [rows[0]?.id ?? ''], mode)
  expect(pages).toBeLessThan(100)
})
