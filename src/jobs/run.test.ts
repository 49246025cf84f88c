// One attempt by itself: what ends it, and what is left of it.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openTestDatabase } from '../../test/database.ts'
import type { AgentContext, AgentResult } from '../agents/agent.ts'
import { defineAgent } from '../agents/agent.ts'
import { unavailable } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import { fakeClock } from '../lib/clock.ts'
import { GiveUp, RetryAt } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import type { Output } from '../publisher/output.ts'
import { queueOn } from '../queue/queue.ts'
import { LeaseLost } from '../queue/running.ts'
import { redactor } from '../untrusted/redact.ts'
import { attemptJob } from './fixtures/attempt-job.ts'
import type { Publish } from './fixtures/publishing.ts'
import { publishing } from './fixtures/publishing.ts'
import type { JobRow, RunDetail } from './job.ts'
import { JOBS, toJob } from './job.ts'
import { publishPending, rememberRun } from './outputs.ts'
import { getJob } from './query.ts'
import type { RunOptions } from './run.ts'
import { openStepStore } from './steps.ts'

const clock = fakeClock()
const queue = queueOn<JobRow, RunDetail>({ table: JOBS, clock })

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())
beforeEach(async () => {
  await database.query('truncate signalbox.jobs cascade')
})

/** A claimed job. */
async function claimJob({ timeLimitMs = 60_000, input = {} as unknown, policy = null as unknown } = {}) {
  await database.query(
    `insert into signalbox.jobs
       (id, rule, type, agent, priority, max_attempts, time_limit_ms, input, available_at, policy)
     values ($1, 'r', 't', 'work', 5, 5, $2, $3, $4, $5)`,
    [newId(), timeLimitMs, JSON.stringify(input), clock.now(), JSON.stringify(policy)],
  )
  const [row] = await queue.claim(database, { owner: newId(), limit: 1, leaseMs: 30_000 })
  return row!
}

function note(key: string): Output {
  return { kind: 'comment', repository: 'o/r', target: { issue: 1 }, body: 'hi', key }
}

/** The database, which is away for the first `times` statements with each of these texts. */
function awayDuring(
  texts: string[],
  times: number,
  { afterCommit = false, onBlip = () => {} }: { afterCommit?: boolean; onBlip?: () => void } = {},
) {
  const left = new Map(texts.map((text) => [text, times]))
  const blips = { count: 0, database }
  const query: Database['query'] = async (text, values, name) => {
    const hit = texts.find((part) => text.includes(part) && (left.get(part) ?? 0) > 0)
    if (hit === undefined) return database.query(text, values, name)
    left.set(hit, (left.get(hit) ?? 0) - 1)
    blips.count++
    if (afterCommit) await database.query(text, values, name)
    onBlip()
    throw unavailable(new Error('away'))
  }
  blips.database = { ...database, query }
  return blips
}

function attempt(
  row: JobRow,
  run: (context: AgentContext<unknown>) => Promise<AgentResult>,
  { publish = async () => null, ...change }: Partial<RunOptions> & { signal?: AbortSignal; publish?: Publish } = {},
) {
  const agent = defineAgent({ name: 'work', description: 'Works.', input: z.object({ n: z.number().optional() }), run })
  return attemptJob({ database, clock, row, agent }, { openPublisher: publishing(publish), ...change })
}

describe('one attempt', () => {
  it('is completed with its result as the detail', async () => {
    const row = await claimJob()
    expect(await attempt(row, async () => ({ result: { n: 1 } }))).toEqual({
      outcome: { kind: 'completed' },
      detail: { result: { n: 1 } },
    })
  })

  it('shows no token, and none of the own secrets, in its error and its log', async () => {
    const row = await claimJob()
    const token = `ghp_${'a1'.repeat(18)}`
    const failing = async ({ log }: AgentContext<unknown>) => {
      log(`with ${token}`)
      throw new Error(`${token} or the-own-secret-1 was refused`)
    }
    const handled = await attempt(row, failing, { redactor: redactor([], ['the-own-secret-1']) })
    expect(handled.outcome).toMatchObject({ kind: 'retried', error: '[redacted] or [redacted] was refused' })
    const { rows } = await database.query<{ line: string }>('select line from signalbox.job_log where job_id = $1', [
      row.id,
    ])
    expect(rows.map(({ line }) => line)).toContain('with [redacted]')
    expect(JSON.stringify(rows)).not.toMatch(/ghp_|own-secret/)
  })

  it('fails at once when its result is larger than a megabyte as JSON', async () => {
    const large = async () => ({ result: 'é'.repeat(500_000) })
    const { outcome } = await attempt(await claimJob(), large)
    expect(outcome).toEqual({ kind: 'failed', error: 'The result is larger than 1 MB as JSON.' })
  })

  it('is completed without outputs by an agent that returns nothing', async () => {
    const nothing = async () => undefined as unknown as AgentResult
    expect((await attempt(await claimJob(), nothing)).outcome).toEqual({ kind: 'completed' })
  })

  it.each([
    ['what it returned: must be an object, not a string', 'done'],
    ['what it returned: unknown field "output"; did you mean "outputs"?', { output: [] }],
  ])('fails at once when what the agent returned is not a result: %s', async (problem, returned) => {
    const { outcome } = await attempt(await claimJob(), async () => returned as AgentResult)
    expect(outcome).toEqual({
      kind: 'failed',
      error: `The agent must return { outputs: […], result: … } or nothing: ${problem}`,
    })
  })

  it('leaves the stack of what the agent threw, and of its cause, in the log of the job', async () => {
    const row = await claimJob()
    await attempt(row, function failing(): never {
      throw new Error('no such table', { cause: new TypeError('rows is undefined') })
    })
    const { rows } = await database.query<{ line: string; stream: string }>(
      'select line, stream from signalbox.job_log where job_id = $1 order by id',
      [row.id],
    )
    const lines = rows.map(({ line }) => line)
    expect(lines).toContain('Error: no such table')
    expect(lines).toContainEqual(expect.stringMatching(/^ +at .*failing .*run\.test\.ts:\d+/))
    expect(lines).toContain('caused by: TypeError: rows is undefined')
    expect(new Set(rows.map(({ stream }) => stream))).toEqual(new Set(['stderr']))
  })

  it('leaves only the sentence of an expected error in the log', async () => {
    const row = await claimJob()
    await attempt(row, () => Promise.reject(new GiveUp('no such repository')))
    const { rows } = await database.query('select line from signalbox.job_log where job_id = $1', [row.id])
    expect(rows).toEqual([{ line: 'no such repository' }])
  })

  it('does not run the agent of a job that has run, but takes what it returned', async () => {
    const row = await claimJob()
    const ran = { ...row, ran_at: new Date(), result: 'from before' }
    const never = () => Promise.reject(new Error('it ran again'))
    expect(await attempt(ran, never)).toEqual({ outcome: { kind: 'completed' }, detail: { result: 'from before' } })
    // Not even an agent that is no longer there is missed.
    expect((await attempt(ran, never, { agents: new Map() })).outcome).toEqual({ kind: 'completed' })
  })

  it('publishes under the policy that its row has', async () => {
    const policy = { repositories: ['acme/shop'] }
    const row = await claimJob({ policy })
    const jobs: unknown[] = []
    await attempt(row, async () => ({ outputs: [note('a')] }), {
      publish: async (job) => {
        jobs.push(job)
        return null
      },
    })
    expect(jobs).toMatchObject([{ id: row.id, policy }])
  })

  it('names what is wrong with an input', async () => {
    const row = await claimJob({ input: { n: 'one' } })
    expect((await attempt(row, async () => ({}))).outcome).toEqual({
      kind: 'failed',
      error: 'The input of agent "work" is not valid: n: must be a number, not a string',
    })
  })

  it('that returns after it was stopped is not remembered', async () => {
    const row = await claimJob()
    const stop = new AbortController()
    const ended = attempt(
      row,
      async ({ signal }) => {
        stop.abort(new Error('stop'))
        expect(signal.aborted).toBe(true)
        return {}
      },
      { signal: stop.signal },
    )
    // A later attempt runs it again.
    expect((await ended).outcome).toMatchObject({ kind: 'retried', error: 'stop' })
    expect((await getJob(database, row.id)).result).toBeNull()
  })

  it('is not waited for longer than its grace', async () => {
    const row = await claimJob()
    const stop = new AbortController()
    const ended = attempt(
      row,
      async () => {
        stop.abort(new Error('stop'))
        return new Promise<never>(() => {})
      },
      { signal: stop.signal },
    )
    expect((await ended).outcome).toMatchObject({ kind: 'retried', error: 'stop' })
  })

  it('says why it was stopped rather than what the agent threw about it', async () => {
    const row = await claimJob({ timeLimitMs: 10 })
    const { outcome } = await attempt(
      row,
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('socket hang up')))),
    )
    expect(outcome).toMatchObject({ error: 'The time limit of 0.01 s is over.' })
  })

  it('defers when the database is away before it begins', async () => {
    const { database: away } = awayDuring(['job_steps'], 1)
    const row = { ...(await claimJob()), attempt: 2 }
    expect((await attempt(row, async () => ({}), { database: away })).outcome).toMatchObject({ kind: 'deferred' })
  })

  it('repeats what it saves while the database is away, so that nothing is done twice', async () => {
    const row = await claimJob()
    const blips = awayDuring(['job_steps', 'ran_at', 'update signalbox.outputs', 'available_at'], 3)
    let steps = 0
    let runs = 0
    const { outcome } = await attempt(
      row,
      async ({ step }) => {
        runs++
        await step('paid', () => ++steps)
        return { outputs: [note('a')], result: 1 }
      },
      {
        database: blips.database,
        publish: async (_job, _output, guard) => {
          await guard.confirm()
          return { url: 'https://x', created: true }
        },
      },
    )
    expect(outcome).toEqual({ kind: 'completed' })
    expect({ runs, steps, blips: blips.count }).toEqual({ runs: 1, steps: 1, blips: 12 })
    expect((await getJob(database, row.id)).outputs).toMatchObject([
      { status: 'published', receipt: { url: 'https://x' } },
    ])
  })

  it('saves once what it repeats because the answer was lost', async () => {
    const row = await claimJob()
    const blips = awayDuring(['job_steps', 'ran_at', 'update signalbox.outputs'], 1, { afterCommit: true })
    const { outcome } = await attempt(
      row,
      async ({ step }) => ({ outputs: [note('a'), note('b')], result: await step('one', () => 1) }),
      { database: blips.database },
    )
    expect({ outcome, blips: blips.count }).toEqual({ outcome: { kind: 'completed' }, blips: 3 })
    expect(await getJob(database, row.id)).toMatchObject({
      result: 1,
      steps: [{ name: 'one' }],
      outputs: [{ status: 'published' }, { status: 'published' }],
    })
  })

  it('gives up saving when it is stopped', async () => {
    const row = await claimJob()
    const stop = new AbortController()
    const blips = awayDuring(['ran_at'], Number.POSITIVE_INFINITY, { onBlip: () => stop.abort(new Error('stop')) })
    const ended = attempt(row, async () => ({ outputs: [note('a')] }), {
      database: blips.database,
      signal: stop.signal,
    })
    expect((await ended).outcome).toMatchObject({ kind: 'retried', error: 'stop' })
  })

  it('does not end while a write is on its way, whatever its grace', async () => {
    const row = await claimJob()
    const stop = new AbortController()
    const begun = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<null>()
    let isEnded = false
    const ended = attempt(row, async () => ({ outputs: [note('a'), note('b')] }), {
      signal: stop.signal,
      stopGraceMs: 1,
      publish: async () => {
        begun.resolve()
        return answer.promise
      },
    }).finally(() => {
      isEnded = true
    })
    await begun.promise
    stop.abort(new Error('stop'))
    // Longer than its grace.
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isEnded).toBe(false)
    answer.resolve(null)
    expect((await ended).outcome).toMatchObject({ kind: 'retried', error: 'stop' })
    // Its receipt is kept all the same, and nothing after it was begun.
    const { outputs } = await getJob(database, row.id)
    expect(outputs.map(({ status }) => status)).toEqual(['published', 'pending'])
  })

  it('says when to look for what it may have written, also when it is stopped meanwhile', async () => {
    const row = await claimJob()
    const stop = new AbortController()
    const when = new Date(clock.now().getTime() + 15_000)
    const { outcome } = await attempt(row, async () => ({ outputs: [note('a')] }), {
      signal: stop.signal,
      publish: async () => {
        stop.abort(new Error('stop'))
        throw new RetryAt(when, 'no answer')
      },
    })
    expect(outcome).toEqual({ kind: 'deferred', error: 'no answer', delayMs: 15_000 })
  })

  const byHand = (row: JobRow) => queue.cancel(database, { id: row.id, reason: 'no' })
  const toAnother = (row: JobRow) =>
    database.query('update signalbox.jobs set owner = $2 where id = $1', [row.id, newId()])
  it.each([
    ['a person has ended the job', byHand, 'The job was ended by hand; nothing more was written.'],
    ['another has the job', toAnother, 'This attempt no longer has its job; nothing was written.'],
  ])('makes sure of its lease before each write: %s', async (_, lose, error) => {
    const row = await claimJob()
    const written: string[] = []
    const { outcome } = await attempt(row, async () => ({ outputs: [note('a')] }), {
      publish: async (_job, _output, guard) => {
        clock.advance(20_000)
        await guard.confirm()
        const { available_at: end } = await getJob(database, row.id)
        written.push(end)
        await lose(row)
        await guard.confirm()
        written.push('too late')
        return null
      },
    })
    expect(outcome).toMatchObject({ error })
    expect(written).toEqual([new Date(clock.now().getTime() + 30_000).toISOString()])
  })

  it('makes sure of its lease again when the answer that it has it comes late', async () => {
    const row = await claimJob()
    let answers = 0
    const frozen: Database = {
      ...database,
      async query(text, values, name) {
        const answer = await database.query(text, values, name)
        if (!text.includes('available_at') || answers++ > 0) return answer as never
        clock.advance(6_000)
        await toAnother(row)
        return answer as never
      },
    }
    const written: string[] = []
    const { outcome } = await attempt(row, async () => ({ outputs: [note('a')] }), {
      database: frozen,
      publish: async (_job, _output, guard) => {
        await guard.confirm()
        written.push('too late')
        return null
      },
    })
    expect(outcome).toMatchObject({ error: 'This attempt no longer has its job; nothing was written.' })
    expect({ written, answers }).toEqual({ written: [], answers: 2 })
  })

  it('grows its back-off with the failures before it', async () => {
    const row = await claimJob()
    const fail = () => Promise.reject(new Error('boom'))
    const delays = await Promise.all(
      [0, 1, 5].map(async (failures) => (await attempt({ ...row, attempt: 9, failures }, fail)).outcome),
    )
    expect(delays).toMatchObject([{ delayMs: 1000 }, { delayMs: 2000 }, { delayMs: 32_000 }])
  })
})

describe('what an attempt writes', () => {
  it('is waited for when the agent published it and was stopped, with the time to come back at', async () => {
    // Long enough for a busy machine to come to the write.
    const row = await claimJob({ timeLimitMs: 1000 })
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    const publish: Publish = async () => {
      asked.resolve()
      await answer.promise
      throw new RetryAt(new Date(clock.now().getTime() + 15_000), 'It had no answer.')
    }
    const stopped = Promise.withResolvers<void>()
    const run = async (context: AgentContext<unknown>) => {
      context.signal.addEventListener('abort', () => stopped.resolve())
      await context.publish('start', [note('a')]).catch(() => {})
      return {}
    }
    let hasEnded = false
    const ended = attempt(row, run, { publish }).finally(() => {
      hasEnded = true
    })
    await asked.promise
    await stopped.promise
    // Longer than its grace.
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(hasEnded).toBe(false)
    answer.resolve()
    expect((await ended).outcome).toEqual({ kind: 'deferred', delayMs: 15_000, error: 'It had no answer.' })
  })

  it('is stored whatever characters are in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        const odd = `${text}\0\ud800`
        const row = await claimJob()
        const { outcome } = await attempt(
          row,
          async ({ step, log }) => {
            log(odd)
            await step(odd, () => ({ [odd]: odd }))
            return { outputs: [{ ...note(odd), body: odd }, note('b')], result: { [odd]: [odd] } }
          },
          {
            publish: async (_job, output) => {
              if (output.kind === 'comment' && output.key === 'b') throw new GiveUp(odd)
              return { url: odd, created: true }
            },
          },
        )
        expect(outcome).toMatchObject({ kind: 'failed' })
        const job = await getJob(database, row.id)
        expect(job).toMatchObject({ result: { [odd]: [odd] }, steps: [{ result: { [odd]: odd } }] })
        expect(job.outputs.map(({ status }) => status)).toEqual(['published', 'refused'])
      }),
      { numRuns: 20 },
    )
  })

  it('is refused when it no longer has its job: another attempt, another worker, an end', async () => {
    const row = await claimJob()
    const stop = new AbortController().signal
    const strays = [
      { ...row, attempt: 2 },
      { ...row, owner: newId() },
      { ...row, id: newId() },
    ]
    for (const lease of strays) {
      await expect(rememberRun(database, lease, { clock, result: 1, outputs: [] })).rejects.toBeInstanceOf(LeaseLost)
      const { step } = await openStepStore(database, { ...lease, attempt: lease.attempt }, { clock, stop })
      await expect(step('a', () => 1)).rejects.toBeInstanceOf(LeaseLost)
    }
    await queue.settle(database, {
      owner: row.owner,
      endings: [{ ...row, outcome: { kind: 'cancelled', error: 'no' }, detail: null }],
    })
    await expect(rememberRun(database, row, { clock, result: 1, outputs: [note('a')] })).rejects.toThrow(
      'nothing was written',
    )
    expect(await getJob(database, row.id)).toMatchObject({ result: null, outputs: [], steps: [] })
  })

  it('gives each output the receipts of the earlier ones that have a name, also after a restart', async () => {
    const row = await claimJob()
    const [issue, second, third] = ['issue', 'second', 'third'].map((name) => ({ ...note(name), name }))
    const outputs = [issue, note('unnamed'), second, third].filter((output) => output !== undefined)
    await rememberRun(database, row, { clock, result: 1, outputs })
    const seen: unknown[][] = []
    let isDown = true
    const publish = () =>
      publishPending(database, row, {
        clock,
        job: toJob(row),
        openPublisher: publishing(async (_, output, __, receipts) => {
          const key = 'key' in output ? output.key : ''
          seen.push([...(receipts ?? [])].map(([name, receipt]) => [name, receipt?.url]))
          if (key === 'third' && isDown) throw new Error('down')
          return key === 'second' ? null : { url: `of ${key}`, created: true }
        }),
        redactor: redactor(),
        leaseMs: 30_000,
        stop: new AbortController().signal,
      })
    await expect(publish()).rejects.toThrow('down')
    isDown = false
    await publish()
    const first = ['issue', 'of issue']
    expect(seen).toEqual([[], [first], [first], [first, ['second', undefined]], [first, ['second', undefined]]])
  })

  it('shows what a staged job would have written, and writes nothing', async () => {
    const row = await claimJob({ policy: { repositories: ['acme/shop'], staged: true } })
    let written = 0
    const { outcome } = await attempt(row, async () => ({ outputs: [note('a'), note('b')] }), {
      publish: async () => {
        written += 1
        return null
      },
    })
    expect(outcome).toEqual({ kind: 'completed' })
    expect(written).toBe(0)
    const { outputs, writes } = await getJob(database, row.id)
    const staged = { status: 'staged', preview: 'would write comment', receipt: null, published_at: null }
    expect(outputs).toMatchObject([staged, staged])
    expect(writes).toEqual([])
  })

  it('records each write once, with what it was allowed and configured by', async () => {
    const row = await claimJob({ policy: { repositories: ['acme/shop'], config: 'c'.repeat(64) } })
    const receipts = [{ url: 'https://x/a', created: true }, null]
    const next = receipts.values()
    await attempt(row, async () => ({ outputs: [note('a'), note('b')] }), {
      publish: async () => next.next().value ?? null,
    })
    const write = {
      position: 0,
      attempt: 1,
      rule: row.rule,
      agent: 'work',
      kind: 'comment',
      repository: 'o/r',
      config_sha256: 'c'.repeat(64),
      output_sha256: createHash('sha256')
        .update(JSON.stringify(note('a')))
        .digest('hex'),
      access: { issues: 'write' },
      receipt: receipts[0],
    }
    expect((await getJob(database, row.id)).writes).toEqual([{ ...write, written_at: expect.any(String) }])
    for (const change of [
      'update signalbox.writes set rule = null',
      'delete from signalbox.writes',
      'truncate signalbox.writes',
    ]) {
      await expect(database.query(change)).rejects.toThrow('rows of signalbox.writes are only ever added')
    }
  })

  it('records a write once when its answer is lost and it is saved again', async () => {
    const row = await claimJob()
    const blips = awayDuring(['insert into signalbox.writes'], 1, { afterCommit: true })
    await attempt(row, async () => ({ outputs: [note('a')] }), {
      database: blips.database,
      publish: async () => ({ url: 'https://x/a', created: true }),
    })
    expect((await getJob(database, row.id)).writes).toHaveLength(1)
  })

  it('is all or nothing: outputs that are not JSON leave no result', async () => {
    const row = await claimJob()
    const outputs = [note('a'), { ...note('b'), n: 1n } as unknown as Output]
    await expect(rememberRun(database, row, { clock, result: 1, outputs })).rejects.toBeInstanceOf(GiveUp)
    expect(await getJob(database, row.id)).toMatchObject({ result: null, outputs: [] })
  })

  it('publishes nothing more once it is stopped', async () => {
    const row = await claimJob()
    await rememberRun(database, row, { clock, result: 1, outputs: [note('a'), note('b')] })
    const stop = new AbortController()
    const published: Output[] = []
    const ending = publishPending(database, row, {
      clock,
      job: toJob(row),
      redactor: redactor(),
      leaseMs: 30_000,
      stop: stop.signal,
      openPublisher: publishing(async (_job, output) => {
        published.push(output)
        stop.abort(new Error('stop'))
        return null
      }),
    })
    await expect(ending).rejects.toThrow('stop')
    expect(published).toEqual([note('a')])
    expect((await getJob(database, row.id)).outputs.map(({ status }) => status)).toEqual(['published', 'pending'])
  })

  it('keeps an output pending when publishing fails, and refused when it is refused', async () => {
    for (const [error, status] of [
      [new Error('connection lost'), 'pending'],
      [new GiveUp('not allowed'), 'refused'],
    ] as const) {
      const row = await claimJob()
      const { outcome } = await attempt(row, async () => ({ outputs: [note('a')] }), {
        publish: () => Promise.reject(error),
      })
      expect(outcome).toMatchObject({ kind: status === 'refused' ? 'failed' : 'retried', error: error.message })
      expect((await getJob(database, row.id)).outputs).toMatchObject([{ status }])
    }
  })

  it('says why an output was refused without the own secrets of the installation', async () => {
    const row = await claimJob()
    const secret = 'our-own-webhook-secret'
    const { outcome } = await attempt(row, async () => ({ outputs: [note('a')] }), {
      redactor: redactor([], [secret]),
      publish: () => Promise.reject(new GiveUp(`Not the branch wip-${secret}.`)),
    })
    expect(outcome).toMatchObject({ error: 'Not the branch wip-[redacted].' })
    expect((await getJob(database, row.id)).outputs).toMatchObject([{ reason: 'Not the branch wip-[redacted].' }])
  })
})
