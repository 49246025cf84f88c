// Real agents, a real database, a clock moved by hand.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { openTestDatabase } from '../../test/database.ts'
import { isAlive } from '../../test/process.ts'
import { until } from '../../test/until.ts'
import type { Agent, AgentContext, AgentResult } from '../agents/agent.ts'
import { defineAgent } from '../agents/agent.ts'
import { unavailable } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import type { Event } from '../events/event.ts'
import { fakeClock } from '../lib/clock.ts'
import { AppError, GiveUp, RetryAt } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import type { Output, Receipt } from '../publisher/output.ts'
import { queueOn } from '../queue/queue.ts'
import { cancelJob, retryJob } from './change.ts'
import type { Publish } from './fixtures/publishing.ts'
import { LEASE_MS, openTestOrchestrator, work } from './fixtures/test-orchestrator.ts'
import type { Finished } from './job.ts'
import { JOBS } from './job.ts'
import { MAX_LOG_LINES } from './job-log.ts'
import type { Orchestrator, OrchestratorOptions } from './orchestrator.ts'
import { getJob } from './query.ts'

function note(key: string): Output {
  return { kind: 'comment', repository: 'o/r', target: { issue: 1 }, body: 'hi', key }
}
function receiptOf(output: Output | undefined): Receipt {
  return {
    url: `https://x/${output?.kind === 'comment' ? output.key : ''}`,
    created: true,
  }
}

let database: Database
let clock: ReturnType<typeof fakeClock>
let open: Orchestrator[]

beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())
beforeEach(async () => {
  await database.query('truncate signalbox.jobs, signalbox.nodes cascade')
  clock = fakeClock()
  open = []
})
afterEach(() => Promise.all(open.map((orchestrator) => orchestrator.drain({ limitMs: 0 }))))

function agent<Schema extends z.ZodType>(
  name: string,
  input: Schema,
  run: (context: AgentContext<z.infer<Schema>>) => Promise<AgentResult>,
): Agent {
  return defineAgent({ name, description: name, input, run })
}

const write: Publish = async (_job, output) => receiptOf(output)

type Options = Partial<OrchestratorOptions> & { publish?: Publish }

function orchestrate(agents: Agent[], { publish = write, ...options }: Options = {}): Orchestrator {
  const orchestrator = openTestOrchestrator({ database, clock, agents, publish }, options)
  open.push(orchestrator)
  return orchestrator
}

type NewJobRow = {
  agent?: string
  input?: unknown
  maxAttempts?: number
  timeLimitMs?: number
  group?: string
  eventId?: string
}

async function addJob(job: NewJobRow = {}): Promise<string> {
  const id = newId()
  await database.query(
    `insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms, group_key,
       available_at)
     values ($1, $2, 'a-rule', 'a-type', $3, $4, 5, $5, $6, $7, $8)`,
    [
      id,
      job.eventId ?? null,
      job.agent ?? 'work',
      JSON.stringify(job.input ?? {}),
      job.maxAttempts ?? 5,
      job.timeLimitMs ?? 60_000,
      job.group ?? null,
      clock.now(),
    ],
  )
  return id
}

/** An agent's promise that ends only with its signal, or never. */
function hang(signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
}

describe('an attempt of a job', () => {
  it('passes the agent what it needs and keeps what it returns', async () => {
    let seen: AgentContext<unknown> | undefined
    const event = { id: newId(), facts: {}, headers: {}, body: Buffer.from('{"a":1}') } as Event
    await database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status) values ($1, 's', 'd', 't', 'routed')`,
      [event.id],
    )
    const orchestrator = orchestrate(
      [
        agent('work', z.object({ n: z.coerce.number() }), async (context) => {
          seen = context
          return { result: { sum: context.input.n + 1 } }
        }),
      ],
      {
        loadEvent: async (id) => (id === event.id ? event : null),
        payloadOf: (one) => JSON.parse(String(one.body)),
      },
    )
    const id = await addJob({ input: { n: '41' }, eventId: event.id })
    expect(await orchestrator.tick()).toBe(1)
    expect(seen).toMatchObject({
      job: { id, type: 'a-type', rule: 'a-rule', attempt: 1 },
      input: { n: 41 },
      event: { id: event.id },
      payload: { a: 1 },
      forge: null,
    })
    expect(seen?.now()).toEqual(clock.now())
    expect(await getJob(database, id)).toMatchObject({
      status: 'completed',
      result: { sum: 42 },
      error: null,
      started_at: clock.now().toISOString(),
      completed_at: clock.now().toISOString(),
      attempts: [{ attempt: 1, owner: orchestrator.id, outcome: 'completed' }],
    })
    expect(await orchestrator.tick()).toBe(0)
  })

  it('waits for an orchestrator that has its agent, and says so', async () => {
    const id = await addJob({ agent: 'pong' })
    const ping = orchestrate([work(async () => ({})), agent('ping', z.unknown(), async () => ({}))])
    expect(await ping.tick()).toBe(0)
    expect(await queueOn({ table: JOBS, clock }).nextDue(database, { kinds: ['ping', 'work'] })).toMatchObject({
      claimMs: null,
      expiryMs: null,
    })
    expect(await getJob(database, id)).toMatchObject({
      status: 'pending',
      attempt: 0,
      waits_for: 'No running orchestrator has the agent "pong".',
    })
    const pong = orchestrate([agent('pong', z.unknown(), async () => ({}))])
    expect(await pong.tick()).toBe(1)
    expect(await getJob(database, id)).toMatchObject({ status: 'completed', waits_for: null })
  })

  it('whose agent has run needs no agent for its outputs', async () => {
    const id = await addJob({ agent: 'gone' })
    await database.query('update signalbox.jobs set ran_at = now() where id = $1', [id])
    expect(await orchestrate([work(async () => ({}))]).tick()).toBe(1)
    expect((await getJob(database, id)).status).toBe('completed')
  })

  it('fails when its input is not valid, naming the field', async () => {
    const schema = z.object({ target: z.object({ issue: z.number() }) })
    const id = await addJob({ input: { target: { issue: 'x' } } })
    await orchestrate([agent('work', schema, async () => ({}))]).tick()
    const job = await getJob(database, id)
    expect(job.status).toBe('failed')
    expect(job.error).toMatch(/^The input of agent "work" is not valid: target\.issue: /)
  })

  it('fails without another attempt when the agent gives up or its result is not JSON', async () => {
    const gaveUp = await addJob({ input: 'give up' })
    const notJson = await addJob({ input: 'bigint' })
    await orchestrate([
      work(async ({ input }) => {
        if (input === 'give up') throw new GiveUp('nothing to do here')
        return { result: 1n }
      }),
    ]).tick()
    expect(await getJob(database, gaveUp)).toMatchObject({ status: 'failed', error: 'nothing to do here' })
    expect(await getJob(database, notJson)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('The result is not JSON'),
    })
  })

  it('that has failed stays so where it is stopped while its last lines wait for the database', async () => {
    const id = await addJob()
    const asked = Promise.withResolvers<void>()
    const lost: Database = {
      ...database,
      async query(text, values, name) {
        if (name !== 'job log') return database.query(text, values, name)
        asked.resolve()
        throw new AppError('database_unavailable', 'away')
      },
    }
    const agents = [
      work(async ({ log }) => {
        log('nothing to do here')
        throw new GiveUp('nothing to do here')
      }),
    ]
    const orchestrator = openTestOrchestrator({ database: lost, clock, agents })
    const ticked = orchestrator.tick()
    await asked.promise
    await orchestrator.drain({ limitMs: 0 })
    await ticked
    expect(await getJob(database, id)).toMatchObject({ status: 'failed', error: 'nothing to do here' })
  })

  it('is repeated at the time the agent names, which is no failure', async () => {
    const later = new Date(clock.now().getTime() + 3_600_000)
    const id = await addJob({ maxAttempts: 1 })
    const orchestrator = orchestrate([
      work(async ({ job }) => {
        if (job.attempt === 1) throw new RetryAt(later, 'rate limit')
        return {}
      }),
    ])
    await orchestrator.tick()
    expect(await getJob(database, id)).toMatchObject({
      status: 'pending',
      available_at: later.toISOString(),
      error: 'rate limit',
    })
    clock.advance(3_599_999)
    expect(await orchestrator.tick()).toBe(0)
    clock.advance(1)
    expect(await orchestrator.tick()).toBe(1)
    expect(await getJob(database, id)).toMatchObject({ status: 'completed', attempt: 2, error: null })
  })

  it('counts no failure when the database goes away before the agent has begun', async () => {
    const event = newId()
    await database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status) values ($1, 's', 'away', 't', 'routed')`,
      [event],
    )
    const id = await addJob({ maxAttempts: 1, eventId: event })
    let isAway = true
    const orchestrator = orchestrate([work(async () => ({}))], {
      loadEvent: async () => {
        if (isAway) throw unavailable(new Error('away'))
        return null
      },
    })
    await orchestrator.tick()
    isAway = false
    clock.advance(1000)
    await orchestrator.tick()
    expect(await getJob(database, id)).toMatchObject({ status: 'completed', attempt: 2 })
  })

  it('is repeated with back-off until no attempt is left', async () => {
    const id = await addJob({ maxAttempts: 3 })
    const orchestrator = orchestrate([
      work(async ({ job }) => {
        throw new Error(`boom ${job.attempt}`)
      }),
    ])
    for (const delayMs of [0, 1000, 2000]) {
      clock.advance(delayMs - 1)
      expect(await orchestrator.tick()).toBe(0)
      clock.advance(1)
      expect(await orchestrator.tick()).toBe(1)
    }
    expect(await getJob(database, id)).toMatchObject({
      status: 'failed',
      error: 'boom 3',
      attempts: [
        { outcome: 'retried', error: 'boom 1' },
        { outcome: 'retried', error: 'boom 2' },
        { outcome: 'failed', error: 'boom 3' },
      ],
    })
  })

  it('does not grow its back-off by attempts that were deferred, released or lost', async () => {
    const id = await addJob({ maxAttempts: 5 })
    const orchestrator = orchestrate([
      work(async ({ job }) => {
        if (job.attempt <= 3) throw new RetryAt(clock.now(), 'rate limit')
        throw new Error('boom')
      }),
    ])
    for (let i = 0; i < 3; i++) {
      await orchestrator.tick()
      clock.advance(1000)
    }
    // A worker that is lost with its fourth attempt.
    const queue = queueOn({ table: JOBS, clock })
    await queue.claim(database, { owner: newId(), limit: 1, leaseMs: LEASE_MS })
    clock.advance(LEASE_MS)
    await orchestrator.tick()
    expect(await getJob(database, id)).toMatchObject({
      attempt: 5,
      status: 'pending',
      available_at: new Date(clock.now().getTime() + 1000).toISOString(),
    })
  })

  it('is shown while it runs, and its row is written when it ends', async () => {
    const id = await addJob()
    const inside: unknown[] = []
    const startedAt = clock.now().toISOString()
    const orchestrator: Orchestrator = orchestrate([
      work(async () => {
        inside.push((await getJob(database, id)).attempts)
        clock.advance(70)
        return {}
      }),
    ])
    await orchestrator.tick()
    const running = { attempt: 1, owner: orchestrator.id, error: null, result: null, started_at: startedAt }
    expect(inside).toEqual([[{ ...running, outcome: null, finished_at: null }]])
    expect((await getJob(database, id)).attempts).toEqual([
      { ...running, outcome: 'completed', finished_at: clock.now().toISOString() },
    ])
  })

  it('ends at its time limit, even when the agent does not listen', async () => {
    const polite = await addJob({ timeLimitMs: 20, input: 'polite', maxAttempts: 1 })
    const deaf = await addJob({ timeLimitMs: 20, input: 'deaf', maxAttempts: 1 })
    let context: AgentContext<unknown> | undefined
    await orchestrate([
      work(async (given) => {
        if (given.input === 'polite') return hang(given.signal)
        context = given
        return hang()
      }),
    ]).tick()
    for (const id of [polite, deaf]) {
      expect(await getJob(database, id)).toMatchObject({ status: 'failed', error: 'The time limit of 0.02 s is over.' })
    }
    await expect(context?.step('late', () => 1)).rejects.toThrow('time limit')
    await expect(context?.workspace()).rejects.toThrow('time limit')
  })

  it('has a folder of its own, gone afterwards', async () => {
    const id = await addJob()
    await orchestrate([
      work(async ({ workspace }) => {
        const folder = await workspace()
        await writeFile(join(folder, 'file'), 'x')
        return { result: folder }
      }),
    ]).tick()
    const { result } = await getJob(database, id)
    await expect(access(String(result))).rejects.toThrow('ENOENT')
  })

  it('keeps the agent’s lines in order, without what PostgreSQL cannot hold, up to a limit', async () => {
    const id = await addJob()
    const loud = await addJob({ input: 'loud' })
    await orchestrate([
      work(async ({ input, log }) => {
        if (input === 'loud') for (let i = 0; i < MAX_LOG_LINES + 50; i++) log(`line ${i}`)
        else {
          log('one\ntwo\u0000!')
          log('x'.repeat(10_000), 'stderr')
        }
        return {}
      }),
    ]).tick()
    const { log } = await getJob(database, id)
    expect(log.map(({ line, stream }) => [stream, line.slice(0, 5), line.length])).toEqual([
      ['log', 'one', 3],
      ['log', 'two\ufffd!', 5],
      ['stderr', 'xxxxx', 4000],
    ])
    const { rows } = await database.query<{ count: number; last: string }>(
      `select count(*)::int as count, (array_agg(line order by id desc))[1] as last from signalbox.job_log where job_id = $1`,
      [loud],
    )
    expect(rows).toEqual([{ count: MAX_LOG_LINES + 1, last: 'The log ends here: it has more than 10000 lines.' }])
  })
})

describe('steps', () => {
  it('are remembered: a retry resumes after the last finished one', async () => {
    const ran: string[] = []
    const id = await addJob()
    const orchestrator = orchestrate([
      work(async ({ step, job }) => {
        const first = await step('first', () => {
          ran.push('first')
          return { at: new Date(0), list: [1], text: 'a\u0000b' }
        })
        await step('nothing', () => void ran.push('nothing'))
        if (job.attempt === 1) throw new Error('crash')
        const last = await step('last', () => {
          ran.push('last')
          return null
        })
        return { result: { first, last } }
      }),
    ])
    await orchestrator.tick()
    clock.advance(1000)
    await orchestrator.tick()
    expect(ran).toEqual(['first', 'nothing', 'last'])
    expect((await getJob(database, id)).result).toEqual({
      first: { at: '1970-01-01T00:00:00.000Z', list: [1], text: 'a\u0000b' },
      last: null,
    })
    expect((await getJob(database, id)).steps.map(({ name, attempt }) => [name, attempt])).toEqual([
      ['first', 1],
      ['nothing', 1],
      ['last', 2],
    ])
  })

  it('remember null as null, and nothing as undefined', async () => {
    await addJob()
    const seen: unknown[] = []
    const orchestrator = orchestrate([
      work(async ({ step, job }) => {
        seen.push(await step('null', () => null), await step('nothing', () => undefined))
        if (job.attempt === 1) throw new Error('crash')
        return {}
      }),
    ])
    await orchestrator.tick()
    clock.advance(1000)
    await orchestrator.tick()
    expect(seen).toEqual([null, undefined, null, undefined])
  })

  it('fail the job when their result is not JSON', async () => {
    const id = await addJob()
    await orchestrate([work(async ({ step }) => ({ result: await step('big', () => 1n) }))]).tick()
    expect(await getJob(database, id)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('The result of step "big" is not JSON'),
    })
  })

  it('return the same the first time as when remembered', async () => {
    const id = await addJob()
    await orchestrate([work(async ({ step }) => ({ result: typeof (await step('date', () => new Date(0))) }))]).tick()
    expect((await getJob(database, id)).result).toBe('string')
  })

  it('remember null as null and nothing as undefined', async () => {
    const id = await addJob()
    const seen: unknown[] = []
    const orchestrator = orchestrate([
      work(async ({ step, job }) => {
        seen.push(await step('null', () => null), await step('nothing', () => undefined))
        if (job.attempt === 1) throw new Error('once more')
        return {}
      }),
    ])
    await orchestrator.tick()
    clock.advance(1000)
    await orchestrator.tick()
    expect(seen).toEqual([null, undefined, null, undefined])
    expect((await getJob(database, id)).status).toBe('completed')
  })

  it('may be called again after they threw, in the same attempt', async () => {
    const id = await addJob()
    let calls = 0
    await orchestrate([
      work(async ({ step }) => {
        const busy = () => (++calls === 1 ? Promise.reject(new Error('503')) : calls)
        return { result: await step('busy', busy).catch(() => step('busy', busy)) }
      }),
    ]).tick()
    expect(await getJob(database, id)).toMatchObject({ status: 'completed', result: 2, attempt: 1 })
  })

  it('must have different names', async () => {
    const id = await addJob()
    await orchestrate([
      work(async ({ step }) => {
        await step('same', () => 1)
        await step('same', () => 2)
        return {}
      }),
    ]).tick()
    expect(await getJob(database, id)).toMatchObject({
      status: 'failed',
      error: 'The agent has two steps named "same"; names are unique within a job.',
    })
  })

  it('are not written by an attempt that has lost its job', async () => {
    const id = await addJob()
    let error: unknown
    await orchestrate([
      work(async ({ step, job }) => {
        await step('before', () => 1)
        if (job.attempt > 1) return {}
        clock.advance(LEASE_MS)
        await queueOn({ table: JOBS, clock }).reclaimExpired(database)
        error = await step('after', () => 2).catch((thrown: unknown) => thrown)
        return { outputs: [note('late')] }
      }),
    ]).tick()
    expect(String(error)).toContain('no longer has its job')
    expect(await getJob(database, id)).toMatchObject({ status: 'pending', outputs: [], steps: [{ name: 'before' }] })
  })
})

describe('outputs', () => {
  it('are stored with the end of the run and published in order, with their receipts', async () => {
    const id = await addJob()
    const published: unknown[] = []
    await orchestrate([work(async () => ({ outputs: [note('a'), note('b')], result: 'done' }))], {
      publish: async (job, output) => {
        published.push([job.id, job.policy, output])
        return receiptOf(output)
      },
    }).tick()
    expect(published).toEqual([
      [id, null, note('a')],
      [id, null, note('b')],
    ])
    expect(await getJob(database, id)).toMatchObject({
      status: 'completed',
      result: 'done',
      outputs: [
        { position: 0, kind: 'comment', status: 'published', body: note('a'), receipt: { url: 'https://x/a' } },
        { position: 1, kind: 'comment', status: 'published', body: note('b'), receipt: { url: 'https://x/b' } },
      ],
    })
  })

  it('resume with the first unpublished one, and the agent does not run again', async () => {
    const id = await addJob()
    let runs = 0
    const calls: string[] = []
    const publish: Publish = async (_, output) => {
      const receipt = receiptOf(output)
      calls.push(receipt.url)
      if (calls.length === 2) throw new Error('connection lost')
      return receipt
    }
    const orchestrator = orchestrate(
      [
        work(async () => {
          runs++
          return { outputs: [note('a'), note('b'), note('c')], result: { kept: true } }
        }),
      ],
      { publish },
    )
    await orchestrator.tick()
    expect((await getJob(database, id)).outputs.map((output) => output.status)).toEqual([
      'published',
      'pending',
      'pending',
    ])
    clock.advance(1000)
    await orchestrator.tick()
    expect(runs).toBe(1)
    expect(calls.map((url) => url.at(-1))).toEqual(['a', 'b', 'b', 'c'])
    expect(await getJob(database, id)).toMatchObject({ status: 'completed', result: { kept: true } })
  })

  it('or none: then the end of the job remembers the run, and a worker killed before it leaves the agent to run again', async () => {
    const id = await addJob()
    let runs = 0
    let fails = true
    const orchestrator = orchestrate(
      [
        work(async () => {
          runs++
          return { result: { n: runs } }
        }),
      ],
      {
        onFinished: async () => {
          if (fails) throw new Error('the end cannot be stored')
          return false
        },
      },
    )
    await orchestrator.tick()
    expect(await getJob(database, id)).toMatchObject({ status: 'running', result: null })
    // As if that process had been killed there.
    await queueOn({ table: JOBS, clock }).expireLeases(database, [orchestrator.id])
    fails = false
    await orchestrate([work(async () => ({ result: `ran ${++runs}` }))]).tick()
    expect(runs).toBe(2)
    expect(await getJob(database, id)).toMatchObject({ status: 'completed', attempt: 2, result: 'ran 2', steps: [] })
  })

  it('are not among the steps of the agent', async () => {
    const id = await addJob()
    await orchestrate([
      work(async ({ step }) => {
        await step('mine', () => 1)
        return { outputs: [note('a')], result: 2 }
      }),
    ]).tick()
    expect((await getJob(database, id)).steps.map(({ name }) => name)).toEqual(['mine'])
  })

  it('are checked before anything is remembered', async () => {
    const id = await addJob()
    const seen: unknown[] = []
    const publish = vi.fn<Publish>()
    await orchestrate([work(async () => ({ outputs: [note('a')], result: 'kept?' }))], {
      publish,
      acceptOutputs: (outputs) => {
        seen.push(...(outputs as unknown[]))
        throw new GiveUp('outputs[0].key: is too short')
      },
    }).tick()
    expect(seen).toEqual([note('a')])
    expect(publish).not.toHaveBeenCalled()
    expect(await getJob(database, id)).toMatchObject({
      status: 'failed',
      error: 'outputs[0].key: is too short',
      result: null,
      outputs: [],
    })
  })

  it('are stored as the check returns them', async () => {
    const id = await addJob()
    await orchestrate([work(async () => ({ outputs: [note('a')] }))], { acceptOutputs: () => [note('b')] }).tick()
    expect(await getJob(database, id)).toMatchObject({ outputs: [{ body: note('b') }] })
  })

  it('are not stored by an attempt that has lost its job, and no result is', async () => {
    const id = await addJob()
    await orchestrate([
      work(async ({ job }) => {
        if (job.attempt > 1) return {}
        clock.advance(LEASE_MS)
        await queueOn({ table: JOBS, clock }).reclaimExpired(database)
        return { outputs: [note('late')], result: 'late' }
      }),
    ]).tick()
    expect(await getJob(database, id)).toMatchObject({ status: 'pending', outputs: [], result: null })
  })

  it('one of which is being written when the orchestrator drains are not left to another before its answer', async () => {
    const id = await addJob()
    const begun = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    const orchestrator = orchestrate([work(async () => ({ outputs: [note('a'), note('b')] }))], {
      leaseMs: 1000,
      publish: async (_job, output) => {
        begun.resolve()
        await answer.promise
        return receiptOf(output)
      },
    })
    orchestrator.start()
    await begun.promise
    const drained = orchestrator.drain({ limitMs: 0 })
    // More than the grace of its lease, and the second in which others are settled.
    await new Promise((resolve) => setTimeout(resolve, 1400))
    expect(await getJob(database, id)).toMatchObject({ status: 'running' })
    answer.resolve()
    await drained
    expect(await getJob(database, id)).toMatchObject({
      status: 'pending',
      outputs: [{ status: 'published' }, { status: 'pending' }],
    })
  })

  it('that need no change have no receipt', async () => {
    const id = await addJob()
    await orchestrate([work(async () => ({ outputs: [note('a')] }))], { publish: async () => null }).tick()
    expect(await getJob(database, id)).toMatchObject({ outputs: [{ status: 'published', receipt: null }] })
  })

  it('that are refused fail the job with the reason, until a person asks for another attempt', async () => {
    const id = await addJob()
    let allowed = false
    const orchestrator = orchestrate([work(async () => ({ outputs: [note('a')] }))], {
      publish: async (_job, output) => {
        // A reason may quote what came from outside.
        if (!allowed) throw new GiveUp('the rule allows no comments on x\u0000')
        return receiptOf(output)
      },
    })
    await orchestrator.tick()
    expect(await getJob(database, id)).toMatchObject({
      status: 'failed',
      error: 'the rule allows no comments on x\ufffd',
      outputs: [{ status: 'refused', reason: 'the rule allows no comments on x\ufffd' }],
    })
    allowed = true
    expect(await retryJob(database, clock, id)).toMatchObject({ status: 'pending', outputs: [{ status: 'pending' }] })
    await orchestrator.tick()
    expect(await getJob(database, id)).toMatchObject({
      status: 'completed',
      outputs: [{ status: 'published', reason: null }],
    })
  })
})

describe('a retry from the start', () => {
  it('runs a mended agent, forgets steps and what was not published, and keeps what was', async () => {
    const id = await addJob({ maxAttempts: 1 })
    let version = 'wrong'
    const published: string[] = []
    const orchestrator = orchestrate(
      [
        work(async ({ step }) => {
          const found = await step('look', () => version)
          return { outputs: [note(`first-${found}`), note(`second-${found}`)], result: found }
        }),
      ],
      {
        publish: async (_job, output) => {
          const { url } = receiptOf(output)
          if (url.endsWith('second-wrong')) throw new GiveUp('wrong')
          published.push(url)
          return receiptOf(output)
        },
      },
    )
    await orchestrator.tick()
    version = 'right'
    await retryJob(database, clock, id)
    await orchestrator.tick()
    // Without it the same outputs are tried again.
    expect(await getJob(database, id)).toMatchObject({ status: 'failed', result: 'wrong', ran_at: expect.any(String) })
    expect(await retryJob(database, clock, id, { fromStart: true })).toMatchObject({
      status: 'pending',
      result: null,
      ran_at: null,
      steps: [],
      outputs: [{ position: 0, status: 'published', receipt: { url: 'https://x/first-wrong' } }],
    })
    await orchestrator.tick()
    expect(await getJob(database, id)).toMatchObject({
      status: 'completed',
      result: 'right',
      outputs: [{ position: 0 }, { position: 1, status: 'published' }, { position: 2, status: 'published' }],
    })
    expect(published.map((url) => url.slice('https://x/'.length))).toEqual([
      'first-wrong',
      'first-right',
      'second-right',
    ])
  })
})

describe('an orchestrator', () => {
  it('reports a job’s end in the transaction that ends it', async () => {
    const finished: Finished[] = []
    const ok = await addJob({ input: 'ok' })
    const bad = await addJob({ input: 'bad' })
    const again = await addJob({ input: 'again' })
    const lost = await addJob({ input: 'lost', maxAttempts: 1 })
    await database.query(
      `update signalbox.jobs set status = 'running', losses = 9, attempt = 1, owner = $2, available_at = $3 where id = $1`,
      [lost, newId(), clock.now()],
    )
    await orchestrate(
      [
        work(async ({ input }) => {
          if (input === 'bad') throw new GiveUp('no')
          if (input === 'again') throw new Error('later')
          return { result: [1] }
        }),
      ],
      {
        onFinished: async (tx, ended) => {
          for (const one of ended) {
            const { rows } = await tx.query('select status from signalbox.jobs where id = $1', [one.job.id])
            expect(rows).toEqual([{ status: one.outcome }])
            // Outside of the transaction the end is not visible yet.
            expect((await getJob(database, one.job.id)).status).toBe('running')
          }
          finished.push(...ended)
          return false
        },
      },
    ).tick()
    const job = {
      type: 'a-type',
      rule: 'a-rule',
      agent: 'work',
      policy: null,
      ceilingSubject: null,
      isAllowed: true,
      attempt: 1,
      eventId: null,
    }
    expect(new Set(finished.map(({ job: { createdAt: _, ...job }, ...end }) => ({ job, ...end })))).toEqual(
      new Set([
        { job: { ...job, id: ok }, outcome: 'completed', result: [1] },
        { job: { ...job, id: bad }, outcome: 'failed', error: 'no' },
        { job: { ...job, id: lost }, outcome: 'failed', error: 'The worker was lost during attempt 1.' },
      ]),
    )
    expect((await getJob(database, again)).status).toBe('pending')
  })

  it('says how many jobs it runs', async () => {
    const inside: unknown[] = []
    const orchestrator: Orchestrator = orchestrate([
      work(async () => {
        inside.push(orchestrator.running())
        return {}
      }),
    ])
    await addJob()
    await orchestrator.tick()
    expect([inside, orchestrator.running()]).toEqual([[1], 0])
  })

  it('shares the work with others, each job done once', async () => {
    const done: string[] = []
    const one = work(async ({ job }) => {
      done.push(job.id)
      return {}
    })
    const ids = await Promise.all(Array.from({ length: 24 }, (_, i) => addJob({ group: `g${i % 5}` })))
    const orchestrators = [orchestrate([one]), orchestrate([one]), orchestrate([one])]
    while ((await Promise.all(orchestrators.map((each) => each.tick()))).some((count) => count > 0));
    expect(done.sort()).toEqual(ids.sort())
  })

  it('aborts a job that was cancelled, which stays cancelled', async () => {
    const id = await addJob()
    const started = Promise.withResolvers<void>()
    const orchestrator = orchestrate([
      work(({ signal }) => {
        started.resolve()
        return hang(signal)
      }),
    ])
    const tick = orchestrator.tick()
    await started.promise
    expect(await cancelJob(database, clock, id)).toMatchObject({ status: 'running', ends_as: 'cancelled' })
    // Nothing may be started beside it.
    await expect(retryJob(database, clock, id)).rejects.toThrow('The job is still being cancelled; only a failed')
    await orchestrator.renew()
    await tick
    expect(await getJob(database, id)).toMatchObject({ status: 'cancelled', attempts: [{ outcome: 'cancelled' }] })
    await expect(cancelJob(database, clock, id)).rejects.toMatchObject({ code: 'conflict' })
  })

  it('drains: running jobs are released, and another orchestrator finishes them', async () => {
    const id = await addJob({ maxAttempts: 1 })
    const started = Promise.withResolvers<void>()
    const slow = work(async ({ job, step, signal }) => {
      await step('begin', () => 1)
      started.resolve()
      return job.attempt === 1 ? hang(signal) : { result: 'second' }
    })
    const first = orchestrate([slow])
    const tick = first.tick()
    await started.promise
    await first.drain({ limitMs: 0 })
    await tick
    expect(await getJob(database, id)).toMatchObject({ status: 'pending', attempt: 1, max_attempts: 1 })
    await orchestrate([slow]).tick()
    expect(await getJob(database, id)).toMatchObject({ status: 'completed', result: 'second', attempt: 2 })
  })

  it('starts a job as soon as it is notified of it', async () => {
    const seen = vi.fn(async () => ({}))
    const orchestrator = orchestrate([work(seen)])
    orchestrator.start()
    await addJob()
    orchestrator.nudge()
    await expect.poll(() => seen).toHaveBeenCalledOnce()
  })

  it('leaves no program running when it is frozen until its leases are over', async () => {
    await addJob({ agent: 'program' })
    const script = fileURLToPath(new URL('fixtures/frozen.ts', import.meta.url))
    const args = ['--conditions=signalbox-source', script, database.url, '6000']
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const pid = Number(String((await once(child.stdout, 'data'))[0]).trim())
    expect(isAlive(pid)).toBe(true)
    child.kill('SIGSTOP')
    await until('the program has ended', async () => !isAlive(pid))
  })
})
