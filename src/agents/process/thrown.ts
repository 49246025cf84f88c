// What was thrown in one process, for another one.
import type { ErrorCode } from '../../lib/error.ts'
import { AppError, GiveUp, RetryAt } from '../../lib/error.ts'

/** Anything thrown, as plain data. */
export type Thrown =
  | { kind: 'value'; text: string }
  | {
      kind: 'error' | 'GiveUp' | 'RetryAt' | 'AppError'
      name: string
      message: string
      stack: string | undefined
      cause: Thrown | undefined
      /** Of an `AggregateError`. */
      errors: Thrown[] | undefined
      when: Date | undefined
      code: string | undefined
    }

const MAX_CAUSES = 10

/** What was thrown, to be passed on. */
export function toThrown(error: unknown, depth = 0): Thrown {
  if (!(error instanceof Error)) return { kind: 'value', text: String(error) }
  const { name, message, stack, cause } = error
  const { code } = error as { code?: unknown }
  const inner = (one: unknown) => toThrown(one, depth + 1)
  const isDeep = depth >= MAX_CAUSES
  return {
    kind: kindOf(error),
    name,
    message,
    stack,
    cause: cause === undefined || isDeep ? undefined : inner(cause),
    errors: error instanceof AggregateError && !isDeep ? error.errors.slice(0, MAX_CAUSES).map(inner) : undefined,
    when: error instanceof RetryAt ? error.when : undefined,
    code: typeof code === 'string' ? code : undefined,
  }
}

function kindOf(error: Error): 'error' | 'GiveUp' | 'RetryAt' | 'AppError' {
  if (error instanceof GiveUp) return 'GiveUp'
  if (error instanceof RetryAt) return 'RetryAt'
  return error instanceof AppError ? 'AppError' : 'error'
}

/** The error again, with its class where that says what follows, its stack and its causes. */
export function fromThrown(thrown: Thrown): unknown {
  if (thrown.kind === 'value') return thrown.text
  const error = errorOf(thrown)
  Object.defineProperty(error, 'stack', { value: thrown.stack, configurable: true, writable: true })
  if (thrown.cause !== undefined) error.cause = fromThrown(thrown.cause)
  return error
}

function errorOf({ kind, name, message, errors, when, code }: Exclude<Thrown, { kind: 'value' }>): Error {
  if (kind === 'GiveUp') return new GiveUp(message)
  if (kind === 'RetryAt') return new RetryAt(when ?? new Date(Number.NaN), message)
  if (kind === 'AppError') return new AppError(code as ErrorCode, message)
  const error = errors === undefined ? new Error(message) : new AggregateError(errors.map(fromThrown), message)
  return Object.assign(error, { name }, code === undefined ? {} : { code })
}
