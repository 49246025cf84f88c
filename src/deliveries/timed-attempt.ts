// An attempt that is no HTTP request of its own: bounded in time, and with the same result.
import { TOTAL_DEADLINE_MS } from './dispatcher.ts'
import type { SendResult } from './send.ts'

/** How long an attempt may take, and what ends it early. */
export type Limits = {
  /** Default 15 s. */
  deadlineMs?: number | undefined
  signal?: AbortSignal | undefined
}

/** What an attempt came to, as far as it says. */
export type Outcome = Partial<Omit<SendResult, 'durationMs' | 'timings'>>

/**
 * Makes an attempt within its time. When `signal` is aborted it has to end, whatever with: the
 * result is then `timeout` or `cancelled`.
 */
export async function attemptOf(
  { deadlineMs = TOTAL_DEADLINE_MS, signal: given }: Limits,
  make: (signal: AbortSignal) => Promise<Outcome>,
): Promise<SendResult> {
  const startedAt = performance.now()
  const deadline = AbortSignal.timeout(deadlineMs)
  const signal = given === undefined ? deadline : AbortSignal.any([deadline, given])
  const outcome = await make(signal).catch((error: unknown): Outcome => {
    if (!signal.aborted) throw error
    return { error: deadline.aborted ? 'timeout' : 'cancelled' }
  })
  return resultOf(outcome, Math.round(performance.now() - startedAt))
}

/** The whole result of what is known of it. */
export function resultOf(outcome: Outcome, durationMs = 0): SendResult {
  return {
    statusCode: null,
    error: null,
    reason: null,
    retryAfter: null,
    deliveryControl: null,
    response: null,
    responseHeaders: null,
    peer: null,
    ...outcome,
    timings: { dns: null, connect: null, tls: null, first_byte: null, total: durationMs },
    durationMs,
  }
}
