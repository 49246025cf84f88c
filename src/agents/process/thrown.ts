// What was thrown in one process, for another one.
import { z } from 'zod'
import { cut } from '../../lib/cut.ts'
import type { ErrorCode } from '../../lib/error.ts'
import { AppError, BudgetUsed, ERRORS, GiveUp, RetryAt, Waiting } from '../../lib/error.ts'

const KINDS = ['error', 'BudgetUsed', 'GiveUp', 'RetryAt', 'Waiting', 'AppError'] as const

const MAX_CHARS = 100_000
const text = z.string().transform((given) => cut(given, MAX_CHARS))

// Not recursive: what comes from a child may be deep or have no end.
const THROWN = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('value'), text }),
  z.object({
    kind: z.enum(KINDS),
    name: text,
    message: text,
    stack: text.optional(),
    cause: z.unknown().optional(),
    /** Of an `AggregateError`. */
    errors: z.array(z.unknown()).optional(),
    when: z.instanceof(Date).optional(),
    code: z.string().optional(),
  }),
])

/** Anything thrown, as plain data. */
export type Thrown = z.infer<typeof THROWN>

const MAX_CAUSES = 10

/** What was thrown, to be passed on. */
export function toThrown(error: unknown, depth = 0): Thrown {
  if (!(error instanceof Error)) return { kind: 'value', text: textOf(error) }
  const { name, message, stack, cause } = error
  const { code } = error as { code?: unknown }
  const isDeep = depth >= MAX_CAUSES
  return {
    kind: kindOf(error),
    name: textOf(name),
    message: textOf(message),
    stack: typeof stack === 'string' ? cut(stack, MAX_CHARS) : undefined,
    cause: cause === undefined || isDeep ? undefined : toThrown(cause, depth + 1),
    errors: error instanceof AggregateError && !isDeep ? innerOf(error.errors, depth, toThrown) : undefined,
    when: error instanceof RetryAt ? error.when : undefined,
    code: typeof code === 'string' ? code : undefined,
  }
}

/** Anything as a text that is not too long; an object without a prototype by its kind. */
function textOf(value: unknown): string {
  try {
    return cut(String(value), MAX_CHARS)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

/** The first of several errors. Each may again have some, but those have no more. */
function innerOf<T>(errors: readonly unknown[], depth: number, each: (error: unknown, depth: number) => T): T[] {
  return errors.slice(0, MAX_CAUSES).map((one) => each(one, Math.max(depth + 1, MAX_CAUSES - 1)))
}

function kindOf(error: Error): (typeof KINDS)[number] {
  if (error instanceof BudgetUsed) return 'BudgetUsed'
  if (error instanceof GiveUp) return 'GiveUp'
  if (error instanceof RetryAt) return 'RetryAt'
  if (error instanceof Waiting) return 'Waiting'
  return error instanceof AppError ? 'AppError' : 'error'
}

/**
 * The error again, with its class where that says what follows, its stack and its causes. Never
 * throws: an agent can send anything in its place.
 */
export function fromThrown(given: unknown, depth = 0): unknown {
  const { data: thrown } = THROWN.safeParse(given)
  if (thrown === undefined) return new Error('What the agent threw cannot be read.')
  if (thrown.kind === 'value') return thrown.text
  const error = errorOf(thrown, depth)
  Object.defineProperty(error, 'stack', { value: thrown.stack, configurable: true, writable: true })
  const { cause } = thrown
  if (cause !== undefined && depth < MAX_CAUSES) error.cause = fromThrown(cause, depth + 1)
  return error
}

function errorOf(thrown: Exclude<Thrown, { kind: 'value' }>, depth: number): Error {
  const { kind, name, message, errors, when, code } = thrown
  if (kind === 'BudgetUsed') return new BudgetUsed(message)
  if (kind === 'GiveUp') return new GiveUp(message)
  if (kind === 'Waiting') return new Waiting(message)
  if (kind === 'RetryAt') return new RetryAt(when ?? new Date(Number.NaN), message)
  if (kind === 'AppError' && isErrorCode(code)) return new AppError(code, message)
  const isSeveral = errors !== undefined && depth < MAX_CAUSES
  const error = isSeveral ? new AggregateError(innerOf(errors, depth, fromThrown), message) : new Error(message)
  return Object.assign(error, { name }, code === undefined ? {} : { code })
}

function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERRORS, code)
}
