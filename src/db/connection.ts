// How a connection is made, and which of its failures mean "the database is away".

import type { ClientConfig } from 'pg'
import pg from 'pg'
import { AppError } from '../lib/error.ts'

const INT8 = 20

/**
 * Column values as Signalbox wants them: `bigint` as a number while it is exact (else its text),
 * everything else as `pg` gives it.
 */
const types: NonNullable<ClientConfig['types']> = {
  getTypeParser(oid, format) {
    if (oid === INT8 && format !== 'binary') {
      return (text: string) => (Number.isSafeInteger(Number(text)) ? Number(text) : text)
    }
    return pg.types.getTypeParser(oid, format)
  },
}

/**
 * The connection string for `pg` with `sslmode` meaning what it means to `psql`. On its own `pg` 8
 * reads `require` as `verify-full`, which fails on Supabase (their servers' certificates are signed
 * by their own CA); and it never uses TLS when `sslmode` is absent, where `psql` would, so
 * Supabase's hosts get `require`.
 */
function withLibpqSsl(url: string): string {
  if (!URL.canParse(url)) return url
  const parsed = new URL(url)
  const query = parsed.searchParams
  if (/\.supabase\.(com|co)$/.test(parsed.hostname) && !query.has('sslmode')) query.set('sslmode', 'require')
  if (query.has('sslmode') && !query.has('uselibpqcompat')) query.set('uselibpqcompat', 'true')
  return parsed.href
}

/**
 * How long an answer may take. Without a limit a peer that went away in the middle of a statement
 * is waited for a quarter of an hour.
 */
export const ANSWER_MS = 30_000

/**
 * What the pool and the listener pass to `pg`: keep-alive finds a dead peer, and 5 s is the longest
 * wait for a connection.
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

// `pg` gives these no code.
const UNAVAILABLE_MESSAGE =
  /^(timeout exceeded when trying to connect|Query read timeout|Connection terminated|Client (has encountered a connection error|was closed)|Cannot use a pool after)/

/** Whether an error means that the database is away, rather than that a statement was refused. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError && error.errors.some(isUnavailable)) return true
  const { code, severity } = error as { code?: unknown; severity?: unknown }
  if (severity === 'FATAL' || severity === 'PANIC') return true
  if (typeof code === 'string' && (NETWORK_CODES.has(code) || UNAVAILABLE_SQLSTATE.test(code))) return true
  return UNAVAILABLE_MESSAGE.test(error.message)
}

/**
 * The error of a database that is away. The reason is its `cause`, for the log: it may name hosts
 * and users.
 */
export function unavailable(cause: unknown): AppError {
  return new AppError('database_unavailable', undefined, { cause })
}

/**
 * Whether a statement failed because the database is away: nobody is at fault, and the same will
 * work later.
 */
export function isAway(error: unknown): boolean {
  return error instanceof AppError && error.code === 'database_unavailable'
}
