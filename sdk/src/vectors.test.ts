// Every vector of sdk/vectors/signatures.json, whose signatures Python computed: the answer must be
// right for the right reason.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import vectors from '../vectors/signatures.json' with { type: 'json' }
import type { JsonWebKeySet } from './jwks.ts'
import type { StandardVerifyInput } from './signature.ts'
import { verifyAgenta, verifyGithub, verifyStandard } from './signature.ts'
import { WebhookVerificationError } from './verification-error.ts'
import { verifyWebhook } from './webhook.ts'

type Vector = {
  name: string
  form: string
  secrets?: string[] | undefined
  public_keys?: string[] | undefined
  jwks?: JsonWebKeySet | undefined
  headers: Record<string, string | undefined>
  body?: string | undefined
  body_base64?: string | undefined
  now: number
  expected: string
}

type Input = StandardVerifyInput & { nowSeconds: number; secrets?: string[] | undefined }

const verifiers: Record<string, (input: Input) => Promise<unknown>> = {
  standard: verifyStandard,
  agenta: ({ secrets = [], ...input }) => verifyAgenta({ ...input, secrets }),
  github: ({ secrets = [], ...input }) => verifyGithub({ ...input, secrets }),
  webhook: ({ headers, body, secrets, publicKeys, jwks, nowSeconds }) => {
    const keys = { secrets, publicKeys: publicKeys === undefined ? undefined : [publicKeys].flat(), jwks }
    return verifyWebhook({ headers, body }, { ...keys, now: () => nowSeconds * 1000 })
  },
}

async function outcomeOf(verification: Promise<unknown>): Promise<string> {
  try {
    await verification
    return 'ok'
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.code
    throw error
  }
}

describe.each(Object.keys(verifiers))('%s', (form) => {
  const own = (vectors as Vector[]).filter((vector) => vector.form === form)

  test.each(own)('$expected: $name', async (vector) => {
    const { headers, secrets, public_keys: publicKeys, jwks, body, body_base64, now, expected } = vector
    const bytes = body === undefined ? Buffer.from(body_base64 ?? '', 'base64') : new TextEncoder().encode(body)
    const input = { headers, secrets, publicKeys, jwks, nowSeconds: now }
    expect(await outcomeOf(verifiers[form]!({ ...input, body: bytes }))).toBe(expected)
    if (body !== undefined) expect(await outcomeOf(verifiers[form]!({ ...input, body }))).toBe(expected)
  })

  test('has vectors of both kinds', () => {
    expect(own.map(({ expected }) => expected)).toEqual(expect.arrayContaining(['ok', 'signature_mismatch']))
  })
})

test('no vector names a form that nobody reads', () => {
  expect([...new Set(vectors.map(({ form }) => form))].sort()).toEqual(Object.keys(verifiers).sort())
})

test('the file is what Python computes today', ({ skip }) => {
  const made = spawnSync('python3', ['-B', fileURLToPath(new URL('../vectors/make.py', import.meta.url)), '-'])
  if (made.error !== undefined) skip('there is no Python on this machine')
  expect(made.stderr.toString()).toBe('')
  expect(JSON.parse(made.stdout.toString())).toEqual(vectors)
})

test('every name of a refusal that a request can cause has a vector', () => {
  const refusals = new Set(vectors.map(({ expected }) => expected))
  expect([...refusals].sort()).toEqual([
    'invalid_secret',
    'malformed_body',
    'malformed_header',
    'missing_header',
    'no_secret',
    'ok',
    'signature_mismatch',
    'timestamp_too_new',
    'timestamp_too_old',
  ])
})
