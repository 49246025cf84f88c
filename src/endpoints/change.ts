// What people do with endpoints: create, change and delete them, and replace their secrets.
import type { z } from 'zod'
import type { Sql } from '../db/database.ts'
import { AppError } from '../lib/error.ts'
import { isUuid, newId } from '../lib/id.ts'
import type { Endpoint, EndpointChange, Settings } from './endpoint.ts'
import { generateSecret, isSigned, readEndpointChange, readEndpointRequest } from './endpoint.ts'
import type { EndpointStore } from './endpoints.ts'
import { getEndpoint, noEndpoint } from './endpoints.ts'
import type { StoredEndpoint } from './row.ts'
import { insertRow, STORED, updateRow } from './row.ts'
import type { SealedColumns } from './secrets.ts'
import { sealAll, sealColumns } from './secrets.ts'
import type { Target } from './target.ts'
import { readTarget } from './target.ts'
import type { deletedEndpoint } from './wire.ts'

/** Why an endpoint is paused that no configuration has any more. */
export const NOT_NAMED = 'The configuration does not name it.'

// Other than the locks of deployments, of emitted events and of resealing.
const NAMES_LOCK = 7_420_005

/** Makes others that create or name endpoints wait; resolves to the database's time. */
export async function lockNames(tx: Sql): Promise<Date> {
  const { rows } = await tx.query<{ at: Date }>('select pg_advisory_xact_lock($1, 0), now() as at', [NAMES_LOCK])
  return rows[0]?.at ?? new Date()
}

/**
 * Creates an endpoint from an API request. `secret` is the one that was made for a webhook,
 * null when the request brought its own: it is shown here and never again.
 * @throws AppError `input_invalid` naming every field at fault; `conflict` when another one has its
 * name; `encryption_key_missing` when there is no key to seal its secrets with.
 */
export async function createEndpoint(
  store: EndpointStore,
  request: unknown,
): Promise<{ endpoint: Endpoint; secret: string | null }> {
  const input = readEndpointRequest(request, store)
  const secret = isSigned(input) && input.secrets.length === 0 ? generateSecret() : null
  const id = newId()
  return store.database.transaction(async (tx) => {
    const at = await lockNames(tx)
    await requireNewName(tx, input.name, null)
    const plain = secret === null ? input : { ...input, secrets: [secret] }
    await insertRow(tx, { id, origin: 'api' }, input, sealColumns(store.seal, id, plain, { at }))
    return { endpoint: await getEndpoint(tx, id), secret }
  })
}

/**
 * Changes what a request names of an endpoint. With another URL, headers and credential go
 * unless they are given again, because they may not be meant for it; `dropped` names them.
 * @throws AppError `input_invalid`, `not_found`, and `conflict` when another one has its name, or
 * the configuration has what is to change.
 */
export async function changeEndpoint(
  store: EndpointStore,
  id: string,
  request: unknown,
): Promise<{ endpoint: Endpoint; dropped: string[] }> {
  const change = readEndpointChange(request, store)
  return store.database.transaction(async (tx) => {
    if (change.name !== undefined) {
      await lockNames(tx)
      await requireNewName(tx, change.name, id)
    }
    const row = await readStored(tx, id)
    requireChangeable(row, change)
    const { settings, sealed, dropped, isMoved } = changed(store, row, change)
    const keepsReason = change.status === undefined && settings.status === row.status && !isMoved
    await updateRow(tx, { id, keepsReason }, settings, sealed)
    if (settings.status === 'active' && !keepsReason) await forgetFailures(tx, id)
    return { endpoint: await getEndpoint(tx, id), dropped }
  })
}

/**
 * Reads an endpoint to change it, and lets nobody else until the transaction ends.
 * @throws AppError `not_found` when there is none.
 */
export async function readStored(tx: Sql, id: string): Promise<StoredEndpoint> {
  // Not `for update`: the deliveries of new events refer to the row, and must not wait for
  // this.
  const text = `select ${STORED} from signalbox.endpoints e where id = $1 for no key update`
  const [row] = isUuid(id) ? (await tx.query<StoredEndpoint>(text, [id])).rows : []
  if (row === undefined) throw noEndpoint(id)
  return row
}

function requireChangeable({ name, origin }: StoredEndpoint, change: EndpointChange): void {
  const others = Object.keys(change).filter((field) => field !== 'status')
  if (origin === 'api' || others.length === 0) return
  throw new AppError(
    'conflict',
    `${JSON.stringify(name)} is an endpoint of the configuration, which says its ${others.join(', ')}: change the file. Only its status can be changed here.`,
  )
}

type Changed = { settings: Settings; sealed: SealedColumns; dropped: string[]; isMoved: boolean }

function changed(store: EndpointStore, row: StoredEndpoint, change: EndpointChange): Changed {
  const { url: given, settings: _settings, credential: _credential, headers: asked = {}, ...rest } = change
  const { url, settings, credential } = changedTarget(store, row, change)
  // The address of another kind may be secret, and what is shown of it always the same.
  const isMoved = url !== row.url || (given !== undefined && row.kind !== 'webhook')
  const set = Object.entries(asked).filter((entry): entry is [string, string] => entry[1] !== null)
  const headers = { ...(isMoved ? {} : row.headers), ...sealAll(store.seal, row.id, Object.fromEntries(set)) }
  const kept = Object.entries(headers).filter(([name]) => asked[name] !== null)
  const lost = Object.keys(row.headers).filter((name) => !Object.hasOwn(asked, name))
  // What Signalbox paused or disabled it for was at the address it had.
  const status = isMoved && row.keepsStatus ? 'active' : row.status
  return {
    isMoved,
    // What was parsed from JSON has no undefined.
    settings: { ...row, status, ...(rest as Partial<Settings>), url, settings },
    sealed: { secrets: row.secrets, headers: Object.fromEntries(kept), credential },
    dropped: isMoved ? [...lost, ...(row.credential !== null && credential === null ? ['credential'] : [])] : [],
  }
}

/** Where it is to be notified, with the credential sealed. */
function changedTarget({ seal, ...checks }: EndpointStore, row: StoredEndpoint, change: EndpointChange): Target {
  const { url, settings, credential, templates } = change
  if ([url, settings, credential, templates].every((asked) => asked === undefined)) return row
  // The token of a bot goes to the server that the settings name.
  const isSameServer = (settings ?? row.settings).api_url === row.settings.api_url
  const isKept = credential === undefined && row.credential !== null && (url ?? row.url) === row.url && isSameServer
  const asked = {
    kind: row.kind,
    url: url ?? row.url,
    settings: settings ?? row.settings,
    credential: isKept ? seal.open(row.id, row.credential ?? '') : (credential ?? null),
    templates: templates ?? row.templates,
  }
  const target = (checks.readTarget ?? readTarget)(asked)
  return { ...target, credential: target.credential === null ? null : seal.seal(row.id, target.credential) }
}

/** Whoever makes an endpoint active, or gives it another URL, wants it asked again at once. */
async function forgetFailures(tx: Sql, id: string): Promise<void> {
  await tx.query(
    `update signalbox.endpoint_health
     set state = 'closed', slots = null, opens_at = '-infinity', failures = 0, failing_since = null,
       probes = 0, is_alerted = false
     where endpoint_id = $1`,
    [id],
  )
}

const LOCK_RUNNING = `select from signalbox.deliveries where endpoint_id = $1 and status = 'running'
  order by id for update`

/**
 * Deletes an endpoint with its deliveries. `force` deletes one for which some are pending, too.
 * @throws AppError `not_found`, and `conflict` for one of the configuration or, without `force`,
 * one with pending deliveries.
 */
export async function deleteEndpoint(
  { database }: EndpointStore,
  id: string,
  { force }: { force: boolean },
): Promise<z.infer<typeof deletedEndpoint>> {
  return database.transaction(async (tx) => {
    // Before the endpoint, as whoever ends their attempts has them.
    if (isUuid(id)) await tx.query(LOCK_RUNNING, [id])
    const { name, origin, status_reason: reason } = await readStored(tx, id)
    if (origin === 'config' && reason !== NOT_NAMED) {
      const detail = `${JSON.stringify(name)} is an endpoint of the configuration: take it out of the file, or pause it.`
      throw new AppError('conflict', detail)
    }
    const { rows } = await tx.query<{ n: number }>(
      `select count(*)::int as n from signalbox.deliveries where endpoint_id = $1 and status in ('pending', 'running')`,
      [id],
    )
    const pending = rows[0]?.n ?? 0
    if (pending > 0 && !force) {
      const what = pending === 1 ? '1 delivery is' : `${pending} deliveries are`
      throw new AppError('conflict', `${what} pending for ${JSON.stringify(name)} and would be gone with it.`)
    }
    await tx.query('delete from signalbox.endpoints where id = $1', [id])
    return { id, name, deleted: true, pending_deliveries: pending }
  })
}

async function requireNewName(sql: Sql, name: string, own: string | null): Promise<void> {
  const { rows } = await sql.query<Pick<Endpoint, 'id' | 'status' | 'origin'>>(
    'select id, status, origin from signalbox.endpoints where name = $1 and id is distinct from $2::uuid limit 1',
    [name, own],
  )
  const [other] = rows
  if (other === undefined) return
  const where = other.origin === 'config' ? ', of the configuration' : ''
  throw new AppError(
    'conflict',
    `An endpoint is called ${JSON.stringify(name)} already (${other.id}, ${other.status}${where}): set another name.`,
  )
}
