// The open database: one pool of connections.
import type { PoolClient, QueryConfig, QueryResult } from 'pg'
import pg from 'pg'
import { errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { ANSWER_MS, connectionConfig, isUnavailable, unavailable } from './connection.ts'
import type { Database, Sql } from './database.ts'

// What `pg` really answers: text of several statements gives one result for each.
type Answer = QueryResult | QueryResult[]
// And what it really takes.
type Query = QueryConfig & { query_timeout: number }

/** Whether named statements are prepared, for all connections of a pool. */
type Preparation = { allowed: boolean }

/**
 * "There is no such prepared statement", "there is one already": somebody else's session after all.
 */
function isPooledSession(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '26000' || error.code === '42P05')
}

/**
 * One connection on connection from the pool: its lost-connection errors are `database_unavailable`
 * already.
 */
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
      if (isPooledSession(error)) this.#preparing.allowed = false
      else if (!isUnavailable(error)) throw error
      this.#lost = true
      throw unavailable(error)
    }
  }

  async query<Row extends object>(
    text: string,
    values?: readonly unknown[],
    name?: string,
  ): Promise<{ rows: Row[]; rowCount: number }> {
    const { rows, rowCount } = await this.run(text, values, name)
    return { rows: rows as Row[], rowCount: rowCount ?? 0 }
  }

  /** Says that the connection is in an unknown state. */
  markBroken(): void {
    this.#lost = true
  }

  /** Gives the connection back to the pool, or closes it if it is lost. */
  release(): void {
    this.#client.release(this.#lost)
  }
}

async function runTransaction<T>(connection: Connection, run: (tx: Sql) => Promise<T>): Promise<T> {
  try {
    await connection.run('begin')
    const value = await run(connection)
    const { command } = await connection.run('commit')
    // PostgreSQL answers COMMIT with ROLLBACK, and no error, when a statement's error was caught on
    // the way.
    if (command === 'ROLLBACK') throw new Error('The transaction was rolled back: a statement in it had failed.')
    return value
  } catch (error) {
    // A lost connection takes its transaction with it, and may never answer.
    if (!connection.lost) await connection.run('rollback').catch(() => connection.markBroken())
    throw error
  }
}

/**
 * Opens a pool of connections. Connecting is left to the first statement; one that finds the
 * database away throws `database_unavailable`.
 */
export async function openDatabase(options: {
  url: string
  log: Log
  /** The most connections open at once. */
  max?: number
  applicationName?: string
  /** How long a statement may take until the database counts as away: 30 s. */
  answerMs?: number
}): Promise<Database> {
  const { url, log, max = 10, answerMs = ANSWER_MS } = options
  const pool = new pg.Pool({ ...connectionConfig(url, options.applicationName), max, idleTimeoutMillis: 30_000 })
  // The next statement opens a new connection; without these listeners a lost one would end the
  // process. Only its text: `pg` hangs the whole client, its password included, on the error.
  pool.on('error', (error) => closing ?? log.warn({ error: errorText(error) }, 'an idle database connection was lost'))
  pool.on('connect', (client) => client.on('error', () => {}))
  let closing: Promise<void> | undefined
  const preparing: Preparation = { allowed: false }

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
      preparing.allowed = allowed
    },
    transaction: (run, { answerMs: limitMs } = {}) =>
      withConnection((connection) => runTransaction(connection, run), limitMs),
    close: () => {
      closing ??= pool.end()
      return closing
    },
  }
}
