import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { verify } from '@octokit/webhooks-methods'
import { verifyAgenta, verifyWebhook } from '@signalbox/sdk'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { FIRST_DEPLOYMENT } from '../../../test/fixtures/payloads.ts'
import { githubHeaders } from '../../../test/fixtures/signed.ts'
import { refusalOf } from '../../../test/refusal.ts'
import { forgesFrom } from '../../forges/forges.ts'
import { openDispatcher } from '../dispatcher.ts'
import {
  AT,
  EVENT_ID,
  endpoint,
  event,
  guard,
  mustPrepare,
  ownEvent,
  prepare,
  readTarget,
} from '../fixtures/to-prepare.ts'
import { sendPrepared } from '../send-prepared.ts'
import type { PreparedRequest } from './kind.ts'

const secret = 'my_webhook_secret_key'
const other = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const url = 'https://example.com/hook'

function to(change: Parameters<typeof endpoint>[2] = {}) {
  return endpoint('webhook', { url }, { secrets: [secret, other], ...change })
}

function request(...args: Parameters<typeof prepare>): PreparedRequest {
  const prepared = prepare(...args)
  if (prepared.by !== 'http') throw new Error(JSON.stringify(prepared))
  return prepared
}

describe('a webhook', () => {
  it('has an address and nothing else', () => {
    const stored = { url: 'https://example.com/hook', settings: {}, credential: null }
    expect(readTarget('webhook', { url, settings: {} }, () => null)).toEqual(stored)
    for (const given of [{ url, credential: 'x' }, { url, settings: { a: 1 } }, { url: 'nowhere' }]) {
      const refused = refusalOf(() => readTarget('webhook', given, (text) => (text === url ? null : 'is not a URL')))
      expect(refused?.code).toBe('input_invalid')
    }
  })

  it('gets the signed envelope with its own headers, which replace none of Signalbox', () => {
    const headers = { authorization: 'Bearer 12345678', 'webhook-id': 'x', 'content-type': 'text/plain', 'x-team': 'a' }
    const prepared = request(to({ headers }), event({ ref: 'refs/heads/main' }))
    expect(prepared.url).toBe(url)
    expect(prepared.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': EVENT_ID,
      authorization: 'Bearer 12345678',
      'x-team': 'a',
    })
    expect(JSON.parse(String(prepared.body))).toMatchObject({
      event: 'push',
      data: { payload: { ref: 'refs/heads/main' } },
    })
  })

  it('is sent nothing without a secret, or without a body', () => {
    expect(prepare(to({ secrets: [] }), event({}))).toEqual({ by: 'nothing', reason: 'The endpoint has no secret.' })
    const empty = ownEvent('job.completed', {})
    const nothing = { by: 'nothing', reason: 'The event has no body.' }
    expect(prepare(to(), { ...empty, body: null })).toEqual(nothing)
    expect(prepare(to({ format: 'raw' }), event({}, { body: null }))).toEqual(nothing)
  })

  it('is signed with the key of the installation where that alone is asked for', () => {
    const ed25519 = { sign: (message: Uint8Array) => Buffer.from(message).toString('base64') }
    const { headers, body } = request(to({ secrets: [], signatures: ['ed25519'] }), event({}), { ed25519 })
    const message = `${EVENT_ID}.${AT.getTime() / 1000}.${String(body)}`
    expect(headers['webhook-signature']).toBe(`v1a,${Buffer.from(message).toString('base64')}`)
  })

  it('names the older events that this one takes the place of, fifty at most', () => {
    const superseded = Array.from({ length: 60 }, (_, i) => `e${i}`)
    const names = request(to(), event({}), { superseded }).headers['x-signalbox-superseded']?.split(',')
    expect([names?.length, names?.at(-1)]).toEqual([50, 'e59'])
    expect(request(to(), event({})).headers).not.toHaveProperty('x-signalbox-superseded')
  })

  it('that shows its own headers in its answer does not have them stored', async () => {
    const server = createServer((asked, answer) => answer.end(`you sent ${asked.headers.authorization}`))
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const own = to({ url: here, headers: { authorization: 'Bearer 12345678' } })
    const dispatcher = openDispatcher({ guard })
    const sent = await sendPrepared('webhook', mustPrepare(own, event({})), {
      dispatcher,
      mailer: null,
      forges: forgesFrom({}),
    })
    expect(sent).toMatchObject({ statusCode: 200, response: 'you sent [redacted]' })
    await dispatcher.destroy()
    server.close()
  })
})

describe('the styles of signatures', () => {
  it('leave no header of one that is not asked for', async () => {
    const all = event(FIRST_DEPLOYMENT, { source: 'deployments', type: 'environment.deployed' })
    const standard = request(to({ signatures: ['standard'] }), all)
    expect(Object.keys(standard.headers).filter((name) => name.startsWith('x-agenta'))).toEqual([])
    expect(() => new Webhook(other).verify(String(standard.body), standard.headers)).toThrow(/too old/)

    const agenta = request(to({ signatures: ['agenta'] }), all)
    expect(Object.keys(agenta.headers).filter((name) => name.startsWith('webhook-'))).toEqual([])
    expect(await verifyAgenta({ ...agenta, secrets: secret })).toEqual({ timestampSeconds: null })
    expect((await verifyWebhook(agenta, { secret })).event).toBe('environment.deployed')
  })
})

describe("the sender's own bytes", () => {
  const body = Buffer.from('{ "ref":\t"refs/heads/main", "a": "\\u00e9" }\n')
  const keys = { secret: 'the secret of GitHub itself', token: '', now: AT }
  const sent = Object.fromEntries(githubHeaders(body, keys, { cookie: 'a=b', authorization: 'x' }))
  const raw = { body, headers: { remote: '192.0.2.1', ...sent }, contentType: 'application/json' }

  it("are what GitHub sent, under GitHub's headers and a signature of GitHub's kind", async () => {
    const prepared = request(to({ format: 'raw' }), event({}, raw))
    expect(prepared.body).toEqual(body)
    expect(prepared.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/044aadd',
      'x-github-event': 'push',
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    })
    expect(prepared.headers['x-hub-signature-256']).not.toBe(sent['x-hub-signature-256'])
    expect(await verify(secret, String(body), prepared.headers['x-hub-signature-256'] ?? '')).toBe(true)
    expect(await verify(keys.secret, String(body), prepared.headers['x-hub-signature-256'] ?? '')).toBe(false)
    for (const name of ['cookie', 'authorization', 'remote']) expect(prepared.headers).not.toHaveProperty(name)
  })

  it('are signed as every delivery is, too', () => {
    const { headers } = request(to({ format: 'raw' }), event({}, raw), { at: new Date() })
    expect(new Webhook(other).verify(String(body), headers)).toEqual({ ref: 'refs/heads/main', a: 'é' })
    expect(headers['webhook-id']).toBe(EVENT_ID)
  })

  it('have the content type that they came with', () => {
    const form = { body: Buffer.from('payload=%7B%7D'), contentType: 'application/x-www-form-urlencoded', payload: {} }
    const { headers, body: bytes } = request(to({ format: 'raw' }), event({}, form))
    expect([headers['content-type'], String(bytes)]).toEqual(['application/x-www-form-urlencoded', 'payload=%7B%7D'])
  })

  it("of another sender never have that sender's signature", () => {
    const headers = {
      'Svix-Id': 'msg_1',
      'svix-signature': 'v1,x',
      'webhook-id': 'msg_1',
      'X-Agenta-Signature': 'sha256=0',
    }
    const prepared = request(
      to({ format: 'raw', signatures: ['standard'] }),
      event({}, { ...raw, source: 'shop', headers }),
    )
    expect(Object.keys(prepared.headers).sort()).toEqual([
      'content-type',
      'user-agent',
      'webhook-id',
      'webhook-signature',
      'webhook-timestamp',
    ])
    expect(prepared.headers['webhook-id']).toBe(EVENT_ID)
  })

  it('of Signalbox itself are the envelope', () => {
    const about = ownEvent('job.completed', { job_id: 'j' })
    expect(request(to({ format: 'raw' }), about)).toEqual(request(to(), about))
  })
})
