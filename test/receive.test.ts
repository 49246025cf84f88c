// Receiving, over real HTTP: every documented answer to every kind of request.
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BadRequest } from './fixtures/bad-requests.ts'
import { badRequests } from './fixtures/bad-requests.ts'
import { oddRequests } from './fixtures/odd-requests.ts'
import { PUSH } from './fixtures/payloads.ts'
import type { Keys } from './fixtures/signed.ts'
import { githubHeaders } from './fixtures/signed.ts'
import { send } from './send.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from './signalbox.ts'

const MB = 1024 * 1024
function keys(): Keys {
  return { secret: SECRET, token: TOKEN, now: new Date() }
}

let signalbox: TestSignalbox
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false }, requestTimeoutMs: 3000 })
})
afterAll(() => signalbox.close())

function post(path: string, body: Buffer, headers: [string, string][]): Promise<Response> {
  return fetch(`${signalbox.url}${path}`, { method: 'POST', headers, body: new Uint8Array(body) })
}
function githubPush(deliveryId: string, change: object = {}) {
  const body = Buffer.from(JSON.stringify({ ...PUSH, deliveryId, ...change }))
  return post('/webhook/github', body, githubHeaders(body, keys(), { 'x-github-delivery': deliveryId }))
}
async function ask(bad: BadRequest) {
  const k = keys()
  const body = bad.body(k)
  return send(signalbox.url, { ...bad, headers: bad.headers(k, body), body })
}

describe('a bad request', () => {
  const quick = badRequests.filter((bad) => bad.kind !== 'slow')

  /** Sends them all; returns those that were answered otherwise than documented. */
  const flood = async (): Promise<unknown[]> => {
    const wrong: unknown[] = []
    for (const bad of quick) {
      const answer = await ask(bad).catch((error: Error) => ({ status: 0, body: error.message }))
      const code = bad.expect.code === null ? null : (JSON.parse(answer.body || '{}') as { code?: string }).code
      const { status, code: expected } = bad.expect
      if (answer.status !== status || code !== expected) wrong.push({ name: bad.name, expected: bad.expect, answer })
    }
    return wrong
  }

  test(`each of the ${badRequests.length} gets its documented error, and memory stays flat`, async () => {
    expect(await flood()).toEqual([])
    // The first flood warmed up; what counts is what a second one adds.
    const before = process.memoryUsage().rss
    expect(await flood()).toEqual([])
    expect((process.memoryUsage().rss - before) / MB).toBeLessThan(200)
  })

  test('a sender that never finishes its body gets an error, and nobody else is kept waiting', async () => {
    const slow = badRequests.filter((bad) => bad.kind === 'slow')
    const [answers, other] = await Promise.all([Promise.all(slow.map(ask)), githubPush('beside-a-slow-one')])
    expect(answers.map((answer) => answer.status)).toEqual(slow.map((bad) => bad.expect.status))
    expect(other.status).toBe(200)
  })

  test('it is kept as a rejected event with its reason and without its body, and does not take the real delivery id', async () => {
    const body = Buffer.from(JSON.stringify(PUSH))
    const changes = { 'x-github-delivery': 'reserved', 'user-agent': 'x'.repeat(10_000) }
    const forged = githubHeaders(body, { ...keys(), secret: 'not-the-secret' }, changes)
    const before = await signalbox.count('signalbox.events', `status = 'rejected'`)
    // The corpus has used up the cap on kept refusals; it fills up again by one a second.
    const row = await until('a refusal is kept again', async () => {
      expect((await post('/webhook/github', body, forged)).status).toBe(401)
      const { rows } = await signalbox.database.query<{
        type: string
        reason: string
        headers: Record<string, string>
        body: null
      }>(`select type, reason, headers, body from signalbox.events where status = 'rejected' order by id desc limit 1`)
      return (await signalbox.count('signalbox.events', `status = 'rejected'`)) > before && rows[0]
    })
    expect(row).toMatchObject({ type: 'rejected.signature_invalid', body: null })
    expect(row.reason).toContain('signature')
    expect(row.headers['user-agent']).toBe('x'.repeat(80))
    expect(Object.keys(row.headers)).toHaveLength(6)
    expect(before).toBeLessThan(badRequests.length * 2)
    expect(await (await githubPush('reserved')).json()).toMatchObject({ duplicate: false })
  })
})

describe('a connection that is used again', () => {
  const lines = (line: string, body: string, ...headers: string[]): string =>
    [line, 'host: x', `content-length: ${Buffer.byteLength(body)}`, ...headers, '', body].join('\r\n')
  const last = lines('GET /health HTTP/1.1', '', 'connection: close')
  /** The statuses of all answers until the server hangs up. */
  const statuses = async (...requests: string[]): Promise<number[]> => {
    const socket = connect(Number(new URL(signalbox.url).port), '127.0.0.1')
    socket.write([...requests, last].join(''))
    const answers = await text(socket)
    return [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
  }

  test('never takes the unread body of a refused request for a request', async () => {
    const inner = lines('GET /health HTTP/1.1', '')
    const unread = lines('POST /webhook/github HTTP/1.1', inner, 'content-type: text/plain')
    expect(await statuses(unread)).toEqual([415, 200])
    expect(await statuses(lines('POST /webhook/manual HTTP/1.1', inner))).toEqual([401, 200])
    expect(await statuses(lines('GET /webhook/github HTTP/1.1', inner))).toEqual([405, 200])
  })

  test('answers requests sent without waiting in their order, each recorded', async () => {
    const signed = (id: string) => {
      const body = JSON.stringify({ ...PUSH, id })
      const headers = githubHeaders(Buffer.from(body), keys(), { 'x-github-delivery': id })
      return lines('POST /webhook/github HTTP/1.1', body, ...headers.map((header) => header.join(': ')))
    }
    expect(await statuses(signed('piped-1'), lines('POST /nowhere HTTP/1.1', ''), signed('piped-2'))).toEqual([
      200, 404, 200, 200,
    ])
    expect(await signalbox.count('signalbox.events', `delivery_id like 'piped-%'`)).toBe(2)
  })
})

describe('a captured request', () => {
  const sent = async (event: string, payload: object) => {
    const body = Buffer.from(JSON.stringify(payload))
    const headers = githubHeaders(body, keys(), { 'x-github-delivery': randomUUID(), 'x-github-event': event })
    const response = await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', headers, body })
    return (await response.json()) as { duplicate?: boolean; event_id: string }
  }

  test('is a repeat under another delivery id, and under the name of another event', async () => {
    const push = { ...PUSH, before: '0'.repeat(40), ref: 'refs/heads/captured' }
    const first = await sent('push', push)
    expect(first).toMatchObject({ duplicate: false })
    const repeat = { duplicate: true, event_id: first.event_id }
    expect(await sent('push', push)).toMatchObject(repeat)
    expect(await sent('an_event_of_tomorrow', push)).toMatchObject(repeat)
    expect(await sent('release', push)).toMatchObject({ code: 'header_invalid' })
  })

  test('is not read as a form for a text within it, however it is announced', async () => {
    const forged = encodeURIComponent(JSON.stringify({ action: 'deploy', client_payload: {} }))
    const body = Buffer.from(JSON.stringify({ action: 'opened', issue: { number: 1, title: `a&payload=${forged}&b` } }))
    const form = { 'content-type': 'application/x-www-form-urlencoded', 'x-github-event': 'repository_dispatch' }
    const answer = await post('/webhook/github', body, githubHeaders(body, keys(), form))
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status: 400,
      body: { code: 'body_invalid' },
    })
  })

  test('of an event that GitHub may send twice with the same bytes is another event', async () => {
    const dispatch = { action: 'nightly', client_payload: {}, repository: { full_name: 'acme/app' } }
    const first = await sent('repository_dispatch', dispatch)
    expect(await sent('repository_dispatch', dispatch)).toMatchObject({ duplicate: false })
    expect(first).toMatchObject({ duplicate: false })
  })
})

describe('an odd but legal request', () => {
  test.each(oddRequests.map((odd, i) => ({ odd, i, name: odd.name })))('is accepted: $name', async ({ odd, i }) => {
    const body = odd.body()
    const headers = odd.headers(keys(), body, `odd-${i}`)
    const answer = await send(signalbox.url, { ...odd, method: 'POST', headers, body })
    expect(answer.body).toContain('"received":true')
    expect(JSON.parse(answer.body)).toMatchObject({ event_type: odd.type })
  })
})

describe('the corpus of GitHub payloads', () => {
  type Example = { name: string; examples: object[] }
  const corpus = createRequire(import.meta.url)('@octokit/webhooks-examples') as Example[]
  const all = corpus.flatMap(({ name, examples }) =>
    examples.map((payload, i) => ({ name, payload, id: `${name}-${i}` })),
  )
  const sendAll = () =>
    Promise.all(
      all.map(async ({ name, payload, id }) => {
        const body = Buffer.from(JSON.stringify(payload))
        const headers = githubHeaders(body, keys(), { 'x-github-event': name, 'x-github-delivery': id })
        const response = await post('/webhook/github', body, headers)
        const { event_id, duplicate } = (await response.json()) as { event_id: string; duplicate: boolean }
        return { status: response.status, event_id, duplicate }
      }),
    )

  test('each of the 329, signed, gets a 2xx and a row; the same again is a duplicate of it', async () => {
    const first = await sendAll()
    expect(first).toHaveLength(329)
    expect(first.filter(({ status, duplicate }) => status !== 200 || duplicate)).toEqual([])
    const ids = first.map((one) => one.event_id)
    expect(new Set(ids).size).toBe(329)
    const { rows } = await signalbox.database.query('select id from signalbox.events where id = any($1::uuid[])', [ids])
    expect(rows).toHaveLength(329)
    const second = await sendAll()
    expect(second.filter((one) => !one.duplicate)).toEqual([])
    expect(second.map((one) => one.event_id)).toEqual(ids)
  })

  test('a payload sent as a form reads as JSON in webhook_events', async () => {
    const payload = { ...PUSH, note: 'ü + % & = "quoted" \n 日本' }
    const body = Buffer.from(`payload=${encodeURIComponent(JSON.stringify(payload)).replaceAll('%20', '+')}`)
    const changes = { 'content-type': 'application/x-www-form-urlencoded', 'x-github-delivery': 'a-form' }
    expect((await post('/webhook/github', body, githubHeaders(body, keys(), changes))).status).toBe(200)
    const { rows } = await signalbox.database.query(
      `select w.payload from webhook_events w join signalbox.events e using (id) where e.delivery_id = 'a-form'`,
    )
    expect(rows).toEqual([{ payload }])
  })

  test('a stored body is byte for byte what was sent', async () => {
    const body = Buffer.from(JSON.stringify(PUSH, null, 3))
    const headers = githubHeaders(body, keys(), { 'x-github-delivery': 'bytes' })
    const { event_id: id } = (await (await post('/webhook/github', body, headers)).json()) as { event_id: string }
    const raw = await signalbox.api(`/api/events/${id}/body`)
    expect(Buffer.from(await raw.arrayBuffer())).toEqual(body)
    expect(raw.headers.get('content-type')).toBe('application/octet-stream')
  })
})

describe('the same delivery', () => {
  test('fifty at once are one event, and the others are answered as duplicates', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, async () => (await githubPush('fifty')).json()))
    expect(answers.filter((answer) => !(answer as { duplicate: boolean }).duplicate)).toHaveLength(1)
    expect(await signalbox.count('signalbox.events', `delivery_id = 'fifty'`)).toBe(1)
  })
})

describe('other answers', () => {
  test('ping is answered and recorded', async () => {
    const body = Buffer.from('{"zen":"Keep it logically awesome.","hook_id":1}')
    const headers = githubHeaders(body, keys(), { 'x-github-event': 'ping', 'x-github-delivery': 'a-ping' })
    const response = await post('/webhook/github', body, headers)
    expect(await response.json()).toMatchObject({ received: true, event_type: 'ping', status: 'ignored' })
  })

  test('health says whether the database answers, and what else is missing', async () => {
    const health = await fetch(`${signalbox.url}/health`)
    expect([health.status, await health.json()]).toMatchObject([
      200,
      { status: 'degraded', database: 'connected', parts: { orchestrators: { status: 'problem' } } },
    ])
    const posted = await fetch(`${signalbox.url}/health`, { method: 'POST' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET'])
  })

  test('the API wants its token', async () => {
    expect((await fetch(`${signalbox.url}/api/events`)).status).toBe(401)
    expect((await signalbox.api('/api/events')).status).toBe(200)
    expect((await signalbox.api('/api/events?limit=9999')).status).toBe(422)
    expect((await signalbox.api('/api/events/nonsense')).status).toBe(404)
  })
})

describe('a server without secrets', () => {
  test('keeps every source closed, and the API too', async () => {
    const env = { GITHUB_WEBHOOK_SECRET: '', AGENTA_WEBHOOK_SECRET: '', SIGNALBOX_API_TOKEN: '' }
    const closed = await openTestSignalbox({ env, roles: { receiver: true, orchestrator: false } })
    try {
      for (const path of ['/webhook/github', '/webhook/agenta', '/webhook', '/webhook/manual']) {
        const body = Buffer.from(JSON.stringify(PUSH))
        const response = await fetch(`${closed.url}${path}`, {
          method: 'POST',
          headers: githubHeaders(body, keys()),
          body: new Uint8Array(body),
        })
        expect([path, response.status, ((await response.json()) as { code: string }).code]).toEqual([
          path,
          503,
          path === '/webhook/manual' ? 'api_closed' : 'source_closed',
        ])
      }
      // Each refusal is stored, without what was sent; nothing follows from it.
      const refused = `status = 'rejected' and type = 'rejected.source_closed' and body is null and payload is null`
      expect(await closed.count('signalbox.events', refused)).toBe(3)
      expect(await closed.count('signalbox.events', `type = 'rejected.api_closed' and body is null`)).toBe(1)
      expect(await closed.count('signalbox.events')).toBe(4)
      expect(await closed.count('signalbox.jobs')).toBe(0)
    } finally {
      await closed.close()
    }
  })

  test('in development takes the bare manual trigger from this machine, and not through another name or origin', async () => {
    const dev = await openTestSignalbox({ mode: 'dev' })
    try {
      const bare = await fetch(`${dev.url}/webhook/manual`, { method: 'POST' })
      expect(bare.status).toBe(200)
      const { job_created: id } = (await bare.json()) as { job_created: string }
      await until(
        'the ping job has run',
        async () => (await dev.count('signalbox.jobs', `id = '${id}' and status = 'completed'`)) === 1,
      )
      const strange = await fetch(`${dev.url}/webhook/manual`, {
        method: 'POST',
        headers: { origin: 'https://evil.example' },
      })
      expect(strange.status).toBe(401)
      const rebound = await send(dev.url, {
        kind: 'raw',
        method: '',
        path: '',
        headers: [],
        body: Buffer.from('POST /webhook/manual HTTP/1.1\r\nhost: evil.example\r\ncontent-length: 0\r\n\r\n'),
      })
      expect(rebound.status).toBe(401)
      // What a tunnel brings from outside, calling itself localhost.
      const tunnelled = await fetch(`${dev.url}/webhook/manual`, {
        method: 'POST',
        headers: { 'x-forwarded-for': '203.0.113.7' },
      })
      expect(tunnelled.status).toBe(401)
      const withBody = await fetch(`${dev.url}/webhook/manual`, { method: 'POST', body: '{"job_type":"ping"}' })
      expect(withBody.status).toBe(401)
      expect((await fetch(`${dev.url}/api/jobs`)).status).toBe(401)
      expect((await dev.api('/api/jobs')).status).toBe(200)
    } finally {
      await dev.close()
    }
  })
})

describe('when the database is away', () => {
  test('a webhook gets 503 when its sender waits no longer, and health says so without a word of why', async () => {
    const lines: string[] = []
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) })
    const lost = await openTestSignalbox({ roles: { receiver: true, orchestrator: false }, log, patienceMs: 2000 })
    await lost.database.close()
    const body = Buffer.from(JSON.stringify(PUSH))
    const response = await fetch(`${lost.url}/webhook/github`, {
      method: 'POST',
      headers: githubHeaders(body, keys()),
      body: new Uint8Array(body),
    })
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([503, 'database_unavailable'])
    expect(lines.join('')).toMatch(/database_unavailable.*does not exist/)
    const health = await fetch(`${lost.url}/health`)
    const said = await health.text()
    expect([health.status, JSON.parse(said)]).toMatchObject([503, { database: 'unavailable' }])
    expect(said).not.toMatch(/exist|details/)
    await lost.close().catch(() => undefined)
  })
})
