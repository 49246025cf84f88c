// What is left of an event whose body was deleted, and what cannot be done with it any more.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../src/lib/id.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox } from './signalbox.ts'
import { cliOf } from './terminal.ts'

const [EVENT, JOB, DELIVERY, ENDPOINT] = [newId(), newId(), newId(), newId()]

let signalbox: TestSignalbox
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  const { database } = signalbox
  await database.query(
    `insert into signalbox.endpoints (id, name, url, secrets, events, origin) values ($1, 'e', 'http://127.0.0.1:9', '[]', '{none}', 'api')`,
    [ENDPOINT],
  )
  await database.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, facts, received_at, body_pruned_at)
     values ($1, 'github', 'd', 'push', 'routed', '{"branch":"main"}', now() - interval '31 days', '2026-02-03T04:05:06Z')`,
    [EVENT],
  )
  await database.query(
    `insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status, finished_at)
     values ($1, $2, 'r', 't', 'ping', '{}', 5, 5, 900000, 'failed', now())`,
    [JOB, EVENT],
  )
  await database.query(
    `insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts, status, finished_at)
     values ($1, $2, $3, 5, 'failed', now())`,
    [DELIVERY, EVENT, ENDPOINT],
  )
})
afterAll(() => signalbox.close())

async function ask(method: string, path: string, body?: unknown) {
  const answer = await signalbox.api(path, { method, ...(body === undefined ? {} : { body }) })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

const REFUSED = {
  status: 410,
  body: { code: 'payload_pruned', detail: `What event ${EVENT} said was deleted on 2026-02-03, because it was old.` },
}

test('it says when its body was deleted, and all that is known of it', async () => {
  expect(await ask('GET', `/api/events/${EVENT}`)).toMatchObject({
    status: 200,
    body: { payload: null, body_pruned_at: '2026-02-03T04:05:06.000Z', facts: { branch: 'main' } },
  })
  expect((await ask('GET', '/api/events')).body).toMatchObject({ items: [{ body_bytes: null }] })
  const { out } = await cliOf(signalbox).ask(['events', 'show', EVENT])
  expect(out).toMatch(/^body +deleted on 2026-02-03T04:05:06.000Z, because it was old$/m)
  expect((await ask('GET', `/api/jobs/${JOB}`)).body).toMatchObject({ payload: { event: 'push', branch: 'main' } })
  const { rows } = await signalbox.database.query('select payload, event_type from webhook_events where id = $1', [
    EVENT,
  ])
  expect(rows).toEqual([{ payload: null, event_type: 'push' }])
})

test('its body cannot be read, nor be sent again', async () => {
  expect(await ask('GET', `/api/events/${EVENT}/body`)).toMatchObject(REFUSED)
  expect(await ask('POST', `/api/deliveries/${DELIVERY}/redeliver`)).toMatchObject(REFUSED)
  const asked = { since: '2020-01-01T00:00:00Z', status: ['failed'] }
  expect(await ask('POST', `/api/endpoints/${ENDPOINT}/recover`, asked)).toMatchObject({
    status: 200,
    body: { count: 0 },
  })
  expect(await signalbox.count('signalbox.deliveries', `status = 'failed'`)).toBe(1)
  const { body } = await ask('GET', '/api/events?after=0&form=envelope')
  expect(body).toMatchObject({ items: [{ id: EVENT, body: null }] })
})

test('a job of it cannot be run again, unless it has only its outputs left to write', async () => {
  expect(await ask('POST', `/api/jobs/${JOB}/retry`)).toMatchObject(REFUSED)
  await signalbox.database.query('update signalbox.jobs set ran_at = now() where id = $1', [JOB])
  expect(await ask('POST', `/api/jobs/${JOB}/retry`, { from_start: true })).toMatchObject(REFUSED)
  expect(await ask('POST', `/api/jobs/${JOB}/retry`)).toMatchObject({ status: 200, body: { status: 'pending' } })
})
