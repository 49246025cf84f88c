// One way to talk to PostgreSQL for every room.

/** Something that runs a statement: the pool, or one transaction. Values are bound as $1, $2 …; text is never built from input. */
export type Sql = {
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Row[]; rowCount: number }>
}

/** An open database. Every table is named with its schema (`signalbox.jobs`), so that a transaction pooler's shared sessions do not matter. */
export type Database = Sql & {
  /** Runs `run` in one transaction; a throw rolls it back. `answerMs` is how long each of its statements may take, where that is not the usual. */
  transaction<T>(run: (tx: Sql) => Promise<T>, options?: { answerMs?: number }): Promise<T>
  /** A connection string `psql` takes. */
  url: string
  close(): Promise<void>
}
