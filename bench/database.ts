// The PostgreSQL of a run: an embedded one in a temporary folder, or that of DATABASE_URL.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { openEmbedded } from '../src/db/embedded/embedded.ts'
import { silentLog } from '../src/lib/log.ts'
import { cpuOfTreeUs, parentOf } from './machine.ts'

/** A server with databases to measure on. */
export type Postgres = {
  name: string
  version: string
  /** Makes an empty database, replacing one of that name; resolves to its URL. */
  fresh(name: string): Promise<string>
  /** Writes everything to disk now, so that the next measurement does not pay for the last one. */
  checkpoint(): Promise<void>
  /** CPU time of all its processes so far, in microseconds; 0 for a server on another machine. */
  cpuUs(): number
  close(): Promise<void>
}

/** Starts an embedded PostgreSQL with the settings Signalbox runs it with. */
export async function embeddedPostgres(): Promise<Postgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
  const remove = () => rm(dataDir, { recursive: true, force: true, maxRetries: 3 })
  try {
    const embedded = await openEmbedded({ dataDir, spareRoot: join(dataDir, 'spare'), log: silentLog })
    return await overServer('embedded', embedded.url, async () => {
      await embedded.close()
      await remove()
    })
  } catch (error) {
    await remove()
    throw error
  }
}

/**
 * The PostgreSQL at `DATABASE_URL`, whose user must be allowed to create databases; null when it is
 * not set.
 */
export async function givenPostgres(): Promise<Postgres | null> {
  const url = process.env.DATABASE_URL
  return url ? overServer('DATABASE_URL', url, async () => undefined) : null
}

/** Connections for the runner's own questions. */
export function openPool(url: string, max = 2): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max, application_name: 'bench' })
  // The server may be closed first.
  pool.on('error', () => undefined)
  return pool
}

/** The first row of the answer to a question. */
export async function firstRow<Row extends object>(pool: pg.Pool, text: string, values: unknown[] = []): Promise<Row> {
  const { rows } = await pool.query<Row>(text, values)
  const [row] = rows
  if (row === undefined) throw new Error(`No row: ${text}`)
  return row
}

async function overServer(name: string, url: string, stop: () => Promise<void>): Promise<Postgres> {
  const admin = openPool(url, 1)
  const ask = async (text: string) => String((await firstRow<{ it: unknown }>(admin, `select (${text}) as it`)).it)
  const version = (await ask(`current_setting('server_version')`)).split(' ')[0] ?? ''
  const durable = await ask(`current_setting('fsync') || current_setting('synchronous_commit')`)
  if (durable !== 'onon') throw new Error(`${name} does not write durably: its results would mean nothing.`)
  const isLocal = ['localhost', '127.0.0.1', '::1', ''].includes(new URL(url).hostname)
  const postmaster = isLocal ? parentOf(Number(await ask('pg_backend_pid()')), 'postgres') : undefined
  const made = new Set<string>()
  return {
    name,
    version,
    async fresh(database) {
      const full = `signalbox_bench_${database}`
      // An autovacuum worker there may not be ended by this role; without force PostgreSQL does it.
      await admin.query(`drop database if exists ${full} with (force)`).catch((error: unknown) => {
        if ((error as { code?: unknown }).code !== '42501') throw error
        return admin.query(`drop database if exists ${full}`)
      })
      await admin.query(`create database ${full}`)
      made.add(full)
      return Object.assign(new URL(url), { pathname: `/${full}` }).href
    },
    // Only a superuser may; without, the results are a little worse for everyone.
    checkpoint: () =>
      admin.query('checkpoint').then(
        () => undefined,
        () => undefined,
      ),
    cpuUs: () => (postmaster === undefined ? 0 : cpuOfTreeUs(postmaster)),
    async close() {
      for (const full of made) await admin.query(`drop database if exists ${full} with (force)`).catch(() => undefined)
      await admin.end()
      await stop()
    },
  }
}
