// What stops a running service: a signal, or an exception that nobody caught.
import { LONGEST_TIMER_MS } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import { EXIT } from './exit-code.ts'

/** The signals that ask a process to end. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** After an uncaught exception nothing is sure to end by itself. */
const CRASH_LIMIT_MS = 30_000

/**
 * Keeps the process up until it is to stop. `stopped` resolves at the first signal (the second one
 * ends the process at once) and rejects with an uncaught exception. An unhandled rejection is
 * logged, and the service goes on: what rejected is not what the others wait for.
 */
export function awaitStop(log: Log): { stopped: Promise<void>; letGo(): void } {
  // A promise does not keep Node alive, and a process that only orchestrates may have nothing else
  // that does.
  const stayUp = setInterval(() => {}, LONGEST_TIMER_MS)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let limit: NodeJS.Timeout | undefined
  // It may come before anybody waits for it.
  promise.catch(() => {})
  let asked = false
  const onSignal = (_signal: NodeJS.Signals, number: number) => {
    if (asked) process.exit(128 + number)
    asked = true
    log.info('stopping once running work is done; another signal stops at once')
    resolve()
  }
  const onRejection = (error: unknown) => log.error({ err: error }, 'an unhandled rejection')
  const onException = (error: Error) => {
    log.error({ err: error }, 'an uncaught exception: stopping once running work is done')
    limit ??= setTimeout(() => process.exit(EXIT.bug), CRASH_LIMIT_MS).unref()
    reject(error)
  }
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal)
  process.on('unhandledRejection', onRejection)
  // In place of the listeners of this event, which end the process at once.
  process.setUncaughtExceptionCaptureCallback(onException)
  return {
    stopped: promise,
    letGo() {
      clearInterval(stayUp)
      clearTimeout(limit)
      for (const signal of STOP_SIGNALS) process.off(signal, onSignal)
      process.off('unhandledRejection', onRejection)
      process.setUncaughtExceptionCaptureCallback(null)
    },
  }
}
