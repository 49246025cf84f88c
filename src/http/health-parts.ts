// What health is made of: the database and what it says of nodes, jobs, deliveries and clocks.
import { isAway } from '../db/connection.ts'
import type { Sql } from '../db/database.ts'
import { ReadOnlyServer } from '../db/writable.ts'
import { errorText } from '../lib/error.ts'
import { isAlive } from '../nodes/alive.ts'
import { NOT_PAUSED } from '../queue/pause.ts'

/** The parts that `?part=` of `/health` names. */
export const PARTS = ['database', 'orchestrators', 'jobs', 'deliveries', 'disk', 'clock'] as const
export type PartName = (typeof PARTS)[number]

/**
 * How a part does. `problem` is a sentence that everybody may read; `details`, with numbers and
 * reasons, are for operators. A part is `unknown` while the database cannot be asked about it.
 */
export type Part = {
  status: 'ok' | 'warning' | 'problem' | 'unknown'
  problem: string | null
  details: Record<string, string | number | boolean | null>
}
export type Parts = Record<PartName, Part>

const READ_ONLY = 'The database takes no changes: it is read-only, or a standby.'
const LATE_S = 600
const LOST_S = 60
// A receiver refuses a signature whose time is five minutes off; a few seconds are ordinary.
/** How far apart clocks may be until it is worth a look. */
export const CLOCK_WARNING_MS = 5_000
/** How far apart clocks may be until something will fail. */
export const CLOCK_PROBLEM_MS = 60_000

type Row = {
  read_only: boolean
  now: Date
  migration: string | null
  alive: number
  silent_s: number | null
  due_jobs_s: number | null
  lost_jobs: boolean
  due_deliveries_s: number | null
  lost_deliveries: boolean
  failing_endpoints: number
}

// One statement, which looks into the indexes by which work is claimed: however many rows there
// are, it reads a few of each. Of the deliveries of an endpoint it reads a hundred at most. What is
// held, paused or left alone for its endpoint's failures is not late.
const EXAMINE = `
select current_setting('transaction_read_only') = 'on' as read_only, clock_timestamp() as now,
  (select max(name) from signalbox.migrations) as migration,
  nodes.*,
  (select extract(epoch from now() - min(first.available_at))::float8 from generate_series(1, 10) as p,
    lateral (select available_at from signalbox.jobs where not held and priority = p and status = 'pending'
      order by available_at limit 1) as first
    where first.available_at <= now() and ${NOT_PAUSED}) as due_jobs_s,
  exists (select from signalbox.jobs where status = 'running'
    and available_at < now() - $1 * interval '1 s') as lost_jobs,
  (select extract(epoch from now() - min(first.available_at))::float8 from signalbox.endpoints e,
    lateral (select available_at from signalbox.deliveries where endpoint_id = e.id and status = 'pending' and not held
      order by coalesce(group_key, ''), available_at limit 100) as first
    where e.status = 'active' and first.available_at <= now() and ${NOT_PAUSED} and not exists (
      select from signalbox.endpoint_health h where endpoint_id = e.id and (state = 'open' or opens_at > now())
    )) as due_deliveries_s,
  exists (select from signalbox.deliveries where status = 'running'
    and available_at < now() - $1 * interval '1 s') as lost_deliveries,
  (select count(*)::int from signalbox.endpoints
    where heals or (gone_at is not null and status <> 'active')) as failing_endpoints
from (
  select count(*) filter (where ${isAlive('n')})::int as alive,
    extract(epoch from now() - max(heartbeat_at))::float8 as silent_s
  from signalbox.nodes n where 'orchestrator' = any(n.roles)
) as nodes`

/** Asks the database for the parts it knows of; never throws. */
export async function examineDatabase(sql: Sql, now: () => number = Date.now): Promise<Omit<Parts, 'disk'>> {
  const asked = now()
  try {
    const { rows } = await sql.query<Row>(EXAMINE, [LOST_S])
    const [row] = rows
    if (row === undefined) throw new Error('no answer')
    return { ...partsOf(row), clock: clockPart((asked + now()) / 2 - row.now.getTime()) }
  } catch (error) {
    return databaseFailed(error)
  }
}

/** The parts, when the database could not be asked. */
export function databaseFailed(error: unknown): Omit<Parts, 'disk'> {
  const isReadOnly = isAway(error) && error.cause instanceof ReadOnlyServer
  const reason = isAway(error) && error.cause !== undefined ? errorText(error.cause) : errorText(error)
  const database = isAway(error)
    ? problem(isReadOnly ? READ_ONLY : 'The database does not answer.', { reason })
    : problem('The database lacks tables, or rights, that this version needs.', { reason })
  const unknown: Part = { status: 'unknown', problem: null, details: {} }
  return { database, orchestrators: unknown, jobs: unknown, deliveries: unknown, clock: unknown }
}

function partsOf(row: Row): Omit<Parts, 'disk' | 'clock'> {
  const migration = { migration: row.migration }
  return {
    database: row.read_only ? problem(READ_ONLY, migration) : ok(migration),
    orchestrators: nodesPart(row),
    jobs: workPart('job', { dueS: row.due_jobs_s, isLost: row.lost_jobs, details: {} }),
    deliveries: deliveriesPart(row),
  }
}

function nodesPart({ alive, silent_s }: Row): Part {
  const details = { alive, last_heartbeat_seconds: silent_s === null ? null : Math.round(silent_s) }
  return alive > 0 ? ok(details) : problem('No orchestrator is running, so no job is begun.', details)
}

function deliveriesPart(row: Row): Part {
  const { failing_endpoints, due_deliveries_s: dueS, lost_deliveries: isLost } = row
  const part = workPart('delivery', { dueS, isLost, details: { failing_endpoints } })
  if (part.status !== 'ok' || failing_endpoints === 0) return part
  return { ...part, status: 'warning', problem: 'Endpoints are disabled, because they failed or asked for no more.' }
}

function workPart(
  noun: string,
  { dueS, isLost, details: more }: { dueS: number | null; isLost: boolean; details: Part['details'] },
): Part {
  const details = { oldest_due_seconds: dueS === null ? 0 : Math.round(dueS), ...more }
  if (isLost) return problem(`A ${noun} was left by a process that died, and nobody has taken it over.`, details)
  return (dueS ?? 0) > LATE_S ? problem(`A ${noun} has been due for more than ten minutes.`, details) : ok(details)
}

function clockPart(aheadMs: number): Part {
  const details = { ahead_seconds: Math.round(aheadMs / 100) / 10 }
  const sentence =
    "The clock of this server and the database's are apart, so that signatures with a time may be refused."
  const apartMs = Math.abs(aheadMs)
  if (apartMs < CLOCK_WARNING_MS) return ok(details)
  return { status: apartMs < CLOCK_PROBLEM_MS ? 'warning' : 'problem', problem: sentence, details }
}

function ok(details: Part['details']): Part {
  return { status: 'ok', problem: null, details }
}

function problem(sentence: string, details: Part['details']): Part {
  return { status: 'problem', problem: sentence, details }
}
