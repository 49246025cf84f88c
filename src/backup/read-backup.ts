// Loads a backup into an empty database, whole or not at all.
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import type { Client } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { openClient } from '../db/client.ts'
import type { Database } from '../db/database.ts'
import type { Applied } from '../db/migrate.ts'
import { knownMigrations, migrate, readApplied } from '../db/migrate.ts'
import { AppError } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import type { Counts, Header } from './format.ts'
import { NOT_KEPT, readCopy, readFooter, readHeader, readSequence } from './format.ts'
import { linesOf } from './lines.ts'
import type { Progress } from './write-backup.ts'

/** What was loaded. */
export type Loaded = { header: Header; counts: Counts }

export type LoadOptions = {
  /** The text of the backup. */
  input: AsyncIterable<Buffer>
  database: Database
  log: Log
  onTable?: Progress
}

/**
 * Brings the tables to where the backup's were, loads it in one transaction, and applies the
 * migrations that have come since.
 * @throws AppError `backup_invalid` when it is damaged, cut off, or newer than this program;
 * `database_not_empty` when there is something in the database.
 */
export async function loadBackup({ input, database, log, onTable = () => {} }: LoadOptions): Promise<Loaded> {
  const lines = linesOf(input)
  const first = await lines.next()
  const header = readHeader(first.done ? '' : first.value.toString().trimEnd())
  await makeTables(database, header, log)
  const client = await openClient(database.url)
  try {
    await client.query('begin')
    await requireEmpty(client)
    const counts = await loadTables(client, lines, onTable).catch((error: unknown) => {
      throw damageOf(error)
    })
    await client.query('commit')
    await migrate(database, { log })
    return { header, counts }
  } finally {
    // What was not committed is rolled back.
    await client.end()
  }
}

/** Makes the tables as they were where the backup was made. */
async function makeTables(database: Database, { schema, version }: Header, log: Log): Promise<void> {
  const known = await knownMigrations()
  const isIn = (list: readonly Applied[]) => (each: Applied) =>
    list.some(({ name, sha256 }) => name === each.name && sha256 === each.sha256)
  const foreign = schema.find((each) => !isIn(known)(each))
  if (foreign)
    throw new AppError(
      'backup_invalid',
      `The backup is of Signalbox ${version}, whose migration ${foreign.name} is not known here. Restore it with that version.`,
    )
  await migrate(database, { log, upTo: schema.at(-1)?.name ?? '' })
  const later = (await readApplied(database)).find((each) => !isIn(schema)(each))
  if (later)
    throw new AppError(
      'database_not_empty',
      `The tables of the database are newer than the backup (${later.name}). Use a database without any.`,
    )
}

/** @throws AppError `database_not_empty` */
async function requireEmpty(client: Client): Promise<void> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'signalbox'::regnamespace and relkind = 'r' and relname <> all ($1) order by 1`,
    [NOT_KEPT],
  )
  const filled: string[] = []
  for (const { name } of tables) {
    const { rows } = await client.query(`select from signalbox.${name} limit 1`)
    if (rows.length > 0) filled.push(name)
  }
  if (filled.length === 0) return
  throw new AppError('database_not_empty', `The database has ${filled.join(', ')} already.`)
}

/** Reads what is behind the first line. */
async function loadTables(client: Client, lines: AsyncGenerator<Buffer>, onTable: Progress): Promise<Counts> {
  const counts: Counts = {}
  for await (const bytes of lines) {
    const line = bytes.toString().trimEnd()
    const copy = readCopy(line)
    const sequence = readSequence(line)
    const footer = readFooter(line)
    if (copy !== null) {
      counts[copy.table] = await loadRows(client, lines, copy)
      onTable(copy.table, counts[copy.table] ?? 0)
    } else if (sequence !== null) await client.query('select setval($1, $2, $3)', sequence)
    else if (footer !== null) {
      requireSame(footer, counts)
      return counts
    }
  }
  throw new AppError('backup_invalid', 'The backup is cut off: its last line is missing. Nothing was loaded.')
}

async function loadRows(
  client: Client,
  lines: AsyncGenerator<Buffer>,
  { table, columns }: { table: string; columns: string },
): Promise<number> {
  await client.query(`alter table signalbox.${table} disable trigger user`)
  const rows = client.query(copyFrom(`copy signalbox.${table} (${columns}) from stdin`))
  const over = finished(rows)
  // Read below, where the stream has ended.
  over.catch(() => {})
  // It would go on to write to a connection that it has no more.
  rows.once('error', () => rows.destroy())
  for (let next = await lines.next(); !next.done && !isEnd(next.value) && !rows.destroyed; next = await lines.next())
    if (!rows.write(next.value)) await Promise.race([once(rows, 'drain'), over]).catch(() => {})
  rows.end()
  await over.catch((error: unknown) => {
    throw damageOf(error, `a row of ${table}`)
  })
  await client.query(`alter table signalbox.${table} enable trigger user`)
  return rows.rowCount
}

// Values that are refused, and names that there are not.
const DAMAGE = /^(?:2[23]|42(?:703|809|P01))/

/** What PostgreSQL says of what it refuses, else the error itself. */
function damageOf(error: unknown, what = 'what it says'): unknown {
  const { code, message } = error as { code?: string; message?: string }
  if (!DAMAGE.test(code ?? '')) return error
  const sentence = `The backup is damaged: PostgreSQL refuses ${what}: ${message}. Nothing was loaded.`
  return new AppError('backup_invalid', sentence, { cause: error })
}

function isEnd(line: Buffer): boolean {
  return line.length === 3 && line.toString('latin1') === '\\.\n'
}

/** @throws AppError `backup_invalid` */
function requireSame(promised: Counts, loaded: Counts): void {
  for (const [table, rows] of Object.entries(promised))
    if (loaded[table] !== rows)
      throw new AppError(
        'backup_invalid',
        `The backup is damaged: it has ${loaded[table] ?? 0} rows of ${table} in place of ${rows}. Nothing was loaded.`,
      )
}
