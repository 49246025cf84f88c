import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RepeatOptions } from './every.ts'
import { every } from './every.ts'
import { silentLog } from './log.ts'

const SECOND = 1000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Lets time pass, and whatever waits for it run. */
function pass(ms: number): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(ms)
}

/** Work whose every run ends only when the test says so. */
function work(options: Partial<RepeatOptions> = {}) {
  const runs: { signal: AbortSignal; end(): void; fail(error: Error): void }[] = []
  const repeated = every(
    SECOND,
    (signal) =>
      new Promise<void>((resolve, reject) => {
        runs.push({ signal, end: resolve, fail: reject })
      }),
    { log: silentLog, name: 'the work', ...options },
  )
  const run = (index: number) => {
    const found = runs[index]
    if (found === undefined) throw new Error(`There is no run ${index}.`)
    return found
  }
  return { repeated, run, count: () => runs.length }
}

function logInto(lines: Record<string, unknown>[]) {
  return pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line)) })
}

test('runs after the time, and again the same time after the end of each run', async () => {
  const { run, count } = work()
  await pass(SECOND - 1)
  expect(count()).toBe(0)
  await pass(1)
  expect(count()).toBe(1)
  await pass(10 * SECOND)
  expect(count()).toBe(1)
  run(0).end()
  await pass(SECOND - 1)
  expect(count()).toBe(1)
  await pass(1)
  expect(count()).toBe(2)
})

test('runs at once where asked', async () => {
  const { run, count } = work({ immediately: true })
  expect(count()).toBe(1)
  run(0).end()
  await pass(SECOND)
  expect(count()).toBe(2)
})

test('a failed run is logged, and the next comes as usual', async () => {
  const lines: Record<string, unknown>[] = []
  const { run, count } = work({ immediately: true, log: logInto(lines) })
  run(0).fail(new Error('no disk'))
  await pass(SECOND)
  expect(count()).toBe(2)
  expect(lines).toMatchObject([
    { level: 50, task: 'the work', msg: 'the work failed; it runs again', err: { message: 'no disk' } },
  ])
})

test('work that throws before it waits is logged like any other', async () => {
  const lines: Record<string, unknown>[] = []
  const throwing = () => {
    throw new Error('at once')
  }
  const repeated = every(SECOND, throwing, { log: logInto(lines), name: 'x', immediately: true })
  await pass(2 * SECOND)
  expect(lines).toHaveLength(3)
  await repeated.close()
})

test('closing aborts the run, waits for it, and starts no other', async () => {
  const lines: Record<string, unknown>[] = []
  const { repeated, run, count } = work({ immediately: true, log: logInto(lines) })
  let isClosed = false
  const closed = repeated.close().then(() => {
    isClosed = true
  })
  await pass(10 * SECOND)
  expect(run(0).signal.aborted).toBe(true)
  expect(isClosed).toBe(false)
  run(0).fail(new Error('aborted'))
  await closed
  await pass(10 * SECOND)
  expect(count()).toBe(1)
  expect(lines).toEqual([])
})

test('closing between runs ends the waiting, and closing twice is harmless', async () => {
  const { repeated, count } = work()
  await repeated.close()
  await repeated.close()
  await pass(10 * SECOND)
  expect(count()).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

test('a time longer than a timer can wait does not run it at once', async () => {
  vi.useRealTimers()
  const wait = vi.spyOn(globalThis, 'setTimeout')
  try {
    await every(2 ** 40, () => {}, { log: silentLog, name: 'x' }).close()
    expect(wait.mock.calls.map(([, ms]) => ms)).toEqual([2 ** 31 - 1])
  } finally {
    wait.mockRestore()
  }
})
