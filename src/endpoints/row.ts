// The row of an endpoint: its columns as they are shown, matched with, and stored.
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import type { Endpoint, Settings } from './endpoint.ts'
import type { SealedColumns } from './secrets.ts'

// In this order `settingsOf` binds them.
const SETTINGS = [
  'name',
  'kind',
  'url',
  'settings',
  'events',
  'projects',
  'environments',
  'apps',
  'conditions',
  'format',
  'signatures',
  'ordering',
  'schedule',
  'rate_per_second',
  'concurrency',
  'templates',
  'status',
] as const satisfies readonly (keyof Settings)[]

const STATUS = `status_reason, ${isoTime('status_since')} as status_since`

/** What an endpoint is matched with, and explained by. */
export type MatchableEndpoint = Pick<
  Endpoint,
  'id' | 'name' | 'status' | 'status_reason' | 'status_since' | 'events' | 'ordering' | 'schedule'
> &
  Pick<Settings, 'projects' | 'environments' | 'apps' | 'conditions'> & {
    /** Disabled for its failures, and still tried. */
    heals: boolean
  }

/** Its columns. */
export const MATCHABLE = `e.id, name, status, heals, ${STATUS}, events, projects, environments, apps, conditions, ordering,
  schedule`

/**
 * A row with all that is needed to change it. `keepsStatus`: Signalbox gave it its status for
 * what came of it at the URL it has.
 */
export type StoredEndpoint = Settings &
  SealedColumns &
  Pick<Endpoint, 'id' | 'origin' | 'status_reason'> & { keepsStatus: boolean; at: Date }

/** Its columns; `at` is the database's time. */
export const STORED = `e.id, origin, status_reason, ${SETTINGS.join(', ')}, secrets, headers, credential,
  (gone_at is not null or heals) as "keepsStatus", now() as at`

const HEALTH = `json_build_object('state', h.state, 'failures', h.failures, 'last_error', h.last_error,
  'failing_since', ${isoTime('h.failing_since')}, 'last_success_at', ${isoTime('h.last_success_at')},
  'last_failure_at', ${isoTime('h.last_failure_at')})`

// Expired ones stay in the row until the next change.
const SECRETS = `(
  select coalesce(json_agg(json_build_object('fingerprint', s->>'fingerprint', 'created_at', s->>'created_at',
    'expires_at', s->>'expires_at') order by nth), '[]'::json)
  from json_array_elements(e.secrets) with ordinality as live (s, nth)
  where s->>'expires_at' is null or (s->>'expires_at')::timestamptz > now())`

/** The statement that reads endpoints as they are shown, up to `where`. */
export const SELECT_SHOWN = `select e.id, ${SETTINGS.join(', ')}, ${STATUS}, origin,
    credential is not null as has_credential, ${SECRETS} as secrets,
    array(select json_object_keys(headers) order by 1) as headers, ${HEALTH} as health,
    ${isoTime('e.created_at')} as created_at, ${isoTime('e.updated_at')} as updated_at
  from signalbox.endpoints e left join signalbox.endpoint_health h on h.endpoint_id = e.id`

/** One endpoint as it is shown; undefined when there is none. */
export async function readShown(sql: Sql, id: string): Promise<Endpoint | undefined> {
  return (await sql.query<Endpoint>(`${SELECT_SHOWN} where e.id = $1`, [id])).rows[0]
}

// After id, origin or `keepsReason`, and what is sealed.
const places = SETTINGS.map((_, index) => `$${index + 6}`)
const INSERT = `insert into signalbox.endpoints (id, origin, secrets, headers, credential, ${SETTINGS.join(', ')})
  values ($1, $2, $3, $4, $5, ${places.join(', ')})`

/** Inserts a row. */
export async function insertRow(
  sql: Sql,
  { id, origin }: Pick<Endpoint, 'id' | 'origin'>,
  endpoint: Settings,
  sealed: SealedColumns,
): Promise<void> {
  await sql.query(INSERT, [id, origin, ...sealedOf(sealed), ...settingsOf(endpoint)])
}

// What it answered, and why it has its status, is about the address it had and the status it had.
const UPDATE = `update signalbox.endpoints set secrets = $3, headers = $4, credential = $5, updated_at = now(),
    status_reason = case when $2 then status_reason end, gone_at = case when $2 then gone_at end,
    heals = $2 and heals,
    ${SETTINGS.map((column, index) => `${column} = ${places[index]}`).join(', ')}
  where id = $1`

/** Updates a row. `keepsReason`: why Signalbox gave it its status still holds. */
export async function updateRow(
  sql: Sql,
  { id, keepsReason }: { id: string; keepsReason: boolean },
  endpoint: Settings,
  sealed: SealedColumns,
): Promise<void> {
  await sql.query(UPDATE, [id, keepsReason, ...sealedOf(sealed), ...settingsOf(endpoint)])
}

/** The values of the columns that are stored as they are, in one order. */
export function settingsOf(endpoint: Settings): unknown[] {
  return SETTINGS.map((column) => {
    const value = endpoint[column]
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : value
  })
}

function sealedOf({ secrets, headers, credential }: SealedColumns): unknown[] {
  return [JSON.stringify(secrets), JSON.stringify(headers), credential]
}
