// Brings the tables up to date: applies the numbered files of /migrations, each of them once.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { isAway } from './connection.ts'
import type { Database, Sql } from './database.ts'

const MIGRATIONS = new URL('../../migrations/', import.meta.url)
const OLDEST_SERVER = 15

// The key of the lock under which one process at a time applies a file. The number has no meaning.
const LOCK_KEY = 7446257451

// A new index on a large table takes long, whatever limit the role has.
const LIMIT_MS = 24 * 3_600_000
const LOCK_POLL_MS = 200
const PROGRESS_EVERY_MS = 10_000

/** A migration, and the SHA-256 of its file. */
export type Applied = { name: string; sha256: string }
/** `worksWith`: the oldest of the migrations whose programs may run beside this one; null: none. */
type Recorded = Applied & { worksWith: string | null }
type Migration = Recorded & { sql: string }

/**
 * Applies every migration the database lacks, each in a transaction of its own, and returns their
 * names, and that of the newest one this program has. Of several processes that do this at once,
 * exactly one applies each file, and the others wait for it.
 * @throws AppError `config_invalid` when an applied file has changed; when the database is too new
 * for this program or the server older than PostgreSQL 15; when the role may not create what a
 * file creates, or something of that name exists.
 * @throws AppError `database_unavailable` when the server ended a file before its end.
 */
export async function migrate(
  database: Database,
  options: { log: Log; directory?: URL; upTo?: string },
): Promise<{ applied: string[]; newest: string }> {
  const { log, directory = MIGRATIONS, upTo } = options
  const applied: string[] = []
  const files = (await readMigrations(directory)).filter(({ name }) => upTo === undefined || name <= upTo)
  const newest = files.at(-1)?.name ?? ''
  // On nearly every start there is nothing to apply, so nobody waits for the lock.
  if ((await pendingMigrations(database, directory)).length === 0) return { applied, newest }
  for (;;) {
    const name = await whenFree({ database, log }, () =>
      database.transaction((tx) => applyNext(tx, files), { answerMs: LIMIT_MS }),
    )
    if (name === null) return { applied, newest }
    log.info({ migration: name }, 'migration applied')
    applied.push(name)
  }
}

/** Waits for the end of a migration, and has others wait until this transaction ends. */
export async function holdMigrations(tx: Sql): Promise<void> {
  await tx.query('select pg_advisory_xact_lock_shared($1)', [LOCK_KEY])
}

/**
 * Runs `run` until it does not find the lock taken, and says every ten seconds that it waits, and
 * for which connections: a backup whose reader hangs has it for ever.
 */
async function whenFree<T>(
  { database, log }: { database: Database; log: Log },
  run: () => Promise<T | 'locked'>,
): Promise<T> {
  const begun = performance.now()
  for (let said = 0; ; ) {
    const result = await run()
    if (result !== 'locked') return result
    const waitedMs = performance.now() - begun
    if (waitedMs >= said * PROGRESS_EVERY_MS) {
      const seconds = Math.round(waitedMs / 1000)
      const pids = await holdersOf(database)
      log.info({ seconds, pids }, 'waiting for another process, which applies migrations or writes a backup')
      said++
    }
    await sleep(LOCK_POLL_MS)
  }
}

/** The server's processes that have the lock; `pg_terminate_backend` ends one. */
async function holdersOf(sql: Sql): Promise<number[]> {
  const { rows } = await sql.query<{ pid: number }>(
    `select pid from pg_locks
     where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())
       and (classid::bigint << 32 | objid::bigint) = $1 and objsubid = 1 order by pid`,
    [LOCK_KEY],
  )
  return rows.map(({ pid }) => pid)
}

/**
 * The names of the migrations this database lacks.
 * @throws AppError `config_invalid` when the database does not fit this program, as in `migrate`.
 */
export async function pendingMigrations(database: Database, directory: URL = MIGRATIONS): Promise<string[]> {
  await checkServerVersion(database)
  const files = await readMigrations(directory)
  return pendingOf(files, await readApplied(database)).map(({ name }) => name)
}

/** The migrations that this program has, oldest first. */
export async function knownMigrations(): Promise<Applied[]> {
  return (await readMigrations(MIGRATIONS)).map(({ name, sha256 }) => ({ name, sha256 }))
}

/** What the role lacks for applying migrations, such as `CREATE on the database`. */
export async function missingRights(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ missing: string }>(
    `select missing from (values
       ('CREATE on the database', has_database_privilege(current_database(), 'CREATE')),
       ('CREATE on schema public', has_schema_privilege('public', 'CREATE')),
       ('CREATE on schema signalbox', (
         select has_schema_privilege(oid, 'CREATE') from pg_namespace where nspname = 'signalbox'))
     ) as rights (missing, present) where not present`,
  )
  return rows.map(({ missing }) => missing)
}

async function checkServerVersion(sql: Sql): Promise<void> {
  const { rows } = await sql.query<{ number: number; name: string }>(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as name`,
  )
  const [version] = rows
  if (version && version.number < OLDEST_SERVER * 10_000) {
    const sentence = `PostgreSQL ${version.name} is too old; use PostgreSQL ${OLDEST_SERVER} or newer.`
    throw new AppError('config_invalid', sentence)
  }
}

async function readMigrations(directory: URL): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, directory), 'utf8')
      // Git may check the file out with CRLF.
      const sha256 = createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex')
      return { name, sql, sha256, worksWith: /^-- Works with: (\S+)\r?$/m.exec(sql)?.[1] ?? null }
    }),
  )
}

/** The migrations that a database has had, oldest first. */
export async function readApplied(sql: Sql): Promise<Recorded[]> {
  // Not to_regclass(): right after the wait for the lock it may answer from a stale cache.
  const { rows } = await sql.query<{ present: boolean }>(
    `select exists (select from pg_tables where schemaname = 'signalbox' and tablename = 'migrations') as present`,
  )
  if (!rows[0]?.present) return []
  const text = 'select name, sha256, works_with as "worksWith" from signalbox.migrations order by name'
  return (await sql.query<Recorded>(text)).rows
}

function pendingOf(files: readonly Migration[], applied: readonly Recorded[]): Migration[] {
  const newest = files.at(-1)?.name ?? ''
  for (const { name, sha256, worksWith } of applied) {
    const file = files.find((each) => each.name === name)
    if (!file) {
      if (worksWith !== null && worksWith <= newest) continue
      throw new AppError(
        'config_invalid',
        `The database is newer than this program: it has migration ${name}. Use the Signalbox that applied it.`,
      )
    }
    if (file.sha256 !== sha256) {
      throw new AppError(
        'config_invalid',
        `The file migrations/${name} is not the one applied to this database; restore it and put changes in a new file.`,
      )
    }
  }
  return files.filter((file) => !applied.some(({ name }) => name === file.name))
}

/**
 * Applies the first pending file and returns its name; null when none is pending, and `locked`
 * while another process applies one.
 */
async function applyNext(tx: Sql, files: readonly Migration[]): Promise<string | null | 'locked'> {
  // The lock ends with the transaction, not with the session, which a transaction pooler shares.
  const { rows } = await tx.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [LOCK_KEY])
  if (!rows[0]?.mine) return 'locked'
  const [next] = pendingOf(files, await readApplied(tx))
  if (!next) return null
  await apply(tx, next)
  await tx.query('insert into signalbox.migrations (name, sha256, works_with) values ($1, $2, $3)', [
    next.name,
    next.sha256,
    next.worksWith,
  ])
  return next.name
}

const CREATE_RECORD = `
  create schema if not exists signalbox;
  create table if not exists signalbox.migrations (
    name text primary key,
    sha256 text not null,
    works_with text,
    applied_at timestamptz not null default now()
  )`

// What an operator can do, by SQLSTATE. The views are in `public`, which may belong to another role
// or have tables of these names.
const REMEDIES: Record<string, string> = {
  '42501': 'connect as the owner of the database, or grant its role CREATE on the database and on schema public.',
  '42P07': 'rename it, or give Signalbox a database of its own.',
}

async function apply(tx: Sql, { name, sql }: Migration): Promise<void> {
  try {
    await tx.query(CREATE_RECORD)
    await tx.query(sql)
  } catch (error) {
    if (isAway(error)) {
      const sentence = `migrations/${name} was stopped before its end, and nothing of it is applied: ${errorText(error.cause)}.`
      throw new AppError('database_unavailable', sentence, { cause: error.cause })
    }
    const remedy = REMEDIES[String((error as { code?: unknown }).code)]
    if (remedy === undefined) throw error
    const sentence = `migrations/${name} cannot be applied: ${errorText(error)}; ${remedy}`
    throw new AppError('config_invalid', sentence, { cause: error })
  }
}
