// Reads together what is asked for one by one, and no more at once than fits.
import { setImmediate as nextTurn } from 'node:timers/promises'

/** One value that was read; null when no row has that id. */
export type Read<Value> = { id: string; bytes: number; value: Value | null }

/** What is read, and how much of it at once. */
export type GatherOptions<Value> = {
  /** The most bytes that are read and not yet released. A larger value is read alone. */
  maxBytes: number
  /**
   * Reads values in the order of `ids`, as long as their sum is at most `maxBytes`: none if not
   * even the first fits, unless `atLeastOne`.
   */
  read(ids: readonly string[], limit: { maxBytes: number; atLeastOne: boolean }): Promise<readonly Read<Value>[]>
}

/** Reads the value of an id and counts its bytes until `use` has ended. */
export type Gather<Value> = <T>(id: string, use: (value: Value | null) => Promise<T> | T) => Promise<T>

type Taken<Value> = { value: Value | null; release(): void }
type Ask<Value> = { id: string; resolve(taken: Taken<Value>): void; reject(error: unknown): void }

/**
 * Gathers what is asked for in one turn of the event loop, and while another read is on its way,
 * into one call of `read`.
 */
export function gather<Value>({ maxBytes, read }: GatherOptions<Value>): Gather<Value> {
  let waiting: Ask<Value>[] = []
  let usedBytes = 0
  let isReading = false
  /** Whether the next read may find more: something was read, or released since it began. */
  let mayFindMore = false

  async function pump(): Promise<void> {
    if (isReading) return
    isReading = true
    do {
      await nextTurn()
      mayFindMore = false
      await readSome()
      // Nothing may come between this look and the end: a release only pumps when nothing reads.
    } while (waiting.length > 0 && mayFindMore)
    isReading = false
  }

  async function readSome(): Promise<void> {
    const asked = waiting
    waiting = []
    const ids = [...new Set(asked.map(({ id }) => id))]
    try {
      const limit = { maxBytes: maxBytes - usedBytes, atLeastOne: usedBytes === 0 }
      const found = new Map((await read(ids, limit)).map((one) => [one.id, one]))
      const left = asked.filter(({ id }) => !found.has(id))
      for (const one of found.values()) {
        answer(
          one,
          asked.filter(({ id }) => id === one.id),
        )
      }
      waiting = [...left, ...waiting]
      if (found.size > 0) mayFindMore = true
    } catch (error) {
      for (const { reject } of asked) reject(error)
      mayFindMore = true
    }
  }

  function answer({ value, bytes }: Read<Value>, asks: readonly Ask<Value>[]): void {
    usedBytes += bytes
    let users = asks.length
    const release = () => {
      if (--users > 0) return
      usedBytes -= bytes
      mayFindMore = true
      if (waiting.length > 0) void pump()
    }
    for (const { resolve } of asks) resolve({ value, release })
  }

  return async (id, use) => {
    const { value, release } = await new Promise<Taken<Value>>((resolve, reject) => {
      waiting.push({ id, resolve, reject })
      void pump()
    })
    try {
      return await use(value)
    } finally {
      release()
    }
  }
}
