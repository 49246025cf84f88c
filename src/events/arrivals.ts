// Waiting for new events: however many wait, one statement at a time looks for all of them, and
// nobody keeps a connection of the database.
import { AppError, errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'

/** What waiting for events needs. */
export type ArrivalsOptions = {
  /** The number of the newest event; null without one. */
  newest(): Promise<bigint | null>
  log: Log
  /** How often it looks while somebody waits. Default 250. */
  everyMs?: number
  /** How many may wait at once. Default 100. */
  maxWaiting?: number
}

/** New events, to be waited for. */
export type Arrivals = {
  /**
   * Resolves to true when there is an event numbered `from` or higher, and to false after `ms`,
   * when the signal is aborted, or when nobody may wait any more.
   * @throws AppError `rate_limited` when too many wait already.
   */
  wait(from: bigint, options: { ms: number; signal: AbortSignal }): Promise<boolean>
  /** There may be a new one: looks now, if anybody waits. */
  nudge(): void
  /** Lets everybody go, and nobody wait any more. */
  close(): Promise<void>
}

type Waiting = { from: bigint; end(hasArrived: boolean): void }

/** Opens the waiting. It asks the database nothing while nobody waits. */
export function openArrivals({ newest, log, everyMs = 250, maxWaiting = 100 }: ArrivalsOptions): Arrivals {
  const waiting = new Set<Waiting>()
  let looking: Promise<void> | undefined
  let isNudged = false
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  async function lookOnce(): Promise<void> {
    isNudged = false
    try {
      const position = await newest()
      for (const each of waiting) if (position !== null && position >= each.from) each.end(true)
    } catch (error) {
      log.warn({ error: errorText(error) }, 'new events cannot be looked for')
    }
  }

  async function look(): Promise<void> {
    do await lookOnce()
    while (isNudged && waiting.size > 0)
    looking = undefined
    if (waiting.size > 0) timer = setTimeout(nudge, everyMs)
  }

  function nudge(): void {
    isNudged = true
    if (waiting.size === 0 || looking !== undefined) return
    clearTimeout(timer)
    looking = look()
  }

  return {
    nudge,
    async wait(from, { ms, signal }) {
      if (isClosed || signal.aborted) return false
      if (waiting.size >= maxWaiting) {
        const headers = { 'retry-after': '5' }
        throw new AppError('rate_limited', 'Too many wait for events at once: repeat it later, or without wait.', {
          headers,
        })
      }
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const mine = { from, end: resolve }
      const giveUp = () => resolve(false)
      const over = setTimeout(giveUp, ms)
      signal.addEventListener('abort', giveUp)
      waiting.add(mine)
      nudge()
      const hasArrived = await promise
      clearTimeout(over)
      signal.removeEventListener('abort', giveUp)
      waiting.delete(mine)
      return hasArrived
    },
    async close() {
      isClosed = true
      for (const { end } of waiting) end(false)
      clearTimeout(timer)
      await looking
      clearTimeout(timer)
    },
  }
}
