// Jobs of rules that want the latest only, over a real database.
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openTestDatabase } from '../../test/database.ts'
import { until } from '../../test/until.ts'
import type { AgentContext, AgentResult } from '../agents/agent.ts'
import { defineAgent } from '../agents/agent.ts'
import type { Database } from '../db/database.ts'
import { fakeClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import { standingOf, whoSchema } from '../rules/who.ts'
import { retryJob } from './change.ts'
import { publishing } from './fixtures/publishing.ts'
import type { Orchestrator } from './orchestrator.ts'
import { openOrchestrator } from './orchestrator.ts'
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
  await database.query('truncate signalbox.jobs, signalbox.events, signalbox.orchestrators cascade')
  clock = fakeClock()
  open = []
})
afterEach(() => Promise.all(open.map((orchestrator) => orchestrator.drain({ limitMs: 0 }))))

function orchestrate(run: (context: AgentContext<unknown>) => Promise<AgentResult>): Orchestrator {
  const work = defineAgent({ name: 'work', description: 'work', input: z.unknown(), run })
  const orchestrator = openOrchestrator({
    database,
    clock,
    log: silentLog,
    agents: new Map([['work', work]]),
    forge: null,
    openPublisher: publishing(async () => expect.fail('nothing is published')),
    acceptOutputs: () => [],
    approvers: { who: whoSchema, standing: standingOf },
    loadEvent: async () => null,
    payloadOf: () => undefined,
    slots: 4,
    tickMs: 60_000,
  })
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
  const nudgedAt = performance.now()
  orchestrator.nudge()
  await running
  expect(performance.now() - nudgedAt).toBeLessThan(2000)
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
  expect(await supersede(database, clock, [newest, ...others])).toEqual([older])
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
