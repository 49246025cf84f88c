import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { ENCRYPTION_KEY } from '../../test/keys.ts'
import type { Database } from '../db/database.ts'
import { createEndpoint } from '../endpoints/change.ts'
import { openSeal } from '../endpoints/seal.ts'
import { eventPayload } from '../events/payload.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { curlCommand } from './curl.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

test('a command has nothing in it that a terminal acts on', async () => {
  const seal = openSeal([ENCRYPTION_KEY])
  const asked = { url: 'https://example.com/hook', format: 'raw' }
  const { endpoint } = await createEndpoint({ database, seal }, asked)
  const [id, eventId] = [newId(), newId()]
  const body = Buffer.from('\u001b]0;title\u0007 \u009b2J')
  await database.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, body, content_type)
     values ($1, 'custom', 'one', 'note', 'routed', $2, 'text/plain')`,
    [eventId, body],
  )
  await database.query(
    'insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts) values ($1, $2, $3, 1)',
    [id, eventId, endpoint.id],
  )
  const command = await curlCommand({ looking: database, seal, clock: systemClock, payloadOf: eventPayload }, id)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(command).not.toMatch(/[\u001b\u0007\u009b]/)
  expect(command).toContain(`echo ${body.toString('base64')} | base64 -d |`)
})
