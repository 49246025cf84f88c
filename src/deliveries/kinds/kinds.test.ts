import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../../test/refusal.ts'
import { SLACK_PATH } from '../fixtures/fake-slack.ts'
import { BOT_TOKEN } from '../fixtures/fake-telegram.ts'
import type { Given } from '../fixtures/to-prepare.ts'
import { endpoint, event, prepare, readTarget } from '../fixtures/to-prepare.ts'
import type { KindName } from './kind.ts'
import { KIND_NAMES } from './kind.ts'
import { targetReader } from './kinds.ts'

const GIVEN: Record<KindName, Given> = {
  webhook: { url: 'https://example.com/hook' },
  slack: { url: `https://hooks.slack.com${SLACK_PATH}` },
  telegram: { url: 'http://localhost:8081/', settings: { chat_id: 12345 }, credential: BOT_TOKEN },
  email: { settings: { to: ['a@example.com', 'b@example.com'] } },
  'github-dispatch': { settings: { repository: 'github:acme/shop' } },
}

describe.each(KIND_NAMES)('the kind %s', (kind) => {
  it('takes what it stores, so that an endpoint can be changed', () => {
    const stored = readTarget(kind, GIVEN[kind])
    expect(readTarget(kind, { ...stored, credential: stored.credential ?? undefined } as Given)).toEqual(stored)
  })

  it('shows an address that names can be made of, and nothing secret in it', () => {
    const { url, settings } = readTarget(kind, GIVEN[kind])
    expect(URL.canParse(url)).toBe(true)
    expect(JSON.stringify([url, settings])).not.toMatch(new RegExp(`${BOT_TOKEN}|${SLACK_PATH}`))
  })

  it('prepares the same for the same event every time', () => {
    const to = endpoint(kind, GIVEN[kind], { secrets: ['my_webhook_secret_key'] })
    expect(prepare(to, event({ ref: 'x' }))).toEqual(prepare(structuredClone(to), event({ ref: 'x' })))
    expect(prepare(to, event({ ref: 'x' })).by).not.toBe('nothing')
  })
})

it('a mail is refused where there is no SMTP server, saying how to name one', () => {
  const mail = { kind: 'email' as const, settings: { to: ['ops@example.com'] }, credential: null, templates: {} }
  expect(targetReader()(mail).url).toBe('mailto:ops@example.com')
  const detail = refusalOf(() => targetReader(undefined, { hasMailer: false })(mail))?.detail
  expect(detail).toMatch(/^kind: mails are sent through an SMTP server; set SMTP_URL/)
})

it('the addresses of webhooks, Slack and Telegram must be such that deliveries may reach', () => {
  const asked = { settings: {}, credential: null, templates: {} }
  const detail = (kind: KindName, more: object) => refusalOf(() => targetReader()({ ...asked, kind, ...more }))?.detail
  expect(detail('webhook', { url: 'https://10.0.0.1/hook' })).toMatch(/^url: /)
  expect(detail('slack', { credential: 'https://10.0.0.1/services/x' })).toMatch(/^credential: /)
  const telegram = { url: 'https://10.0.0.1', settings: { chat_id: 1 }, credential: BOT_TOKEN }
  expect(detail('telegram', telegram)).toMatch(/^url: /)
  expect(detail('telegram', { ...telegram, url: undefined })).toBeUndefined()
})
