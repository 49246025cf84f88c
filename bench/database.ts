// The PostgreSQL of a run: the embedded one, in a folder that is gone afterwards, or the one that DATABASE_URL names.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from '../src/db/database.ts'
import { openEmbedded } from '../src/db/embedded/embedded.ts'
import { openDatabase } from '../src/db/postgres.ts'
import { silentLog } from '../src/lib/log.ts'
import { cpuOfTreeUs, parentOf } from './machine.ts'

/** A server with databases to measure on. */
export type Postgres = {
  name: string
  version: string
  /** Makes an empty database, or makes it anew; gives its URL. */
  fresh(name: string): Promise<string>
  /** Writes everything to disk now, so that the next measurement does not pay for the last one. */
  checkpoint(): Promise<void>
  /** CPU time of all its processes so far, in microseconds; 0 for a server on another machine. */
  cpuUs(): number
  close(): Promise<void>
}

const overServer = async (name: string, url: string, stop: () => Promise<void>): Promise<Postgres> => {
  const admin = await openDatabase({ url, log: silentLog, max: 1, applicationName: 'bench' })
  const ask = async (text: string): Promise<string> => {
    const { rows } = await admin.query<{ it: string }>(text)
    return String(rows[0]?.it)
  }
  const version = (await ask(`select current_setting('server_version') as it`)).split(' ')[0] ?? ''
  const durable = await ask(`select current_setting('fsync') || current_setting('synchronous_commit') as it`)
  if (durable !== 'onon') throw new Error(`${name} does not write durably: its results would mean nothing.`)
  const isLocal = ['localhost', '127.0.0.1', '::1', ''].includes(new URL(url).hostname)
  const postmaster = isLocal ? parentOf(Number(await ask('select pg_backend_pid() as it')), 'postgres') : undefined
  const made = new Set<string>()
  return {
    name,
    version,
    async fresh(database) {
      const full = `signalbox_bench_${database}`
      await admin.query(`drop database if exists ${full} with (force)`)
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
      await admin.close()
      await stop()
    },
  }
}

/** Starts an embedded PostgreSQL with the settings Signalbox runs it with. */
export const embeddedPostgres = async (): Promise<Postgres> => {
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

/** The PostgreSQL at `DATABASE_URL`, whose user must be allowed to create databases; null when it is not set. */
export const givenPostgres = async (): Promise<Postgres | null> => {
  const url = process.env.DATABASE_URL
  return url ? overServer('DATABASE_URL', url, async () => undefined) : null
}

/** Opens a database for the runner's own questions. */
export const openQuietly = (url: string): Promise<Database> =>
  openDatabase({ url, log: silentLog, max: 2, applicationName: 'bench' })
