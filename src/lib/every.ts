// Work that is done again and again: one run at a time, and a failed one is not the last.
import type { Log } from './log.ts'

/** Work that is repeated until it is closed. */
export type Repeated = {
  /** Aborts the run, waits for it, and starts no other. A run must not wait for this itself. */
  close(): Promise<void>
}

/** How work is repeated. */
export type RepeatOptions = {
  log: Log
  /** What the work is, in the log: `retention`. */
  name: string
  /** Whether the first run is now rather than after `ms`. Default false. */
  immediately?: boolean
}

/** A longer timer would fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Calls `run` again and again, `ms` after the end of the run before. What it throws is logged,
 * and the next run comes as usual.
 */
export function every(
  ms: number,
  run: (signal: AbortSignal) => Promise<unknown> | unknown,
  options: RepeatOptions,
): Repeated {
  const { log, name, immediately = false } = options
  const closing = new AbortController()
  const { signal } = closing
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined

  function start(): void {
    running = runOnce().then(rest)
  }

  async function runOnce(): Promise<void> {
    try {
      await run(signal)
    } catch (error) {
      // A run that was asked to stop may say so by throwing.
      if (!signal.aborted) log.error({ err: error, task: name }, `${name} failed; it runs again`)
    }
  }

  function rest(): void {
    if (!signal.aborted) timer = setTimeout(start, Math.min(ms, LONGEST_TIMER_MS))
  }

  if (immediately) start()
  else rest()

  return {
    async close() {
      closing.abort()
      clearTimeout(timer)
      await running
    },
  }
}
