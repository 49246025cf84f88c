// Every variable is validated at the start, and a wrong one is named with what is wrong with it.
import { MIN_SECRET_CHARS } from '@signalbox/sdk/scheme'
import { describe, expect, test } from 'vitest'
import { refusalOf } from '../../test/refusal.ts'
import { readEnvironment, unusedVariables, VARIABLE_NAMES } from './environment.ts'
import { NO_PROXIES } from './trusted-proxies.ts'

const SECRET = 's'.repeat(MIN_SECRET_CHARS)
const SIGNING_KEY = `whsk_${'A'.repeat(43)}=`

function detailOf(env: Record<string, string>): string {
  const error = refusalOf(() => readEnvironment(env))
  expect(error?.code).toBe('config_invalid')
  return error?.detail ?? ''
}

describe('an environment without any variable', () => {
  const defaults = {
    SIGNALBOX_DATA_DIR: '.signalbox',
    PORT: 8000,
    TRUST_PROXY: NO_PROXIES,
    RATE_LIMIT_REFUSED: 60,
    RATE_LIMIT_SOURCE: 60_000,
    RATE_LIMIT_API: 6_000,
    MAX_CONNECTIONS: 2_000,
    MAX_CONNECTIONS_PER_CLIENT: 1_000,
    MAX_BODIES_MB: 256,
    SIGNALBOX_ENCRYPTION_KEY: [],
    SIGNALBOX_ISOLATION: 'auto',
    SIGNALBOX_SIGNING_KEY: [],
    GITHUB_WEBHOOK_SECRET: [],
    AGENTA_WEBHOOK_SECRET: [],
    GITHUB_API_URL: 'https://api.github.com',
    GITHUB_GAPS_INTERVAL_SECONDS: 300,
    ORCHESTRATOR_LOG_LEVEL: 'INFO',
    TICK_INTERVAL_SECONDS: 60,
    RETENTION_DAYS: 180,
    RETENTION_BODIES_DAYS: 30,
    GIT_SYNC_ENABLED: true,
    GIT_MIRRORS_MAX_MB: 10_000,
    MAX_CONCURRENT_JOBS: 3,
    METRICS_HOST: '127.0.0.1',
    AGENT_MEMORY_MB: 512,
    SIGNALBOX_ALLOW_HOSTS: [],
  }

  test('has the documented defaults, and no secret', () => {
    expect(readEnvironment({})).toEqual(defaults)
  })

  test('is what empty and blank variables are too', () => {
    const blank = Object.fromEntries(VARIABLE_NAMES.map((name, i) => [name, i % 2 === 0 ? '' : ' \t']))
    expect(readEnvironment(blank)).toEqual(defaults)
  })

  test('is what the variables of other programs are too', () => {
    expect(readEnvironment({ HOME: '/root', port: '1', SIGNALBOX_TYPO: 'x' })).toEqual(defaults)
  })
})

describe('a variable', () => {
  test.each([
    ['DATABASE_URL', 'postgresql://u:p@db/x', 'postgresql://u:p@db/x'],
    ['DATABASE_URL', 'postgres://db', 'postgres://db'],
    ['HOST', '::1', '::1'],
    ['PORT', '0', 0],
    ['PORT', '65535', 65_535],
    ['PORT', ' 8080 ', 8080],
    ['SIGNALBOX_API_TOKEN', SECRET, SECRET],
    ['SIGNALBOX_SIGNING_KEY', `${SIGNING_KEY}, ${SIGNING_KEY}`, [SIGNING_KEY, SIGNING_KEY]],
    ['GITHUB_WEBHOOK_SECRET', SECRET, [SECRET]],
    ['AGENTA_WEBHOOK_SECRET', `${SECRET}1, ${SECRET}2`, [`${SECRET}1`, `${SECRET}2`]],
    ['GITHUB_REPO', 'acme-1/my.shop_2', 'acme-1/my.shop_2'],
    ['GITHUB_APP_PRIVATE_KEY', '-----BEGIN\\nkey\\n', '-----BEGIN\nkey\n'],
    ['ORCHESTRATOR_LOG_LEVEL', 'debug', 'DEBUG'],
    ['TICK_INTERVAL_SECONDS', '3600', 3600],
    ['GIT_SYNC_ENABLED', 'false', false],
    ['GIT_SYNC_ENABLED', '0', false],
    ['GIT_SYNC_ENABLED', 'True', true],
    ['GIT_SYNC_ENABLED', '1', true],
    ['MAX_CONCURRENT_JOBS', '1000', 1000],
    ['AGENT_MEMORY_MB', '32', 32],
    ['RETENTION_JOBS_DAYS', '0', 0],
    ['RETENTION_MAX_GB', '20', 20],
    ['SIGNALBOX_ALLOW_HOSTS', 'handler:3000, 10.0.0.0/8', ['handler:3000', '10.0.0.0/8']],
    ['HTTPS_PROXY', 'http://me:secret@proxy:3128', 'http://me:secret@proxy:3128'],
    ['HTTP_PROXY', 'proxy:3128', 'http://proxy:3128'],
    ['NO_PROXY', 'localhost,.internal', 'localhost,.internal'],
    ['SIGNALBOX_URL', 'http://127.0.0.1:8000', 'http://127.0.0.1:8000'],
  ])('%s may be %j', (name, value, read) => {
    expect(readEnvironment({ [name]: value })).toHaveProperty(name, read)
  })

  test.each([
    ['DATABASE_URL', 'mysql://db/x', 'must start with postgres:// or postgresql://'],
    ['DATABASE_URL', 'db.example.com/x', 'must start with postgres:// or postgresql://'],
    ['PORT', '65536', 'must be from 0 to 65535'],
    ['PORT', '-1', 'must be a whole number'],
    ['PORT', '8e3', 'must be a whole number'],
    ['SIGNALBOX_URL', 'localhost', 'must be an address that begins with http:// or https://'],
    ['SIGNALBOX_PUBLIC_URL', 'example.com', 'must be an address that begins with http:// or https://'],
    ['GITHUB_API_URL', 'not a url', 'must be an address that begins with http:// or https://'],
    ['SIGNALBOX_API_TOKEN', 'short', `must be at least ${MIN_SECRET_CHARS} characters`],
    ['SIGNALBOX_SIGNING_KEY', SECRET, 'must be whsk_ and base64 of 32 or 64 bytes'],
    ['SIGNALBOX_SIGNING_KEY', `${SIGNING_KEY},whpk_AAAA`, 'must be whsk_ and base64 of 32 or 64 bytes'],
    ['GITHUB_WEBHOOK_SECRET', SECRET.slice(1), `must be at least ${MIN_SECRET_CHARS} characters`],
    ['AGENTA_WEBHOOK_SECRET', `${SECRET},short`, `must be at least ${MIN_SECRET_CHARS} characters`],
    ['SIGNALBOX_ENCRYPTION_KEY', `${'A'.repeat(42)}=`, 'must be base64 of 32 bytes'],
    ['SIGNALBOX_ENCRYPTION_KEY', `${'A'.repeat(43)}=,${'A'.repeat(44)}`, 'must be base64 of 32 bytes'],
    ['AGENTA_WEBHOOK_SECRET', `${SECRET},`, `must be at least ${MIN_SECRET_CHARS} characters`],
    ['GITHUB_REPO', 'shop', 'write owner/name'],
    ['GITHUB_REPO', 'acme.inc/shop', 'write owner/name'],
    ['GITHUB_REPO', '../..', 'write owner/name'],
    ['GITHUB_REPO', 'https://github.com/acme/shop', 'write owner/name'],
    ['TICK_INTERVAL_SECONDS', '0', 'must be from 1 to 3600'],
    ['MAX_CONCURRENT_JOBS', '1001', 'must be from 1 to 1000'],
    ['SIGNALBOX_ALLOW_HOSTS', 'handler,http://other', 'must be a host'],
    ['HTTPS_PROXY', 'socks5://proxy:1080', 'must be an address that begins with http:// or https://'],
    ['AGENT_MEMORY_MB', '31', 'must be from 32 to 1000000'],
    ['MAX_CONCURRENT_JOBS', 'three', 'must be a whole number'],
  ])('%s may not be %j', (name, value, problem) => {
    expect(detailOf({ [name]: value })).toMatch(new RegExp(`^${name}(\\.\\d)?: ${problem}`))
  })

  test.each(['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'])('%s may be in small letters, which win', (name) => {
    const small = { [name.toLowerCase()]: 'http://small' }
    expect(readEnvironment(small)).toHaveProperty(name, 'http://small')
    expect(readEnvironment({ ...small, [name]: 'http://capital' })).toHaveProperty(name, 'http://small')
    expect(readEnvironment({ [name.toLowerCase()]: ' ', [name]: 'http://capital' })).toHaveProperty(
      name,
      'http://capital',
    )
  })

  test.each([
    ['ORCHESTRATOR_LOG_LEVEL', 'TRACE', ['DEBUG', 'INFO', 'WARNING', 'ERROR']],
    ['GIT_SYNC_ENABLED', 'yes', ['true', 'false', '1', '0']],
  ])('%s may be one of its values only, and the error lists them', (name, value, values) => {
    const detail = detailOf({ [name]: value })
    expect(detail).toMatch(new RegExp(`^${name}: `))
    for (const one of values) expect(detail).toContain(`"${one}"`)
  })
})

describe('the error', () => {
  test('names every wrong variable at once, and each problem once', () => {
    const detail = detailOf({ PORT: 'x', GITHUB_REPO: 'x', GITHUB_WEBHOOK_SECRET: `a,${SECRET},b` })
    for (const place of ['PORT', 'GITHUB_REPO', 'GITHUB_WEBHOOK_SECRET.0', 'GITHUB_WEBHOOK_SECRET.2']) {
      expect(detail.split(`${place}: `)).toHaveLength(2)
    }
    expect(detail).not.toContain('GITHUB_WEBHOOK_SECRET.1')
  })

  test('never repeats a secret', () => {
    expect(detailOf({ SIGNALBOX_API_TOKEN: 'hunter2', GITHUB_WEBHOOK_SECRET: 'hunter2' })).not.toContain('hunter2')
  })

  test('of a short secret says how to make a good one', () => {
    expect(detailOf({ SIGNALBOX_API_TOKEN: 'short' })).toContain('signalbox secret generate')
  })

  test('of SUPABASE_URL alone says which connection string to copy', () => {
    expect(detailOf({ SUPABASE_URL: 'https://x.supabase.co' })).toContain('set it as DATABASE_URL')
    const both = { SUPABASE_URL: 'https://x.supabase.co', DATABASE_URL: 'postgres://db' }
    expect(readEnvironment(both)).toMatchObject(both)
  })
})

describe('the mail server', () => {
  const SMTP_URL = 'smtp://me:p%40ss@mail.example.com:587'

  test.each(['box@example.com', 'Signalbox <box@example.com>', 'Grüße aus dem Büro <box+1@example.com>'])(
    'sends mails from %s',
    (SMTP_FROM) => {
      expect(readEnvironment({ SMTP_URL, SMTP_FROM })).toMatchObject({ SMTP_URL, SMTP_FROM })
    },
  )

  test.each([
    [{ SMTP_URL }, 'SMTP_URL: is set and SMTP_FROM is not: set it to the address that mails are from'],
    [{ SMTP_URL: 'mail.example.com' }, 'SMTP_URL: must be an address that begins with smtp:// or smtps://'],
    [{ SMTP_FROM: 'Signalbox' }, 'SMTP_FROM: must be an address of mail, or "Name <address>"'],
    [
      { SMTP_FROM: 'a@b.example\r\nBcc: x <c@d.example>' },
      'SMTP_FROM: must be an address of mail, or "Name <address>"',
    ],
  ])('%j is refused', (variables, detail) => {
    expect(detailOf(variables)).toContain(detail)
  })
})

test('variables of other programs that mean nothing here are named, with what to set instead', () => {
  const unused = (env: Record<string, string>) => unusedVariables(readEnvironment(env))
  expect(unused({})).toEqual([])
  expect(unused({ SUPABASE_KEY: 'x' })).toEqual([
    expect.stringMatching(/^SUPABASE_KEY is set and not used: .*set DATABASE_URL instead\.$/),
  ])
  const both = { DATABASE_URL: 'postgres://db', SUPABASE_URL: 'https://x.supabase.co', SUPABASE_KEY: 'x' }
  expect(unused(both)).toEqual([
    expect.stringMatching(/^SUPABASE_URL .*remove it\.$/),
    expect.stringMatching(/^SUPABASE_KEY .*remove it\.$/),
  ])
})

test('TRUST_PROXY that is neither a number nor a list of addresses is named', () => {
  expect(detailOf({ TRUST_PROXY: 'everybody' })).toBe(
    'TRUST_PROXY: must be how many proxies there are, or a list of their addresses, such as loopback,10.0.0.0/8',
  )
})
