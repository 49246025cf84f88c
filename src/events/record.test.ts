// Batching: what arrives together is committed together, and one bad event fails alone.
import { describe, expect, test } from 'vitest'
import { draft } from '../../test/drafts.ts'
import { AppError } from '../lib/error.ts'
import type { Draft, Recorded } from './event.ts'
import type { WriteBatch } from './record.ts'
import { openRecorder } from './record.ts'

function drafts(count: number): Draft[] {
  return Array.from({ length: count }, () => draft())
}

function written(batch: readonly Draft[]): Recorded[] {
  return batch.map(({ id }) => ({ id, duplicate: false, status: 'ignored', reason: 'no rule', jobIds: [] }))
}

/** A database under the test's control: each batch waits until the test ends it. */
function heldDatabase() {
  const batches: { size: number; end: () => void; fail: (error: Error) => void }[] = []
  const write: WriteBatch = (batch) => {
    const { promise, resolve, reject } = Promise.withResolvers<Recorded[]>()
    batches.push({ size: batch.length, end: () => resolve(written(batch)), fail: reject })
    return promise
  }
  return { batches, write, sizes: () => batches.map(({ size }) => size) }
}

/** The end of this turn of the event loop, in which arrivals are gathered. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test('events that arrive in one turn share a commit, and each gets its own answer', async () => {
  const sizes: number[] = []
  const { record } = openRecorder(async (batch) => {
    sizes.push(batch.length)
    return written(batch)
  })
  const all = drafts(30)
  const recorded = await Promise.all(all.map(record))
  expect(recorded.map(({ id }) => id)).toEqual(all.map(({ id }) => id))
  expect(sizes).toEqual([30])
})

test('an event that arrives alone is committed at once', async () => {
  const { record, idle } = openRecorder(async (batch) => written(batch))
  const one = draft()
  expect(await record(one)).toMatchObject({ id: one.id })
  await idle()
})

test('a second commit starts beside the first only when it has at least half as much to do', async () => {
  const { batches, sizes, write } = heldDatabase()
  const { record, idle } = openRecorder(write)
  drafts(10).map(record)
  await nextTurn()
  drafts(4).map(record)
  await nextTurn()
  expect(sizes()).toEqual([10])
  drafts(1).map(record)
  await nextTurn()
  expect(sizes()).toEqual([10, 5])
  // Never a third, however much waits.
  drafts(40).map(record)
  await nextTurn()
  expect(sizes()).toEqual([10, 5])
  batches[0]?.end()
  await nextTurn()
  expect(sizes()).toEqual([10, 5, 40])
  for (const batch of batches) batch.end()
  await idle()
})

test('few events that wait beside a large commit go when it has ended', async () => {
  const { batches, sizes, write } = heldDatabase()
  const { record } = openRecorder(write)
  drafts(10).map(record)
  await nextTurn()
  const late = record(draft())
  await nextTurn()
  expect(sizes()).toEqual([10])
  batches[0]?.end()
  await nextTurn()
  expect(sizes()).toEqual([10, 1])
  batches[1]?.end()
  await expect(late).resolves.toMatchObject({ duplicate: false })
})

test('a batch has at most 64 events and 4 MB, and a larger event goes alone', async () => {
  const sizes: number[] = []
  const { record } = openRecorder(async (batch) => {
    sizes.push(batch.length)
    return written(batch)
  })
  await Promise.all(drafts(100).map(record))
  expect(sizes.toSorted((a, b) => b - a)).toEqual([64, 36])
  sizes.length = 0
  const large = (megabytes: number) => draft({ body: Buffer.alloc(megabytes * 1024 * 1024) })
  await Promise.all([large(3), large(2), large(10), large(1)].map(record))
  expect(sizes).toEqual([1, 1, 1, 1])
})

test('an event the database refuses fails alone, by halving its batch', async () => {
  const bad = draft()
  let batches = 0
  const { record } = openRecorder(async (batch) => {
    batches++
    if (batch.includes(bad)) throw new Error('refused')
    return written(batch)
  })
  const results = await Promise.allSettled([...drafts(10), bad, ...drafts(9)].map(record))
  expect(results.map(({ status }) => status === 'rejected').indexOf(true)).toBe(10)
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  expect(batches).toBeLessThan(20)
})

describe('while the database is away', () => {
  const away = new AppError('database_unavailable')

  /** The time of a recorder, which the test moves on. */
  function manualTime() {
    let time = 0
    let timers: { at: number; run: () => void }[] = []
    return {
      now: () => time,
      later: (run: () => void, ms: number) => void timers.push({ at: time + ms, run }),
      async pass(ms: number) {
        const end = time + ms
        for (let due = timers; due.length > 0; ) {
          due = timers.filter(({ at }) => at <= end)
          timers = timers.filter(({ at }) => at > end)
          for (const { at, run } of due.sort((a, b) => a.at - b.at)) {
            time = Math.max(time, at)
            run()
            await nextTurn()
          }
        }
        time = end
        await nextTurn()
      },
    }
  }

  test('a batch is held, and written again whole until it is back', async () => {
    const { now, later, pass } = manualTime()
    const sizes: number[] = []
    let isAway = true
    const { record, idle } = openRecorder(
      async (batch) => {
        sizes.push(batch.length)
        if (isAway) throw away
        return written(batch)
      },
      { now, later },
    )
    const all = drafts(20)
    const recording = Promise.all(all.map(record))
    await nextTurn()
    await pass(5000)
    const attempts = sizes.length
    expect(attempts).toBeGreaterThan(5)
    const late = record(draft())
    await nextTurn()
    isAway = false
    await pass(1000)
    expect((await recording).map(({ id }) => id)).toEqual(all.map(({ id }) => id))
    await late
    await idle()
    // One at a time, never in parts, and what came meanwhile goes with it.
    expect(new Set(sizes.slice(0, attempts))).toEqual(new Set([20]))
    expect(sizes.at(-1)).toBe(21)
  })

  test('an event is refused nine seconds after it came, with the reason, and others go on waiting', async () => {
    const { now, later, pass } = manualTime()
    const { record, idle } = openRecorder(() => Promise.reject(away), { now, later })
    const answers: string[] = []
    const watch = (name: string) =>
      void record(draft()).catch((error: unknown) => answers.push(`${name} ${error === away}`))
    watch('first')
    await nextTurn()
    await pass(4000)
    watch('second')
    await pass(4900)
    expect(answers).toEqual([])
    await pass(600)
    expect(answers).toEqual(['first true'])
    await pass(4000)
    expect(answers).toEqual(['first true', 'second true'])
    await idle()
  })

  test('an event whose commit hangs is refused in time, and one that waits behind it is not forgotten', async () => {
    const { now, later, pass } = manualTime()
    const { batches, write } = heldDatabase()
    const { record, idle } = openRecorder(write, { now, later })
    const codes: string[] = []
    const watch = () => void record(draft()).catch((error: AppError) => codes.push(error.code))
    for (let n = 0; n < 4; n++) watch()
    await nextTurn()
    await pass(1000)
    watch()
    await nextTurn()
    await pass(8300)
    expect([batches.length, codes]).toEqual([1, Array(4).fill('database_unavailable')])
    batches[0]?.end()
    await nextTurn()
    batches[1]?.end()
    await idle()
    expect(codes).toHaveLength(4)
  })

  test('a commit that hangs is not blamed on an outage that is over', async () => {
    const { now, later, pass } = manualTime()
    const commits: WriteBatch[] = [
      () => Promise.reject(away),
      async (batch) => written(batch),
      () => new Promise(() => {}),
    ]
    const { record } = openRecorder(async (batch) => commits.shift()?.(batch) ?? written(batch), { now, later })
    const first = record(draft())
    await nextTurn()
    await pass(1000)
    await first
    const hanging = record(draft()).catch((error: AppError) => error.detail)
    await nextTurn()
    await pass(10_000)
    expect(await hanging).toBe('The database took too long to answer.')
  })

  test('no more bodies wait than fit in memory', async () => {
    const { now, later, pass } = manualTime()
    const { record, idle } = openRecorder(() => Promise.reject(away), { now, later })
    const body = Buffer.alloc(16 * 1024 * 1024)
    const codes: string[] = []
    for (let n = 0; n < 20; n++) record(draft({ body })).catch(({ detail }: AppError) => codes.push(detail))
    await nextTurn()
    expect(codes).toEqual(Array(4).fill('The database does not keep up: too many events wait for it.'))
    await pass(10_000)
    await idle()
  })
})

test('while the database hangs, no more events are taken than memory can hold', async () => {
  const { batches, write } = heldDatabase()
  const { record, idle } = openRecorder(write)
  const all = drafts(10_100).map((each) => record(each).catch((error: AppError) => error.code))
  await expect(all.at(-1)).resolves.toBe('database_unavailable')
  await nextTurn()
  let isIdle = false
  const whenIdle = idle().then(() => {
    isIdle = true
  })
  for (let ended = 0; ended < batches.length; ended++) {
    expect(isIdle).toBe(false)
    batches[ended]?.end()
    await nextTurn()
  }
  await whenIdle
  expect((await Promise.all(all)).filter((one) => typeof one === 'object')).toHaveLength(10_000)
})
