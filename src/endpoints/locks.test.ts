import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { ENCRYPTION_KEY } from '../../test/keys.ts'
import type { Database, Sql } from '../db/database.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import { changeEndpoint, createEndpoint, deleteEndpoint } from './change.ts'
import type { EndpointStore } from './endpoints.ts'
import type { DeliveryResult } from './results.ts'
import { noteResults } from './results.ts'
import { openSeal } from './seal.ts'

let database: Database
let store: EndpointStore
beforeAll(async () => {
  database = await openTestDatabase()
  store = { database, seal: openSeal([ENCRYPTION_KEY]) }
})
afterAll(() => database.close())

/** Resolves once a statement waits for a lock of another transaction. */
async function someoneWaits(): Promise<void> {
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
  while ((await database.query(waiting)).rowCount === 0) await sleep(5)
}

/** Notes a result and, as soon as its rows are locked, starts something else that waits for one. */
function noteMeanwhile(result: DeliveryResult, lock: RegExp, other: () => Promise<unknown>) {
  let started: Promise<unknown> | undefined
  const noted = database.transaction((tx) => {
    const slowly: Sql = {
      async query(text, ...rest) {
        const answer = await tx.query(text, ...rest)
        if (lock.test(text)) {
          started = other()
          await someoneWaits()
        }
        return answer as never
      },
    }
    return noteResults(slowly, { clock: systemClock, log: silentLog }, [result])
  })
  return noted.then(() => started)
}

test('an endpoint can be made active at the moment in which it recovers', async () => {
  const { endpoint } = await createEndpoint(store, { url: 'https://example.com/hook', name: 'changed' })
  await database.query(`update signalbox.endpoints set status = 'disabled', heals = true`)
  await noteMeanwhile({ kind: 'success', endpointId: endpoint.id, error: null }, /for no key update/, () =>
    changeEndpoint(store, endpoint.id, { status: 'active' }),
  )
})

test('an endpoint can be deleted at the moment in which an attempt ends', async () => {
  const { endpoint } = await createEndpoint(store, { url: 'https://example.com/hook', name: 'deleted' })
  const eventId = newId()
  await database.query(
    `insert into signalbox.events (id, source, delivery_id, type, status) values ($1, 'custom', 'one', 'note', 'routed')`,
    [eventId],
  )
  await database.query(
    `insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts, status)
     values ($1, $2, $3, 1, 'running')`,
    [newId(), eventId, endpoint.id],
  )
  let deleted: Promise<unknown> | undefined
  await database.transaction(async (tx) => {
    await tx.query('update signalbox.deliveries set attempt = 1')
    deleted = deleteEndpoint(store, endpoint.id, { force: true })
    await someoneWaits()
    await noteResults(tx, { clock: systemClock, log: silentLog }, [
      { kind: 'failure', endpointId: endpoint.id, error: 'http_500' },
    ])
  })
  expect(await deleted).toMatchObject({ deleted: true })
})
