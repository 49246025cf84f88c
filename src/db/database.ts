// One way to talk to PostgreSQL for every room.

/**
 * Something that runs a statement: the pool, or one transaction. Values are bound as $1, $2 …; text
 * is never built from input.
 */
export type Sql = {
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    /**
     * Names a statement that is run over and over: a connection then parses and plans it once,
     * where `prepareStatements` allows it.
     */
    name?: string,
  ): Promise<{ rows: Row[]; rowCount: number }>
}

/**
 * An open database. Every table is named with its schema (`signalbox.jobs`), so that a transaction
 * pooler's shared sessions do not matter.
 */
export type Database = Sql & {
  /**
   * Runs `run` in one transaction; a throw rolls it back. `answerMs` is how long each of its
   * statements may take, where that is not the usual.
   */
  transaction<T>(run: (tx: Sql) => Promise<T>, options?: { answerMs?: number }): Promise<T>
  /**
   * Allows named statements to be prepared. They live in a session, which a transaction pooler
   * shares, so it is off until the connection is known to be direct.
   */
  prepareStatements(allowed: boolean): void
  /** A connection string `psql` takes. */
  url: string
  close(): Promise<void>
}
