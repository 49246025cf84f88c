// What the tables say at this moment, for Prometheus: the same whichever process is asked. Each
// part is one look at an index of the rows that are not done, however many are.
import type { Sql } from '../db/database.ts'
import { isAlive } from '../nodes/alive.ts'
import { listPaused } from '../pauses/list.ts'
import { NOT_PAUSED } from '../queue/pause.ts'

/** One gauge with its values. */
export type StoredGauge = {
  name: string
  help: string
  /** The names of the labels, where it has any. */
  labelNames?: string[]
  values: { labels?: Record<string, string>; value: number }[]
}

/** Reads the gauges of one part of the tables. */
export type ReadGauges = (sql: Sql) => Promise<StoredGauge[]>

/** All gauges of what is stored. */
export const STORED: readonly ReadGauges[] = [jobs, deliveries, endpoints, nodes, paused, gaps]

// Names of jobs come from the configuration; a table may have those of very many past ones.
const MAX_TYPES = 100
const OTHERS = 'other'

async function jobs(sql: Sql): Promise<StoredGauge[]> {
  type Row = { type: string; pending: number; due: number; waiting: number; running: number; age: number | null }
  const { rows } = await sql.query<Row>(
    `with queued as (
       select type, status, available_at <= now() and not held and ${NOT_PAUSED} as is_due, available_at
       from signalbox.jobs where status in ('pending', 'waiting')
     ), running as (
       select type, count(*)::int as running from signalbox.jobs where status = 'running' group by type
     )
     select type, coalesce(pending, 0) as pending, coalesce(due, 0) as due, coalesce(waiting, 0) as waiting,
       coalesce(running, 0) as running, age
     from (
       select type, count(*) filter (where status = 'pending')::int as pending,
         count(*) filter (where is_due)::int as due,
         count(*) filter (where status = 'waiting')::int as waiting,
         extract(epoch from now() - min(available_at) filter (where is_due))::float8 as age
       from queued group by type
     ) as counted full join running using (type)
     order by coalesce(pending, 0) + coalesce(waiting, 0) + coalesce(running, 0) desc, type`,
  )
  const counted = (name: string, help: string, of: (row: Row) => number): StoredGauge => ({
    name: `signalbox_jobs_${name}`,
    help,
    labelNames: ['type'],
    values: byType(rows.map((row) => ({ type: row.type, value: of(row) }))),
  })
  return [
    counted('pending', 'Jobs that are to begin or to be attempted again, by type.', ({ pending }) => pending),
    counted('due', 'Jobs that may begin now, by type.', ({ due }) => due),
    counted('waiting', 'Jobs that wait for an event, an approval or a time, by type.', ({ waiting }) => waiting),
    counted('running', 'Jobs that run, by type.', ({ running }) => running),
    {
      name: 'signalbox_jobs_oldest_due_seconds',
      help: 'For how long the first of the jobs that may begin has been due; 0 when none is.',
      values: [{ value: Math.max(0, ...rows.map(({ age }) => age ?? 0)) }],
    },
  ]
}

/** The values of the types with the most jobs, and those of all others together. */
function byType(values: readonly { type: string; value: number }[]): StoredGauge['values'] {
  const rest = values.slice(MAX_TYPES).reduce((sum, { value }) => sum + value, 0)
  const first = values.slice(0, MAX_TYPES).map(({ type, value }) => ({ labels: { type }, value }))
  return values.length > MAX_TYPES ? [...first, { labels: { type: OTHERS }, value: rest }] : first
}

// What is left alone, for a breaker that is open or because it is paused, is not late.
async function deliveries(sql: Sql): Promise<StoredGauge[]> {
  const { rows } = await sql.query<{ pending: number; due: number; running: number; age: number }>(
    `with queued as (
       select endpoint_id, count(*) as pending, count(*) filter (where available_at <= now() and not held) as due,
         min(available_at) filter (where not held) as first
       from signalbox.deliveries where status = 'pending' group by endpoint_id
     ), sendable as (
       select id from signalbox.endpoints join signalbox.endpoint_health on endpoint_id = id
       where status = 'active' and state <> 'open' and opens_at <= now() and ${NOT_PAUSED}
     )
     select coalesce(sum(pending), 0)::float8 as pending,
       coalesce(sum(due) filter (where endpoint_id in (select id from sendable)), 0)::float8 as due,
       coalesce(extract(epoch from now() - min(first) filter (where endpoint_id in (select id from sendable))), 0)::float8
         as age,
       (select count(*) from signalbox.deliveries where status = 'running')::float8 as running
     from queued`,
  )
  const { pending = 0, due = 0, running = 0, age = 0 } = rows[0] ?? {}
  return [
    single('signalbox_deliveries_pending', 'Deliveries that are to be sent, now or later.', pending),
    single('signalbox_deliveries_due', 'Deliveries that may be sent now, to endpoints that are not left alone.', due),
    single('signalbox_deliveries_running', 'Deliveries that are being sent.', running),
    single(
      'signalbox_deliveries_oldest_due_seconds',
      'For how long the first of the deliveries that may be sent has been due; 0 when none is.',
      Math.max(0, age),
    ),
  ]
}

async function endpoints(sql: Sql): Promise<StoredGauge[]> {
  const { rows } = await sql.query<{ status: string; state: string; n: number }>(
    `select status, coalesce(state, 'closed') as state, count(*)::int as n
     from signalbox.endpoints left join signalbox.endpoint_health on endpoint_id = id group by 1, 2`,
  )
  const sum = (isMeant: (row: { status: string; state: string }) => boolean) =>
    rows.filter(isMeant).reduce((total, { n }) => total + n, 0)
  return [
    {
      name: 'signalbox_endpoints',
      help: 'Endpoints, by status.',
      labelNames: ['status'],
      values: ['active', 'paused', 'disabled'].map((status) => ({
        labels: { status },
        value: sum((row) => row.status === status),
      })),
    },
    {
      name: 'signalbox_endpoint_breakers',
      help: 'Active endpoints, by the state of their breaker: open ones are only tried now and then.',
      labelNames: ['state'],
      values: ['closed', 'open', 'recovering'].map((state) => ({
        labels: { state },
        value: sum((row) => row.status === 'active' && row.state === state),
      })),
    },
  ]
}

async function nodes(sql: Sql): Promise<StoredGauge[]> {
  const { rows } = await sql.query<{ role: string; n: number }>(
    `select role, count(n.id)::int as n
     from unnest(array['receiver', 'orchestrator']) as role
     left join signalbox.nodes n on role = any(n.roles) and ${isAlive('n')}
     group by role order by role`,
  )
  return [
    {
      name: 'signalbox_nodes_alive',
      help: 'Running processes of Signalbox, by role.',
      labelNames: ['role'],
      values: rows.map(({ role, n }) => ({ labels: { role }, value: n })),
    },
  ]
}

async function paused(sql: Sql): Promise<StoredGauge[]> {
  const all = await listPaused(sql)
  return [
    {
      name: 'signalbox_paused',
      help: 'What is paused, by kind.',
      labelNames: ['kind'],
      values: (['everything', 'source', 'rule', 'endpoint'] as const).map((kind) => ({
        labels: { kind },
        value: all.filter((each) => each.kind === kind).length,
      })),
    },
  ]
}

async function gaps(sql: Sql): Promise<StoredGauge[]> {
  const { rows } = await sql.query<{ state: string; n: number }>(
    `select state, count(id)::int as n
     from unnest(array['lost', 'pending', 'closed']) as state
     left join (
       select id, case when reason is not null or outcomes @> '{lost}' then 'lost'
         when outcomes @> '{pending}' then 'pending' else 'closed' end as state
       from signalbox.gaps, lateral (
         select array_agg(distinct outcome) as outcomes from signalbox.gap_deliveries where gap_id = gaps.id
       ) as missed
       where found_at > now() - interval '1 day'
     ) as recent using (state)
     group by state`,
  )
  const { rows: unread } = await sql.query<{ n: number }>(
    'select count(*)::int as n from signalbox.hook_cursors where problem is not null',
  )
  return [
    {
      name: 'signalbox_gaps',
      help: 'Gaps found within a day, by what became of their webhooks.',
      labelNames: ['state'],
      values: rows.map(({ state, n }) => ({ labels: { state }, value: n })),
    },
    single('signalbox_hooks_unread', 'Webhooks whose list at the forge could not be read.', unread[0]?.n ?? 0),
  ]
}

function single(name: string, help: string, value: number): StoredGauge {
  return { name, help, values: [{ value }] }
}
