// biome-ignore-all lint/suspicious/noTemplateCurlyInString: configurations refer to secrets so
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSecretName, redact } from './redact.ts'
import { redactText } from './redact-text.ts'

test.each([
  'api_key',
  'OPENAI_API_KEY',
  'apiKey',
  'x-api-key',
  'access_token',
  'githubToken',
  'token',
  'password',
  'db.password',
  'Authorization',
  'client_secret',
  'secrets',
  'privateKey',
  'cookie',
  'api_keys',
  'OPENAI_API_KEY_2',
  'api_key_prod',
  'smtp_pass',
  'credentials.openai',
  'providers.openai.apiKey',
])('%s names a secret', (name) => expect(isSecretName(name, 'x')).toBe(true))

test.each([
  'max_tokens',
  'maxTokens',
  'top_k',
  'stop_token',
  'eosToken',
  'key',
  'keyboard',
  'tokenizer',
  'secret_santa',
  'temperature',
  'tokens',
  'token_limit',
  'max_completion_tokens',
  'api_key_name',
  'model.max_tokens',
])('%s names no secret', (name) => expect(isSecretName(name, 'x')).toBe(false))

test('a number under a token-like name is a setting, under a password it is a password', () => {
  expect(redact({ cache_key: 5, password: 12_345 })).toEqual({ cache_key: 5, password: '[redacted]' })
})

test.each([
  ['memory_key', 'chat_history'],
  ['withCredentials', true],
  ['max_token', 512],
  ['user_token', '<|user|>'],
  ['api_key', '${OPENAI_API_KEY}'],
  ['api_key', '{{ secrets.openai }}'],
])('%s with the value %j is a setting', (name, value) => expect(redact({ [name]: value })).toEqual({ [name]: value }))

test.each([
  [
    { headers: [{ name: 'Authorization', value: 'opaque' }] },
    { headers: [{ name: 'Authorization', value: '[redacted]' }] },
  ],
  [{ headers: [{ key: 'accept', value: 'text/html' }] }, { headers: [{ key: 'accept', value: 'text/html' }] }],
  [
    {
      headers: [
        ['x-api-key', 'opaque'],
        ['accept', 'x'],
      ],
    },
    {
      headers: [
        ['x-api-key', '[redacted]'],
        ['accept', 'x'],
      ],
    },
  ],
  [{ api_keys: ['opaque'] }, { api_keys: '[redacted]' }],
  [{ openai_key: 'opaque-1' }, { openai_key: '[redacted]' }],
  [{ stop: ['password', 'secret'] }, { stop: ['password', 'secret'] }],
])('%j is shown as %j', (value, expected) => expect(redact(value)).toEqual(expected))

test("a tool's parameter called password is described, a secret beside it is not shown", () => {
  const password = { type: 'string', description: 'What the customer typed.' }
  expect(redact({ properties: { password } })).toEqual({ properties: { password } })
  const example = { ...password, default: 'hunter2' }
  expect(redact({ properties: { password: example } })).toEqual({ properties: { password: '[redacted]' } })
})

test.each([
  [`use ghp_${'a'.repeat(36)} now`, 'use [redacted] now'],
  [`github_pat_${'A1'.repeat(20)}`, '[redacted]'],
  [`sk-proj-${'x'.repeat(30)}`, '[redacted]'],
  ['AKIAABCDEFGHIJKLMNOP', '[redacted]'],
  ['xoxb-123456789012-abc', '[redacted]'],
  ['Authorization: Bearer abcdefghijklmnop.qrs', 'Authorization: Bearer [redacted]'],
  ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc', '[redacted]'],
  ['postgres://user:hunter2@db/x', 'postgres://user:[redacted]@db/x'],
  ['postgres://user:p@ss@db/x', 'postgres://user:[redacted]@db/x'],
  ['redis://:hunter2@cache', 'redis://:[redacted]@cache'],
  ['postgres://user:${PASSWORD}@db/x', 'postgres://user:${PASSWORD}@db/x'],
  ['Authorization: Basic dTpw', 'Authorization: Basic [redacted]'],
  ['X-Api-Key: abc123def', 'X-Api-Key: [redacted]'],
  ['https://x.example/?api_key=abc123&n=1', 'https://x.example/?api_key=[redacted]&n=1'],
  ['Server=db;User Id=sa;Password=hunter;', 'Server=db;User Id=sa;Password=[redacted];'],
  ['AccountName=a;AccountKey=abcd==;X=y', 'AccountName=a;AccountKey=[redacted];X=y'],
  ['{"api_key": "abc123456"}', '{"api_key": "[redacted]"}'],
  ['"{\\"token\\": \\"abc123456\\"}"', '"{\\"token\\": \\"[redacted]\\"}"'],
  [`gsk_${'a1'.repeat(20)}`, '[redacted]'],
  [`xai-${'a1'.repeat(20)}`, '[redacted]'],
  [`123456789:${'A'.repeat(35)}`, '[redacted]'],
  ['https://hooks.slack.com/services/T000/B000/abc', 'https://hooks.slack.com/services/[redacted]'],
  ...[
    'Provide basic internationalization-help and the bearer responsibilities-list.',
    'sk-learn-based-classifier',
    'Never ask for a password: it is secret. Use at most max_tokens=512, token: 4096.',
    'api_key=os.environ["OPENAI_KEY"]',
    'api_key: ${OPENAI_API_KEY_2}',
  ].map((text) => [text, text]),
  ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest', '[redacted]\nrest'],
  ['-----BEGIN PRIVATE KEY-----\ncut off', '[redacted]'],
  [
    'You are a helpful assistant. Think risk-free, task-oriented.',
    'You are a helpful assistant. Think risk-free, task-oriented.',
  ],
])('%j is shown as %j', (text, expected) => expect(redactText(text)).toBe(expected))

test('secrets are found at any depth, and odd keys stay keys', () => {
  const value = JSON.parse('{"a":[{"headers":{"authorization":"x"}}],"__proto__":{"token":"y","n":null},"secret":""}')
  expect(JSON.stringify(redact(value))).toBe(
    '{"a":[{"headers":{"authorization":"[redacted]"}}],"__proto__":{"token":"[redacted]","n":null},"secret":""}',
  )
  expect(Object.prototype).not.toHaveProperty('token')
})

test('a value nested without end is cut off', () => {
  let deep: unknown = 'x'
  for (let level = 0; level < 50_000; level += 1) deep = [deep]
  expect(JSON.stringify(redact(deep))).toContain('nested too deep')
})

test('a megabyte of hostile text takes no time', () => {
  const started = performance.now()
  for (const piece of [
    '-----BEGIN PRIVATE KEY-----',
    'eyJaaaaaaaaa.',
    'a://b:',
    'Bearer ',
    'sk-',
    'a',
    'token=',
    'password: ',
    'authorization: ',
    '1234567',
    'xai-',
    'token: "',
  ])
    redactText(piece.repeat(1_000_000 / piece.length))
  expect(performance.now() - started).toBeLessThan(5000)
})

test('redacting twice changes nothing, and no secret is left at any place', () => {
  const secret = `ghp_${'a1'.repeat(18)}`
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(secret, `say ${secret}`, 'plain', 3, true, null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('name', 'value', 'token', 'a', secret), tie('value'), { maxKeys: 3 }),
    ),
  })).value
  fc.assert(
    fc.property(json, (value) => {
      const once = redact(value)
      expect(JSON.stringify(once)).not.toContain(secret)
      expect(redact(once)).toEqual(once)
    }),
  )
})

test('what is not secret keeps its type and its place', () => {
  const value = { a: [1, 'x', null, { b: false }], c: { d: {}, e: [] }, max_tokens: 5, f: '' }
  expect(redact(value)).toEqual(value)
  expect(redact(undefined)).toBeUndefined()
  expect(redact('plain')).toBe('plain')
})

test('a text made to begin a token at every place costs little', () => {
  const startedAt = performance.now()
  const hostile = 'eyJ-'.repeat(50_000)
  expect(redactText(hostile)).toBe(hostile)
  // 31 s when each of them was searched to the end.
  expect(performance.now() - startedAt).toBeLessThan(5000)
})
