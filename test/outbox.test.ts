// Events that other programs emit in their own transactions, from `signalbox.emit` to what follows.
import { emit } from '@signalbox/sdk/emit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../src/db/database.ts'
import { openTestDatabase } from './database.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, until } from './signalbox.ts'

const ENDPOINT = {
  name: 'all',
  url: 'http://127.0.0.1:2/hook',
  secret: SECRET,
  events: ['order.*', 'environment.deployed'],
}

let signalbox: TestSignalbox
let database: Database
const clients: pg.Client[] = []
beforeAll(async () => {
  signalbox = await openTestSignalbox({ config: { endpoints: [{ ...ENDPOINT, environments: null }] } })
  database = signalbox.database
  await database.query('create table public.orders (id int primary key, state text not null)')
})
afterAll(async () => {
  for (const client of clients) await client.end().catch(() => {})
  await signalbox.close()
})

async function connect(url = database.url): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  clients.push(client)
  await client.connect()
  return client
}

/** The event of an id, once it is recorded. */
function recorded(id: string): Promise<Record<string, unknown>> {
  return until(`event ${id} is recorded`, async () => {
    const answer = await signalbox.api(`/api/events/${id}`)
    return answer.ok && ((await answer.json()) as Record<string, unknown>)
  })
}

describe('a transaction of another program', () => {
  test('that commits has its event recorded and delivered, with facts and payload as they were', async () => {
    const client = await connect()
    await client.query('begin')
    await client.query(`insert into public.orders values (1, 'paid')`)
    const facts = { project: 'acme', app: 'shop', environment: 'production', subject: 'order 1' }
    const id = await emit(client, { type: 'order.paid', payload: { total: 12.5, note: '\u0000 好' }, ...facts })
    expect(await signalbox.count('signalbox.events', `id = '${id}'`)).toBe(0)
    await client.query('commit')
    const { subject, ...matched } = facts
    expect(await recorded(id)).toMatchObject({
      source: 'outbox',
      delivery_id: id,
      type: 'order.paid',
      status: 'routed',
      subject,
      facts: matched,
      payload: { total: 12.5, note: '\u0000 好' },
    })
    expect(await signalbox.count('signalbox.deliveries', `event_id = '${id}'`)).toBe(1)
    expect(await signalbox.count('signalbox.outbox')).toBe(0)
  })

  test('that is rolled back leaves no event', async () => {
    const client = await connect()
    await client.query('begin')
    await client.query(`insert into public.orders values (2, 'paid')`)
    const id = await emit(client, { type: 'order.paid', payload: 2 })
    await client.query('rollback')
    await recorded(await emit(client, { type: 'order.paid', payload: 3 }))
    expect(await signalbox.count('signalbox.events', `id = '${id}'`)).toBe(0)
    expect(await signalbox.count('public.orders', 'id = 2')).toBe(0)
  })

  test('emits once under an idempotency key, before and after the first was recorded', async () => {
    const [one, other] = [await connect(), await connect()]
    const event = { type: 'order.paid', payload: {}, idempotencyKey: 'order-7' }
    await one.query('begin')
    const id = await emit(one, event)
    // Waits for the first transaction, because that might be rolled back.
    const second = emit(other, event)
    await one.query('commit')
    expect(await second).toBe(id)
    await recorded(id)
    expect(await emit(other, event)).toBe(id)
    expect(await signalbox.count('signalbox.events', `delivery_id = 'order-7'`)).toBe(1)
  })

  test('has the first id, though the row that it waits for is recorded before it can see it', async () => {
    const [one, other] = [await connect(), await connect()]
    const event = { type: 'order.paid', payload: {}, idempotencyKey: 'order-8' }
    await one.query('begin')
    const id = await emit(one, event)
    const second = emit(other, event)
    await until('the second waits', async () => {
      const { rows } = await signalbox.database.query(
        `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%signalbox.emit%' and datname = current_database()`,
      )
      return rows.length > 0
    })
    // As it is taken and recorded, in one transaction.
    await one.query(`delete from signalbox.outbox where idempotency_key = 'order-8'`)
    await one.query(
      `insert into signalbox.events (id, source, delivery_id, type, status, reason, body, received_at)
       values ($1, 'outbox', 'order-8', 'order.paid', 'ignored', 'no rule', '{}', now())`,
      [id],
    )
    await one.query('commit')
    expect(await second).toBe(id)
    expect(await signalbox.count('signalbox.outbox', `idempotency_key = 'order-8'`)).toBe(0)
  })

  test('is refused at once with a payload that is too large, or with a key that cannot be one', async () => {
    const client = await connect()
    const large = emit(client, { type: 'order.paid', payload: 'x'.repeat(2_000_000) })
    await expect(large).rejects.toThrow(/outbox_payload_of_at_most_2_mb/)
    const key = emit(client, { type: 'order.paid', payload: null, idempotencyKey: 'two words' })
    await expect(key).rejects.toThrow(/outbox_idempotency_key_of_1_to_255_visible_ascii/)
    await expect(emit(client, { type: 'order.paid', payload: undefined as never })).rejects.toThrow('payload: must be')
  })
})

test.each([
  ['push', {}, 'type: must be below a name of your own, such as "shop.push"'],
  [
    'issues.opened',
    {},
    'type: "issues" belongs to Signalbox or GitHub; use another name, such as "shop.issues.opened"',
  ],
  ['job.completed', {}, 'type: "job" belongs'],
  ['endpoint.disabled', {}, 'type: "endpoint" belongs'],
  ['delivery.exhausted', {}, 'type: "delivery" belongs'],
  ['environment.removed', {}, 'type: "environment" belongs'],
  ['agenta.any', {}, 'type: "agenta" is the name of a source'],
  ['über.paid', {}, 'type: must be 1 to 100 letters'],
  ['order..paid', {}, 'type: must be below a name'],
  ['order.paid', { subject: 'two\nlines' }, 'subject: must be one line'],
  ['order.paid', { app: 'x'.repeat(201) }, 'app: must be one line'],
])('%s %j is an event that says why it was rejected', async (type, facts, problem) => {
  const id = await emit(await connect(), { type, payload: { kept: true }, ...facts })
  const event = await recorded(id)
  expect(event).toMatchObject({ type: 'rejected.emitted', status: 'rejected', payload: { kept: true } })
  expect(event.reason).toContain(`input_invalid: ${problem}`)
  expect(event.reason).toContain(`(it was emitted as ${JSON.stringify(type)})`)
})

test('what cannot be recorded keeps nothing else from being recorded, and may be emitted again', async () => {
  const client = await connect()
  const deep = `${'['.repeat(300)}${']'.repeat(300)}`
  await client.query('begin')
  const ids: string[] = []
  for (const [type, payload] of Object.entries({ 'order.a': '1', 'order.b': deep, issues: '2', 'order.c': '3' })) {
    const { rows } = await client.query('select signalbox.emit($1, $2::json, $3) as id', [type, payload, `key-${type}`])
    ids.push(rows[0].id)
  }
  await client.query('commit')
  const events = await Promise.all(ids.map(recorded))
  expect(events.map(({ status }) => status)).toEqual(['routed', 'rejected', 'rejected', 'routed'])
  expect(events[1]?.reason).toMatch(/^body_invalid: The JSON is nested deeper than 200 levels\./)
  const again = await emit(client, { type: 'order.b', payload: 1, idempotencyKey: 'key-order.b' })
  expect(await recorded(again)).toMatchObject({ status: 'routed', delivery_id: 'key-order.b' })
})

describe('environment.deployed', () => {
  const deployment = {
    project_id: 'acme',
    app_name: 'bot',
    variant_name: 'v2',
    environment: 'production',
    config: { temperature: 0.7 },
    deployed_by: 'jane',
  }

  test('records a deployment as the API does, in the order of what is around it', async () => {
    const client = await connect()
    await client.query('begin')
    const before = await emit(client, { type: 'order.before', payload: 1 })
    const first = await emit(client, { type: 'environment.deployed', payload: deployment })
    const config = { temperature: 0.5 }
    const second = await emit(client, { type: 'environment.deployed', payload: { ...deployment, config } })
    const after = await emit(client, { type: 'order.after', payload: 2 })
    await client.query('commit')
    await recorded(after)
    const read = async (id: string) => (await signalbox.api(`/api/deployments/deploy_${id}`)).json()
    expect(await read(first)).toMatchObject({ sequence: 1, previous_deployment_id: null })
    expect(await read(second)).toMatchObject({
      sequence: 2,
      previous_deployment_id: `deploy_${first}`,
      config_diff: { modified: { temperature: { old: 0.7, new: 0.5 } } },
    })
    const { rows } = await database.query<{ id: string; type: string; deliveries: number }>(
      `select e.id, e.type, (select count(*)::int from signalbox.deliveries d where d.event_id = e.id) as deliveries
       from signalbox.events e where e.id in ($1, $2) or e.type = 'environment.deployed' order by e.position, e.id`,
      [before, after],
    )
    const deployed = { type: 'environment.deployed', deliveries: 1 }
    expect(rows).toMatchObject([{ id: before, deliveries: 1 }, deployed, deployed, { id: after, deliveries: 1 }])
  })

  test('is one deployment under an idempotency key, also one that the API has recorded', async () => {
    const client = await connect()
    const body = { ...deployment, app_name: 'once' }
    const posted = await signalbox.api('/api/deployments', {
      method: 'POST',
      body,
      headers: { 'idempotency-key': 'k1' },
    })
    const { deployment_id } = (await posted.json()) as { deployment_id: string }
    const event = { type: 'environment.deployed', payload: body }
    expect(`deploy_${await emit(client, { ...event, idempotencyKey: 'k1' })}`).toBe(deployment_id)
    const id = await emit(client, { ...event, idempotencyKey: 'k2' })
    await until('it is recorded', async () => (await signalbox.count('signalbox.outbox')) === 0)
    expect(await emit(client, { ...event, idempotencyKey: 'k2' })).toBe(id)
    expect(await signalbox.count('signalbox.deployments', `app_name = 'once'`)).toBe(2)
  })

  test('with a mistake is rejected, naming the fields', async () => {
    const client = await connect()
    const id = await emit(client, {
      type: 'environment.deployed',
      payload: { ...deployment, config: [], colour: 'red' },
    })
    const { reason, status } = await recorded(id)
    expect(status).toBe('rejected')
    expect(reason).toMatch(/^input_invalid: .*config: must be a JSON object/s)
    expect(reason).toContain('colour')
  })
})

test('1,000 events of four connections are recorded once each and in order, while one of two takers is killed', async () => {
  const shared = await openTestDatabase()
  const takers = await Promise.all(
    [0, 1].map(() => openTestSignalbox({ database: shared, roles: { receiver: false, orchestrator: true } })),
  )
  try {
    const kill = async () => {
      await until('some are recorded', async () => ((await takers[0]?.count('signalbox.events')) ?? 0) > 100)
      // As when a process dies: the connection of whoever takes just now is gone.
      await until('one is lost', async () => {
        const { rows } = await shared.query(
          `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and classid = 7420003`,
        )
        return rows.length > 0
      })
      await takers[1]?.close()
    }
    const emitAll = async (name: string) => {
      const client = await connect(shared.url)
      for (let n = 0; n < 250; n++) await emit(client, { type: `order.${name}`, payload: n })
    }
    await Promise.all([...['a', 'b', 'c', 'd'].map(emitAll), kill()])
    await until('all are taken', async () => (await takers[0]?.count('signalbox.outbox')) === 0)
    const { rows } = await shared.query<{ type: string; payloads: number[] }>(
      `select type, json_agg(convert_from(body, 'UTF8')::int order by position, id) as payloads
       from signalbox.events group by type order by type`,
    )
    const expected = Array.from({ length: 250 }, (_, n) => n)
    expect(rows).toEqual(['a', 'b', 'c', 'd'].map((name) => ({ type: `order.${name}`, payloads: expected })))
  } finally {
    await takers[0]?.close()
    await shared.close()
  }
})
