import { expect, test } from 'vitest'
import { readEnvironment } from '../lib/environment.ts'
import { ownSecrets } from './own-secrets.ts'

test('tokens, webhook secrets, keys, the passwords of the database and the mail server, and the secrets of sources and agents are known', () => {
  const environment = readEnvironment({
    DATABASE_URL: 'postgres://me:p%40ss-word-1@db/x',
    GITHUB_TOKEN: 'a-token-1',
    GITHUB_WEBHOOK_SECRET: 'webhook-secret-number-1,webhook-secret-number-2',
    SIGNALBOX_API_TOKEN: 'an-api-token-of-enough-characters-1',
    SIGNALBOX_ENCRYPTION_KEY: `${'k'.repeat(43)}=,${'l'.repeat(43)}=`,
    SIGNALBOX_SIGNING_KEY: `whsk_${'A'.repeat(43)}=`,
    GITHUB_APP_PRIVATE_KEY: 'line 1\\nline 2',
    GITHUB_REPO: 'acme/shop',
    HTTPS_PROXY: 'http://me:proxy-password-1@proxy:3128',
    SMTP_URL: 'smtps://me:smtp-word-1@mail.example.com',
    SMTP_FROM: 'box@example.com',
  })
  const secrets = ownSecrets(
    environment,
    {
      sources: new Map([['x', { secrets: ['source-secret-1'] }]]),
      models: { secrets: ['key-of-a-model-1'] },
      agents: new Map([['a', { env: ['MODEL_API_KEY', 'EDITOR', 'OTHER_TOKEN'] }]]),
    },
    { MODEL_API_KEY: 'model-key-1', EDITOR: 'no-secret-of-it-1', OPENAI_API_KEY: 'not-passed-on-1' },
  )
  expect(new Set(secrets)).toEqual(
    new Set([
      'a-token-1',
      'webhook-secret-number-1',
      'webhook-secret-number-2',
      'an-api-token-of-enough-characters-1',
      `${'k'.repeat(43)}=`,
      `${'l'.repeat(43)}=`,
      `whsk_${'A'.repeat(43)}=`,
      'line 1\nline 2',
      'line 1',
      'line 2',
      'p%40ss-word-1',
      'p@ss-word-1',
      'proxy-password-1',
      'smtp-word-1',
      'source-secret-1',
      'model-key-1',
      'key-of-a-model-1',
    ]),
  )
})

test('a password that is an ordinary word is not looked for', () => {
  const parts = { sources: new Map(), agents: new Map(), models: { secrets: [] } }
  expect(ownSecrets(readEnvironment({ DATABASE_URL: 'postgres://postgres:postgres@db/x' }), parts)).toEqual([])
})

test('the keys in the headers of spans are known, and what else these say is not', () => {
  const parts = { sources: new Map(), agents: new Map(), models: { secrets: [] } }
  const secrets = ownSecrets(readEnvironment({}), parts, {
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20key%2Bnumber-1, dd-protocol=otlp-1',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'dd-api-key=0123456789abcdef,x-sentry-auth=sentry sentry_key=abcdef0123456789',
  })
  expect(secrets).toEqual(expect.arrayContaining(['key+number-1', '0123456789abcdef', 'sentry_key=abcdef0123456789']))
  expect(secrets).not.toContain('otlp-1')
  expect(secrets).not.toContain('sentry')
})
