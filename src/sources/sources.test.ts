import { describe, expect, test } from 'vitest'
import { badRequests } from '../../test/fixtures/bad-requests.ts'
import { oddRequests } from '../../test/fixtures/odd-requests.ts'
import type { HeaderList } from '../../test/fixtures/signed.ts'
import { refusalOf } from '../../test/refusal.ts'
import { AppError } from '../lib/error.ts'
import { readManual } from './manual.ts'
import type { Source } from './source.ts'
import { defineSource } from './source.ts'
import { sourcesFrom } from './sources.ts'

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
  if (path === '/webhook/manual') return readManual(body, headers)
  const source = sources.get(path === '/webhook' ? 'agenta' : path.slice('/webhook/'.length))
  if (source === undefined) throw new AppError('source_unknown')
  const envelope = source.open(headers)
  source.verify(envelope, body, keys.now)
  return source.normalise(envelope, body)
}

test.each(badRequests.filter(({ layer }) => layer === 'sources'))(
  'refused: $name',
  ({ path, headers, body, expect: wanted }) => {
    const bytes = body(keys)
    const error = refusalOf(() => receive(path, headers(keys, bytes), bytes))
    expect({ status: error?.status, code: error?.code }).toEqual(wanted)
    // The detail goes to the caller: it is short, and says nothing of the secret.
    expect(error?.detail.length).toBeLessThan(200)
    expect(error?.detail).not.toContain(keys.secret)
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
  // PostgreSQL's text does not take all of these, and a terminal or a page should not have to.
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
  const envelope = source!.open(kept)
  source!.verify(envelope, bytes, keys.now)
  expect(source!.normalise(envelope, bytes)).toEqual(source!.normalise(source!.open(sent), bytes))
})

test('the corpus is large, and no two of its requests are called the same', () => {
  expect(badRequests.length).toBeGreaterThanOrEqual(70)
  expect(new Set([...badRequests, ...oddRequests].map(({ name }) => name)).size).toBe(
    badRequests.length + oddRequests.length,
  )
})

test('kept headers contain no credential', () => {
  for (const source of sources.values()) {
    expect(source.keptHeaders).not.toContain('authorization')
    expect(source.keptHeaders.every((name) => name === name.toLowerCase())).toBe(true)
  }
})

/** A source of the configuration: whoever knows the word in `x-word` is who they are. */
const shop = defineSource({
  name: 'shop',
  secrets: ['a-word-of-more-than-20-characters'],
  keptHeaders: ['content-type'],
  open: (headers) => ({ word: headers.get('x-word') }),
  verify({ word }) {
    if (word !== shop.secrets[0]) throw new AppError('signature_invalid')
  },
  normalise: (_, rawBody) => ({ type: rawBody.toString(), deliveryId: 'd1', subject: null, actor: null, facts: {} }),
})

function configured(...others: unknown[]) {
  return sourcesFrom({ githubSecrets: [], agentaSecrets: [], others: others as Source[] })
}

function problem(...others: unknown[]): string {
  const error = refusalOf(() => configured(...others))
  expect(error?.code ?? 'config_invalid').toBe('config_invalid')
  return error?.detail ?? 'accepted'
}

describe('a source of the configuration', () => {
  test('stands beside GitHub and Agenta under its name', () => {
    expect([...configured(shop, { ...shop, name: 'bank-2' }).keys()]).toEqual(['github', 'agenta', 'shop', 'bank-2'])
  })

  test.each([
    ['push', 'shop.push'],
    ['environment.deployed', 'shop.environment.deployed'],
    ['job.completed', 'shop.job.completed'],
    ['order.paid', 'shop.order.paid'],
    ['shop.order.paid', 'shop.order.paid'],
    ['shop', 'shop.shop'],
    ['shopping.done', 'shop.shopping.done'],
  ])('that says %s is recorded as %s', (type, recorded) => {
    const normalise = () => ({ type, deliveryId: 'd1', subject: null, actor: null, facts: {} })
    const source = configured({ ...shop, normalise }).get('shop')
    expect(source?.normalise({}, Buffer.from(''))).toMatchObject({ type: recorded, deliveryId: 'd1' })
  })

  test('is closed while its secret is not set', () => {
    expect(configured({ ...shop, secrets: [''] }).get('shop')?.secrets).toEqual([])
    expect(configured({ ...shop, secrets: ['', ...shop.secrets] }).get('shop')?.secrets).toEqual(shop.secrets)
  })

  test('may be an object with methods of a class, with its own state', () => {
    class Counting {
      name = 'counting'
      secrets = shop.secrets
      keptHeaders = []
      #seen = 0
      open() {
        return {}
      }
      verify() {}
      normalise() {
        this.#seen += 1
        return { type: 'seen', deliveryId: `${this.#seen}`, subject: null, actor: null, facts: {} }
      }
    }
    const source = configured(new Counting()).get('counting')
    source?.normalise({}, Buffer.from(''))
    expect(source?.normalise({}, Buffer.from(''))).toMatchObject({ type: 'counting.seen', deliveryId: '2' })
  })

  test.each([
    ['no type', { type: undefined }, 'must return a type of 1 to 200 characters'],
    ['an endless type', { type: 'x'.repeat(1000) }, 'must return a type of 1 to 200 characters'],
    ['no delivery id', { deliveryId: undefined }, 'must return a deliveryId of 1 to 500 characters'],
    ['an empty delivery id', { deliveryId: '' }, 'must return a deliveryId of 1 to 500 characters'],
  ])('that returns %s fails as a bug of its own, not of the sender', (_, change, message) => {
    const whole = { type: 'a', deliveryId: 'd1', subject: null, actor: null, facts: {} }
    const source = configured({ ...shop, normalise: () => ({ ...whole, ...change }) }).get('shop')
    expect(() => source?.normalise({}, Buffer.from(''))).toThrow(TypeError)
    expect(() => source?.normalise({}, Buffer.from(''))).toThrow(message)
  })
})

describe('a wrong source is refused at the start, with the entry and the field', () => {
  test.each([
    [{}, 'sources[0] is not a source: create sources with standardWebhooks() or defineSource().'],
    [null, 'sources[0] is not a source'],
    [{ ...shop, name: undefined }, 'sources[0].name: must be a lower-case letter'],
    [{ ...shop, name: 'Shop' }, 'sources[0].name: must be'],
    [{ ...shop, name: 'a/b' }, 'sources[0].name: must be'],
    [{ ...shop, name: '' }, 'sources[0].name: must be'],
    [{ ...shop, secrets: 'a-word-of-more-than-20-characters' }, 'sources[0].secrets: must be a list of texts'],
    [
      { ...shop, secrets: [...shop.secrets, 'short'] },
      'sources[0].secrets[1]: must have at least 20 characters; "signalbox secret generate" creates one (source "shop").',
    ],
    [{ ...shop, keptHeaders: undefined }, 'sources[0].keptHeaders: must be a list of names of headers in lower case'],
    [{ ...shop, keptHeaders: ['X-Id'] }, 'sources[0].keptHeaders: must be a list of names of headers in lower case'],
    [{ ...shop, keptHeaders: ['authorization'] }, 'sources[0].keptHeaders: must not name authorization'],
    [{ ...shop, open: undefined }, 'sources[0].open: must be a function (source "shop").'],
    [{ ...shop, verify: 'yes' }, 'sources[0].verify: must be a function (source "shop").'],
    [{ ...shop, normalise: undefined }, 'sources[0].normalise: must be a function (source "shop").'],
  ])('%#', (source, message) => {
    expect(problem(source)).toContain(message)
  })

  test.each(['github', 'agenta', 'manual', 'signalbox', 'deployments', 'environment', 'job', 'push', 'issues', 'ping'])(
    'the name %s belongs to other events',
    (name) => {
      expect(problem({ ...shop, name })).toContain(`sources[0].name: "${name}" is taken`)
    },
  )

  test('two of one name are', () => {
    expect(problem(shop, { ...shop })).toContain('sources[1].name: "shop" is taken')
  })

  test('no secret shows in the message', () => {
    expect(problem({ ...shop, secrets: ['0123456789'] })).not.toContain('0123456789')
  })
})
