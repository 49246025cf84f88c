// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in settings look like this
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { REDACTED, redactText } from './redact-text.ts'

const LONG = 'aB3dE5gH7jK9mN1pQ3sT5vW7xZ9bC1dE3fG5hJ7'

// Made of parts, so that no scanner takes these for real ones.
const TOKENS: [vendor: string, token: string][] = [
  ['GitHub, personal', `ghp_${LONG}`],
  ['GitHub, OAuth', `gho_${LONG}`],
  ['GitHub, user of an App', `ghu_${LONG}`],
  ['GitHub, server of an App', `ghs_${LONG}`],
  ['GitHub, refresh', `ghr_${LONG}`],
  ['GitHub, fine-grained', `github_pat_11ABC_${LONG}`],
  ['GitLab', `glpat-${LONG}`],
  ['OpenAI', `sk-${LONG}`],
  ['OpenAI, project', `sk-proj-${LONG}`],
  ['Anthropic', `sk-ant-api03-${LONG}`],
  ['OpenRouter', `sk-or-v1-${LONG}`],
  ['Langfuse, public', `pk-lf-${LONG}`],
  ['Stripe', `sk_live_${LONG}`],
  ['Stripe, restricted', `rk_test_${LONG}`],
  ['Groq', `gsk_${LONG}`],
  ['Replicate', `r8_${LONG}`],
  ['Pinecone', `pcsk_${LONG}`],
  ['LangSmith', `lsv2_pt_${LONG}`],
  ['xAI', `xai-${LONG}`],
  ['Perplexity', `pplx-${LONG}`],
  ['Tavily', `tvly-${LONG}`],
  ['NVIDIA', `nvapi-${LONG}`],
  ['AWS', `AKIA${'ABCD1234'.repeat(2)}`],
  ['AWS, temporary', `ASIA${'ABCD1234'.repeat(2)}`],
  ['Slack', `xoxp-1234567890-${LONG}`],
  ['Google', `AIza${LONG.slice(0, 35)}`],
  ['Google, OAuth', `ya29.${LONG}`],
  ['SendGrid', `SG.${LONG}.${LONG}`],
  ['Hugging Face', `hf_${LONG}`],
  ['npm', `npm_${LONG}`],
  ['Standard Webhooks', `whsec_${LONG}=`],
  ['Telegram', `1234567890:${LONG.slice(0, 35)}`],
  ['JSON Web Token', `eyJ${LONG}.${LONG}.${LONG}`],
  ['private key', `-----BEGIN OPENSSH PRIVATE KEY-----\n${LONG}\n-----END OPENSSH PRIVATE KEY-----`],
]

test.each(TOKENS)('the token of %s is taken out, and nothing around it', (_, token) => {
  expect(redactText(`before ${token} after`)).toBe(`before ${REDACTED} after`)
  expect(redactText(`"${token}", "${token}"`)).toBe(`"${REDACTED}", "${REDACTED}"`)
  expect(redactText(`line\n${token}`)).toBe(`line\n${REDACTED}`)
})

test('a token stands by itself: the end of a longer word is not one', () => {
  for (const token of [`ghp_${LONG}`, `AKIA${'ABCD1234'.repeat(2)}`, `hf_${LONG}`])
    expect(redactText(`x${token}`)).toBe(`x${token}`)
})

test.each([
  'gpt-4o-mini-2024-07-18',
  'claude-sonnet-4-20250514',
  'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  '550e8400-e29b-41d4-a716-446655440000',
  'https://example.org/a/b?page=2&sort=asc',
  'mailto:jane@company.com',
  'task-force-one-two-three-four-five',
  'The password must have at least 12 characters, the token may be empty.',
  'Bearer authentication is described below.',
  'max_tokens=4096; top_p=0.9',
  '2025-11-20T10:30:00Z',
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
])('%j has no secret', (text) => expect(redactText(text)).toBe(text))

test.each([
  ['authorization: token abc123', 'authorization: token [redacted]'],
  ['"Authorization": "ApiKey abcd"', '"Authorization": "ApiKey [redacted]"'],
  [`curl -H 'Bearer ${LONG}'`, "curl -H 'Bearer [redacted]'"],
  ['mysql://root:s3cret@db:3306/app', 'mysql://root:[redacted]@db:3306/app'],
  ['https://user:pass@example.org', 'https://user:[redacted]@example.org'],
  [`https://discord.com/api/webhooks/123/${LONG}`, 'https://discord.com/api/webhooks/123/[redacted]'],
  ['https://hooks.slack.com/workflows/T000/B000/x1', 'https://hooks.slack.com/workflows/[redacted]'],
  ['SharedAccessKey=abc==;EntityPath=x', 'SharedAccessKey=[redacted];EntityPath=x'],
  ['client_secret=abc&grant_type=x', 'client_secret=[redacted]&grant_type=x'],
  ['pwd="let me in"', 'pwd="[redacted] me in"'],
  ['access_token: abc123', 'access_token: [redacted]'],
  ['refreshToken=abc123', 'refreshToken=[redacted]'],
  ['session-token = abc123', 'session-token = abc123'],
  ['?sig=abc123%2B', '?sig=[redacted]'],
  ["secret_key='abc123'", "secret_key='[redacted]'"],
])('%j is shown as %j', (text, shown) => expect(redactText(text)).toBe(shown))

test.each(['${TOKEN_1}', '{{token_1}}', '<token_1>', '[token_1]'])('%s only refers to a secret', (reference) => {
  for (const before of ['Authorization: Bearer ', 'password=', 'api_key: ', 'https://user:']) {
    const text = `${before}${reference}`
    expect(redactText(text)).toBe(text)
  }
})

test('what was redacted stays as it is', () => {
  const pieces = fc.constantFrom(
    ...TOKENS.map(([, token]) => token),
    ...['password=', 'Bearer ', 'token: ', ' ', '\n', '"', ';', 'x', '://u:', '@', REDACTED],
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
      const once = redactText(parts.join(' '))
      expect(redactText(once)).toBe(once)
      expect(once).not.toContain(LONG)
    }),
  )
})
