// The open database: a pool of connections.
import type { PoolClient, QueryConfig, QueryResult } from 'pg'
import pg from 'pg'
import { errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import {
  ANSWER_MS,
  connectionConfig,
  isAway,
  isOutOfTime,
  isUnavailable,
  outOfTime,
  statementMs,
  unavailable,
} from './connection.ts'
import type { Database, Sql } from './database.ts'
import { boundValue } from './text.ts'
import { requireWritable } from './writable.ts'

/** What a pool is opened with. */
export type PoolOptions = {
  url: string
  log: Log
  /** The most connections open at once. Default 10. */
  max?: number
  applicationName?: string
  /** How long a statement may take before the database counts as unreachable. Default 30 s. */
  answerMs?: number
  /** How long a statement may wait for a lock. Default: as long as for the rest. */
  lockMs?: number
  /**
   * Whether the server ends single statements too where sessions are shared: each is a transaction
   * of its own there, which takes three round trips in place of one. Not for what PostgreSQL runs
   * outside a transaction only.
   */
  limitsAll?: boolean
  /** Whether its statements only look up rows by indexes. */
  onlyLooksUp?: boolean
}

/**
 * Opens a pool of connections. The first statement makes the first connection.
 * @throws AppError `database_unavailable` from every statement, when the database cannot be
 * reached, or has ended the statement because it took too long.
 */
export async function openDatabase(options: PoolOptions): Promise<Database> {
  const { url, log, max = 10, answerMs = ANSWER_MS, lockMs = 0, limitsAll = false, onlyLooksUp = false } = options
  const verify = requireWritable(log)
  const config = connectionConfig(url, options.applicationName)
  const pool = new pg.Pool({ ...config, max, idleTimeoutMillis: 30_000, verify })
  // Without these two listeners a lost idle connection would end the process. The next statement
  // opens a new one. Only the error's text is logged: `pg` attaches the client, password included.
  pool.on('error', (error) => closing ?? log.warn({ error: errorText(error) }, 'an idle database connection was lost'))
  pool.on('connect', (client) => client.on('error', () => {}))
  let closing: Promise<void> | undefined
  const sessions: Sessions = { areOwn: false, seenShared: false, limited: new WeakSet() }

  const acquire = async (limitMs: number): Promise<Connection> => {
    let client: PoolClient
    try {
      client = await pool.connect()
    } catch (error) {
      throw unavailable(error)
    }
    return new Connection(client, limitMs, sessions)
  }
  const withConnection = async <T>(use: (connection: Connection) => Promise<T>, limitMs = answerMs): Promise<T> => {
    const connection = await acquire(limitMs)
    try {
      if (sessions.areOwn)
        await connection.limitSession(`${settingsOf(answerMs, lockMs)}; ${PLANS[onlyLooksUp ? 'lookups' : 'any']}`)
      return await use(connection)
    } finally {
      connection.release()
    }
  }
  const limitedBegin = `begin; ${settingsOf(answerMs, lockMs, 'local')}`
  return {
    url,
    query: (text, values, name) =>
      withConnection((connection) =>
        limitsAll && !connection.isLimited
          ? runTransaction(connection, limitedBegin, (tx) => tx.query(text, values))
          : connection.query(text, values, name),
      ),
    use: () => ({ open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    ownSessions: (areOwn) => {
      sessions.areOwn = areOwn && !sessions.seenShared
    },
    transaction: (run, { answerMs: limitMs = answerMs } = {}) =>
      withConnection((connection) => {
        const hasLimits = connection.isLimited && limitMs === answerMs
        const begin = hasLimits ? 'begin' : `begin; ${settingsOf(limitMs, lockMs, 'local')}`
        return runTransaction(connection, begin, run)
      }, limitMs),
    close: () => {
      closing ??= pool.end()
      return closing
    },
  }
}

/**
 * How a session plans. A prepared statement keeps the plan it was given while its tables were
 * all but empty, which may read all of them, at once or for a join: with 100,000 deliveries
 * pending each claim took 250 ms until the next ANALYZE. To plan every run anew cost half of
 * the deliveries a second. So no whole table is read that has an index, and where only single
 * rows are looked up, joins do that too.
 */
const ANY_PLAN = 'set enable_seqscan = off'
const PLANS = {
  lookups: `${ANY_PLAN}; set enable_hashjoin = off; set enable_mergejoin = off`,
  any: ANY_PLAN,
} as const

/**
 * Sets the limits of the session, or with `local` of the transaction only: a session that a
 * transaction pooler shares must not keep them. They cannot be parameters of the connection, which
 * poolers refuse. A transaction of a client that has vanished would keep its locks for hours.
 * Servers compile (`jit`) what they expect to be slow, such as lists of much, or up to PostgreSQL
 * 17 every plan that reads a whole table all the same: seconds for a few rows.
 */
function settingsOf(answerMs: number, lockMs: number, local = ''): string {
  const settings = {
    statement_timeout: statementMs(answerMs),
    lock_timeout: lockMs,
    idle_in_transaction_session_timeout: answerMs,
    jit: 'off',
  }
  return Object.entries(settings)
    .map(([name, value]) => `set ${local} ${name} = ${value}`)
    .join('; ')
}

async function runTransaction<T>(connection: Connection, begin: string, run: (tx: Sql) => Promise<T>): Promise<T> {
  try {
    connection.isInTransaction = true
    await connection.run(begin)
    const value = await run(connection)
    const { command } = await connection.run('commit')
    // When a statement failed and its error was caught, PostgreSQL answers COMMIT with ROLLBACK and
    // without an error.
    if (command === 'ROLLBACK') throw new Error('The transaction was rolled back: a statement in it had failed.')
    return value
  } catch (error) {
    // A lost connection has ended its transaction, and may never answer.
    if (!connection.lost) await connection.run('rollback').catch(() => connection.markBroken())
    throw error
  }
}

/** What is known of the sessions of a pool, and which of them have their limits. */
type Sessions = { areOwn: boolean; seenShared: boolean; limited: WeakSet<PoolClient> }

// Two things the types of `pg` leave out: a text of several statements has one result for each, and
// a query may have its own time limit.
type Answer = QueryResult | QueryResult[]
type Query = QueryConfig & { query_timeout: number }

/** One connection of the pool, from `acquire` to `release`. */
class Connection implements Sql {
  readonly #client: PoolClient
  readonly #answerMs: number
  readonly #sessions: Sessions
  #lost = false
  /** A statement that failed has ended the transaction with everything in it. */
  isInTransaction = false

  constructor(client: PoolClient, answerMs: number, sessions: Sessions) {
    this.#client = client
    this.#answerMs = answerMs
    this.#sessions = sessions
  }

  get lost(): boolean {
    return this.#lost
  }

  /** Whether the session itself has the limits of its pool. */
  get isLimited(): boolean {
    return this.#sessions.limited.has(this.#client)
  }

  /** Gives the session its limits, once. */
  async limitSession(limits: string): Promise<void> {
    if (this.isLimited) return
    await this.run(limits)
    this.#sessions.limited.add(this.#client)
  }

  async query<Row extends object>(
    text: string,
    values?: readonly unknown[],
    name?: string,
  ): Promise<{ rows: Row[]; rowCount: number }> {
    const { rows, rowCount } = await this.run(text, values, name)
    return { rows: rows as Row[], rowCount: rowCount ?? 0 }
  }

  /** @throws AppError `database_unavailable` when the connection is lost, or it took too long. */
  async run(text: string, values?: readonly unknown[], name?: string): Promise<QueryResult> {
    const query: Query = {
      text,
      query_timeout: this.#answerMs,
      ...(values && { values: values.map(boundValue) }),
    }
    try {
      return await this.#ask(name && this.#sessions.areOwn ? { ...query, name } : query).catch((error: unknown) => {
        if (!isOutdatedPlan(error)) throw error
        // The session keeps the plan, so it is used no more.
        this.#lost = true
        if (this.isInTransaction) throw unavailable(error)
        return this.#ask(query)
      })
    } catch (error) {
      if (isAway(error)) throw error
      if (isOutOfTime(error)) throw outOfTime(error)
      if (isSharedSession(error)) Object.assign(this.#sessions, { areOwn: false, seenShared: true })
      else if (!isUnavailable(error)) throw error
      this.#lost = true
      throw unavailable(error)
    }
  }

  async #ask(query: Query): Promise<QueryResult> {
    const answer: Answer = await this.#client.query(query)
    return Array.isArray(answer) ? (answer.at(-1) as QueryResult) : answer
  }

  /** Marks the connection as unusable, so that it is closed and not used again. */
  markBroken(): void {
    this.#lost = true
  }

  /** Returns the connection to the pool, or closes it if it is lost. */
  release(): void {
    this.#client.release(this.#lost)
  }
}

/**
 * Whether a prepared statement was planned before a migration of a newer version gave its tables
 * other columns.
 */
function isOutdatedPlan(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, routine } = error as { code?: unknown; routine?: unknown }
  return code === '0A000' && routine === 'RevalidateCachedQuery'
}

/**
 * Whether a prepared statement is missing (26000) or exists already (42P05): then a pooler shares
 * the session with other clients.
 */
function isSharedSession(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '26000' || error.code === '42P05')
}
