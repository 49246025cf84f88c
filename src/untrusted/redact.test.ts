// biome-ignore-all lint/suspicious/noTemplateCurlyInString: configurations refer to secrets so
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redact, redactor } from './redact.ts'
import { redactText } from './redact-text.ts'
import { secrecyOf } from './secret-name.ts'

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
  ...['access_token_prod', 'accessToken2', 'token2', 'authToken1', 'token_value', 'token_us_east_1'],
  ...['OPENAI_API_KEY_US', 'openai_api_key_eu', 'api_key_primary', 'api_key_backup', 'secret_text'],
  ...['auth_header', 'authorization_header', 'private_key_pem', 'client-key-data', 'creds', 'otp'],
  ...['clientsecret', 'accesstoken', 'authtoken', 'secretkey', 'adminpassword', 'dbpass', 'accesskey'],
  ...['jwt', 'github_pat', 'tokens', 'DB_PASSWORD_PROD_EU'],
])('%s names a secret', (name) => expect(secrecyOf(name)).not.toBe('none'))

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
  'token_limit',
  ...['token_count', 'prompt_tokens', 'token_type', 'special_tokens', 'stop_token_2', 'padToken1', 'tokens_per_minute'],
  ...['secretary', 'passage', 'first_pass_prompt', 'keys', 'monkey', 'path', 'pattern', 'header', 'author', 'credit'],
  'max_completion_tokens',
  'api_key_name',
  'model.max_tokens',
])('%s names no secret', (name) => expect(secrecyOf(name)).toBe('none'))

test('a number under a token-like name is a setting, under a password it is a password', () => {
  expect(redact({ cache_key: 5, password: 12_345 })).toEqual({ cache_key: 5, password: '[redacted]' })
})

test.each([
  ['memory_key', 'chat_history'],
  ['withCredentials', true],
  ['max_token', 512],
  ['tokens', 128_000],
  ['tokens', 123_456_789],
  ['tokens', true],
  ['tokens', ['<|user|>', 'Hello', 'User1:', '128000', 'gpt-4o-mini-2024', 'a word of 2 Texts']],
  ['jwt', { algorithm: 'HS256', issuer: 'https://issuer1.example.com', audience: 'api.v2.example.com' }],
  ['auth_header', 'X-Api-Key'],
  ['token2', '<|assistant|>'],
  ['tokenizer', 'cl100k_base'],
  ['secretary', 'Jane2000'],
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
  [{ args: ['mysql', '--password', 'opaque', 'db'] }, { args: ['mysql', '--password', '[redacted]', 'db'] }],
  [{ args: ['--token', '--verbose', '--max-token', '512'] }, { args: ['--token', '--verbose', '--max-token', '512'] }],
  [{ tokens: ['zQ7rT9mK2xW5', 'a'] }, { tokens: ['[redacted]', 'a'] }],
  [
    { tokens: { a: 'zQ7rT9mK2xW5' }, pat: 'zQ7rT9mK2xW5' },
    { tokens: { a: '[redacted]' }, pat: '[redacted]' },
  ],
  [{ auth_header: 'Bearer opaque' }, { auth_header: '[redacted]' }],
  [{ openai_key: 'opaque-1' }, { openai_key: '[redacted]' }],
  [{ stop: ['password', 'secret'] }, { stop: ['password', 'secret'] }],
])('%j is shown as %j', (value, expected) => expect(redact(value)).toEqual(expected))

test("a tool's parameter called password is described, a secret beside it is not shown", () => {
  const password = { type: 'string', description: 'What the customer typed.' }
  expect(redact({ properties: { password } })).toEqual({ properties: { password } })
  const example = { ...password, default: 'hunter2' }
  expect(redact({ properties: { password: example } })).toEqual({ properties: { password: '[redacted]' } })
  const pattern = { ...password, title: 'Password1', description: 'OAuth2', pattern: '^[A-Za-z0-9]{8}$', minLength: 8 }
  expect(redact({ password: pattern })).toEqual({ password: pattern })
  expect(redact({ password: { type: 'string', description: 'RealPassw0rd99' } })).toEqual({ password: '[redacted]' })
})

test.each([
  [
    { encryption_key: { old: 'Tr0ub4dor-OLD', new: 'Tr0ub4dor-NEW' } },
    { encryption_key: { old: '[redacted]', new: '[redacted]' } },
  ],
  [{ password: { old: 'hunter2', new: { a: 'x' } } }, { password: { old: '[redacted]', new: '[redacted]' } }],
  [{ password: { old: null, new: 'x' } }, { password: { old: null, new: '[redacted]' } }],
  [{ encryption_key: { value: 'a1b2' } }, { encryption_key: { value: '[redacted]' } }],
  [{ signing_key: ['a1', { b: 'c2' }] }, { signing_key: ['[redacted]', { b: '[redacted]' }] }],
  [{ signing_keys: ['a1'] }, { signing_keys: ['[redacted]'] }],
  [{ encryption_key_v2: 'a1' }, { encryption_key_v2: '[redacted]' }],
  [
    { master_key: { prod: 'a1', eu: { west: 'b2' } } },
    { master_key: { prod: '[redacted]', eu: { west: '[redacted]' } } },
  ],
  [{ 'master_key.prod': 'a1' }, { 'master_key.prod': '[redacted]' }],
  [{ master_key: { prod: 1234567890, shards: 5 } }, { master_key: { prod: '[redacted]', shards: 5 } }],
  [
    { user_token: 123_456_789, max_token: 200_000 },
    { user_token: '[redacted]', max_token: 200_000 },
  ],
  [{ input_keys: ['question', 'chat_history'] }, { input_keys: ['question', 'chat_history'] }],
  [{ master_key: [['accept', 'b2']] }, { master_key: [['accept', '[redacted]']] }],
])('what stands under a secret name is secret at any depth: %j is shown as %j', (value, expected) =>
  expect(redact(value)).toEqual(expected),
)

test('keys that become the same stay apart', () => {
  const [one, other] = ['a', 'b'].map((char) => `ghp_${char.repeat(36)}`)
  expect(redact({ [one!]: 1, [other!]: 2 })).toEqual({ '[redacted]': 1, '[redacted] (2)': 2 })
})

test('a key whose dots are escaped, as in a path of a difference, is read without them', () => {
  const long = 'aB3dE5gH7jK9mN1pQ3sT5'
  expect(redact({ [`a.SG\\.${long}\\.${long}`]: 1, 'a\\.b': 2 })).toEqual({ 'a.[redacted]': 1, 'a\\.b': 2 })
})

test('a value that is a secret in one place is taken out of all others', () => {
  const source = { db: { password: 'correct-horse-7' }, pin: { password: 12_345_678 } }
  const { text, value } = redactor([source])
  expect(text('log in with correct-horse-7, please')).toBe('log in with [redacted], please')
  expect(value({ note: ['correct-horse-7'], 'correct-horse-7': 1, n: 12_345_678, m: 12_345 })).toEqual({
    note: ['[redacted]'],
    '[redacted]': 1,
    n: '[redacted]',
    m: 12_345,
  })
})

test('a token found in one text is taken out where its form alone would not show it', () => {
  const token = `ghp_${'a1'.repeat(18)}`
  const { text } = redactor([`use ${token}`])
  expect(text(`x${token}y`)).toBe('x[redacted]y')
})

test('an ordinary word that is somewhere a password stays a word elsewhere', () => {
  const { value } = redactor([{ password: 'production', secret: 'abc123' }])
  expect(value({ environment: 'production', x: 'abc123' })).toEqual({ environment: 'production', x: 'abc123' })
})

test.each(['<RealPassw0rd99>', '${RealPassw0rd99}', '{{RealPassw0rd99}}'])(
  '%s is a password in brackets',
  (password) => {
    expect(redact({ password })).toEqual({ password: '[redacted]' })
  },
)

test.each([
  '<your-api-key-1>',
  '${OPENAI_API_KEY_2}',
  '${apiKey}',
  '{{ secrets.openAi2 }}',
  '{{secrets.openAi2}}',
  '<|user|>',
])('%s refers to a password', (password) => expect(redact({ password })).toEqual({ password }))

test.each([
  ['without its line end', 'S3cretValue99\n', 'S3cretValue99'],
  ['in an address', 'S3cret Välue/99', 'S3cret%20V%C3%A4lue%2F99'],
  ['in an address, in small letters', 'S3cret Välue/99', 'S3cret%20V%c3%a4lue%2f99'],
  ['in a form', 'S3cret Value/99', 'S3cret+Value%2F99'],
  ['out of an address', 'S3cret%2FValue99', 'S3cret/Value99'],
  ['in base64', 'S3cret>>Value??9', 'UzNjcmV0Pj5WYWx1ZT8/OQ'],
  ['in the base64 of addresses', 'S3cret>>Value??9', 'UzNjcmV0Pj5WYWx1ZT8_OQ'],
  ['out of base64', 'UzNjcmV0VmFsdWU5OQ==', 'S3cretValue99'],
  ['in JSON', 'S3cret"Value\n99', 'S3cret\\"Value\\n99'],
])('a value is taken out %s, too', (_, password, elsewhere) => {
  const { text } = redactor([{ password }])
  expect(text(`(${elsewhere})`)).toBe('([redacted])')
})

test('a word is no secret with a line end either, and a percent sign may encode nothing', () => {
  const { text } = redactor([{ password: 'production\n', secret: '100%-S3cret', api_key: btoa('production') }])
  expect(text('production, 100%-S3cret')).toBe('production, [redacted]')
})

test('known values are taken out, whatever they look like', () => {
  const { text } = redactor([], ['a-token-without-a-form', ''])
  expect(text('it is a-token-without-a-form.')).toBe('it is [redacted].')
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
