// Who takes part, and how to look after each: how it is started, and how to count what it stored.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import type { Checkout } from '../checkout.ts'
import { migrate, nameOf, ours, serve } from '../checkout.ts'
import type { Process } from '../child.ts'
import { startScript } from '../child.ts'
import type { Postgres } from '../database.ts'
import { firstRow, openPool } from '../database.ts'
import { despiteDeadlocks } from '../deadlock.ts'
import { SECRET } from './payload.ts'

/** How one kind of server keeps what it is sent. */
type Storage = {
  /** Makes its tables, where the server does not do so itself. */
  prepare?: (database: pg.Pool) => Promise<unknown>
  /**
   * Counts events and their jobs, in one statement: what was under way when the load stopped is
   * still being committed.
   */
  count: string
  hasJobs: boolean
  clear: string
}

/**
 * A server that takes part: a script of `servers/`, or `bin/signalbox` of a checkout with these
 * arguments.
 */
export type Contestant = {
  name: string
  script?: string
  checkout?: Checkout
  args?: readonly string[]
  storage?: Storage
  on?: 'given'
}

/** Rows of events, and of the jobs they made. */
export type Stored = { events: number; jobs: number }

/** A contestant that runs. */
export type Running = {
  name: string
  url: string
  pid: number
  postgres: Postgres | null
  /** Whether it makes a job of every event. */
  hasJobs: boolean
  /** How many events and jobs are stored; null for one that stores nothing. */
  stored(): Promise<Stored | null>
  /** Forgets what is stored, so that every slot begins with an empty table. */
  clear(): Promise<void>
  close(): Promise<void>
}

/** The name of the same receiving edge without a store. */
export const STORING_NOTHING = 'Signalbox storing nothing'

const JOB_EACH = ['--config', join(import.meta.dirname, 'job-each.config.ts')]

const signalbox: Storage = {
  count: `select (select count(*)::int from signalbox.events where source = 'github') as events,
    (select count(*)::int from signalbox.jobs) as jobs`,
  hasJobs: false,
  clear: 'truncate signalbox.events cascade',
}
const signalboxWithJobs: Storage = { ...signalbox, hasJobs: true }
const jsonb: Storage = {
  prepare: (database) =>
    database.query(`
      create table naive_events (id uuid primary key, source text not null, delivery_id text not null,
        event_type text not null, payload jsonb not null, processed boolean not null default false,
        received_at timestamptz not null default now(), unique (source, delivery_id));
      create table naive_jobs (id uuid primary key, event_id uuid not null references naive_events (id),
        job_type text not null, payload jsonb not null, priority smallint not null default 5,
        status text not null default 'pending', created_at timestamptz not null default now());
      create index on naive_jobs (status, priority, created_at)`),
  count: 'select (select count(*)::int from naive_events) as events, (select count(*)::int from naive_jobs) as jobs',
  hasJobs: true,
  clear: 'truncate naive_events cascade',
}
const bytes: Storage = {
  ...signalboxWithJobs,
  prepare: (database) => migrate(ours, String(database.options.connectionString)),
}

/** Signalbox of each checkout in one of its ways to run: as it comes, or with these arguments. */
export function signalboxes(checkouts: readonly Checkout[], what: string, options: Partial<Contestant> = {}) {
  return checkouts.map((checkout): Contestant => {
    return { storage: signalbox, ...options, name: nameOf(checkout, what), checkout }
  })
}

/** All that take part, the ones on `DATABASE_URL` too. */
export function contestantsOf(checkouts: readonly Checkout[]): Contestant[] {
  const all = (what: string, options?: Partial<Contestant>) => signalboxes(checkouts, what, options)
  return [
    ...all('Signalbox'),
    ...all('Signalbox, a job each', { args: ['--only', 'receiver', ...JOB_EACH], storage: signalboxWithJobs }),
    ...all('Signalbox, a job each, run there', { args: JOB_EACH, storage: signalboxWithJobs }),
    ...all('Signalbox on DATABASE_URL', { on: 'given' }),
    { name: STORING_NOTHING, script: 'storing-nothing.ts' },
    { name: 'node:http storing nothing', script: 'bare.ts' },
    { name: '@octokit/webhooks storing nothing', script: 'octokit.js' },
    { name: 'Probot storing nothing', script: 'probot.js' },
    { name: 'transaction per request, jsonb', script: 'naive.ts', args: ['jsonb'], storage: jsonb },
    { name: 'transaction per request, bytes', script: 'naive.ts', args: ['bytes'], storage: bytes },
  ]
}

/** Starts a contestant with a database of its own. */
export async function start(contestant: Contestant, postgres: Postgres): Promise<Running> {
  const { name, storage } = contestant
  const databaseUrl = storage ? await postgres.fresh(name.toLowerCase().replace(/[^a-z0-9]+/g, '_')) : undefined
  const database = databaseUrl ? openPool(databaseUrl) : undefined
  if (database) await storage?.prepare?.(database)
  const server = await startServer(contestant, databaseUrl ? { DATABASE_URL: databaseUrl } : {})
  return {
    name,
    pid: server.pid,
    url: `${server.url}/webhook/github`,
    postgres: storage ? postgres : null,
    hasJobs: storage?.hasJobs ?? false,
    stored: async () => (database && storage ? firstRow<Stored>(database, storage.count) : null),
    async clear() {
      if (!database || !storage) return
      await despiteDeadlocks(() => database.query(storage.clear))
      await postgres.checkpoint()
    },
    async close() {
      await server.close()
      await database?.end()
    },
  }
}

/**
 * A contestant of a checkout is started by its own `bin/signalbox`; the others get the flags that
 * ours has.
 */
async function startServer(contestant: Contestant, env: Record<string, string>): Promise<Process & { url: string }> {
  const { script, checkout, args = [] } = contestant
  if (checkout === undefined) {
    const path = join(import.meta.dirname, 'servers', String(script))
    const child = await startScript({ script: path, args, env, flags: ours.flags })
    return { ...child, url: String(child.ready.url) }
  }
  // An empty folder: neither a configuration file nor `.env`.
  const cwd = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
  const child = await serve(checkout, {
    cwd,
    args,
    env: { GITHUB_WEBHOOK_SECRET: SECRET, RATE_LIMIT_SOURCE: '0', ...env },
  })
  return {
    ...child,
    async close() {
      await child.close()
      await rm(cwd, { recursive: true, force: true })
    },
  }
}
