// Who takes part, and how to look after each: how it is started, and how to count what it stored.
import type { Database } from '../../src/db/database.ts'
import { migrate } from '../../src/db/migrate.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { Child } from '../child.ts'
import { startChild } from '../child.ts'
import type { Postgres } from '../database.ts'
import { openQuietly } from '../database.ts'
import { despiteDeadlocks } from '../deadlock.ts'

/** How one kind of server keeps what it is sent. */
type Storage = {
  prepare(database: Database): Promise<unknown>
  /** Counts events and their jobs, in one statement: what was under way when the load stopped is still being committed. */
  count: string
  hasJobs: boolean
  clear: string
}

/** A server that takes part. */
export type Contestant = {
  name: string
  script: string
  args?: string[]
  storage?: Storage
  on?: 'given'
}

/** Rows of events, and of the jobs they made. */
export type Stored = { events: number; jobs: number }

/** A contestant that runs. */
export type Running = {
  name: string
  url: string
  child: Child
  postgres: Postgres | null
  database: Database | undefined
  /** Whether it makes a job of every event. */
  hasJobs: boolean
  /** How many events and jobs are stored; null for one that stores nothing. */
  stored(): Promise<Stored | null>
  /** Forgets what is stored, so that every slot begins with an empty table. */
  clear(): Promise<void>
  close(): Promise<void>
}

const ours: Storage = {
  prepare: (database) => migrate(database, { log: silentLog }),
  count: `select (select count(*)::int from signalbox.events where source = 'github') as events,
    (select count(*)::int from signalbox.jobs) as jobs`,
  hasJobs: false,
  clear: 'truncate signalbox.events cascade',
}
const oursWithJobs: Storage = { ...ours, hasJobs: true }
const jsonb: Storage = {
  prepare: (database) =>
    database.query(`
      create table naive_events (id uuid primary key, source text not null, delivery_id text not null, event_type text not null,
        payload jsonb not null, processed boolean not null default false, received_at timestamptz not null default now(),
        unique (source, delivery_id));
      create table naive_jobs (id uuid primary key, event_id uuid not null references naive_events (id), job_type text not null,
        payload jsonb not null, priority smallint not null default 5, status text not null default 'pending',
        created_at timestamptz not null default now());
      create index on naive_jobs (status, priority, created_at)`),
  count: 'select (select count(*)::int from naive_events) as events, (select count(*)::int from naive_jobs) as jobs',
  hasJobs: true,
  clear: 'truncate naive_events cascade',
}

/** All that take part, the ones on `DATABASE_URL` too. */
export const contestants: readonly Contestant[] = [
  { name: 'Signalbox', script: 'signalbox.ts', storage: ours },
  { name: 'Signalbox, a job each', script: 'signalbox.ts', args: ['job', 'receiver'], storage: oursWithJobs },
  { name: 'Signalbox, a job each, run there', script: 'signalbox.ts', args: ['job'], storage: oursWithJobs },
  { name: 'Signalbox on DATABASE_URL', script: 'signalbox.ts', storage: ours, on: 'given' },
  { name: 'Signalbox storing nothing', script: 'storing-nothing.ts' },
  { name: 'node:http storing nothing', script: 'bare.ts' },
  { name: '@octokit/webhooks storing nothing', script: 'octokit.js' },
  { name: 'Probot storing nothing', script: 'probot.js' },
  { name: 'transaction per request, jsonb', script: 'naive.ts', args: ['jsonb'], storage: jsonb },
  { name: 'transaction per request, bytes', script: 'naive.ts', args: ['bytes'], storage: oursWithJobs },
]

/** Starts a contestant with a database of its own. */
export const start = async (contestant: Contestant, postgres: Postgres, nodeFlags: string[]): Promise<Running> => {
  const { name, script, args = [], storage } = contestant
  const databaseUrl = storage ? await postgres.fresh(name.toLowerCase().replace(/[^a-z]+/g, '_')) : undefined
  const database = databaseUrl ? await openQuietly(databaseUrl) : undefined
  if (database) await storage?.prepare(database)
  const child = await startChild({
    script: new URL(`servers/${script}`, import.meta.url).pathname,
    args,
    nodeFlags,
    env: databaseUrl ? { DATABASE_URL: databaseUrl } : {},
  })
  return {
    name,
    child,
    url: `${String(child.ready.url)}/webhook/github`,
    postgres: storage ? postgres : null,
    database,
    hasJobs: storage?.hasJobs ?? false,
    async stored() {
      if (!database || !storage) return null
      return (await database.query<Stored>(storage.count)).rows[0] ?? null
    },
    async clear() {
      if (!database || !storage) return
      await despiteDeadlocks(() => database.query(storage.clear))
      await postgres.checkpoint()
    },
    async close() {
      await child.close()
      await database?.close()
    },
  }
}
