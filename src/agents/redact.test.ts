import { expect, test } from 'vitest'
import { isSecretName, redact, redactText } from './redact.ts'

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
])('%s names no secret', (name) => expect(isSecretName(name, 'x')).toBe(false))

test('a number under a token-like name is a setting, under a password it is a password', () => {
  expect(redact({ cache_key: 5, password: 12_345 })).toEqual({ cache_key: 5, password: '[redacted]' })
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
  for (const piece of ['-----BEGIN PRIVATE KEY-----', 'eyJaaaaaaaaa.', 'a://b:', 'Bearer ', 'sk-', 'a'])
    redactText(piece.repeat(1_000_000 / piece.length))
  expect(performance.now() - started).toBeLessThan(5000)
})
