// The child processes of agents: used again or replaced, and every way to die.
import { describe, expect, test } from 'vitest'
import { isAlive } from '../../../test/process.ts'
import { until } from '../../../test/signalbox.ts'
import { silentLog } from '../../lib/log.ts'
import { LEASE_MS, leaseTiming } from '../../queue/lease-timing.ts'
import { MAX_GRACE_MS } from '../group-leader.ts'
import { contextOf, failureOf, openTestPool, run } from './fixtures/pool.ts'

// Each attempt may start a process.
describe('a child', () => {
  test('is used again when an attempt has left nothing', async () => {
    const own = openTestPool()
    expect(await run(own, 'any', { input: 'pid' })).toMatchObject({ result: { attempts: 1 } })
    await failureOf(own, 'any', { input: 'fails' })
    await run(own, 'any', { input: 'steps' })
    await run(own, 'any', { input: 'inherits' })
    expect(await run(own, 'any', { input: 'pid' })).toMatchObject({ result: { attempts: 2 } })
  })

  test.each(['leavesTimer', 'leavesStep', 'leavesFolder', 'leavesMemory'])('is replaced after %s', async (agent) => {
    const own = openTestPool()
    const { result: pid } = await run(own, 'any', { input: agent })
    const { result: next } = (await run(own, 'any', { input: 'pid' })) as { result: { pid: number } }
    expect(next).toMatchObject({ attempts: 1 })
    expect(next.pid).not.toBe(pid)
    await until('the first has ended', async () => !isAlive(pid as number))
  })

  // By its environment, in /proc.
  test.skipIf(process.platform !== 'linux')('ends with a program that an attempt has detached', async () => {
    const own = openTestPool()
    const { result: pid } = await run(own, 'any', { input: 'pid' })
    const { result: detached } = await run(own, 'any', { input: 'detaches' })
    await until('the program has ended', async () => !isAlive(detached as number))
    expect(await run(own, 'any', { input: 'pid' })).toMatchObject({ result: { attempts: 1 } })
    expect(isAlive((pid as { pid: number }).pid)).toBe(false)
  })

  test('is not used again for another agent, another rule or another type of job', async () => {
    const own = openTestPool()
    const job = { id: 'job-1', type: 't', rule: 'r', attempt: 1 }
    const pidFor = async (agent: string, more: Partial<typeof job> = {}) =>
      (await run(own, agent, { input: 'leavesGlobal', job: { ...job, ...more } })).result
    const pid = await pidFor('any')
    expect(await run(own, 'nothing', { job })).toBeUndefined()
    expect(await pidFor('any', { rule: 'other' })).not.toBe(pid)
    expect(await pidFor('any', { type: 'other' })).not.toBe(pid)
    expect(await pidFor('any', { id: 'job-2' })).toBe(pid)
  })

  test('that has been idle for longest ends when one for another agent would be too many', async () => {
    const own = openTestPool({ max: 2 })
    const { result: first } = await run(own, 'waits')
    const { result: second } = await run(own, 'any', { input: 'waits' })
    await run(own, 'nothing')
    await until('the first has ended', async () => !isAlive(first as number))
    expect(await run(own, 'any', { input: 'waits' })).toEqual({ result: second })
  })

  test('has one attempt at a time: two at once have a child each', async () => {
    const own = openTestPool()
    const pids = await Promise.all([run(own, 'waits'), run(own, 'waits')])
    expect(new Set(pids.map(({ result }) => result)).size).toBe(2)
  })

  test('ends when it is idle', async () => {
    const own = openTestPool({ idleMs: 1 })
    const { result: pid } = await run(own, 'waits')
    await until('it has ended', async () => !isAlive(pid as number))
  })

  test('that cannot load the configuration puts every attempt off, with the reason', async () => {
    const own = openTestPool({ args: ['broken'] })
    const message = "The configuration cannot be loaded in the agent's process: X is not set"
    expect(await failureOf(own, 'nothing')).toMatchObject({ message, when: expect.any(Date) })
    expect(await failureOf(own, 'nothing')).toMatchObject({ message, when: expect.any(Date) })
  })

  test('says when its configuration has no such agent any more', async () => {
    expect((await failureOf(openTestPool(), 'gone')).message).toMatch(/there is no agent "gone" in it any more/)
  })
})

describe('an attempt is ended alone, and says why, by', () => {
  test.each([
    ['rejects', 'The attempt was ended by an unhandled rejection: nobody waits for this'],
    ['rejectsAtOnce', 'The attempt was ended by an unhandled rejection: nobody waits for this'],
    ['throwsInTimer', 'The attempt was ended by an uncaught exception: in a timer'],
    ['exits', 'The agent ended its process with exit code 7.'],
    ['eats', 'The agent was out of memory (limit 64 MB, set by AGENT_MEMORY_MB).'],
    ['dies', "The agent's process was ended by SIGSEGV."],
    ['disconnects', 'The agent ended its process with exit code 0.'],
  ])('one that %s', async (agent, message) => {
    const own = openTestPool()
    const neighbour = run(own, 'waits')
    const failure = await failureOf(own, agent)
    expect(failure.message).toBe(message)
    expect(await neighbour).toMatchObject({ result: expect.any(Number) })
  })

  test('what an earlier attempt left, which only warns', async () => {
    const warnings: unknown[] = []
    const own = openTestPool({ log: { ...silentLog, warn: (...words: unknown[]) => void warnings.push(words) } })
    const { result: pid } = await run(own, 'any', { input: 'leavesRejection' })
    expect(await run(own, 'any', { input: 'letsItReject' })).toEqual({ result: pid })
    expect(warnings).toMatchObject([
      [
        { err: { message: 'of the attempt before' } },
        'an unhandled rejection came from an attempt of an agent that had ended',
      ],
    ])
    // It may leave more.
    expect(await run(own, 'any', { input: 'waits' })).not.toEqual({ result: pid })
  })
})

describe('an aborted signal', () => {
  /** Runs an agent until it logs, then aborts it. */
  async function stopped(agent: string, graceMs: number) {
    const stop = new AbortController()
    const lines: string[] = []
    const reason = new DOMException('The time limit is over.', 'TimeoutError')
    const started = Promise.withResolvers<void>()
    const write = (line: string) => {
      lines.push(line)
      started.resolve()
    }
    const failure = failureOf(openTestPool({ graceMs }), agent, { signal: stop.signal, log: write })
    if (agent === 'loops') setTimeout(started.resolve, 500)
    await started.promise
    stop.abort(reason)
    return { failure: await failure, lines }
  }

  test('reaches the agent, with its reason', async () => {
    const { failure, lines } = await stopped('obeys', 60_000)
    expect(failure.message).toBe('obeyed')
    expect(lines).toEqual(['ready', 'stopped: TimeoutError The time limit is over.'])
  })

  test.each(['disobeys', 'loops'])('kills one that %s after the grace', async (agent) => {
    const { failure } = await stopped(agent, 50)
    expect(failure.message).toMatch(/was ended by SIGKILL/)
  })

  test('kills what the agent has started', async () => {
    const { lines } = await stopped('spawns', 50)
    const pids = (lines[0] ?? '').split(' ').map(Number)
    expect(pids).toHaveLength(2)
    await until('both have ended', async () => !pids.some(isAlive))
  })

  test('starts nothing when it was aborted before', async () => {
    const reason = new Error('too late')
    expect(await failureOf(openTestPool(), 'nothing', { signal: AbortSignal.abort(reason) })).toBe(reason)
  })
})

test('the orchestrator waits longer for a stopped agent than its process has', () => {
  expect(MAX_GRACE_MS).toBeLessThan(leaseTiming(LEASE_MS).stopGraceMs)
})

test('closing ends the children, also those that run', async () => {
  const own = openTestPool()
  const { given, lines } = contextOf()
  const failure = own.run('spawns', given).catch((error: unknown) => error)
  await until('it runs', async () => lines.length > 0)
  await own.close()
  expect(await failure).toBeInstanceOf(Error)
  const pids = (lines[0]?.[0] ?? '').split(' ').map(Number)
  await until('both have ended', async () => !pids.some(isAlive))
})
