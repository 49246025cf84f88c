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
import type { Seal } from './seal.ts'
import type { SealedColumns } from './secrets.ts'
import { openColumns, sealColumns } from './secrets.ts'

/** Where endpoints are stored, and what seals their secrets. */
export type EndpointStore = { database: Database; seal: Seal }

/**
 * The endpoints that events are matched with, and the version they are a copy of: an insert of
 * events compares it with the current one. Those that are paused or disabled are included,
 * because explanations name them.
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
 * Creates an endpoint from an API request. `secret` is the one that was made for it, null when
 * the request brought its own: it is shown here and never again.
 * @throws AppError `input_invalid` naming every field at fault; `conflict` when another one has its
 * name; `encryption_key_missing` when there is no key to seal its secrets with.
 */
export async function createEndpoint(
  { database, seal }: EndpointStore,
  request: unknown,
): Promise<{ endpoint: Endpoint; secret: string | null }> {
  const input = readEndpointRequest(request)
  const secret = input.secrets.length === 0 ? generateSecret() : null
  return database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1, 0)', [NAMES_LOCK])
    await requireNewName(tx, input.name)
    const endpoint = await insert(tx, seal, 'api', secret === null ? input : { ...input, secrets: [secret] })
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
 * may have them. One that answered 410 stays disabled until it has another URL. Nothing is
 * written when nothing changed. Returns how many were changed.
 * @throws AppError `config_invalid` naming every field at fault; `encryption_key_missing` without a
 * key to seal their secrets with.
 */
export async function syncConfigEndpoints(
  { database, seal }: EndpointStore,
  configured: readonly unknown[],
): Promise<number> {
  const wanted = readEndpointConfigs(configured)
  return database.transaction(async (tx) => {
    // Processes that start together would otherwise both find a name missing.
    await tx.query('select pg_advisory_xact_lock($1, 0)', [NAMES_LOCK])
    const { rows } = await tx.query<Stored>(
      `select ${COLUMNS}, secrets, headers, credential, gone_at is not null as "isGone" from signalbox.endpoints e where origin = 'config'`,
    )
    const stored = new Map(rows.map((row) => [row.name, row]))
    const changed = wanted
      .map((endpoint) => withoutGone(stored.get(endpoint.name), endpoint))
      .filter((endpoint) => !isSame(seal, stored.get(endpoint.name), endpoint))
    const names = wanted.map((endpoint) => endpoint.name)
    const removed = rows.filter((row) => !names.includes(row.name) && row.status === 'active').map((row) => row.id)
    for (const endpoint of changed) {
      const row = stored.get(endpoint.name)
      await (row === undefined ? insert(tx, seal, 'config', endpoint) : update(tx, seal, row, endpoint))
    }
    if (removed.length > 0) await pause(tx, removed)
    return changed.length + removed.length
  })
}

const NAMES_LOCK = 7_420_003

type Stored = Endpoint & SealedColumns & { isGone: boolean }

const COLUMNS = `e.id, name, url, events, environments, apps, status, status_reason, origin,
  ${isoTime('e.status_since')} as status_since,
  ${isoTime('e.created_at')} as created_at, ${isoTime('e.updated_at')} as updated_at`

async function insert(sql: Sql, seal: Seal, origin: Endpoint['origin'], endpoint: NewEndpoint): Promise<Endpoint> {
  const id = newId()
  const sealed = sealColumns(seal, id, endpoint, { at: await now(sql) })
  const { rows } = await sql.query<Endpoint>(
    `insert into signalbox.endpoints as e
       (id, origin, name, url, events, environments, apps, status, secrets, headers, credential)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning ${COLUMNS}`,
    [id, origin, ...valuesOf(endpoint), ...sealedValues(sealed)],
  )
  const [row] = rows
  if (row === undefined) throw new Error('The insert of an endpoint returned no row.')
  return row
}

async function now(sql: Sql): Promise<Date> {
  const { rows } = await sql.query<{ at: Date }>('select now() as at')
  return rows[0]?.at ?? new Date()
}

async function pause(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query(
    `update signalbox.endpoints set status = 'paused', status_reason = 'The configuration does not name it.',
       updated_at = now() where id = any($1::uuid[])`,
    [ids],
  )
}

async function update(sql: Sql, seal: Seal, row: Stored, endpoint: NewEndpoint): Promise<void> {
  const sealed = sealColumns(seal, row.id, endpoint, { at: await now(sql), before: row.secrets })
  await sql.query(
    `update signalbox.endpoints set name = $2, url = $3, events = $4, environments = $5, apps = $6,
       status = $7, secrets = $8, headers = $9, credential = $10,
       status_reason = case when url = $3 and gone_at is not null then status_reason end,
       gone_at = case when url = $3 then gone_at end, updated_at = now()
     where id = $1`,
    [row.id, ...valuesOf(endpoint), ...sealedValues(sealed)],
  )
}

type Plain = Pick<NewEndpoint, 'name' | 'url' | 'events' | 'environments' | 'apps' | 'status'>

function valuesOf({ name, url, events, environments, apps, status }: Plain): unknown[] {
  return [name, url, events, environments, apps, status]
}

function sealedValues({ secrets, headers, credential }: SealedColumns): unknown[] {
  return [JSON.stringify(secrets), JSON.stringify(headers), credential]
}

/**
 * What the configuration wants, except that who answered 410 at this URL is not asked again.
 */
function withoutGone(row: Stored | undefined, endpoint: NewEndpoint): NewEndpoint {
  return row?.isGone && row.url === endpoint.url ? { ...endpoint, status: 'paused' } : endpoint
}

/** Whether it is stored as it is wanted. What cannot be opened is not. */
function isSame(seal: Seal, row: Stored | undefined, endpoint: NewEndpoint): boolean {
  const plain = row && openColumns(seal, row.id, row)
  if (!row || !plain) return false
  const { secrets, headers, credential } = endpoint
  return (
    JSON.stringify([valuesOf(row), plain]) === JSON.stringify([valuesOf(endpoint), { secrets, headers, credential }])
  )
}
