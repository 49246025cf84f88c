// The open database: a pool of connections.
import type { PoolClient, QueryConfig, QueryResult } from 'pg'
import pg from 'pg'
import { errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { ANSWER_MS, connectionConfig, isUnavailable, unavailable } from './connection.ts'
import type { Database, Sql } from './database.ts'

/**
 * Opens a pool of connections. The first statement makes the first connection.
 * @throws AppError `database_unavailable` from every statement, when the database cannot be
 * reached.
 */
export async function openDatabase(options: {
  url: string
  log: Log
  /** The most connections open at once. Default 10. */
  max?: number
  applicationName?: string
  /** How long a statement may take before the database counts as unreachable. Default 30 s. */
  answerMs?: number
}): Promise<Database> {
  const { url, log, max = 10, answerMs = ANSWER_MS } = options
  const pool = new pg.Pool({ ...connectionConfig(url, options.applicationName), max, idleTimeoutMillis: 30_000 })
  // Without these two listeners a lost idle connection would end the process. The next statement
  // opens a new one. Only the error's text is logged: `pg` attaches the client, password included.
  pool.on('error', (error) => closing ?? log.warn({ error: errorText(error) }, 'an idle database connection was lost'))
  pool.on('connect', (client) => client.on('error', () => {}))
  let closing: Promise<void> | undefined
  const preparing: Preparation = { allowed: false, seenShared: false }

  const acquire = async (limitMs: number): Promise<Connection> => {
    try {
      return new Connection(await pool.connect(), limitMs, preparing)
    } catch (error) {
      throw unavailable(error)
    }
  }
  const withConnection = async <T>(use: (connection: Connection) => Promise<T>, limitMs = answerMs): Promise<T> => {
    const connection = await acquire(limitMs)
    try {
      return await use(connection)
    } finally {
      connection.release()
    }
  }
  return {
    url,
    query: (text, values, name) => withConnection((connection) => connection.query(text, values, name)),
    prepareStatements: (allowed) => {
      preparing.allowed = allowed && !preparing.seenShared
    },
    transaction: (run, { answerMs: limitMs } = {}) =>
      withConnection((connection) => runTransaction(connection, run), limitMs),
    close: () => {
      closing ??= pool.end()
      return closing
    },
  }
}

async function runTransaction<T>(connection: Connection, run: (tx: Sql) => Promise<T>): Promise<T> {
  try {
    await connection.run('begin')
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

/** Whether named statements are prepared, for all connections of a pool. */
type Preparation = { allowed: boolean; seenShared: boolean }

// Two things the types of `pg` leave out: a text of several statements has one result for each, and
// a query may have its own time limit.
type Answer = QueryResult | QueryResult[]
type Query = QueryConfig & { query_timeout: number }

/** One connection of the pool, from `acquire` to `release`. */
class Connection implements Sql {
  readonly #client: PoolClient
  readonly #answerMs: number
  readonly #preparing: Preparation
  #lost = false

  constructor(client: PoolClient, answerMs: number, preparing: Preparation) {
    this.#client = client
    this.#answerMs = answerMs
    this.#preparing = preparing
  }

  get lost(): boolean {
    return this.#lost
  }

  async query<Row extends object>(
    text: string,
    values?: readonly unknown[],
    name?: string,
  ): Promise<{ rows: Row[]; rowCount: number }> {
    const { rows, rowCount } = await this.run(text, values, name)
    return { rows: rows as Row[], rowCount: rowCount ?? 0 }
  }

  /** @throws AppError `database_unavailable` when the connection is lost. */
  async run(text: string, values?: readonly unknown[], name?: string): Promise<QueryResult> {
    try {
      const query: Query = {
        text,
        query_timeout: this.#answerMs,
        ...(values && { values: [...values] }),
        ...(name && this.#preparing.allowed && { name }),
      }
      const answer: Answer = await this.#client.query(query)
      return Array.isArray(answer) ? (answer.at(-1) as QueryResult) : answer
    } catch (error) {
      if (isSharedSession(error)) Object.assign(this.#preparing, { allowed: false, seenShared: true })
      else if (!isUnavailable(error)) throw error
      this.#lost = true
      throw unavailable(error)
    }
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
 * Whether a prepared statement is missing (26000) or exists already (42P05): then a pooler shares
 * the session with other clients.
 */
function isSharedSession(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '26000' || error.code === '42P05')
}
