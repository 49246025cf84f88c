// What a job's calls of models leave in the database, and where its budget ends them.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openTestDatabase } from '../../test/database.ts'
import type { FakeModel } from '../../test/fake-model/fake-model.ts'
import { openFakeModel } from '../../test/fake-model/fake-model.ts'
import type { AgentContext, AgentResult } from '../agents/agent.ts'
import { defineAgent } from '../agents/agent.ts'
import type { Database } from '../db/database.ts'
import { fakeClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import type { Budget } from '../models/budget.ts'
import type { ModelRef } from '../models/model-ref.ts'
import { openModels } from '../models/models.ts'
import { queueOn } from '../queue/queue.ts'
import { attemptJob } from './fixtures/attempt-job.ts'
import type { JobRow, RunDetail } from './job.ts'
import { JOBS } from './job.ts'
import { getJob } from './query.ts'

const clock = fakeClock()
const queue = queueOn<JobRow, RunDetail>({ table: JOBS, clock })

let database: Database
let server: FakeModel
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())
beforeEach(async () => {
  await database.query('truncate signalbox.jobs cascade')
  server = await openFakeModel()
})
afterEach(() => server.close())

async function claimJob({ model = null, budget = null }: { model?: ModelRef | null; budget?: Budget | null } = {}) {
  await database.query(
    `insert into signalbox.jobs
       (id, rule, type, agent, priority, max_attempts, time_limit_ms, input, available_at, model, budget)
     values ($1, 'r', 't', 'work', 5, 5, 60000, '{}', $2, $3, $4)`,
    [newId(), clock.now(), JSON.stringify(model), JSON.stringify(budget)],
  )
  const [row] = await queue.claim(database, { owner: newId(), limit: 1, leaseMs: 30_000 })
  return row!
}

function attempt(row: JobRow, run: (context: AgentContext<unknown>) => Promise<AgentResult>, model?: ModelRef) {
  const models = openModels({
    environment: { SIGNALBOX_MODEL: 'compatible/default-x', SIGNALBOX_MODEL_URL: `${server.url}/v1` },
    prices: { 'compatible/default-x': { input: 1, output: 10 } },
    pause: async () => {},
  })
  const agent = defineAgent({ name: 'work', description: 'Works.', input: z.unknown(), run, ...(model && { model }) })
  return attemptJob({ database, clock, row, agent }, { models })
}

function ask(name: string) {
  return (context: AgentContext<unknown>) => context.model.text({ name, prompt: 'x'.repeat(300) })
}

describe('a call', () => {
  test('is recorded with its tokens and price, and the job shows their sum', async () => {
    server.answers({ text: 'Yes.', inputTokens: 1000, outputTokens: 100 })
    const row = await claimJob()
    const outcome = await attempt(row, async (context) => ({
      result: [await ask('a')(context), await ask('b')(context)],
    }))
    expect(outcome).toMatchObject({ outcome: { kind: 'completed' }, detail: { result: ['Yes.', 'Yes.'] } })
    const job = await getJob(database, row.id)
    expect(job.usage).toEqual({ calls: 2, input_tokens: 2000, output_tokens: 200, usd: 0.004 })
    expect(job.model_calls[0]).toEqual({
      attempt: 1,
      at: '2026-01-01T00:00:00.000Z',
      name: 'a',
      model: 'compatible/default-x',
      input_tokens: 1000,
      output_tokens: 100,
      usd: 0.002,
      took_ms: expect.any(Number),
    })
  })

  test('counts for what the agent is shown, and stays within what itself allows', async () => {
    server.answers({ text: 'Yes.', inputTokens: 1000, outputTokens: 100 })
    const row = await claimJob({ budget: { tokens: 9000 } })
    const { detail } = await attempt(row, async ({ model }) => {
      const before = await model.used()
      await model.text({ name: 'a', prompt: 'Is it?' })
      const small = model.text({ name: 'b', prompt: 'Is it?', budget: { tokens: 1150 } })
      return { result: [before, await model.used(), await small.catch((error: Error) => error.name)] }
    })
    const budget = { tokens: 9000 }
    expect(detail?.result).toEqual([{ tokens: 0, usd: 0, budget }, { tokens: 1100, usd: 0.002, budget }, 'BudgetUsed'])
    expect(server.requests).toHaveLength(1)
  })

  test('is not made again by a later attempt, which has the answer', async () => {
    const row = await claimJob()
    const first = await attempt(row, async (context) => {
      await ask('a')(context)
      throw new Error('later')
    })
    expect(first.outcome.kind).toBe('retried')
    await database.query(`update signalbox.jobs set attempt = 2`)
    const second = await attempt({ ...row, attempt: 2 }, async (context) => ({ result: await ask('a')(context) }))
    expect(second).toMatchObject({ outcome: { kind: 'completed' }, detail: { result: 'Hello.' } })
    expect(server.requests).toHaveLength(1)
  })

  test('whose answer is of no use is recorded all the same', async () => {
    server.answers({ text: 'Half', finish: 'length', inputTokens: 7, outputTokens: 8 })
    const row = await claimJob()
    expect((await attempt(row, async (context) => ({ result: await ask('a')(context) }))).outcome).toMatchObject({
      kind: 'failed',
      error: expect.stringMatching(/was cut off after 8 tokens/),
    })
    expect((await getJob(database, row.id)).usage).toMatchObject({ calls: 1, input_tokens: 7, output_tokens: 8 })
  })

  test("goes to the rule's model, else to the agent's, else to the default one", async () => {
    const own = (name: string) => ({ url: `${server.url}/v1`, name })
    const run = async (context: AgentContext<unknown>) => ({ result: await ask('a')(context) })
    await attempt(await claimJob({ model: own('of-the-rule') }), run, own('of-the-agent'))
    await attempt(await claimJob(), run, own('of-the-agent'))
    await attempt(await claimJob(), run)
    expect(server.requests.map(({ model }) => model)).toEqual(['of-the-rule', 'of-the-agent', 'default-x'])
  })
})

describe('a budget', () => {
  test('ends the job before the call that would exceed it, whatever attempt spent it', async () => {
    server.answers({ text: 'Yes.', inputTokens: 500, outputTokens: 300 })
    const row = await claimJob({ budget: { tokens: 1000 } })
    await database.query(
      `insert into signalbox.job_model_calls (job_id, attempt, model, input_tokens, output_tokens, took_ms)
       values ($1, 0, 'm', 50, 50, 1)`,
      [row.id],
    )
    const { outcome } = await attempt(row, async (context) => {
      await Promise.all([ask('a')(context), ask('b')(context)])
      return {}
    })
    expect(outcome).toEqual({
      kind: 'failed',
      error:
        'The next call of compatible/default-x was not begun, because it would exceed its budget: 900 of 1000 tokens are used.',
    })
    expect(server.requests).toHaveLength(1)
    expect(server.requests[0]?.body.max_tokens).toBe(800)
  })

  test('ends a job whose call took more than was expected', async () => {
    server.answers({ text: 'Yes.', inputTokens: 5000, outputTokens: 1 })
    const row = await claimJob({ budget: { usd: 0.004 } })
    expect((await attempt(row, async (context) => ({ result: await ask('a')(context) }))).outcome).toEqual({
      kind: 'failed',
      error: 'The job has exceeded its budget: $0.0050 of $0.004 are used.',
    })
  })

  test('of minutes counts the attempts before, and ends the running one', async () => {
    const row = await claimJob({ budget: { minutes: 10 } })
    const ended = (seconds: number) =>
      database.query(
        `insert into signalbox.job_attempts (job_id, attempt, owner, outcome, started_at, finished_at)
         values ($1, 0, $2, 'retried', now(), now() + $3 * interval '1 s')
         on conflict (job_id, attempt) do update set finished_at = excluded.finished_at`,
        [row.id, newId(), seconds],
      )
    const over = { kind: 'failed', error: 'The job has used its budget of 10 minutes.' }
    await ended(599.97)
    const never = (context: AgentContext<unknown>) =>
      new Promise<AgentResult>((_, reject) => {
        context.signal.addEventListener('abort', () => reject(context.signal.reason))
      })
    expect((await attempt(row, never)).outcome).toEqual(over)
    await ended(600)
    expect((await attempt(row, async () => ({}))).outcome).toEqual(over)
    const hasRun = { ...row, ran_at: clock.now(), result: 7 }
    expect((await attempt(hasRun, async () => ({}))).outcome).toEqual({ kind: 'completed' })
  })
})
