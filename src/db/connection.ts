// How a connection is made, and which errors mean that the database cannot be reached.
import type { ClientConfig } from 'pg'
import pg from 'pg'
import { AppError } from '../lib/error.ts'

/**
 * How long a statement may take. Without a limit, a statement whose server has vanished waits for a
 * quarter of an hour.
 */
export const ANSWER_MS = 30_000

/**
 * When the server ends a statement by itself, whose answer is awaited for `answerMs`: a second
 * earlier, so that nothing goes on there that has been given up here.
 */
export function statementMs(answerMs: number): number {
  return Math.max(answerMs - 1000, Math.ceil(answerMs / 2))
}

/**
 * The settings of every connection. Connecting takes at most 5 s; keep-alive finds a server that
 * has vanished.
 */
export function connectionConfig(url: string, applicationName = 'signalbox'): ClientConfig {
  return {
    connectionString: withLibpqSsl(url),
    application_name: applicationName,
    connectionTimeoutMillis: 5000,
    query_timeout: ANSWER_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types,
  }
}

/**
 * Makes `sslmode` mean what it means to `psql`. `pg` 8 reads `require` as `verify-full`, which
 * fails on Supabase, whose certificates are signed by its own authority. Without `sslmode` `pg`
 * never uses TLS and `psql` does when it can, so hosts of Supabase get `require`.
 */
function withLibpqSsl(url: string): string {
  if (!URL.canParse(url)) return url
  const parsed = new URL(url)
  const query = parsed.searchParams
  if (/\.supabase\.(com|co)$/.test(parsed.hostname) && !query.has('sslmode')) query.set('sslmode', 'require')
  if (query.has('sslmode') && !query.has('uselibpqcompat')) query.set('uselibpqcompat', 'true')
  return parsed.href
}

const INT8 = 20

/** Reads a `bigint` as a number while that is exact, else as text; everything else as `pg` does. */
const types: NonNullable<ClientConfig['types']> = {
  getTypeParser(oid, format) {
    if (oid === INT8 && format !== 'binary') {
      return (text: string) => (Number.isSafeInteger(Number(text)) ? Number(text) : text)
    }
    return pg.types.getTypeParser(oid, format)
  },
}

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
])

// Classes 08 (connection), 53 (out of connections, memory or disk) and 57P (shutting down, starting
// up), and 25006: a standby or a full disk made the database read-only.
const UNAVAILABLE_SQLSTATE = /^(08...|53...|57P..|25006)$/

// Errors of `pg` that have no code.
const UNAVAILABLE_MESSAGE = new RegExp(
  `^(${[
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'Connection terminated',
    'Client (has encountered a connection error|was closed)',
    'Cannot use a pool after',
  ].join('|')})`,
)

/**
 * Whether an error means that the database cannot be reached, rather than that it refused a
 * statement.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError && error.errors.some(isUnavailable)) return true
  const { code, severity } = error as { code?: unknown; severity?: unknown }
  if (severity === 'FATAL' || severity === 'PANIC') return true
  if (typeof code === 'string' && (NETWORK_CODES.has(code) || UNAVAILABLE_SQLSTATE.test(code))) return true
  return UNAVAILABLE_MESSAGE.test(error.message)
}

/**
 * Whether the server ended a statement: by its time limit (57014, also what an operator cancels),
 * or because it waited too long for a lock (55P03).
 */
export function isOutOfTime(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '57014' || error.code === '55P03')
}

/** The error for a statement that the server ended, and nothing of which was committed. */
export function outOfTime(cause: unknown): AppError {
  return new AppError('database_unavailable', 'The database took too long to answer.', { cause })
}

/**
 * The error for a database that cannot be reached. The reason is its `cause`, for the log only: it
 * may name hosts and users.
 */
export function unavailable(cause: unknown): AppError {
  return new AppError('database_unavailable', undefined, { cause })
}

/** Whether a statement failed because the database cannot be reached; it may work later. */
export function isAway(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'database_unavailable'
}
