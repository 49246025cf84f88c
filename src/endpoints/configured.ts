// The endpoints of the configuration, brought into the table at every start.
import type { Sql } from '../db/database.ts'
import { newId } from '../lib/id.ts'
import { lockNames, NOT_NAMED } from './change.ts'
import type { NewEndpoint } from './endpoint.ts'
import { readEndpointConfigs } from './endpoint.ts'
import type { EndpointStore } from './endpoints.ts'
import type { StoredEndpoint } from './row.ts'
import { insertRow, STORED, settingsOf, updateRow } from './row.ts'
import type { Seal } from './seal.ts'
import { openColumns, sealColumns } from './secrets.ts'

/**
 * Makes the stored endpoints of origin `config` those of the configuration: by name, with the
 * status it says, and active ones that it does not have become paused, because another release
 * may have them. One that said goodbye, or failed for days, stays as it is
 * until it has another URL. Nothing is written
 * when nothing changed. Returns how many were changed.
 * @throws AppError `config_invalid` naming every field at fault; `encryption_key_missing` without a
 * key to seal their secrets with.
 */
export async function syncConfigEndpoints(store: EndpointStore, configured: readonly unknown[]): Promise<number> {
  const { database, seal } = store
  const wanted = readEndpointConfigs(configured, store)
  return database.transaction(async (tx) => {
    // Processes that start together would otherwise both find a name missing.
    const at = await lockNames(tx)
    const { rows } = await tx.query<StoredEndpoint>(
      `select ${STORED} from signalbox.endpoints e where origin = 'config' order by id for no key update`,
    )
    const stored = new Map(rows.map((row) => [row.name, row]))
    const changed = wanted
      .map((endpoint) => withKeptStatus(stored.get(endpoint.name), endpoint))
      .filter((endpoint) => !isSame(seal, stored.get(endpoint.name), endpoint))
    const names = wanted.map((endpoint) => endpoint.name)
    const removed = rows.filter((row) => !names.includes(row.name) && row.status === 'active').map((row) => row.id)
    for (const endpoint of changed) {
      const row = stored.get(endpoint.name)
      const id = row?.id ?? newId()
      const sealed = sealColumns(seal, id, endpoint, { at, before: row?.secrets })
      if (row === undefined) await insertRow(tx, { id, origin: 'config' }, endpoint, sealed)
      else await updateRow(tx, { id, keepsReason: keepsStatus(row, endpoint) }, endpoint, sealed)
    }
    if (removed.length > 0) await pause(tx, removed)
    return changed.length + removed.length
  })
}

async function pause(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query(
    `update signalbox.endpoints set status = 'paused', status_reason = $2, updated_at = now()
     where id = any($1::uuid[])`,
    [ids, NOT_NAMED],
  )
}

/** What the configuration wants, except for a status that Signalbox gave it at this URL. */
function withKeptStatus(row: StoredEndpoint | undefined, endpoint: NewEndpoint): NewEndpoint {
  return row !== undefined && keepsStatus(row, endpoint) ? { ...endpoint, status: row.status } : endpoint
}

function keepsStatus(row: StoredEndpoint, endpoint: NewEndpoint): boolean {
  return row.keepsStatus && row.url === endpoint.url
}

/** Whether it is stored as it is wanted. What cannot be opened is not. */
function isSame(seal: Seal, row: StoredEndpoint | undefined, endpoint: NewEndpoint): boolean {
  const plain = row && openColumns(seal, row.id, row)
  if (!row || !plain) return false
  const { secrets, headers, credential } = endpoint
  const wanted = [...settingsOf(endpoint), secrets, headers, credential]
  return JSON.stringify([...settingsOf(row), plain.secrets, plain.headers, plain.credential]) === JSON.stringify(wanted)
}
