// Keeping what is stored readable: at every start, and when the encryption key is replaced.
import type { Database, Sql } from '../db/database.ts'
import { AppError } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import type { Seal } from './seal.ts'
import { keyIdOf } from './seal.ts'
import type { SealedColumns } from './secrets.ts'
import { openColumns } from './secrets.ts'

const RESEAL_LOCK = 7_420_004

/** Which keys the stored secrets are sealed with, and which of them cannot be opened. */
export type SealedState = {
  endpoints: number
  /** Ids of keys. */
  used: ReadonlySet<string>
  /** Names of endpoints. */
  unreadable: string[]
}

/** Looks at all that is sealed. */
export async function sealedState(sql: Sql, seal: Seal): Promise<SealedState> {
  const rows = await sealedRows(sql)
  return {
    endpoints: rows.length,
    used: new Set(rows.flatMap(textsOf).map(keyIdOf)),
    unreadable: rows.filter((row) => openColumns(seal, row.id, row) === null).map(({ name }) => name),
  }
}

/**
 * Seals with the first key what another one has sealed, so that the others can be taken away
 * once every process has started with it. What cannot be opened stays, and is named in the log.
 * @throws AppError `encryption_key_missing` when there are endpoints and no key.
 */
export async function resealSecrets(database: Database, seal: Seal, log: Log): Promise<void> {
  const [current] = seal.keyIds
  if (current === undefined) {
    if ((await sealedRows(database)).length > 0) throw new AppError('encryption_key_missing')
    return
  }
  await database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1, 0)', [RESEAL_LOCK])
    const rows = await sealedRows(tx, 'for no key update')
    const old = rows.filter((row) => textsOf(row).some((text) => keyIdOf(text) !== current))
    const unreadable: string[] = []
    for (const row of old) {
      if (openColumns(seal, row.id, row) === null) unreadable.push(row.name)
      else await reseal(tx, seal, row)
    }
    const done = old.length - unreadable.length
    if (done > 0) log.info({ endpoints: done, key: current }, 'secrets of endpoints were encrypted with the first key')
    if (unreadable.length > 0) {
      log.warn({ endpoints: unreadable }, 'secrets of endpoints cannot be decrypted; "signalbox doctor" says why')
    }
  })
}

type Row = SealedColumns & { id: string; name: string }

async function sealedRows(sql: Sql, lock: 'for no key update' | '' = ''): Promise<Row[]> {
  const text = `select id, name, secrets, headers, credential from signalbox.endpoints order by created_at, id ${lock}`
  return (await sql.query<Row>(text)).rows
}

function textsOf({ secrets, headers, credential }: SealedColumns): string[] {
  return [
    ...secrets.map(({ sealed }) => sealed),
    ...Object.values(headers),
    ...(credential === null ? [] : [credential]),
  ]
}

async function reseal(tx: Sql, seal: Seal, { id, secrets, headers, credential }: Row): Promise<void> {
  const again = (text: string) => seal.seal(id, seal.open(id, text))
  await tx.query('update signalbox.endpoints set secrets = $2, headers = $3, credential = $4 where id = $1', [
    id,
    JSON.stringify(secrets.map((secret) => ({ ...secret, sealed: again(secret.sealed) }))),
    JSON.stringify(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, again(value)]))),
    credential === null ? null : again(credential),
  ])
}
