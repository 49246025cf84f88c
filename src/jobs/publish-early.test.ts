// Outputs in the middle of a run, and those for an end without completing: a real database, and a
// forge in memory that finds what it has by job and key, as markers do.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { AgentContext } from '../agents/agent.ts'
import type { Database } from '../db/database.ts'
import { fakeClock } from '../lib/clock.ts'
import { GiveUp } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import { accepting } from '../publisher/accept.ts'
import type { Output } from '../publisher/output.ts'
import { resolveReferences } from '../publisher/references.ts'
import { cancelJob, retryJob } from './change.ts'
import type { Publish } from './fixtures/publishing.ts'
import type { Run } from './fixtures/test-orchestrator.ts'
import { LEASE_MS, openTestOrchestrator, work } from './fixtures/test-orchestrator.ts'
import type { Finished } from './job.ts'
import type { OrchestratorOptions } from './orchestrator.ts'
import { getJob } from './query.ts'

const SHA = 'a'.repeat(40)
const POLICY = { repositories: ['o/r'], outputs: { check: { max: 2 }, comment: { max: 2 } } }

let database: Database
let clock: ReturnType<typeof fakeClock>
/** What is on the forge, by job and key; and every write of it, in order. */
let forge: Map<string, string>
let writes: string[]
let finished: Finished[]

beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())
beforeEach(async () => {
  await database.query('truncate signalbox.jobs, signalbox.nodes cascade')
  clock = fakeClock()
  forge = new Map()
  writes = []
  finished = []
})

function check(title: string, key = 'c', more: { name?: string; check?: string } = {}): Output {
  const isOpen = title.startsWith('open')
  return {
    kind: 'check',
    repository: 'o/r',
    commit: SHA,
    check: 'review',
    status: isOpen ? 'in_progress' : 'completed',
    ...(!isOpen && { conclusion: 'neutral' }),
    title,
    summary: '',
    key,
    ...more,
  }
}

/** Writes what is not so already. */
const write: Publish = async (job, given, _guard, receipts = new Map()) => {
  const output = resolveReferences(given, receipts, job.reason)
  const { key, title } = output as { key: string; title: string }
  const place = `${job.id}/${key}`
  const isThere = forge.has(place)
  if (forge.get(place) !== title) {
    forge.set(place, title)
    writes.push(title)
  }
  return { url: `https://x/${key}`, created: !isThere }
}

function orchestrate(
  run: Run,
  { publish = write, ...options }: Partial<OrchestratorOptions> & { publish?: Publish } = {},
) {
  const confirmed: Publish = async (...given) => {
    await given[2].confirm()
    return publish(...given)
  }
  return openTestOrchestrator(
    { database, clock, agents: [work(run)], publish: confirmed },
    {
      acceptOutputs: accepting(() => false),
      onFinished: async (_tx, ended) => {
        finished.push(...ended)
        return false
      },
      ...options,
    },
  )
}

async function addJob({
  policy = POLICY as object,
  maxAttempts = 5,
  mode = 'queue',
  group = null as string | null,
} = {}) {
  const id = newId()
  await database.query(
    `insert into signalbox.jobs (id, rule, type, agent, input, policy, priority, max_attempts, time_limit_ms, available_at,
       created_at, event_at, mode, group_key)
     values ($1, 'a-rule', 'a-type', 'work', '{}', $2, 5, $3, 60000, $4, $4, $4, $5, $6)`,
    [id, JSON.stringify(policy), maxAttempts, clock.now(), mode, group],
  )
  return id
}

async function jobsThatSettle() {
  const { rows } = await database.query<{ status: string; settles: string; error: string | null }>(
    'select status, settles, error from signalbox.jobs where settles is not null order by created_at',
  )
  return rows
}

describe('what an agent publishes', () => {
  it('is written before it returns, with receipts in order, and is updated by what it returns', async () => {
    const id = await addJob()
    let seen: unknown
    await orchestrate(async ({ publish }) => {
      seen = await publish('start', [check('open'), check('open too', 'd', { check: 'lint' })])
      expect(writes).toEqual(['open', 'open too'])
      return { outputs: [check('done')], result: 1 }
    }).tick()
    expect(seen).toEqual([
      { url: 'https://x/c', created: true },
      { url: 'https://x/d', created: true },
    ])
    expect(writes).toEqual(['open', 'open too', 'done'])
    const job = await getJob(database, id)
    expect(job).toMatchObject({ status: 'completed', result: 1 })
    expect(job.outputs.map(({ early, status, position }) => [early, status, position])).toEqual([
      ['start', 'published', 0],
      ['start', 'published', 1],
      [null, 'published', 2],
    ])
    expect(job.writes).toHaveLength(3)
  })

  it('is not written or stored again by a later attempt, which gets the same receipts', async () => {
    const id = await addJob()
    const got: unknown[] = []
    const orchestrator = orchestrate(async ({ publish, job }) => {
      got.push(await publish('start', [check(job.attempt === 1 ? 'open' : 'open again')]))
      if (job.attempt === 1) throw new Error('not yet')
      return {}
    })
    await orchestrator.tick()
    clock.advance(60_000)
    await orchestrator.tick()
    expect(writes).toEqual(['open'])
    expect(got[1]).toEqual(got[0])
    expect((await getJob(database, id)).outputs).toHaveLength(1)
  })

  it('is published anew when the job is run from the start', async () => {
    const id = await addJob()
    const orchestrator = orchestrate(async ({ publish, job }) => {
      await publish('start', [check(`open ${job.attempt}`)], { otherwise: [check('failed')] })
      if (job.attempt === 1) throw new GiveUp('no')
      return {}
    })
    await orchestrator.tick()
    await retryJob(database, clock, id, { fromStart: true })
    await orchestrator.tick()
    expect(writes).toEqual(['open 1', 'open 2'])
    expect((await getJob(database, id)).outputs.map(({ early, status }) => [early, status])).toEqual([
      [null, 'published'],
      ['start', 'published'],
      ['start', 'otherwise'],
    ])
  })

  it('may be referred to by later outputs, and by no others', async () => {
    const id = await addJob()
    await orchestrate(async ({ publish }) => {
      await publish('start', [check('open', 'c', { name: 'run' })])
      return { outputs: [check('see {{outputs.run.url}}', 'd', { check: 'other' })] }
    }).tick()
    expect(writes).toEqual(['open', 'see https://x/c'])
    expect((await getJob(database, id)).status).toBe('completed')
  })

  it('counts for the maxima of the policy with what is returned, once for each thing that it updates', async () => {
    const id = await addJob()
    const three = async ({ publish }: AgentContext<unknown>) => {
      await publish('one', [check('open')])
      await publish('two', [check('open, half'), check('open', 'd', { check: 'lint' })])
      return { outputs: [check('done'), check('done', 'e', { check: 'types' })] }
    }
    await orchestrate(three).tick()
    expect((await getJob(database, id)).error).toMatch(/A job may have 2 outputs of this kind/)
    expect(writes).toEqual(['open', 'open, half', 'open'])
  })

  it('is refused like what is returned, and the agent cannot go on with it', async () => {
    const id = await addJob()
    await orchestrate(async ({ publish }) => {
      await publish('start', [{ ...check('open'), repository: 'o/other' }])
      return {}
    }).tick()
    expect(await getJob(database, id)).toMatchObject({ status: 'failed', outputs: [] })
    expect((await getJob(database, id)).error).toMatch(
      /^Refused by policy: outputs.0 \(check\): The repository o\/other/,
    )
  })

  it('is only shown where the job is staged, also what it would settle', async () => {
    const id = await addJob({ policy: { ...POLICY, staged: true } })
    let seen: unknown
    const orchestrator = orchestrate(async ({ publish }) => {
      seen = await publish('start', [check('open')], { otherwise: [check('failed')] })
      throw new GiveUp('no')
    })
    await orchestrator.tick()
    await orchestrator.tick()
    expect(seen).toEqual([null])
    expect(writes).toEqual([])
    expect((await getJob(database, id)).outputs).toMatchObject([
      { status: 'staged', preview: 'would write check' },
      { status: 'otherwise' },
    ])
    expect(await jobsThatSettle()).toMatchObject([{ status: 'completed', settles: id }])
  })

  it('is written in its order when the agent does not wait, and names are used once', async () => {
    const id = await addJob()
    await orchestrate(async ({ publish }) => {
      void publish('one', [check('open')])
      void publish('two', [check('open, half')])
      await expect(publish('two', [])).rejects.toThrow('publishes twice under the name "two"')
      return {}
    }).tick()
    expect(writes).toEqual(['open', 'open, half'])
    expect((await getJob(database, id)).status).toBe('completed')
  })

  it('is written at the end where its write failed and the agent went on', async () => {
    await addJob()
    let failures = 0
    const publish: Publish = async (...given) => {
      if (failures++ === 0) throw new Error('away')
      return write(...given)
    }
    await orchestrate(
      async (context) => {
        await context.publish('start', [check('open')]).catch(() => {})
        return {}
      },
      { publish },
    ).tick()
    expect(writes).toEqual(['open'])
  })

  it('must be among what was approved, which then need not be returned again', async () => {
    const approved = [check('open'), check('done', 'd', { check: 'lint' })]
    const ask = async (publishes: Output, returns: Output[]) => {
      const id = await addJob()
      const orchestrator = orchestrate(async ({ approval, publish }) => {
        await publish('before', [check('open, asking')])
        await approval('ship', { reason: 'Ship', outputs: approved, timeoutMs: 1000 })
        await publish('after', [publishes])
        return { outputs: returns }
      })
      await orchestrator.tick()
      await database.query(
        `update signalbox.job_waits set ended_at = now(), result = '{"approved":true,"how":"api"}' where job_id = $1`,
        [id],
      )
      await database.query(`update signalbox.jobs set status = 'pending', available_at = $2 where id = $1`, [
        id,
        clock.now(),
      ])
      await orchestrator.tick()
      return getJob(database, id)
    }
    const [open, done] = approved as [Output, Output]
    expect(await ask(open, [done])).toMatchObject({ status: 'completed' })
    expect(await ask(open, approved)).toMatchObject({ status: 'completed' })
    expect(await ask(open, [])).toMatchObject({ error: expect.stringContaining('returned other outputs than were') })
    expect(await ask(check('open, other'), [done])).toMatchObject({
      error: expect.stringContaining('published other outputs than were approved ("ship")'),
    })
  })
})

describe('what is to be written otherwise', () => {
  const deploying: Run = async ({ publish, sleep }) => {
    await publish('start', [check('open')], { otherwise: [check('ended: {{job.reason}}')] })
    await sleep('a while', 1000)
    return { outputs: [check('done')] }
  }

  it('is not written when the job completes', async () => {
    await addJob()
    const orchestrator = orchestrate(deploying)
    await orchestrator.tick()
    clock.advance(1000)
    await orchestrator.tick()
    expect(writes).toEqual(['open', 'done'])
    expect(await jobsThatSettle()).toEqual([])
  })

  const ways: Record<string, [(id: string) => Promise<unknown>, string, string[]]> = {
    'cancelled by hand': [(id) => cancelJob(database, clock, id), 'Cancelled by hand.', []],
    'ended by SQL': [
      (id) => database.query(`update agent_jobs set status = 'failed', error = 'stuck @jane' where id = $1`, [id]),
      'stuck ＠jane',
      ['failed'],
    ],
    'ended by SQL that says nothing': [
      (id) => database.query(`update agent_jobs set status = 'failed' where id = $1`, [id]),
      'The job failed.',
      ['failed'],
    ],
  }
  it.each(Object.entries(ways))('is written once when the waiting job is %s', async (_, [end, reason, events]) => {
    const id = await addJob()
    const orchestrator = orchestrate(deploying)
    await orchestrator.tick()
    await end(id)
    // Whoever ends it by SQL has the time of the database.
    clock.advance(Date.now() + 60_000 - clock.now().getTime())
    await orchestrator.tick()
    await orchestrator.tick()
    expect(writes).toEqual(['open', `ended: ${reason}`])
    expect(forge.size).toBe(1)
    expect(await jobsThatSettle()).toMatchObject([{ status: 'completed', settles: id }])
    expect(finished.map(({ outcome }) => outcome)).toEqual(events)
  })

  it('is written when a running job is cancelled, after it was let go of', async () => {
    await addJob()
    const begun = Promise.withResolvers<string>()
    const orchestrator = orchestrate(async ({ publish, signal, job }) => {
      await publish('start', [check('open')], { otherwise: [check('ended: {{job.reason}}')] })
      begun.resolve(job.id)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const ticked = orchestrator.tick()
    await cancelJob(database, clock, await begun.promise)
    expect(await jobsThatSettle()).toEqual([])
    await orchestrator.renew()
    await ticked
    await orchestrator.tick()
    expect(writes).toEqual(['open', 'ended: Cancelled by hand.'])
  })

  it('is written when its attempts are used up, by failures or by workers that were lost', async () => {
    const id = await addJob({ maxAttempts: 1 })
    const orchestrator = orchestrate(async ({ publish }) => {
      await publish('start', [check('open')], { otherwise: [check('ended: {{job.reason}}')] })
      throw new Error('It broke.')
    })
    await orchestrator.tick()
    await orchestrator.tick()
    expect(writes).toEqual(['open', 'ended: It broke.'])

    await database.query('delete from signalbox.jobs where settles is not null')
    await retryJob(database, clock, id)
    await database.query(
      `update signalbox.jobs set status = 'running', owner = $2, attempt = 2, losses = 9, available_at = $3 where id = $1`,
      [id, newId(), clock.now()],
    )
    clock.advance(1)
    await orchestrator.tick()
    await orchestrator.tick()
    expect(writes.slice(2)).toEqual([expect.stringMatching(/^ended: /)])
    expect(await getJob(database, id)).toMatchObject({ status: 'failed', losses: 10 })
  })

  it('is written when a newer job supersedes it', async () => {
    const orchestrator = orchestrate(deploying)
    const id = await addJob({ mode: 'latest', group: 'g' })
    await orchestrator.tick()
    clock.advance(1)
    const newer = await addJob({ mode: 'latest', group: 'g' })
    await orchestrator.tick()
    await orchestrator.tick()
    expect(forge.get(`${id}/c`)).toBe(`ended: Superseded by job ${newer}.`)
    expect(forge.get(`${newer}/c`)).toBe('open')
  })

  it('is that of the last call for the same key, and none of what was returned and written', async () => {
    const id = await addJob()
    const orchestrator = orchestrate(
      async ({ publish }) => {
        await publish('start', [check('open')], {
          otherwise: [check('failed'), check('failed', 'd', { check: 'lint' })],
        })
        await publish('half', [], { otherwise: [check('failed half')] })
        return { outputs: [check('done', 'd', { check: 'lint' }), check('refused')] }
      },
      {
        publish: async (...given) => {
          if ((given[1] as { title: string }).title === 'refused') throw new GiveUp('no')
          return write(...given)
        },
      },
    )
    await orchestrator.tick()
    await orchestrator.tick()
    expect(writes).toEqual(['open', 'done', 'failed half'])
    expect((await getJob(database, id)).outputs.map(({ status }) => status)).toEqual([
      'published',
      'replaced',
      'otherwise',
      'otherwise',
      'published',
      'refused',
    ])
  })

  it('is not written any more when the job was begun again', async () => {
    const id = await addJob()
    const orchestrator = orchestrate(deploying)
    await orchestrator.tick()
    await cancelJob(database, clock, id)
    await retryJob(database, clock, id)
    clock.advance(1000)
    await orchestrator.tick()
    expect(writes).toEqual(['open', 'done'])
    expect(await jobsThatSettle()).toMatchObject([{ status: 'cancelled', error: 'The job was begun again.' }])
  })

  it('is checked when it is given', async () => {
    const id = await addJob()
    await orchestrate(async ({ publish }) => {
      await publish('start', [], { otherwise: [{ ...check('failed'), repository: 'o/other' }] })
      return {}
    }).tick()
    expect((await getJob(database, id)).error).toMatch(/^Refused by policy/)
  })
})

describe('a process that is killed', () => {
  /** A database and a forge of a process that ends with its n-th statement or write. */
  function mortal(dieAt: number, isDone: boolean) {
    const died = Promise.withResolvers<void>()
    const seen = { count: 0 }
    const never = new Promise<never>(() => {})
    const step = async <T>(act: () => Promise<T>): Promise<T> => {
      seen.count++
      if (seen.count > dieAt) return never
      const isLast = seen.count === dieAt
      if (isLast && !isDone) died.resolve()
      if (isLast && !isDone) return never
      const result = await act()
      if (!isLast) return result
      died.resolve()
      return never
    }
    return {
      died: died.promise,
      seen,
      publish: ((...given) => step(() => write(...given))) satisfies Publish,
      database: {
        ...database,
        query: (...given) => step(() => database.query(...given)),
        transaction: (work) => step(() => database.transaction(work)),
      } as Database,
    }
  }

  const cases: [string, Run, string[]][] = [
    [
      'publishes and completes',
      async ({ publish }) => {
        const [receipt] = await publish('start', [check('open'), check('open too', 'd', { check: 'lint' })], {
          otherwise: [check('failed')],
        })
        return { outputs: [check(`done ${receipt?.url}`)] }
      },
      ['open', 'open too', 'done https://x/c'],
    ],
    [
      'publishes and fails',
      async ({ publish }) => {
        await publish('start', [check('open')], { otherwise: [check('failed: {{job.reason}}')] })
        throw new GiveUp('no')
      },
      ['open', 'failed: no'],
    ],
  ]
  it.each(cases)(
    'at any step of a job that %s leaves every write made once',
    async (_, run, expected) => {
      const isOver = async () => {
        const { rows } = await database.query('select from signalbox.jobs where finished_at is null')
        return rows.length === 0
      }
      let steps = Number.POSITIVE_INFINITY
      for (let dieAt = 1; dieAt <= steps; dieAt++) {
        for (const isDone of [false, true]) {
          await database.query('truncate signalbox.jobs, signalbox.nodes cascade')
          forge.clear()
          writes = []
          const id = await addJob()
          const one = mortal(dieAt, isDone)
          const first = orchestrate(run, one)
          const whole = (async () => {
            for (let tick = 0; tick < 3; tick++) await first.tick()
            steps = one.seen.count
          })()
          await Promise.race([one.died, whole])
          const second = orchestrate(run)
          for (let tick = 0; tick < 6 && !(await isOver()); tick++) {
            clock.advance(LEASE_MS + 1)
            await second.tick()
          }
          expect([dieAt, isDone, writes]).toEqual([dieAt, isDone, expected])
          const { rows } = await database.query<{ n: number }>(
            'select count(*)::int as n from signalbox.writes where job_id = $1',
            [id],
          )
          expect(rows[0]?.n).toBeLessThanOrEqual(expected.length)
        }
      }
      expect(steps).toBeGreaterThan(10)
      expect(steps).toBeLessThan(60)
    },
    60_000,
  )
})
