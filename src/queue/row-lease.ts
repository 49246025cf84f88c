// The lease of a running row, as its handler may ask about it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stopwatch } from '../lib/stopwatch.ts'
import type { LeaseTiming } from './lease-timing.ts'

/** What a handler may ask of the lease of its row. */
export type Lease = {
  /** How long it lasts for sure, however long this process was frozen. */
  leftMs(): number
  /**
   * Renews it, so that nobody else begins meanwhile what the handler is about to do.
   * @throws LeaseLost when the row is no longer its own, or the reason why the handler is to end.
   */
  confirm(): Promise<void>
}

type Parts = {
  /** What has run since the lease that is held was asked for. */
  leased(): Stopwatch
  /** Asks for it once more; `leased` is another one if there was an answer. */
  ask(limitMs: number): Promise<void>
  signal: AbortSignal
  leaseMs: number
  timing: LeaseTiming
}

/** The lease of one row. */
export function rowLease({ leased, ask, signal, leaseMs, timing: { answerMs } }: Parts): Lease {
  return {
    leftMs: () => leaseMs - leased().elapsedMs(),
    async confirm() {
      const before = leased()
      // An answer that is read late, as by a process that was frozen, says nothing of now.
      while (leased() === before || leased().elapsedMs() > answerMs) {
        signal.throwIfAborted()
        await ask(answerMs)
        if (leased() === before) await sleep(answerMs / 10, undefined, { signal }).catch(() => undefined)
      }
      signal.throwIfAborted()
    },
  }
}
