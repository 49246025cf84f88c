// Ed25519 end to end: what a sender signs is verified by its published keys, also while it replaces
// them.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { deliveryHeaders } from './delivery-headers.ts'
import { writePrivateKey, writePublicKey } from './ed25519-key.ts'
import { signStandard } from './signature.ts'
import { verifyWebhook } from './webhook.ts'

const body = JSON.stringify({ event: 'job.failed', timestamp: '2026-01-01T00:00:00Z', delivery_id: 'd1', data: {} })
const SECRET = 'a secret of twenty letters'

function keyPair() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const [seed, bytes] = [privateKey.export({ format: 'jwk' }).d, publicKey.export({ format: 'jwk' }).x].map(
    (text = '') => Buffer.from(text, 'base64url'),
  )
  if (seed === undefined || bytes === undefined) throw new Error('no key')
  return {
    privateKey: writePrivateKey(seed, bytes),
    seedOnly: `whsk_${seed.toString('base64')}`,
    publicKey: writePublicKey(bytes),
    jwk: { ...publicKey.export({ format: 'jwk' }), kid: 'any' },
  }
}

function headersBy(signingKeys: string | string[]) {
  const timestampSeconds = Math.floor(Date.now() / 1000)
  return deliveryHeaders({
    id: 'evt_1',
    event: 'job.failed',
    deliveryId: 'd1',
    timestampSeconds,
    body,
    secrets: SECRET,
    signingKeys,
  })
}

test('a private key signs in both of its forms, with or without a shared secret', async () => {
  const { privateKey, seedOnly, publicKey } = keyPair()
  const signed = { id: 'evt_1', timestampSeconds: 1_700_000_000, body }
  const alone = await signStandard({ ...signed, signingKeys: privateKey })
  expect(alone).toMatch(/^v1a,\S{88}$/)
  expect(await signStandard({ ...signed, signingKeys: seedOnly })).toBe(alone)
  expect(await signStandard({ ...signed, signingKeys: privateKey, secrets: SECRET })).toMatch(/^v1,\S{44} v1a,\S{88}$/)
  const wrong = [publicKey, SECRET, 'whsk_AAAA', 'whsk_-']
  for (const key of wrong) {
    await expect(signStandard({ ...signed, signingKeys: key })).rejects.toMatchObject({ code: 'invalid_secret' })
  }
  await expect(signStandard(signed)).rejects.toMatchObject({ code: 'no_secret' })
  await expect(signStandard({ ...signed, signingKeys: '', secrets: SECRET })).rejects.toMatchObject({
    code: 'no_secret',
  })
})

describe('keys at an address', () => {
  let published: unknown
  let status = 200
  let reads = 0
  const server = createServer((_request, response) => {
    reads += 1
    response.writeHead(status, { 'content-type': 'application/jwk-set+json' }).end(JSON.stringify(published))
  })
  let port = 0
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  let address = ''
  let tests = 0
  beforeEach(() => {
    status = 200
    reads = 0
    // Keys are kept by address.
    address = `http://127.0.0.1:${port}/${tests++}`
    return () => vi.useRealTimers()
  })

  test('are read once for many webhooks', async () => {
    const { privateKey, jwk } = keyPair()
    published = { keys: [jwk] }
    const headers = await headersBy(privateKey)
    const verified = await Promise.all([1, 2, 3].map(() => verifyWebhook({ headers, body }, { jwks: address })))
    await verifyWebhook({ headers, body }, { jwks: address })
    expect([verified[0]?.id, reads]).toEqual(['evt_1', 1])
  })

  test('are read again when the sender signs with a new one, and not for every forgery', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'] })
    const [old, next, forger] = [keyPair(), keyPair(), keyPair()]
    published = { keys: [old.jwk] }
    await verifyWebhook({ headers: await headersBy(old.privateKey), body }, { jwks: address })
    published = { keys: [next.jwk, old.jwk] }
    vi.advanceTimersByTime(30_000)
    await verifyWebhook({ headers: await headersBy(next.privateKey), body }, { jwks: address })
    expect(reads).toBe(2)
    const forged = await headersBy(forger.privateKey)
    for (const _ of [1, 2, 3]) {
      await expect(verifyWebhook({ headers: forged, body }, { jwks: address })).rejects.toMatchObject({
        code: 'signature_mismatch',
      })
    }
    expect(reads).toBe(2)
  })

  test('are no longer trusted five minutes after the sender withdrew them', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'] })
    const [old, next] = [keyPair(), keyPair()]
    published = { keys: [old.jwk] }
    await verifyWebhook({ headers: await headersBy(old.privateKey), body }, { jwks: address })
    published = { keys: [next.jwk] }
    vi.advanceTimersByTime(5 * 60_000)
    const late = verifyWebhook({ headers: await headersBy(old.privateKey), body }, { jwks: address })
    await expect(late).rejects.toMatchObject({ code: 'signature_mismatch' })
  })

  test('that cannot be read are a refusal of their own, after which the sender may send again', async () => {
    const { privateKey, jwk } = keyPair()
    published = { keys: [jwk] }
    const headers = await headersBy(privateKey)
    status = 500
    const refused = verifyWebhook({ headers, body }, { jwks: address })
    await expect(refused).rejects.toMatchObject({
      code: 'keys_unavailable',
      message: `no public keys from ${address}: it answered 500`,
    })
    status = 200
    expect((await verifyWebhook({ headers, body }, { jwks: address })).id).toBe('evt_1')
  })

  test('are not asked for by a request that is refused anyway', async () => {
    const headers = await headersBy(keyPair().privateKey)
    const stale = verifyWebhook({ headers, body }, { jwks: address, now: () => Date.now() + 400_000 })
    await expect(stale).rejects.toMatchObject({ code: 'timestamp_too_old' })
    expect(reads).toBe(0)
  })

  test.each(['http://example.com/jwks.json', 'keys', 'file:///etc/passwd'])(
    'must be at an address that nobody can change the answer of: %s is refused',
    async (jwks) => {
      const headers = await headersBy(keyPair().privateKey)
      await expect(verifyWebhook({ headers, body }, { jwks })).rejects.toMatchObject({ code: 'invalid_secret' })
    },
  )
})

test('a header with very many signatures costs little', async () => {
  const { privateKey, publicKey } = keyPair()
  const headers = await headersBy(privateKey)
  const many = `v1a,${'A'.repeat(86)}== `.repeat(100_000)
  const given = { headers: { ...headers, 'webhook-signature': many }, body }
  const before = performance.now()
  await expect(verifyWebhook(given, { publicKey })).rejects.toMatchObject({ code: 'signature_mismatch' })
  expect(performance.now() - before).toBeLessThan(5_000)
})
