import { verifyWebhook } from '@signalbox/sdk'
import { Webhook } from 'standardwebhooks'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../db/database.ts'
import { loadEndpoints } from '../endpoints/endpoints.ts'
import { openSeal } from '../endpoints/seal.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { SECRET, useStage } from './fixtures/stage.ts'
import { getDelivery, listDeliveries } from './query.ts'

const stage = useStage()
const { clock, seal, openReceiver, open, record, statusOf } = stage
let database: Database
beforeAll(() => {
  database = stage.database
})

/** Gives an endpoint these secrets, each until so many milliseconds from now. */
async function setSecrets(id: string, secrets: { secret: string; until: number | null }[]): Promise<void> {
  const stored = secrets.map(({ secret, until }) => ({
    sealed: seal.seal(id, secret),
    expires_at: until === null ? null : new Date(clock.now().getTime() + until).toISOString(),
  }))
  await database.query('update signalbox.endpoints set secrets = $1 where id = $2', [JSON.stringify(stored), id])
}

describe('a delivery', () => {
  it('is repeated until a 2xx, with the same bytes and id, a fresh time and a valid signature each time', async () => {
    const { got, endpoint } = await openReceiver((response, nth) =>
      response.writeHead(nth < 3 ? 500 : 204).end(nth < 3 ? 'no' : ''),
    )
    const id = await record([endpoint.id])
    const sender = open()
    expect(await sender.tick()).toBe(1)
    expect(await sender.tick()).toBe(0)
    clock.advance(4999)
    expect(await sender.tick()).toBe(0)
    clock.advance(1)
    expect(await sender.tick()).toBe(1)
    clock.advance(300_000)
    expect(await sender.tick()).toBe(1)
    clock.advance(86_400_000)
    expect(await sender.tick()).toBe(0)

    expect(got).toHaveLength(3)
    const [first] = got
    for (const { headers, body } of got) {
      expect(body).toEqual(first?.body)
      expect(headers['webhook-id']).toBe(first?.headers['webhook-id'])
      const sentAt = Number(headers['webhook-timestamp']) * 1000
      const verified = await verifyWebhook({ headers, body }, { secret: SECRET, now: () => sentAt })
      expect(verified).toMatchObject({
        id: headers['webhook-id'],
        payload: { delivery_id: headers['x-agenta-delivery'] },
      })
    }
    expect(new Set(got.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3)
    expect(new Set(got.map(({ headers }) => headers['webhook-signature'])).size).toBe(3)

    const { attempts, ...delivery } = await getDelivery(database, id)
    expect(delivery).toMatchObject({
      status: 'succeeded',
      attempt: 3,
      failures: 2,
      max_attempts: 10,
      error: null,
      next_attempt_at: null,
    })
    expect(
      attempts.map(({ attempt, outcome, status_code, error, response }) => [
        attempt,
        outcome,
        status_code,
        error,
        response,
      ]),
    ).toEqual([
      [1, 'retried', 500, 'http_500', 'no'],
      [2, 'retried', 500, 'http_500', 'no'],
      [3, 'completed', 204, null, ''],
    ])
    for (const one of attempts) expect(one.duration_ms).toEqual(expect.any(Number))
  })

  it('is signed at the time of the database, however wrong the clock of this process is', async () => {
    const { got, endpoint } = await openReceiver((response) => response.end())
    await record([endpoint.id])
    await database.query(`update signalbox.deliveries set available_at = now() - interval '1 s'`)
    const wrong = { now: () => new Date(Date.now() + 3_600_000), sqlNow: () => null }
    await open({ clock: wrong }).tick()
    expect(Math.abs(Number(got[0]?.headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60)
  })

  it('is verified by the standardwebhooks package as it arrives', async () => {
    const { got, endpoint } = await openReceiver((response) => response.end())
    await record([endpoint.id])
    // Its tolerance is against the real time.
    await database.query(`update signalbox.deliveries set available_at = now() - interval '1 s'`)
    await open({ clock: systemClock }).tick()
    const headers = Object.fromEntries(
      Object.entries(got[0]?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    )
    expect(new Webhook(SECRET).verify(got[0]?.body ?? '', headers)).toMatchObject({ event: 'environment.deployed' })
  })

  it('fails after its last attempt', async () => {
    const { got, endpoint } = await openReceiver((response) => response.writeHead(500).end())
    const id = await record([endpoint.id])
    const sender = open()
    for (let attempt = 1; attempt <= 12; attempt++) {
      await sender.tick()
      clock.advance(2 * 86_400_000)
    }
    expect(got).toHaveLength(10)
    expect(await getDelivery(database, id)).toMatchObject({
      status: 'failed',
      attempt: 10,
      failures: 10,
      error: 'http_500',
    })
  })

  it('waits as long as Retry-After says, within its bounds', async () => {
    const { endpoint } = await openReceiver((response) => response.writeHead(429, { 'retry-after': '8' }).end())
    const id = await record([endpoint.id])
    await open().tick()
    const { next_attempt_at } = await getDelivery(database, id)
    expect(next_attempt_at).toBe(new Date(clock.now().getTime() + 8000).toISOString())
  })

  it('ends at the deadline when the answer never comes', async () => {
    const { endpoint } = await openReceiver(() => {})
    const id = await record([endpoint.id])
    await open({ deadlineMs: 200 }).tick()
    expect(await getDelivery(database, id)).toMatchObject({ status: 'pending', error: 'timeout' })
  })

  it('is repeated when nobody listens', async () => {
    const { endpoint, close } = await openReceiver(() => {})
    close()
    const id = await record([endpoint.id])
    await open().tick()
    const { status, attempts } = await getDelivery(database, id)
    expect(status).toBe('pending')
    expect(attempts).toMatchObject([
      { outcome: 'retried', status_code: null, error: 'connection_refused', response: null },
    ])
  })

  it('fails at once with 410, and its endpoint is paused', async () => {
    await database.query('truncate signalbox.deliveries cascade')
    const { got, endpoint } = await openReceiver((response) => response.writeHead(410).end('gone'))
    const [id, later] = [await record([endpoint.id]), await record([endpoint.id])]
    const sender = open({ slots: 1 })
    await sender.tick()
    const states = [await statusOf(id), await statusOf(later)].sort()
    expect(states).toEqual(['failed', 'pending'])
    const { endpoints } = await loadEndpoints(database)
    expect(endpoints.find((one) => one.id === endpoint.id)).toMatchObject({ status: 'paused' })
    clock.advance(365 * 86_400_000)
    await sender.tick()
    expect(got).toHaveLength(1)
    // With another URL it gets what waited for it.
    const moved = await openReceiver((response) => response.end())
    const url = `update signalbox.endpoints set status = 'active', url = $1 where id = $2`
    await database.query(url, [moved.endpoint.url, endpoint.id])
    await sender.tick()
    expect([await statusOf(id), await statusOf(later)].sort()).toEqual(['failed', 'succeeded'])
    expect(moved.got).toHaveLength(1)
  })

  it.each(['paused', 'disabled'])('waits while its endpoint is %s, and is sent once that is active', async (status) => {
    await database.query('truncate signalbox.deliveries cascade')
    const { got, endpoint } = await openReceiver((response) => response.end())
    const ids = [await record([endpoint.id]), await record([endpoint.id])]
    const change = (to: string) =>
      database.query('update signalbox.endpoints set status = $1 where id = $2', [to, endpoint.id])
    await change(status)
    clock.advance(365 * 86_400_000)
    expect(await open().tick()).toBe(0)
    expect(await getDelivery(database, ids[0] ?? '')).toMatchObject({
      status: 'pending',
      error: `The endpoint is ${status}.`,
      attempt: 0,
      next_attempt_at: null,
    })
    await change('active')
    expect(await open().tick()).toBe(2)
    expect(got).toHaveLength(2)
    expect(await statusOf(ids[0] ?? '')).toBe('succeeded')
  })

  it('that was claimed just before its endpoint was paused waits for it, which is no failure', async () => {
    await database.query('truncate signalbox.deliveries cascade')
    const { got, endpoint } = await openReceiver((response) => response.end())
    const id = await record([endpoint.id])
    const pausing: Database = {
      ...database,
      async query(text, values, name) {
        const answer = await database.query(text, values, name)
        if (name?.startsWith('claim')) {
          await database.query(`update signalbox.endpoints set status = 'paused' where id = $1`, [endpoint.id])
        }
        return answer as never
      },
    }
    expect([await open({ database: pausing }).tick(), await open().tick()]).toEqual([1, 0])
    expect(got).toHaveLength(0)
    expect(await getDelivery(database, id)).toMatchObject({ status: 'pending', failures: 0, attempt: 1 })
    await database.query(`update signalbox.endpoints set status = 'active' where id = $1`, [endpoint.id])
    await open().tick()
    expect(await getDelivery(database, id)).toMatchObject({ status: 'succeeded', error: null })
  })

  it('goes with its endpoint when that is deleted', async () => {
    const { got, endpoint } = await openReceiver((response) => response.end())
    const id = await record([endpoint.id])
    await database.query('delete from signalbox.endpoints where id = $1', [endpoint.id])
    await open().tick()
    expect(got).toHaveLength(0)
    await expect(getDelivery(database, id)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('is signed with the secrets the endpoint has when it is sent', async () => {
    const { got, endpoint } = await openReceiver((response, nth) => response.writeHead(nth === 1 ? 500 : 200).end())
    await record([endpoint.id])
    const sender = open()
    await sender.tick()
    const rotated = 'a_new_secret_of_twenty'
    await setSecrets(endpoint.id, [
      { secret: rotated, until: null },
      { secret: SECRET, until: 5001 },
      { secret: 'an_old_secret_of_twenty', until: 5000 },
    ])
    clock.advance(5000)
    await sender.tick()
    const { headers = {}, body = Buffer.of() } = got[1] ?? {}
    for (const secret of [rotated, SECRET]) {
      const now = () => clock.now().getTime()
      expect(await verifyWebhook({ headers, body }, { secret, now })).toMatchObject({ id: headers['webhook-id'] })
    }
    expect(String(headers['webhook-signature']).split(' ')).toHaveLength(2)
  })

  it('is put off, with the id of the key, while a secret cannot be opened', async () => {
    const { got, endpoint } = await openReceiver((response) => response.end())
    const id = await record([endpoint.id])
    await open({ seal: openSeal([Buffer.alloc(32).toString('base64')]) }).tick()
    expect(await getDelivery(database, id)).toMatchObject({
      status: 'pending',
      failures: 0,
      error: `The encryption key ${seal.keyIds[0]} is not in SIGNALBOX_ENCRYPTION_KEY.`,
    })
    expect(got).toHaveLength(0)
    clock.advance(600_000)
    await open().tick()
    expect(await statusOf(id)).toBe('succeeded')
  })
})

describe('what a receiver gets', () => {
  type Stored = { source: string; type: string; body: string; payload?: unknown; contentType?: string }
  async function recordStored(endpointId: string, { source, type, body, payload, contentType }: Stored) {
    const id = newId(clock.now())
    await database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status, body, payload, content_type, facts, received_at)
       values ($1::uuid, $2, $1::text, $3, 'routed', $4, $5, $6, '{"project":"p1"}', $7)`,
      [
        id,
        source,
        type,
        Buffer.from(body),
        payload === undefined ? null : JSON.stringify(payload),
        contentType ?? 'application/json',
        clock.now(),
      ],
    )
    await database.query(
      'insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts, available_at, created_at) values ($1, $2, $3, 10, $4, $4)',
      [newId(), id, endpointId, clock.now()],
    )
    return id
  }

  it('is one envelope, whoever sent the event and in whatever form, and the SDK verifies it', async () => {
    const { got, endpoint } = await openReceiver((response) => response.end())
    const deployed = {
      event: 'environment.deployed',
      timestamp: '2025-11-20T10:30:00Z',
      delivery_id: 'translated',
      project_id: 'p1',
      data: { app_name: 'bot' },
    }
    const events: Stored[] = [
      { source: 'github', type: 'push', body: '{"ref":"refs/heads/main"}' },
      {
        source: 'github',
        type: 'issues.opened',
        body: 'payload=%7B%22n%22%3A1%7D',
        payload: { n: 1 },
        contentType: 'application/x-www-form-urlencoded',
      },
      { source: 'agenta', type: 'environment.deployed', body: '{"event_type":"x"}', payload: deployed },
      { source: 'manual', type: 'manual', body: '' },
    ]
    const ids: string[] = []
    for (const event of events) ids.push(await recordStored(endpoint.id, event))
    await open().tick()
    const now = () => clock.now().getTime()
    const verified = await Promise.all(
      got.map(({ headers, body }) => verifyWebhook({ headers, body }, { secret: SECRET, now })),
    )
    const byId = new Map(verified.map((one) => [one.id, one]))
    const wrapped = (n: number, payload: unknown) => ({
      event: events[n]?.type,
      timestamp: clock.now().toISOString(),
      delivery_id: ids[n],
      project_id: 'p1',
      data: { source: events[n]?.source, subject: null, actor: null, facts: { project: 'p1' }, payload },
    })
    expect(ids.map((id) => byId.get(id)?.payload)).toEqual([
      wrapped(0, { ref: 'refs/heads/main' }),
      wrapped(1, { n: 1 }),
      deployed,
      wrapped(3, null),
    ])
    for (const { headers, body } of got) {
      expect(headers['content-type']).toBe('application/json')
      expect(headers['x-agenta-delivery']).toBe(JSON.parse(String(body)).delivery_id)
    }
  })

  it('is the same bytes on every attempt', async () => {
    const { got, endpoint } = await openReceiver((response, nth) => response.writeHead(nth === 1 ? 500 : 200).end())
    await recordStored(endpoint.id, { source: 'github', type: 'push', body: '{"b":1,"a":[2]}' })
    const sender = open()
    await sender.tick()
    clock.advance(10_000)
    await sender.tick()
    expect(got).toHaveLength(2)
    expect(got[1]?.body).toEqual(got[0]?.body)
  })

  it('is sent while large ones for an endpoint which does not answer have all the memory', async () => {
    const hanging: (() => void)[] = []
    const slow = await openReceiver((response) => hanging.push(() => response.end()))
    const quick = await openReceiver((response) => response.end())
    const body = JSON.stringify({ text: 'x'.repeat(60_000) })
    for (let i = 0; i < 3; i++) await recordStored(slow.endpoint.id, { source: 'github', type: 'push', body })
    await recordStored(quick.endpoint.id, { source: 'github', type: 'push', body: '{"n":1}' })
    const tick = open({ maxBytes: 100_000 }).tick()
    await expect.poll(() => quick.got).toHaveLength(1)
    expect(slow.got).toHaveLength(1)
    for (let answered = 1; answered <= 3; answered++) {
      await expect.poll(() => hanging).toHaveLength(1)
      hanging.pop()?.()
    }
    expect(await tick).toBe(4)
  })
})

describe('the bytes of deliveries', () => {
  it('are never more in memory than allowed: the others are read when some were sent', async () => {
    const answers: (() => void)[] = []
    const { got, endpoint } = await openReceiver((response) => answers.push(() => response.end()))
    for (let i = 0; i < 7; i++) await record([endpoint.id])
    const { rows } = await database.query<{ size: number }>(
      `select max(length(body)) as size from signalbox.events where source = 'deployments'`,
    )
    const sender = open({ slots: 7, maxBytes: 3 * (rows[0]?.size ?? 0) })
    const tick = sender.tick()
    for (const [answered, expected] of [
      [0, 3],
      [1, 4],
      [2, 6],
      [3, 7],
    ] as const) {
      for (const answer of answers.splice(0, answered)) answer()
      await expect.poll(() => got).toHaveLength(expected)
    }
    for (const answer of answers.splice(0)) answer()
    expect(await tick).toBe(7)
  })

  it('of a whole batch are read by one statement when they fit', async () => {
    const { got, endpoint } = await openReceiver((response) => response.end())
    for (let i = 0; i < 6; i++) await record([endpoint.id])
    const names: (string | undefined)[] = []
    const counting: Database = {
      ...database,
      query: async (text, values, name) => {
        names.push(name)
        return database.query(text, values, name)
      },
    }
    expect(await open({ database: counting }).tick()).toBe(6)
    expect(got).toHaveLength(6)
    expect(names.filter((name) => name === 'load deliveries')).toHaveLength(1)
    // Every statement that runs again and again is prepared.
    expect(names).not.toContain(undefined)
  })

  it('to an endpoint known to be well end without a transaction, and the first after a failure forgets it', async () => {
    const { endpoint } = await openReceiver((response, count) => response.writeHead(count === 3 ? 500 : 200).end())
    let transactions = 0
    const counting: Database = {
      ...database,
      transaction: (run, options) => {
        transactions++
        return database.transaction(run, options)
      },
    }
    const sender = open({ database: counting })
    const failures = async () => {
      await record([endpoint.id])
      await sender.tick()
      const { rows } = await database.query<{ failures: number }>(
        'select failures from signalbox.endpoint_health where endpoint_id = $1',
        [endpoint.id],
      )
      return rows[0]?.failures
    }
    // Each tick has one that reclaims.
    expect([await failures(), transactions]).toEqual([0, 2])
    expect([await failures(), transactions]).toEqual([0, 3])
    expect([await failures(), transactions]).toEqual([1, 5])
    expect([await failures(), transactions]).toEqual([0, 7])
  })

  it('of one larger than the limit are sent when nothing else is', async () => {
    const { got, endpoint } = await openReceiver((response) => response.end())
    const ids = [await record([endpoint.id]), await record([endpoint.id])]
    await open({ maxBytes: 10 }).tick()
    expect(got).toHaveLength(2)
    for (const id of ids) expect(await statusOf(id)).toBe('succeeded')
  })
})

describe('several senders', () => {
  it('send each delivery once', async () => {
    const receivers = await Promise.all([1, 2, 3].map(() => openReceiver((response) => response.end())))
    const endpointIds = receivers.map(({ endpoint }) => endpoint.id)
    for (let event = 0; event < 20; event++) await record(endpointIds)
    const senders = [open(), open()]
    for (let idle = 0; idle < 3; ) {
      const claimed = await Promise.all(senders.map((sender) => sender.tick()))
      idle = claimed.some((count) => count > 0) ? 0 : idle + 1
    }
    for (const { got, endpoint } of receivers) {
      expect(new Set(got.map(({ headers }) => headers['webhook-id'])).size).toBe(20)
      expect(got).toHaveLength(20)
      const { items } = await listDeliveries(database, { endpoint_id: endpoint.id, status: 'succeeded' })
      expect(items).toHaveLength(20)
    }
  })
})

describe('a sender that is drained', () => {
  it('releases what it could not finish, which is no failure', async () => {
    let arrived: () => void = () => {}
    const isThere = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const { endpoint } = await openReceiver(() => arrived())
    const id = await record([endpoint.id])
    const sender = open()
    sender.start()
    await isThere
    await sender.drain({ limitMs: 0 })
    expect(await getDelivery(database, id)).toMatchObject({ status: 'pending', attempt: 1, max_attempts: 10 })
  })
})

describe('listing deliveries', () => {
  it('is not sent by a sender that was frozen before it wrote, once another has taken it', async () => {
    const { got, endpoint } = await openReceiver((response) => response.writeHead(204).end())
    const id = await record([endpoint.id])
    const other = open()
    let isFrozen = false
    const query: Database['query'] = async (text, values, name) => {
      const answer = await database.query(text, values, name)
      // Between what it has read and what it sends.
      if (text.includes('signalbox.endpoints') && !isFrozen) {
        isFrozen = true
        clock.advance(60_000)
        expect(await other.tick()).toBeGreaterThan(0)
      }
      return answer as never
    }
    await open({ database: { ...database, query }, leases: database }).tick()
    expect(isFrozen).toBe(true)
    expect(got).toHaveLength(1)
    const { attempts } = await getDelivery(database, id)
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['lost', 'completed'])
  })

  it('pages and filters by event, endpoint and status', async () => {
    const { endpoint } = await openReceiver((response) => response.end())
    const ids: string[] = []
    for (let event = 0; event < 3; event++) {
      clock.advance(1000)
      ids.unshift(await record([endpoint.id]))
    }
    const first = await listDeliveries(database, { endpoint_id: endpoint.id, limit: 2 })
    expect(first.items.map((one) => one.id)).toEqual(ids.slice(0, 2))
    expect(first.items[0]).toMatchObject({
      event_type: 'environment.deployed',
      endpoint_name: endpoint.name,
      status: 'pending',
    })
    const second = await listDeliveries(database, { endpoint_id: endpoint.id, limit: 2, cursor: first.next ?? '' })
    expect(second).toMatchObject({ items: [{ id: ids[2] }], next: null })
    const event_id = first.items[0]?.event_id ?? ''
    expect((await listDeliveries(database, { event_id })).items).toHaveLength(1)
    expect((await listDeliveries(database, { event_id, status: 'failed' })).items).toHaveLength(0)
    await expect(listDeliveries(database, { event_id: 'x' })).rejects.toMatchObject({ code: 'input_invalid' })
    await expect(getDelivery(database, 'x')).rejects.toMatchObject({ code: 'not_found' })
  })
})
