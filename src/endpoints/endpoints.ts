// The endpoints as they are stored: a process's copy for matching, the API's, and the
// configuration's.
import type { Database, Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import { AppError } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import type { Page } from '../lib/page.ts'
import { pageLimit, pageOf, readCursor } from '../lib/page.ts'
import type { Endpoint, NewEndpoint } from './endpoint.ts'
import { generateSecret, readEndpointConfigs, readEndpointRequest } from './endpoint.ts'

/**
 * The endpoints that events are matched with, and the version they are a copy of: an insert of
 * events compares it with the current one. Those that are paused or disabled are included, because
 * explanations name them.
 */
export async function loadEndpoints(sql: Sql): Promise<{ version: number; endpoints: Endpoint[] }> {
  // One statement, so that version and endpoints belong together.
  const { rows } = await sql.query<{ version: number } & (Endpoint | { id: null })>(
    `select version, ${COLUMNS} from signalbox.endpoints_version
     left join signalbox.endpoints e on true order by e.created_at, e.id`,
  )
  const endpoints = rows.flatMap(({ version: _, ...endpoint }) => (endpoint.id === null ? [] : [endpoint]))
  return { version: Number(rows[0]?.version ?? 0), endpoints }
}

/**
 * Creates an endpoint from an API request. `secret` is the one that was made for it, null when the
 * request brought its own: it is shown here and never again.
 * @throws AppError `input_invalid` naming every field at fault; `conflict` when another one has its
 * name.
 */
export async function createEndpoint(
  database: Database,
  request: unknown,
): Promise<{ endpoint: Endpoint; secret: string | null }> {
  const input = readEndpointRequest(request)
  const secret = input.secrets.length === 0 ? generateSecret() : null
  return database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1, 0)', [NAMES_LOCK])
    await requireNewName(tx, input.name)
    const endpoint = await insert(tx, 'api', secret === null ? input : { ...input, secrets: [secret] })
    return { endpoint, secret }
  })
}

async function requireNewName(sql: Sql, name: string): Promise<void> {
  const { rows } = await sql.query<Pick<Endpoint, 'id' | 'status' | 'origin'>>(
    'select id, status, origin from signalbox.endpoints where name = $1 limit 1',
    [name],
  )
  const [other] = rows
  if (other === undefined) return
  const where = other.origin === 'config' ? ', of the configuration' : ''
  throw new AppError(
    'conflict',
    `An endpoint is called ${JSON.stringify(name)} already (${other.id}, ${other.status}${where}): set another name.`,
  )
}

/** Which endpoints to list; all of them if nothing is given. */
export type EndpointFilter = {
  status?: Endpoint['status'] | undefined
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
}

/**
 * Lists endpoints, newest first, without their secrets.
 * @throws AppError `input_invalid` when the cursor is not one.
 */
export async function listEndpoints(sql: Sql, filter: EndpointFilter = {}): Promise<Page<Endpoint>> {
  const limit = pageLimit(filter.limit)
  const { rows } = await sql.query<Endpoint>(
    `select ${COLUMNS} from signalbox.endpoints e
     where ($1::text is null or status = $1)
       and ($2::uuid is null or (e.created_at, e.id) < (select created_at, id from signalbox.endpoints where id = $2))
     order by e.created_at desc, e.id desc limit $3`,
    [filter.status ?? null, readCursor(filter.cursor), limit + 1],
  )
  return pageOf(rows, limit)
}

/**
 * Makes the stored endpoints of origin `config` those of the configuration: by name, with the
 * status it says, and active ones that it does not have become paused, because another release
 * may have them. One that answered 410 stays disabled until it has another URL. Nothing is written
 * when nothing changed. Returns how many were changed.
 * @throws AppError `config_invalid` naming every field at fault.
 */
export async function syncConfigEndpoints(database: Database, configured: readonly unknown[]): Promise<number> {
  const wanted = readEndpointConfigs(configured)
  return database.transaction(async (tx) => {
    // Processes that start together would otherwise both find a name missing.
    await tx.query('select pg_advisory_xact_lock($1, 0)', [NAMES_LOCK])
    const { rows } = await tx.query<Stored>(
      `select ${COLUMNS}, secrets, gone_at is not null as "isGone" from signalbox.endpoints e where origin = 'config'`,
    )
    const stored = new Map(rows.map((row) => [row.name, row]))
    const changed = wanted
      .map((endpoint) => withoutGone(stored.get(endpoint.name), endpoint))
      .filter((endpoint) => !isSame(stored.get(endpoint.name), endpoint))
    const names = wanted.map((endpoint) => endpoint.name)
    const removed = rows.filter((row) => !names.includes(row.name) && row.status === 'active').map((row) => row.id)
    for (const endpoint of changed) {
      const row = stored.get(endpoint.name)
      await (row === undefined ? insert(tx, 'config', endpoint) : update(tx, row.id, endpoint))
    }
    if (removed.length > 0) await pause(tx, removed)
    return changed.length + removed.length
  })
}

/**
 * Disables endpoints that answered 410 Gone: they are notified of nothing more, and what is pending
 * for them waits until they have another URL.
 */
export async function disableGone(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query(
    `update signalbox.endpoints set status = 'disabled', status_reason = 'It answered 410 Gone.', gone_at = now(),
       updated_at = now()
     where id = any($1::uuid[]) and gone_at is null`,
    [ids],
  )
}

const NAMES_LOCK = 7_420_003

type Stored = Endpoint & { secrets: string[]; isGone: boolean }

const COLUMNS = `e.id, name, url, events, environments, apps, status, status_reason, origin,
  ${isoTime('e.status_since')} as status_since,
  ${isoTime('e.created_at')} as created_at, ${isoTime('e.updated_at')} as updated_at`

async function insert(sql: Sql, origin: Endpoint['origin'], endpoint: NewEndpoint): Promise<Endpoint> {
  const { rows } = await sql.query<Endpoint>(
    `insert into signalbox.endpoints as e (id, origin, name, url, secrets, events, environments, apps, status)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ${COLUMNS}`,
    [newId(), origin, ...valuesOf(endpoint)],
  )
  const [row] = rows
  if (row === undefined) throw new Error('The insert of an endpoint returned no row.')
  return row
}

async function pause(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query(
    `update signalbox.endpoints set status = 'paused', status_reason = 'The configuration does not name it.',
       updated_at = now() where id = any($1::uuid[])`,
    [ids],
  )
}

async function update(sql: Sql, id: string, endpoint: NewEndpoint): Promise<void> {
  await sql.query(
    `update signalbox.endpoints set name = $2, url = $3, secrets = $4, events = $5, environments = $6, apps = $7,
       status = $8, status_reason = case when url = $3 and gone_at is not null then status_reason end,
       gone_at = case when url = $3 then gone_at end, updated_at = now()
     where id = $1`,
    [id, ...valuesOf(endpoint)],
  )
}

function valuesOf({ name, url, secrets, events, environments, apps, status }: NewEndpoint): unknown[] {
  return [name, url, secrets, events, environments, apps, status]
}

/** What the configuration wants, except that who answered 410 at this URL is not asked again. */
function withoutGone(row: Stored | undefined, endpoint: NewEndpoint): NewEndpoint {
  return row?.isGone && row.url === endpoint.url ? { ...endpoint, status: 'disabled' } : endpoint
}

function isSame(row: Stored | undefined, endpoint: NewEndpoint): boolean {
  return row !== undefined && JSON.stringify(valuesOf(row)) === JSON.stringify(valuesOf(endpoint))
}
