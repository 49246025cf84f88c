// Refused requests: what is said and kept of them, and what a client of many is answered.
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { afterEach, describe, expect, test } from 'vitest'
import { PUSH } from '../../test/fixtures/payloads.ts'
import { githubHeaders } from '../../test/fixtures/signed.ts'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN } from '../../test/signalbox.ts'
import { fakeClock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { silentLog } from '../lib/log.ts'
import { refusals } from './refusals.ts'
import { requestRate } from './request-rate.ts'

const keys = { secret: SECRET, token: TOKEN, now: new Date() }
const WRONG = { authorization: 'Bearer a-wrong-token-of-32-characters-yes' }

let signalbox: TestSignalbox
let warned: { about: Record<string, unknown>; text: string }[]
async function open(env: Record<string, string> = {}): Promise<void> {
  warned = []
  const warn = (fields: object | string, text = '') => {
    if (typeof fields === 'object') warned.push({ about: (fields as { about: Record<string, unknown> }).about, text })
  }
  signalbox = await openTestSignalbox({
    env: { AGENTA_WEBHOOK_SECRET: '', ...env },
    roles: { receiver: true, orchestrator: false },
    log: { ...silentLog, warn },
  })
}
afterEach(() => signalbox.close())

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`${signalbox.url}${path}`, { method: 'POST', ...init })
  const { code, detail } = (await response.json()) as { code?: string; detail?: string }
  return { status: response.status, code, detail, headers: response.headers }
}
let pushes = 0
async function push(headers: Record<string, string> = {}, signed = true) {
  const body = Buffer.from(JSON.stringify({ ...PUSH, nth: pushes++ }))
  const list = githubHeaders(signed ? body : Buffer.from('other'), keys, { 'x-github-delivery': `push-${pushes}` })
  return ask('/webhook/github', { headers: { ...Object.fromEntries(list), ...headers }, body: new Uint8Array(body) })
}
function forge(headers: Record<string, string> = {}) {
  return push(headers, false)
}
async function statuses(count: number, run: () => Promise<{ status: number }>): Promise<Record<number, number>> {
  const found: Record<number, number> = {}
  for (let nth = 0; nth < count; nth++) {
    const { status } = await run()
    found[status] = (found[status] ?? 0) + 1
  }
  return found
}

describe('a log line, with the address of the client,', () => {
  const token = { authorization: `Bearer ${TOKEN}` }
  const json = { 'content-type': 'application/json' }
  const REFUSED: [path: string, init: { method?: string; headers?: Record<string, string> }, code: string][] = [
    ['/api/jobs', { method: 'GET', headers: WRONG }, '401 token_invalid'],
    ['/webhook/manual', {}, '401 token_invalid'],
    ['/webhook/manual?job_type=nobody', { headers: token }, '422 job_type_unknown'],
    ['/webhook/agenta', {}, '503 source_closed'],
    ['/webhook/gitlab', {}, '404 source_unknown'],
    ['/webhook/github', { headers: json }, '400 header_missing'],
    ['/webhook/github', { headers: { 'content-type': 'text/plain' } }, '415 content_type_unsupported'],
    ['/webhook/github', { method: 'PUT' }, '405 method_not_allowed'],
    ['/.env', { method: 'GET' }, '404 not_found'],
  ]

  test('is written for all that is refused', async () => {
    await open({ TRUST_PROXY: '1' })
    for (const [path, init, expected] of REFUSED) {
      warned.length = 0
      const headers = { ...init.headers, 'x-forwarded-for': '6.6.6.6, 203.0.113.9' }
      const { status, code } = await ask(path, { ...init, headers })
      expect([path, `${status} ${code}`]).toEqual([path, expected])
      expect(warned[0]?.text).toContain(`${path.split('?', 1).join()} from 203.0.113.9: ${code}: `)
      expect(warned[0]?.about).toMatchObject({ code, remote: '203.0.113.9' })
    }
  })

  test('is not written for whoever has the token and asks for what is not there', async () => {
    await open()
    expect((await signalbox.api('/api/jobs/0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10')).status).toBe(404)
    expect(warned).toEqual([])
  })
})

test('a refused webhook or trigger is kept with the address, one at the API is not', async () => {
  await open({ TRUST_PROXY: 'loopback' })
  const headers = { 'x-forwarded-for': '2001:db8::9' }
  await forge(headers)
  await ask('/webhook/manual', { headers: { ...headers, ...WRONG } })
  await ask('/webhook/agenta', { headers })
  await ask('/api/jobs', { method: 'GET', headers: { ...headers, ...WRONG } })
  const { rows } = await signalbox.database.query<{ source: string; type: string; remote: string }>(
    `select source, type, headers->>'remote' as remote from signalbox.events where status = 'rejected' order by id`,
  )
  expect(rows).toEqual([
    { source: 'github', type: 'rejected.signature_invalid', remote: '2001:db8::9' },
    { source: 'manual', type: 'rejected.token_invalid', remote: '2001:db8::9' },
    { source: 'agenta', type: 'rejected.source_closed', remote: '2001:db8::9' },
  ])
})

test('a signature that is refused while the clock of this server is wrong says so in the log', async () => {
  const lines: string[] = []
  const ok = { status: 'ok' as const, problem: null, details: {} }
  const clock = { status: 'problem' as const, problem: 'apart', details: { ahead_seconds: 3600 } }
  const parts = { database: ok, orchestrators: ok, jobs: ok, deliveries: ok, disk: ok, clock }
  const refuse = refusals({
    log: { ...silentLog, warn: (_about: object | string, text?: unknown) => void lines.push(String(text)) },
    clock: fakeClock(),
    pipeline: { refuse: async () => {} },
    sourceNames: ['agenta'],
    clients: { of: () => '203.0.113.9', isProxy: () => false },
    health: { last: () => parts },
    refused: requestRate({ name: 'refused', perMinute: 0 }),
  })
  const app = new Hono<{ Bindings: HttpBindings }>().post('/webhook/agenta', async (c) => {
    for (const code of ['signature_invalid', 'header_missing'] as const) await refuse(new AppError(code), c)
    return c.text('')
  })
  const incoming = { headers: {} } as HttpBindings['incoming']
  await app.request('/webhook/agenta', { method: 'POST' }, { incoming } as HttpBindings)
  expect(lines).toEqual([
    expect.stringMatching(/: signature_invalid: .*\(the clock of this server is 3600 s ahead of the database's\)$/),
    expect.stringMatching(/: header_missing: [^(]*$/),
  ])
})

describe('RATE_LIMIT_REFUSED', () => {
  test('a client of many refused requests gets 429 with the headers in place of the reason', async () => {
    await open({ RATE_LIMIT_REFUSED: '5' })
    expect(await statuses(8, forge)).toEqual({ 401: 5, 429: 3 })
    const { code, detail, headers } = await ask('/api/jobs', { method: 'GET', headers: WRONG })
    expect([code, detail]).toEqual(['rate_limited', expect.stringContaining('token_invalid: ')])
    expect(headers.get('ratelimit-policy')).toBe('"refused";q=5;w=60')
    expect(headers.get('ratelimit')).toMatch(/^"refused";r=0;t=\d+$/)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await signalbox.count('signalbox.events', `status = 'rejected'`)).toBe(5)
  })

  test('costs no true webhook of the same address, nor who has the token', async () => {
    await open({ RATE_LIMIT_REFUSED: '5' })
    await statuses(20, forge)
    expect(await statuses(50, push)).toEqual({ 200: 50 })
    expect((await signalbox.api('/api/jobs')).status).toBe(200)
    expect((await signalbox.api('/webhook/manual', { method: 'POST' })).status).toBe(200)
    expect((await forge()).status).toBe(429)
  })

  test('counts each client behind a trusted proxy apart, and of IPv6 each network', async () => {
    await open({ RATE_LIMIT_REFUSED: '5', TRUST_PROXY: '1' })
    const from = (address: string) => () => forge({ 'x-forwarded-for': address })
    expect(await statuses(7, from('203.0.113.1'))).toEqual({ 401: 5, 429: 2 })
    expect(await statuses(5, from('203.0.113.2'))).toEqual({ 401: 5 })
    expect(await statuses(5, from('2001:db8:1:1::1'))).toEqual({ 401: 5 })
    expect(await statuses(1, from('2001:db8:1:1:ffff::2'))).toEqual({ 429: 1 })
    expect(await statuses(1, from('2001:db8:1:2::1'))).toEqual({ 401: 1 })
  })

  test('is not escaped by a forged chain of proxies', async () => {
    await open({ RATE_LIMIT_REFUSED: '5' })
    let nth = 0
    const forged = () => forge({ 'x-forwarded-for': `203.0.113.${nth++}` })
    expect(await statuses(7, forged)).toEqual({ 401: 5, 429: 2 })
  })
})

describe('RATE_LIMIT_SOURCE', () => {
  test('counts the webhooks with a valid signature, and refuses more before the body is read', async () => {
    await open({ RATE_LIMIT_SOURCE: '3' })
    expect(await statuses(20, forge)).toEqual({ 401: 20 })
    expect(await statuses(5, push)).toEqual({ 200: 3, 429: 2 })
    const { headers } = await push({ 'content-length': '24000000', expect: '100-continue' }).catch(() => push())
    expect(headers.get('ratelimit-policy')).toBe('"source";q=3;w=60')
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe('RATE_LIMIT_API', () => {
  test('counts the requests of a client with the token, and every answer says what is left', async () => {
    await open({ RATE_LIMIT_API: '3' })
    const first = await signalbox.api('/api/jobs')
    expect(first.headers.get('ratelimit-policy')).toBe('"api";q=3;w=60')
    expect(first.headers.get('ratelimit')).toMatch(/^"api";r=2;t=\d+$/)
    expect(await statuses(3, () => signalbox.api('/webhook/manual', { method: 'POST' }))).toEqual({ 200: 2, 429: 1 })
    const refused = await signalbox.api('/api/jobs')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^\d+$/)])
    // Who has no token is not counted by it.
    expect(await ask('/api/jobs', { method: 'GET', headers: WRONG })).toMatchObject({ status: 401 })
  })
})
