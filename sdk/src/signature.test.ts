import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import type { TimedVerifyInput } from './signature.ts'
import { signAgentaTimed, signBody, signStandard, verifyAgenta, verifyGithub, verifyStandard } from './signature.ts'

const NOW = 1_700_000_000
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

const ids = fc.stringMatching(/^[\x21-\x2d\x2f-\x7e]{1,40}$/)
const bodies = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 300 }), fc.json())
const textSecrets = fc.string({ minLength: 20 }).filter((secret) => !/^wh(sec|sk|pk)_/.test(secret))
const whsecSecrets = fc
  .uint8Array({ minLength: 24, maxLength: 64 })
  .map((key) => `whsec_${Buffer.from(key).toString('base64')}`)
const secretLists = fc.uniqueArray(fc.oneof(textSecrets, whsecSecrets), { minLength: 1, maxLength: 4 })
const times = fc.nat({ max: 4_000_000_000 })

function standardHeaders(id: string, timestampSeconds: number, signature: string) {
  return { 'webhook-id': id, 'webhook-timestamp': String(timestampSeconds), 'webhook-signature': signature }
}

/** Bytes with one bit of one of them changed. */
function flipBit(body: string | Uint8Array, position: number): Uint8Array {
  const bytes = Buffer.from(body)
  const index = position % bytes.length
  bytes[index] = bytes[index]! ^ (1 << (position % 8))
  return bytes
}

describe('what is signed verifies', () => {
  test('as Standard Webhooks, with every one of several secrets alone', async () => {
    await fc.assert(
      fc.asyncProperty(ids, times, bodies, secretLists, async (id, timestampSeconds, body, secrets) => {
        const signature = await signStandard({ id, timestampSeconds, body, secrets })
        const headers = standardHeaders(id, timestampSeconds, signature)
        for (const secret of secrets) {
          const verified = await verifyStandard({ headers, body, secrets: secret, nowSeconds: timestampSeconds })
          expect(verified).toEqual({ id, timestampSeconds })
        }
      }),
    )
  })

  test("as Agenta's two forms and as GitHub's", async () => {
    await fc.assert(
      fc.asyncProperty(times, bodies, textSecrets, async (timestampSeconds, body, secret) => {
        const untimed = await signBody({ body, secret })
        const timed = await signAgentaTimed({ body, secret, timestampSeconds })
        const input = { body, secrets: ['an older secret', secret], nowSeconds: timestampSeconds }
        await verifyGithub({ ...input, headers: { 'x-hub-signature-256': untimed } })
        const first = await verifyAgenta({ ...input, headers: { 'x-agenta-signature': untimed } })
        const current = await verifyAgenta({ ...input, headers: { 'x-agenta-signature': timed } })
        expect([first.timestampSeconds, current.timestampSeconds]).toEqual([null, timestampSeconds])
      }),
    )
  })
})

describe('what was changed does not', () => {
  test('when one bit of the body differs, in any form', async () => {
    const nonEmpty = bodies.filter((body) => body.length > 0)
    await fc.assert(
      fc.asyncProperty(nonEmpty, fc.nat(), textSecrets, async (body, position, secret) => {
        const signature = await signStandard({ id: 'evt', timestampSeconds: NOW, body, secrets: secret })
        const untimed = await signBody({ body, secret })
        const timed = await signAgentaTimed({ body, secret, timestampSeconds: NOW })
        const input = { body: flipBit(body, position), secrets: secret, nowSeconds: NOW }
        const refusal = { code: 'signature_mismatch' }
        await expect(
          verifyStandard({ ...input, headers: standardHeaders('evt', NOW, signature) }),
        ).rejects.toMatchObject(refusal)
        for (const value of [untimed, timed]) {
          await expect(verifyAgenta({ ...input, headers: { 'x-agenta-signature': value } })).rejects.toMatchObject(
            refusal,
          )
        }
      }),
    )
  })

  test('whatever the untrusted headers contain: they are refused, never a crash', async () => {
    const value = fc.string({ unit: 'binary', maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(value, value, value, async (first, second, third) => {
        const headers = {
          'webhook-id': first,
          'webhook-timestamp': second,
          'webhook-signature': `v1,${third}`,
          'x-agenta-signature': `t=${NOW},v1=${second}`,
          'x-hub-signature-256': third,
        }
        const input = { headers, body: first, secrets: SECRET, nowSeconds: NOW }
        for (const verify of [verifyStandard, verifyAgenta, verifyGithub]) {
          await expect(verify(input)).rejects.toMatchObject({ name: 'WebhookVerificationError' })
        }
      }),
    )
  })

  test.each([
    ['a megabyte of hex', `sha256=${'a'.repeat(1 << 20)}`],
    ['a hundred thousand signatures', 'v1=00,'.repeat(100_000)],
  ])('when the header is %s', async (_, value) => {
    const input = { body: '{}', secrets: SECRET, nowSeconds: NOW }
    const standard = standardHeaders('evt', NOW, value.replaceAll('=', ',').replaceAll(',v', ' v'))
    await expect(verifyStandard({ ...input, headers: standard })).rejects.toMatchObject({ code: 'signature_mismatch' })
    await expect(verifyAgenta({ ...input, headers: { 'X-Agenta-Signature': value } })).rejects.toThrow(
      'x-agenta-signature',
    )
    await expect(verifyGithub({ ...input, headers: { 'X-Hub-Signature-256': value } })).rejects.toThrow(
      'x-hub-signature',
    )
  })
})

describe('the standardwebhooks package', () => {
  const nowSeconds = () => Math.floor(Date.now() / 1000)

  test('accepts what we sign', async () => {
    await fc.assert(
      fc.asyncProperty(ids, fc.json(), whsecSecrets, async (id, body, secret) => {
        const timestampSeconds = nowSeconds()
        const signature = await signStandard({ id, timestampSeconds, body, secrets: [SECRET, secret] })
        expect(new Webhook(secret).verify(body, standardHeaders(id, timestampSeconds, signature))).toEqual(
          JSON.parse(body),
        )
      }),
    )
  })

  test('signs what we accept', async () => {
    await fc.assert(
      fc.asyncProperty(ids, fc.json(), whsecSecrets, async (id, body, secret) => {
        const timestampSeconds = nowSeconds()
        const signature = new Webhook(secret).sign(id, new Date(timestampSeconds * 1000), body)
        const headers = standardHeaders(id, timestampSeconds, signature)
        await expect(verifyStandard({ headers, body, secrets: secret })).resolves.toEqual({ id, timestampSeconds })
      }),
    )
  })
})

describe("a caller's mistake fails closed", () => {
  const signed = async (): Promise<TimedVerifyInput> => {
    const signature = await signStandard({ id: 'evt', timestampSeconds: NOW, body: '{}', secrets: SECRET })
    return { headers: standardHeaders('evt', NOW, signature), body: '{}', secrets: SECRET, nowSeconds: NOW }
  }

  test('a tolerance or a clock that is not a number refuses', async () => {
    const input = await signed()
    const refusal = { code: 'timestamp_too_old', header: 'webhook-timestamp' }
    await expect(verifyStandard({ ...input, toleranceSeconds: Number.NaN })).rejects.toMatchObject(refusal)
    await expect(verifyStandard({ ...input, nowSeconds: Number.NaN })).rejects.toMatchObject(refusal)
  })

  test('an unset secret never signs nor verifies', async () => {
    const unset = [undefined, ''] as string[]
    await expect(verifyStandard({ ...(await signed()), secrets: unset })).rejects.toMatchObject({ code: 'no_secret' })
    await expect(signBody({ body: '{}', secret: '' })).rejects.toMatchObject({ code: 'no_secret' })
  })

  test('a parsed body is a TypeError that says what to pass', async () => {
    const parsed = { test: 1 } as unknown as string
    await expect(verifyStandard({ ...(await signed()), body: parsed })).rejects.toThrow(/raw request body/)
    await expect(signBody({ body: parsed, secret: SECRET })).rejects.toThrow(TypeError)
  })

  test.each(['', 'evt.1', 'evt 1', 'evt\r\nx', 'évt'])('an id %j is not signed', async (id) => {
    await expect(signStandard({ id, timestampSeconds: NOW, body: '', secrets: SECRET })).rejects.toThrow(TypeError)
  })

  test.each([1.5, -1, Number.NaN, Number.POSITIVE_INFINITY])('a time of %d is not signed', async (timestampSeconds) => {
    await expect(signStandard({ id: 'evt', timestampSeconds, body: '', secrets: SECRET })).rejects.toThrow(TypeError)
    await expect(signAgentaTimed({ timestampSeconds, body: '', secret: SECRET })).rejects.toThrow(TypeError)
  })

  test('a header that was sent twice is refused, not guessed at', async () => {
    const input = await signed()
    const headers = { ...input.headers, 'webhook-timestamp': [String(NOW), '1'] }
    await expect(verifyStandard({ ...input, headers })).rejects.toMatchObject({ code: 'malformed_header' })
  })
})
