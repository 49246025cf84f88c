// The schemes without any cryptography of the SDK: HMACs come from node:crypto, as a server
// computes them.
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { HeadersLike, Scheme, SignatureClaim } from './scheme.ts'
import {
  agentaPrefix,
  checkTimestamp,
  hasStandardHeaders,
  liveSecrets,
  MIN_SECRET_CHARS,
  readAgenta,
  readGithub,
  readStandard,
  readStandardOrAgenta,
  secretKey,
  secretProblem,
  standardPrefix,
  WebhookVerificationError,
  writeAgentaTimed,
  writeBodySignature,
  writeStandard,
} from './scheme.ts'

const NOW = 1_700_000_000
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const SCHEMES: readonly Scheme[] = ['standard', 'agenta', 'github']

const ids = fc.stringMatching(/^[\x21-\x2d\x2f-\x7e]{1,200}$/)
const times = fc.nat({ max: 4_000_000_000 })
const bodies = fc.uint8Array({ maxLength: 100 })
const textSecrets = fc.string({ minLength: 1 }).filter((secret) => !/^wh(sec|sk|pk)_/.test(secret))
const whsecSecrets = fc
  .uint8Array({ minLength: 24, maxLength: 64 })
  .map((key) => `whsec_${Buffer.from(key).toString('base64')}`)
const secrets = fc.oneof(textSecrets, whsecSecrets)

afterEach(() => {
  vi.unstubAllGlobals()
})

type Signed = { secret: string; scheme: Scheme; prefix: string; body: Uint8Array }

function sign({ secret, scheme, prefix, body }: Signed, encoding: 'hex' | 'base64'): string {
  return createHmac('sha256', secretKey(secret, scheme)).update(prefix).update(body).digest(encoding)
}

/**
 * What a receiver computes from a claim; the signature is right when it is among the claim's
 * candidates.
 */
function expectedDigest(claim: SignatureClaim, secret: string, body: Uint8Array): string {
  return sign({ secret, scheme: claim.scheme, prefix: claim.prefix, body }, claim.encoding)
}

function standardHeaders(name: string, [id, timestamp, signature]: [string, number | string, string]) {
  return { [`${name}-id`]: id, [`${name}-timestamp`]: String(timestamp), [`${name}-signature`]: signature }
}

describe('what one side writes the other reads', () => {
  test("as Standard Webhooks, under its own names and Svix's, with several secrets", () => {
    const names = fc.constantFrom('webhook', 'svix')
    const lists = fc.array(secrets, { minLength: 1, maxLength: 4 })
    const signature = fc.uint8Array({ minLength: 64, maxLength: 64 })
    const signatures = fc.array(signature.map((bytes) => Buffer.from(bytes).toString('base64')))
    fc.assert(
      fc.property(names, ids, times, bodies, lists, signatures, (name, id, timestampSeconds, body, all, asymmetric) => {
        const prefix = standardPrefix(id, timestampSeconds)
        const digests = all.map((secret) => sign({ secret, scheme: 'standard', prefix, body }, 'base64'))
        const claim = readStandard(standardHeaders(name, [id, timestampSeconds, writeStandard(digests, asymmetric)]))
        expect(claim).toEqual({
          scheme: 'standard',
          header: `${name}-signature`,
          prefix,
          encoding: 'base64',
          candidates: digests,
          asymmetric,
          id,
          timestampSeconds,
          timestampHeader: `${name}-timestamp`,
        })
        for (const secret of all) expect(claim.candidates).toContain(expectedDigest(claim, secret, body))
      }),
    )
  })

  test("as Agenta's first form and GitHub's, in either case of hex", () => {
    fc.assert(
      fc.property(bodies, secrets, fc.boolean(), (body, secret, isUpper) => {
        const digest = sign({ secret, scheme: 'agenta', prefix: '', body }, 'hex')
        const value = writeBodySignature(isUpper ? digest.toUpperCase() : digest)
        const agenta = readAgenta({ 'X-Agenta-Signature': value })
        const github = readGithub({ 'X-Hub-Signature-256': value })
        expect(agenta).toMatchObject({
          prefix: '',
          candidates: [digest],
          timestampSeconds: null,
          timestampHeader: null,
        })
        expect(github).toMatchObject({
          prefix: '',
          candidates: [digest],
          timestampSeconds: null,
          timestampHeader: null,
        })
        expect([expectedDigest(agenta, secret, body), expectedDigest(github, secret, body)]).toEqual([digest, digest])
      }),
    )
  })

  test("as Agenta's timed form", () => {
    fc.assert(
      fc.property(times, bodies, secrets, (timestampSeconds, body, secret) => {
        const prefix = agentaPrefix(timestampSeconds)
        const digest = sign({ secret, scheme: 'agenta', prefix, body }, 'hex')
        const claim = readAgenta({ 'x-agenta-signature': writeAgentaTimed(timestampSeconds, digest) })
        expect(claim).toMatchObject({ prefix, candidates: [digest], timestampSeconds })
        expect(claim.timestampHeader).toBe('x-agenta-signature')
      }),
    )
  })

  test('in a runtime without WebCrypto and without Buffer', () => {
    vi.stubGlobal('crypto', undefined)
    vi.stubGlobal('Buffer', undefined)
    const signature = writeStandard(['g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='])
    const claim = readStandardOrAgenta(standardHeaders('webhook', ['msg_1', NOW, signature]))
    checkTimestamp(claim, { nowSeconds: NOW })
    expect([claim.candidates.length, secretKey(SECRET, claim.scheme).length]).toEqual([1, 24])
  })
})

describe('untrusted headers', () => {
  const readers: [string, (headers: HeadersLike) => SignatureClaim][] = [
    ['readStandard', readStandard],
    ['readAgenta', readAgenta],
    ['readStandardOrAgenta', readStandardOrAgenta],
    ['readGithub', readGithub],
  ]
  const digest = fc.uint8Array({ minLength: 31, maxLength: 33 }).map((bytes) => Buffer.from(bytes))
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.stringMatching(/^[tv012=,. ;sha56f-]{0,40}$/),
    fc.constantFrom('', 't=1', `t=${NOW},v1=`, 'v1,', 'sha256=', '__proto__', String(NOW)),
    digest.map((bytes) => `v1,${bytes.toString('base64')}`),
    digest.map((bytes) => `t=${NOW},v1=${bytes.toString('hex')}`),
    digest.map((bytes) => `sha256=${bytes.toString('hex')}`),
  )
  const name = fc.constantFrom(
    ...['webhook-id', 'webhook-timestamp', 'webhook-signature', 'svix-id', 'svix-timestamp', 'svix-signature'],
    ...['x-agenta-signature', 'X-Agenta-Signature', 'x-hub-signature-256', 'X-Hub-Signature-256', '__proto__'],
  )
  const headers = fc.dictionary(name, fc.oneof(value, fc.array(value, { maxLength: 3 }), fc.constant(undefined)))

  test.each(readers)('%s throws nothing but WebhookVerificationError', (_, read) => {
    fc.assert(
      fc.property(headers, (record) => {
        try {
          const claim = read(record)
          checkTimestamp(claim, { nowSeconds: NOW })
          // What is left can be compared without another look at it: 32 bytes, written in the only
          // way there is.
          for (const candidate of claim.candidates) {
            const bytes = Buffer.from(candidate, claim.encoding)
            expect([bytes.length, bytes.toString(claim.encoding)]).toEqual([32, candidate])
          }
        } catch (error) {
          if (!(error instanceof WebhookVerificationError)) throw error
          expect(error.code).toMatch(/^(missing_header|malformed_header|timestamp_too_(old|new))$/)
          expect(error.message.startsWith(`${error.header}: `)).toBe(true)
        }
      }),
    )
  })

  const right = 'g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='

  test.each([
    ['the right digest', `v1,${right}`, [right]],
    ['one among other versions', `v1a,AAAA v1,${right} v2,${right}`, [right]],
    ['several', `v1,${right} v1,${right}`, [right, right]],
    ['spare bits set in the last digit', `v1,${right.replace('E=', 'F=')}`, []],
    ['no padding', `v1,${right.replace('=', '')}`, []],
    ['the alphabet of URLs', `v1,${right.replace('+', '-').replace('/', '_')}`, []],
    ['31 bytes', `v1,${Buffer.alloc(31).toString('base64')}`, []],
    ['33 bytes', `v1,${Buffer.alloc(33).toString('base64')}`, []],
    ['no digest', 'v1,', []],
  ])('of a signature header with %s, only well-formed digests are left', (_, value, candidates) => {
    expect(readStandard(standardHeaders('webhook', ['msg_1', NOW, value])).candidates).toEqual(candidates)
  })

  test('any one of the headers of Standard Webhooks makes it the scheme, even an empty one', () => {
    const agenta = { 'x-agenta-signature': writeBodySignature('a'.repeat(64)) }
    expect(hasStandardHeaders(agenta)).toBe(false)
    expect(readStandardOrAgenta(agenta).scheme).toBe('agenta')
    for (const prefix of ['webhook', 'Webhook', 'svix']) {
      for (const part of ['id', 'timestamp', 'signature']) {
        const both = { ...agenta, [`${prefix}-${part}`]: '' }
        expect(hasStandardHeaders(both)).toBe(true)
        expect(() => readStandardOrAgenta(both)).toThrow(expect.objectContaining({ code: 'missing_header' }))
      }
    }
  })

  test('a Headers object and a Map are read as a record is', () => {
    const record = standardHeaders('svix', ['msg_1', NOW, 'v1,AAAA'])
    const map = new Map(Object.entries(record)) as unknown as HeadersLike
    expect(readStandard(new Headers(record))).toEqual(readStandard(record))
    expect(readStandard(map)).toEqual(readStandard(record))
    expect(hasStandardHeaders(new Headers())).toBe(false)
    expect(hasStandardHeaders(new Map() as unknown as HeadersLike)).toBe(false)
  })

  test('a request without any signature is answered by the name of the missing header', () => {
    const refusal = (header: string) => expect.objectContaining({ code: 'missing_header', header })
    expect(() => readStandard({})).toThrow(refusal('webhook-id'))
    expect(() => readStandardOrAgenta({})).toThrow(refusal('x-agenta-signature'))
    expect(() => readGithub({})).toThrow(refusal('x-hub-signature-256'))
  })
})

describe('a signed time', () => {
  const claim = (timestampSeconds: number) =>
    readStandard(standardHeaders('svix', ['msg_1', timestampSeconds, 'v1,AAAA']))

  test.each([
    [300, undefined, null],
    [-300, undefined, null],
    [301, undefined, 'timestamp_too_old'],
    [-301, undefined, 'timestamp_too_new'],
    [60, 60, null],
    [61, 60, 'timestamp_too_old'],
    [0, 0, null],
    [1, 0, 'timestamp_too_old'],
    [0, Number.NaN, 'timestamp_too_old'],
    [Number.NaN, undefined, 'timestamp_too_old'],
  ])('that is %d seconds old, with a tolerance of %s, is answered by %s', (age, toleranceSeconds, code) => {
    const check = () => checkTimestamp(claim(NOW), { nowSeconds: NOW + age, toleranceSeconds })
    if (code === null) expect(check).not.toThrow()
    else expect(check).toThrow(expect.objectContaining({ code, header: 'svix-timestamp' }))
  })

  test("counts in whole seconds of the receiver's clock", () => {
    expect(() => checkTimestamp(claim(NOW), { nowSeconds: NOW + 300.999 })).not.toThrow()
  })

  test('is not asked of a form that has none', () => {
    const untimed = readAgenta({ 'x-agenta-signature': 'a'.repeat(64) })
    expect(() => checkTimestamp(untimed, { nowSeconds: Number.NaN })).not.toThrow()
  })

  test.each([1.5, -1, 1e12, Number.NaN])('of %d is not written: no receiver could read it', (timestampSeconds) => {
    expect(() => standardPrefix('msg_1', timestampSeconds)).toThrow(TypeError)
    expect(() => agentaPrefix(timestampSeconds)).toThrow(TypeError)
    expect(() => writeAgentaTimed(timestampSeconds, 'a'.repeat(64))).toThrow(TypeError)
  })
})

describe('a secret', () => {
  test('is a key or a WebhookVerificationError in every scheme, and never an empty key', () => {
    const garbage = fc
      .tuple(
        fc.constantFrom('', 'whsec_', 'whsk_', 'whpk_'),
        fc.oneof(fc.string({ unit: 'binary' }), fc.base64String()),
      )
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(garbage, fc.constantFrom(...SCHEMES), (secret, scheme) => {
        try {
          expect(secretKey(secret, scheme).length).toBeGreaterThan(0)
        } catch (error) {
          if (!(error instanceof WebhookVerificationError)) throw error
          expect(error.code).toBe(secret === '' ? 'no_secret' : 'invalid_secret')
          if (secret.length > 6) expect(error.message).not.toContain(secret)
        }
      }),
    )
  })

  test('without a problem is a key of 20 bytes or more in every scheme', () => {
    fc.assert(
      fc.property(secrets, fc.constantFrom(...SCHEMES), (secret, scheme) => {
        fc.pre(secretProblem(secret) === null)
        expect(secretKey(secret, scheme).length).toBeGreaterThanOrEqual(MIN_SECRET_CHARS)
      }),
    )
  })

  test('whsec_ is decoded for Standard Webhooks and used as text by the others', () => {
    const encoded = `whsec_${Buffer.from('a key of 26 bytes, no pad!').toString('base64')}`
    const asText = (scheme: Scheme, secret: string) => Buffer.from(secretKey(secret, scheme)).toString()
    expect(asText('standard', encoded)).toBe('a key of 26 bytes, no pad!')
    expect(asText('standard', encoded.replace(/=+$/, ''))).toBe('a key of 26 bytes, no pad!')
    expect(asText('agenta', encoded)).toBe(encoded)
    expect(asText('github', encoded)).toBe(encoded)
    for (const scheme of SCHEMES) expect(asText(scheme, 'geheim🗝️')).toBe('geheim🗝️')
  })

  test.each([
    ['12345678901234567890', null],
    ['1234567890123456789', 'must have at least 20 characters'],
    ['', 'must have at least 20 characters'],
    ['a text with spaces in it', 'must be visible ASCII without spaces'],
    ['zwanzig Zeichen später', 'must be visible ASCII without spaces'],
    ['twenty-characters-\u0000-long', 'must be visible ASCII without spaces'],
    [`whsec_${Buffer.alloc(24).toString('base64')}`, null],
    [`whsec_${Buffer.alloc(64).toString('base64')}`, null],
    [`whsec_${Buffer.alloc(64).toString('base64').replace(/=+$/, '')}`, null],
    [`whsec_${Buffer.alloc(23).toString('base64')}`, 'must be whsec_ and base64 of 24 to 64 bytes'],
    [`whsec_${Buffer.alloc(65).toString('base64')}`, 'must be whsec_ and base64 of 24 to 64 bytes'],
    ['whsec_', 'must be whsec_ and base64 of 24 to 64 bytes'],
    ['whsec_not-base64-but-long-enough-for-it', 'must be whsec_ and base64 of 24 to 64 bytes'],
    ['whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'must be a shared secret, not an ed25519 key'],
    ['whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'must be a shared secret, not an ed25519 key'],
  ])('%j, when it is created, has the problem: %s', (secret, problem) => {
    expect(secretProblem(secret)).toBe(problem)
  })

  test('that is unset does not count, and one text is one secret', () => {
    expect(liveSecrets(['', 'a', '', 'b'])).toEqual(['a', 'b'])
    expect(liveSecrets('abc')).toEqual(['abc'])
    for (const unset of [undefined, '', [], ['', '']]) {
      expect(() => liveSecrets(unset)).toThrow(expect.objectContaining({ code: 'no_secret' }))
    }
  })
})
