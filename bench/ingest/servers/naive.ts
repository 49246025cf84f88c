// What most receivers do: a transaction for each request, with an insert for event and job.
// `jsonb` keeps the payload as parsed JSON in tables of its own; `bytes` writes the same rows into
// Signalbox's tables.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { listen } from './listen.ts'
import type { Push } from './verified-body.ts'
import { verifiedBody } from './verified-body.ts'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })
const insert = process.argv[2] === 'bytes' ? insertBytes : insertJsonb

listen(async (request, response) => {
  try {
    const push = await verifiedBody(request)
    if (push) await store(push, String(request.headers['x-github-delivery']))
    response.writeHead(push ? 200 : 401, { 'content-type': 'application/json' })
    response.end(push ? '{"received":true}' : '{"received":false}')
  } catch (error) {
    console.error(error)
    response.writeHead(500).end()
  }
})

async function store(push: Push, deliveryId: string): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await insert(client, push, deliveryId)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

async function insertJsonb(client: pg.PoolClient, { raw, parsed }: Push, deliveryId: string): Promise<void> {
  const id = randomUUID()
  await client.query({
    name: 'event',
    text: `insert into naive_events (id, source, delivery_id, event_type, payload) values ($1, 'github', $2, 'push', $3)`,
    values: [id, deliveryId, raw.toString('utf8')],
  })
  await client.query({
    name: 'job',
    text: `insert into naive_jobs (id, event_id, job_type, payload) values ($1, $2, 'review', $3)`,
    values: [randomUUID(), id, JSON.stringify({ ref: parsed.ref, repository: parsed.repository.full_name })],
  })
}

async function insertBytes(client: pg.PoolClient, { raw, parsed }: Push, deliveryId: string): Promise<void> {
  const id = randomUUID()
  await client.query({
    name: 'event',
    text: `insert into signalbox.events (id, source, delivery_id, type, status, facts, body, content_type)
           values ($1, 'github', $2, 'push', 'routed', $3, $4, 'application/json')`,
    values: [id, deliveryId, JSON.stringify({ repository: parsed.repository.full_name }), raw],
  })
  await client.query({
    name: 'job',
    text: `insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms)
           values ($1, $2, 'review', 'review', 'review', $3, 5, 5, 900000)`,
    values: [randomUUID(), id, JSON.stringify({ ref: parsed.ref })],
  })
}
