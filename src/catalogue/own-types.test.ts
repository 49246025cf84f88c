// The schemas of what this program reports of endpoints, against what it really records.
import { isOwnEvent } from '@signalbox/sdk'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { ENCRYPTION_KEY } from '../../test/keys.ts'
import type { Database } from '../db/database.ts'
import { createEndpoint } from '../endpoints/change.ts'
import type { DeliveryResult } from '../endpoints/results.ts'
import { noteResults } from '../endpoints/results.ts'
import { openSeal } from '../endpoints/seal.ts'
import { fakeClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import { showEventType } from './catalogue.ts'

const DAY = 24 * 3_600_000
const ajv = new Ajv2020({ strict: false, formats: { 'date-time': (text: string) => !Number.isNaN(Date.parse(text)) } })

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

test('what is recorded of an endpoint that fails, is disabled and recovers is of its schema', async () => {
  const clock = fakeClock()
  const seal = openSeal([ENCRYPTION_KEY])
  const { endpoint } = await createEndpoint({ database, seal }, { url: 'https://example.com/' })
  const exhausted = { deliveryId: newId(), eventId: newId(), eventType: 'push', attempts: 10, depth: 0 }
  const failure: DeliveryResult = { kind: 'failure', endpointId: endpoint.id, error: 'http_500' }
  const success: DeliveryResult = { kind: 'success', endpointId: endpoint.id, error: null }
  const note = (results: DeliveryResult[]) =>
    database.transaction((tx) => noteResults(tx, { clock, log: silentLog }, results))
  const drafts = await note([...Array.from({ length: 20 }, () => failure), { ...failure, exhausted }])
  clock.advance(6 * DAY)
  drafts.push(...(await note([failure])))
  clock.advance(DAY)
  drafts.push(...(await note([success])))
  expect(drafts.map(({ type }) => type)).toEqual([
    'endpoint.failing',
    'delivery.exhausted',
    'endpoint.disabled',
    'endpoint.recovered',
  ])
  for (const { type, body } of drafts) {
    const envelope = JSON.parse(Buffer.from(body ?? []).toString())
    const isValid = ajv.validate(showEventType(type, clock.now()).schema, envelope)
    expect([type, isValid ? null : ajv.errorsText()]).toEqual([type, null])
    expect([type, isOwnEvent(envelope, type as 'endpoint.failing')]).toEqual([type, true])
    const fields = Object.keys(showEventType(type, clock.now()).example.data as object)
    expect(Object.keys(envelope.data).sort()).toEqual(fields.sort())
  }
})
