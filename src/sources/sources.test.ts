import { expect, test } from 'vitest'
import { badRequests } from '../../test/fixtures/bad-requests.ts'
import { oddRequests } from '../../test/fixtures/odd-requests.ts'
import type { HeaderList } from '../../test/fixtures/signed.ts'
import { AppError } from '../lib/error.ts'
import { normaliseManual } from './manual.ts'
import { sourcesFrom } from './sources.ts'
import { standardWebhooks } from './standard-webhooks/standard-webhooks.ts'

const keys = {
  secret: 'my_webhook_secret_key_of_40_characters!!',
  token: 'token',
  now: new Date('2026-01-01T00:00:00Z'),
}
const sources = sourcesFrom({ githubSecrets: [keys.secret], agentaSecrets: [keys.secret] })

/** What the receiving route does with a request, without the route. */
function receive(path: string, list: HeaderList, body: Buffer) {
  const headers = new Headers()
  for (const [name, value] of list) headers.append(name, value)
  if (path === '/webhook/manual') return normaliseManual(body, headers)
  const source = sources.get(path === '/webhook' ? 'agenta' : path.slice('/webhook/'.length))
  if (source === undefined) throw new AppError('source_unknown')
  source.checkHeaders(headers)
  source.verify(body, headers, keys.now)
  return source.normalise(body, headers)
}

test.each(badRequests.filter(({ room }) => room === 'sources'))(
  'refused: $name',
  ({ path, headers, body, expect: wanted }) => {
    const bytes = body(keys)
    try {
      receive(path, headers(keys, bytes), bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(AppError)
      expect({ status: (error as AppError).status, code: (error as AppError).code }).toEqual(wanted)
      // The detail goes to the caller: it is short, and says nothing of the secret.
      expect((error as AppError).detail.length).toBeLessThan(200)
      expect((error as AppError).detail).not.toContain(keys.secret)
      return
    }
    throw new Error('it was accepted')
  },
)

test.each(oddRequests)('accepted: $name', ({ path, headers, body, type }) => {
  const bytes = body()
  const read = receive(path, headers(keys, bytes), bytes)
  expect(read.type).toBe(type)
  const texts = [
    read.type,
    read.deliveryId,
    read.subject ?? '',
    read.actor ?? '',
    ...Object.values(read.facts).flat().map(String),
  ]
  // Neither PostgreSQL's text nor its jsonb takes these, and a terminal or a page should not have
  // to.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  for (const text of texts) expect(text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text)).toBe(true)
  // 2,704 bytes is what a PostgreSQL index takes.
  for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThan(2704)
})

test.each(oddRequests)('read again from what is kept, the same: $name', ({ path, headers, body }) => {
  const source = sources.get(path.slice('/webhook/'.length))
  const bytes = body()
  const sent = new Headers(headers(keys, bytes))
  const kept = new Headers(source!.keptHeaders.flatMap((name) => (sent.has(name) ? [[name, sent.get(name)!]] : [])))
  source!.verify(bytes, kept, keys.now)
  expect(source!.normalise(bytes, kept)).toEqual(source!.normalise(bytes, sent))
})

test('the corpus is large, and no two of its requests are called the same', () => {
  expect(badRequests.length).toBeGreaterThanOrEqual(70)
  expect(new Set([...badRequests, ...oddRequests].map(({ name }) => name)).size).toBe(
    badRequests.length + oddRequests.length,
  )
})

test('kept headers hold no credential', () => {
  for (const source of sources.values()) {
    expect(source.keptHeaders).not.toContain('authorization')
    expect(source.keptHeaders.every((name) => name === name.toLowerCase())).toBe(true)
  }
})

test('names are unique, fit for a path, and not taken', () => {
  const called = (...names: string[]) =>
    sourcesFrom({
      githubSecrets: [],
      agentaSecrets: [],
      others: names.map((name) => standardWebhooks({ name, secrets: [] })),
    })
  expect([...called('shop').keys()]).toEqual(['github', 'agenta', 'shop'])
  for (const names of [['github'], ['manual'], ['signalbox'], ['a/b'], [''], ['Shop'], ['x', 'x']]) {
    expect(() => called(...names)).toThrow(AppError)
  }
})

test('a short secret and what is no source are refused by name', () => {
  const others = (source: object) => () =>
    sourcesFrom({ githubSecrets: [], agentaSecrets: [], others: [source as ReturnType<typeof standardWebhooks>] })
  expect(others(standardWebhooks({ name: 'shop', secrets: ['short'] }))).toThrow(/"shop" has fewer than 20 characters/)
  expect(others({ name: 'shop', secrets: [keys.secret] })).toThrow(/"shop" is not one/)
  expect(others({})).toThrow(AppError)
})
