// What a start does to the tables before anything uses them.
import type { Database } from '../db/database.ts'
import { migrate } from '../db/migrate.ts'
import type { Store } from '../db/store.ts'
import { DELIVERIES } from '../deliveries/delivery.ts'
import { syncConfigEndpoints } from '../endpoints/configured.ts'
import { resealSecrets } from '../endpoints/reseal.ts'
import type { Seal } from '../endpoints/seal.ts'
import type { ReadTarget } from '../endpoints/target.ts'
import { keepPositions } from '../events/feed.ts'
import { releaseHooksOf } from '../gaps/store.ts'
import { JOBS } from '../jobs/job.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { deadNodes } from '../nodes/node.ts'
import { holdRows } from '../pauses/held.ts'
import { listPaused } from '../pauses/list.ts'
import { queueOn } from '../queue/queue.ts'
import { releaseLease } from '../retention/lease.ts'
import type { Config } from './config-file.ts'

export type PrepareOptions = {
  store: Store
  config: Config
  configPath?: string | null
  roles: { receiver: boolean }
  seal: Seal
  readTarget: ReadTarget
  clock: Clock
  log: Log
}

/** Makes the tables fit this version and this start; says whether there may be work for others. */
export async function prepareTables(options: PrepareOptions): Promise<{ isChanged: boolean; schemaVersion: string }> {
  const { store, clock, log } = options
  const { newest: schemaVersion } = await migrate(store.database, { log })
  await keepPositions(store.database)
  // A process may have died in the middle of it.
  await holdRows(store.database)
  await sayPaused(store.database, log)
  const isChanged = await prepareEndpoints(options)
  if (store.kind === 'embedded') await expireLeases(store.database, clock)
  return { isChanged, schemaVersion }
}

/** Who starts it must not wonder why nothing begins. */
async function sayPaused(database: Database, log: Log): Promise<void> {
  for (const { kind, name, id, reason, since } of await listPaused(database)) {
    const what = [kind, name === null ? '' : JSON.stringify(name)].join(' ').trim()
    const about = { kind, name, since }
    const target = id ?? name
    log.warn(
      { about },
      `${what} is paused since ${since}: ${reason} (signalbox resume ${kind}${target === null ? '' : ` ${target}`})`,
    )
  }
}

/** Stores the configured endpoints and reads the secrets of all; says whether any changed. */
async function prepareEndpoints(options: PrepareOptions): Promise<boolean> {
  const { config, configPath, store, roles, seal, readTarget, log } = options
  // A process without a configuration knows nothing of the endpoints of those that have one.
  const isKnown = config.endpoints !== undefined || (configPath ?? null) !== null
  const endpoints = { database: store.database, seal, readTarget }
  const changed = roles.receiver && isKnown ? await syncConfigEndpoints(endpoints, config.endpoints ?? []) : 0
  await resealSecrets(store.database, seal, log)
  return changed > 0
}

// Whoever owned the embedded server's data directory before is dead, but processes that use it by
// its address may be alive.
async function expireLeases(database: Database, clock: Clock): Promise<void> {
  const owners = await deadNodes(database)
  await queueOn({ table: JOBS, clock }).expireLeases(database, owners)
  await queueOn({ table: DELIVERIES, clock }).expireLeases(database, owners)
  await releaseHooksOf(database, owners)
  for (const owner of owners) await releaseLease(database, owner)
}
