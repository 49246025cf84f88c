// The contract between PostgreSQL and the rest of the program.

/**
 * Something that runs a statement: the pool, or one transaction. Values are bound as $1, $2 …; the
 * text is never built from input.
 */
export type Sql = {
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    /**
     * The name of a statement that runs again and again. A connection parses and plans it once,
     * where `ownSessions` allows it.
     */
    name?: string,
  ): Promise<{ rows: Row[]; rowCount: number }>
}

/** How many connections a pool has, and how many of those who want one have to wait. */
export type ConnectionUse = { open: number; idle: number; waiting: number }

/**
 * An open database. Statements name every table with its schema (`signalbox.jobs`), because the
 * sessions of a transaction pooler are shared.
 */
export type Database = Sql & {
  /**
   * Runs `run` in one transaction, and rolls it back when `run` throws. `answerMs` is how long each
   * of its statements may take, where that is not the usual limit; the server ends one itself a
   * second before.
   */
  transaction<T>(run: (tx: Sql) => Promise<T>, options?: { answerMs?: number }): Promise<T>
  /**
   * Says whether the sessions are known to be this process's own, and not a transaction pooler's,
   * who shares them. In its own sessions named statements are prepared, and the server itself ends
   * what takes too long; neither once a session was seen to be shared.
   */
  ownSessions(areOwn: boolean): void
  /** Its connections: how many are open, how many of them idle, and how many statements wait. */
  use(): ConnectionUse
  /** A connection string that `psql` takes. */
  url: string
  close(): Promise<void>
}
