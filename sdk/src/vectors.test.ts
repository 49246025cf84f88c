// Every vector of sdk/vectors/signatures.json, whose HMACs Python computed: the answer must be
// right for the right reason.
import { describe, expect, test } from 'vitest'
import vectors from '../vectors/signatures.json' with { type: 'json' }
import type { TimedVerifyInput } from './signature.ts'
import { verifyAgenta, verifyGithub, verifyStandard } from './signature.ts'
import { WebhookVerificationError } from './verification-error.ts'
import { verifyWebhook } from './webhook.ts'

type Vector = {
  name: string
  form: string
  secrets: string[]
  headers: Record<string, string | undefined>
  body?: string | undefined
  body_base64?: string | undefined
  now: number
  expected: string
}

const verifiers: Record<string, (input: TimedVerifyInput & { nowSeconds: number }) => Promise<unknown>> = {
  standard: verifyStandard,
  agenta: verifyAgenta,
  github: verifyGithub,
  webhook: ({ headers, body, secrets, nowSeconds }) =>
    verifyWebhook({ headers, body }, { secrets: [secrets].flat(), now: () => nowSeconds * 1000 }),
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

  test.each(own)('$expected: $name', async ({ headers, secrets, body, body_base64, now, expected }) => {
    const bytes = body === undefined ? Buffer.from(body_base64 ?? '', 'base64') : new TextEncoder().encode(body)
    const input = { headers, secrets, nowSeconds: now }
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
