// One call of a forge as an attempt of a delivery.
import type { Forges } from '../forges/forges.ts'
import { AppError, GiveUp, RetryAt } from '../lib/error.ts'
import type { Lease } from '../queue/row-lease.ts'
import type { PreparedDispatch } from './kinds/kind.ts'
import type { SendResult } from './send.ts'
import type { Limits, Outcome } from './timed-attempt.ts'
import { attemptOf } from './timed-attempt.ts'

/** Starts what was prepared; a failure of the forge is the result, and not thrown. */
export function callForge(
  forges: Forges,
  prepared: PreparedDispatch,
  limits: Limits & { lease?: Pick<Lease, 'confirm'> | undefined },
): Promise<SendResult> {
  return attemptOf(limits, async (signal) => {
    try {
      const { forge, path } = forges.of(prepared.repository)
      await forge.guarded({ signal, confirm: async () => limits.lease?.confirm() }).dispatch(path, prepared.dispatch)
      return { statusCode: 204 }
    } catch (error) {
      signal.throwIfAborted()
      return failure(error)
    }
  })
}

function failure(error: unknown): Outcome {
  if (error instanceof RetryAt) {
    return { error: 'forge_failed', reason: error.message, retryAfter: error.when.toUTCString() }
  }
  if (error instanceof GiveUp) return { error: 'not_configured', reason: error.message }
  if (error instanceof AppError) return { error: 'forge_failed', reason: error.detail }
  throw error
}
