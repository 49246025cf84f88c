// Writes all that is stored, as it was at one moment, while the service goes on.
import type { Client } from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { openClient } from '../db/client.ts'
import { holdMigrations, readApplied } from '../db/migrate.ts'
import { AppError } from '../lib/error.ts'
import { VERSION } from '../lib/version.ts'
import type { Counts, Header } from './format.ts'
import { copyLines, footerLine, headerLine, NOT_KEPT, sequenceLine } from './format.ts'

/** What is notified of each table that is done. */
export type Progress = (table: string, rows: number) => void

/**
 * The backup of the database at a URL, piece by piece. What it holds is of one moment; nothing
 * waits for it but migrations, and dead rows are kept meanwhile.
 * @throws AppError `backup_failed` when the database has no tables of Signalbox.
 */
export async function* writeBackup(url: string, onTable: Progress = () => {}): AsyncGenerator<Buffer | string> {
  const client = await openClient(url)
  // The lock comes before the moment that is written, which a transaction's first query sets. To
  // who looks from before a migration, a table that it has written anew is empty.
  const guard = await openClient(url).catch(async (error: unknown) => {
    await client.end()
    throw error
  })
  try {
    await guard.query('begin')
    await holdMigrations(guard)
    await client.query('begin isolation level repeatable read, read only')
    yield headerLine(await readState(client))
    const counts: Counts = {}
    for (const { table, columns } of await readTables(client)) {
      const { before, after } = copyLines(table, columns)
      yield before
      const named = columns.map((column) => `"${column}"`).join(', ')
      const rows = client.query(copyTo(`copy signalbox.${table} (${named}) to stdout`))
      yield* rows
      yield after
      counts[table] = rows.rowCount
      onTable(table, rows.rowCount)
    }
    yield* sequencesOf(client)
    // It fails where the connection was lost, and with it the lock.
    await guard.query('commit')
    yield footerLine(counts)
  } finally {
    await Promise.all([client.end(), guard.end()])
  }
}

async function readState(client: Client): Promise<Header> {
  const schema = await readApplied(client)
  if (schema.length === 0)
    throw new AppError('backup_failed', 'The database has no tables of Signalbox: there is nothing to keep.')
  return { format: 1, version: VERSION, at: new Date().toISOString(), schema }
}

type Table = { table: string; columns: string[]; needs: string[] }

/** The tables, each behind those that it refers to. */
async function readTables(client: Client): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `select c.relname as table,
       array(select attname::text from pg_attribute
             where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '' order by attnum) as columns,
       array(select f.relname::text from pg_constraint k join pg_class f on f.oid = k.confrelid
             where k.conrelid = c.oid and k.contype = 'f' and f.oid <> c.oid) as needs
     from pg_class c
     where c.relnamespace = 'signalbox'::regnamespace and c.relkind = 'r' and c.relname <> all ($1)
     order by c.relname`,
    [NOT_KEPT],
  )
  const sorted: Table[] = []
  const add = (each: Table) => {
    if (sorted.includes(each)) return
    for (const other of rows) if (each.needs.includes(other.table)) add(other)
    sorted.push(each)
  }
  rows.forEach(add)
  return sorted
}

async function* sequencesOf(client: Client): AsyncGenerator<string> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'signalbox'::regnamespace and relkind = 'S' order by relname`,
  )
  for (const { name } of rows) {
    const { rows: state } = await client.query<{ last: string; called: boolean }>(
      `select last_value::text as last, is_called as called from signalbox.${name}`,
    )
    const [{ last, called } = { last: '1', called: false }] = state
    yield sequenceLine(`signalbox.${name}`, { last, isCalled: called })
  }
}
