import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../../test/refusal.ts'
import { EVENT_TYPES } from '../../catalogue/catalogue.ts'
import { testEvent } from '../../catalogue/test-event.ts'
import { eventPayload } from '../../events/payload.ts'
import type { EnvelopeEvent } from '../envelope.ts'
import { envelopeOf } from '../envelope.ts'
import { EVENT_ID, endpoint, event, ownEvent } from '../fixtures/to-prepare.ts'
import type { Markup } from './message.ts'
import { messageOf, readTemplates } from './message.ts'

const markup: Markup = { maxChars: 3000, escape: (text) => text, title: (line) => `# ${line}` }

function message(
  about: EnvelopeEvent,
  {
    templates = {},
    publicUrl,
    as = markup,
  }: { templates?: Record<string, string>; publicUrl?: string; as?: Markup } = {},
) {
  const envelope = envelopeOf(about, eventPayload)
  if (envelope === null) throw new Error('there is nothing to say')
  const to = endpoint('email', { settings: { to: ['a@example.com'] } }, { templates })
  const at = new Date(0)
  return messageOf(
    { endpoint: to, id: 'd', eventId: EVENT_ID, event: about, envelope, at, version: '0', publicUrl },
    as,
  )
}

describe('the message of an event', () => {
  const pull = { html_url: 'https://github.com/acme/shop/pull/7', title: 'Add a cart' }
  it.each([
    [
      event({
        compare: 'https://github.com/acme/shop/compare/a...b',
        head_commit: { message: 'Fix the cart\n\nlong' },
      }),
      '# octocat pushed to acme/shop@main\nFix the cart\nhttps://github.com/acme/shop/compare/a...b',
    ],
    [
      event({ action: 'opened', pull_request: pull }, { type: 'pull_request.opened', subject: 'acme/shop#7' }),
      '# Pull request acme/shop#7 opened by octocat\nAdd a cart\nhttps://github.com/acme/shop/pull/7',
    ],
    [
      event({ action: 'labeled', issue: { title: 'A bug' } }, { type: 'issues.labeled', subject: 'acme/shop#8' }),
      '# Issue acme/shop#8 labeled by octocat\nA bug',
    ],
    [
      event(
        { action: 'published', release: { tag_name: 'v1' } },
        { type: 'release.published', subject: 'acme/shop@v1' },
      ),
      '# Release v1 published\nacme/shop@v1',
    ],
    [
      ownEvent('job.completed', {
        agent: 'deploy',
        result: { message: 'Deployed v1 to @here', url: 'https://shop.example' },
      }),
      '# ✅ Deployed v1 to ＠here\nhttps://shop.example',
    ],
    [
      ownEvent('job.completed', { agent: 'deploy', result: { message: 'v1 was not deployed', refused: true } }),
      '# 🚫 v1 was not deployed',
    ],
    [
      ownEvent('job.failed', { agent: 'deploy', subject: 'acme/shop@v1', error: 'Deployment of v1 failed' }),
      '# ❌ Deployment of v1 failed\nacme/shop@v1',
    ],
    [
      ownEvent('endpoint.disabled', {
        endpoint_name: 'shop',
        url: 'https://a.example',
        failing_since: '2026-01-01T00:00:00Z',
      }),
      '# ⛔ The endpoint shop was disabled\nAddress: https://a.example\nFailing since: 2026-01-01T00:00:00Z',
    ],
    [
      ownEvent('endpoint.recovered', { endpoint_name: 'shop', failing_since: '2026-01-01T00:00:00Z' }),
      '# ✅ The endpoint shop works again\nHad failed since: 2026-01-01T00:00:00Z',
    ],
    [
      ownEvent('delivery.exhausted', { endpoint_name: 'shop', event_type: 'push', attempts: 10, error: 'http_500' }),
      '# ⚠️ push could not be delivered to shop\nAttempts: 10\nLast error: http_500',
    ],
    [event({}, { type: 'star.created', subject: 'acme/shop' }), '# star.created\nacme/shop\noctocat'],
  ])('is short, and has a title: %#', (about, text) => {
    expect(message(about)).toBe(text)
  })

  it.each(EVENT_TYPES.map(({ type }) => type))('says something of every known type: %s', (type) => {
    const draft = testEvent(type, { endpoint: { id: 'e' }, now: new Date(0) })
    const about = event({}, { ...draft, body: Buffer.from(draft.body ?? []), payload: null })
    const [title = '', ...others] = message(about).split('\n')
    expect(title).toMatch(/^# .*[A-Za-z]{3}/)
    expect([title, ...others].join('\n')).not.toMatch(/\{\{|undefined|null|\[object|: ?$|, ?$/m)
  })

  it('has a link to Signalbox, where its address is known', () => {
    const publicUrl = 'https://box.example.com/'
    const link = (about: EnvelopeEvent) => message(about, { templates: { '*': '{{link}}' }, publicUrl })
    expect(link(event({}))).toBe(`https://box.example.com/api/events/${EVENT_ID}`)
    expect(link(ownEvent('job.failed', { job_id: 'j1' }))).toBe('https://box.example.com/api/jobs/j1')
    expect(link(event({ compare: 'javascript:alert(1)' }))).toBe(`https://box.example.com/api/events/${EVENT_ID}`)
    expect(link(event({ issue: { html_url: 'https://evil.example' } }, { source: 'shop' }))).toContain(
      'box.example.com',
    )
  })

  it('is the endpoint’s own: of exactly this type, else of the first glob', () => {
    const templates = { 'pu*': 'glob', push: 'exact {{data.actor}}', '*': 'all' }
    expect(message(event({}), { templates })).toBe('exact octocat')
    expect(message(event({}, { type: 'pull_request.opened' }), { templates })).toBe('glob')
    expect(message(event({}, { type: 'issues.opened' }), { templates })).toBe('all')
  })

  it('keeps names when an event is very large', () => {
    const about = event({
      commits: Array.from({ length: 20_000 }, (_, i) => ({ message: `commit ${i}` })),
      after: 'abc',
    })
    expect(message(about, { templates: { '*': '{{data.actor}} {{data.payload.after}}' } })).toBe('octocat abc')
  })
})

it('fits into its destination, whatever template and event say', () => {
  const piece = fc.constantFrom(
    '{{data.payload.a}}',
    '{{data.payload.d | changes}}',
    '{{data.actor}}',
    '\n',
    'text',
    ' ',
  )
  const value = fc
    .array(fc.constantFrom('"', '&', '](', '@a', 'x\n', '\u200b'))
    .map((parts) => parts.join('').repeat(300))
  const limits: Markup = { ...markup, escape: (text) => text.replaceAll(/["&]/g, '&quot;') }
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), value, (pieces, a) => {
      const template = pieces.join('').slice(0, 1500)
      if (refusalOf(() => readTemplates({ '*': template })) !== undefined) return
      const d = { added: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${a.slice(0, 50)}${i}`, a])) }
      const about = event({ a, d }, { actor: a })
      const text = message(about, { templates: { '*': template }, as: limits })
      expect(text.length).toBeLessThanOrEqual(limits.maxChars)
    }),
    { numRuns: 40 },
  )
})

describe('the messages of an endpoint', () => {
  it.each([
    [{ 'job.*': '{{data.job_type' }, 'templates."job.*": must close every "{{" with "}}" on the same line'],
    [{ '': 'x' }, 'templates."": must be under a type of event, or a glob'],
    [{ push: ' ' }, 'templates."push": must not be empty'],
    [{ push: 'x'.repeat(1501) }, 'templates."push": must have at most 1500 characters'],
    [
      Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`t${i}`, 'x'])),
      'templates: must have at most 50 entries',
    ],
  ])('are refused: %#', (templates, detail) => {
    expect(refusalOf(() => readTemplates(templates))).toMatchObject({ code: 'input_invalid', detail })
  })

  it('are taken as they are', () => {
    expect(refusalOf(() => readTemplates({ push: '{{data.actor}}', '*': 'x' }))).toBeUndefined()
  })
})
