import { createHash } from 'node:crypto'
import { signStandard, verifyStandard } from '@signalbox/sdk'
import { standardPrefix, writeStandard } from '@signalbox/sdk/scheme'
import { expect, test } from 'vitest'
import { ed25519Signer, generateSigningKey, publicJwks, publicKeyOf } from './sign-ed25519.ts'

const signed = { id: 'evt_1', timestampSeconds: 1_700_000_000, body: '{"a":1}' }
const message = Buffer.from(`${standardPrefix(signed.id, signed.timestampSeconds)}${signed.body}`)

function headersOf(signature: string) {
  return {
    'webhook-id': signed.id,
    'webhook-timestamp': String(signed.timestampSeconds),
    'webhook-signature': writeStandard([], [signature]),
  }
}

test('the key that Svix publishes makes the signature that Svix publishes', () => {
  const key = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=='
  const published = Buffer.from('msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}')
  expect(ed25519Signer([key])?.sign(published)).toBe(
    'hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
  )
  expect(publicKeyOf(key)).toBe('whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=')
})

test('a signature is verified by the public key, by the JWK set, and is the one that the SDK makes', async () => {
  const key = generateSigningKey()
  const signature = ed25519Signer([key])?.sign(message) ?? ''
  const received = { headers: headersOf(signature), body: signed.body, nowSeconds: signed.timestampSeconds }
  await verifyStandard({ ...received, publicKeys: publicKeyOf(key) })
  await verifyStandard({ ...received, jwks: { keys: publicJwks([key]) } })
  expect(await signStandard({ ...signed, signingKeys: key })).toBe(writeStandard([], [signature]))
})

test('of several keys the first one signs, and all are published, each once', async () => {
  const [next, old] = [generateSigningKey(), generateSigningKey()]
  const signature = ed25519Signer([next, old])?.sign(message) ?? ''
  const received = { headers: headersOf(signature), body: signed.body, nowSeconds: signed.timestampSeconds }
  await verifyStandard({ ...received, publicKeys: publicKeyOf(next) })
  await expect(verifyStandard({ ...received, publicKeys: publicKeyOf(old) })).rejects.toThrow('no signature matches')
  expect(publicJwks([next, old, next])).toEqual([...publicJwks([next]), ...publicJwks([old])])
})

test('a key is published without its private part, under its thumbprint', () => {
  const key = generateSigningKey()
  const [jwk] = publicJwks([key])
  const thumbprint = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${jwk?.x}"}`).digest('base64url')
  expect(jwk).toEqual({ kty: 'OKP', crv: 'Ed25519', x: jwk?.x, kid: thumbprint, use: 'sig', alg: 'EdDSA' })
})

test('the thumbprint is the one that RFC 8037 prints for its key', () => {
  const bytes = Buffer.from('nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', 'base64url')
  expect(publicJwks([`whsk_${bytes.toString('base64')}`])).toMatchObject([
    { x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k' },
  ])
})

test('without a key nothing is signed, and nothing is published', () => {
  expect([ed25519Signer([]), publicJwks([])]).toEqual([undefined, []])
})
