import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../test/refusal.ts'
import { targetReader } from '../deliveries/kinds/kinds.ts'
import { addressGuard } from '../lib/address-guard.ts'
import { generateSecret, readEndpointConfigs, readEndpointRequest } from './endpoint.ts'

const url = 'https://example.com/hook'
const secret = 'my_webhook_secret_key'
const http = 'must be https:, or its host be named in SIGNALBOX_ALLOW_HOSTS'

function refusal(run: () => unknown): string {
  const error = refusalOf(run)
  return error ? `${error.code} ${error.detail}` : 'accepted'
}

describe('a request for an endpoint', () => {
  it('defaults to production deployments, under the name of the host', () => {
    expect(readEndpointRequest({ url })).toEqual({
      name: 'example.com',
      kind: 'webhook',
      url,
      settings: {},
      credential: null,
      secrets: [],
      headers: {},
      events: ['environment.deployed'],
      projects: null,
      environments: ['production'],
      apps: null,
      conditions: null,
      format: 'envelope',
      signatures: ['standard', 'agenta'],
      ordering: 'parallel',
      schedule: null,
      rate_per_second: null,
      concurrency: null,
      templates: {},
      status: 'active',
    })
  })

  it('has messages that can be sent', () => {
    const asked = { kind: 'email', settings: { to: ['a@example.com'] } }
    const read = (templates: object) => () =>
      readEndpointRequest({ ...asked, templates }, { readTarget: targetReader() })
    expect(refusal(read({ push: '{{event}}' }))).toBe('accepted')
    expect(refusal(read({ '!': 'x' }))).toContain('templates."!": must be under a type of event')
    expect(refusal(read({ push: 'x'.repeat(1501) }))).toContain('templates."push": must have at most 1500 characters')
  })

  it('takes one secret, several, or both, each once', () => {
    const [a, b] = [generateSecret(), generateSecret()]
    expect(readEndpointRequest({ url, secret: a, secrets: [b, a] }).secrets).toEqual([a, b])
  })

  it('has a URL that deliveries may reach', () => {
    const handler = { url: 'http://handler:3000/' }
    expect(refusal(() => readEndpointRequest(handler))).toBe(`input_invalid url: ${http}`)
    expect(
      readEndpointRequest(handler, {
        readTarget: targetReader(addressGuard(['handler:3000'])),
      }),
    ).toMatchObject(handler)
    expect(refusal(() => readEndpointRequest({ url: 'https://example.com:8443/a?b=c' }))).toBe('accepted')
  })

  it.each([
    ['http://example.com/', http],
    ['https://10.0.0.1/', 'must lead to a public address, or to a host named in SIGNALBOX_ALLOW_HOSTS'],
    ['https://user:password@example.com/', 'must not hold a user name or password'],
    ['https://user@example.com/', 'must not hold a user name or password'],
    ['ftp://example.com/', 'must be https:'],
    ['javascript:alert(1)', 'must be https:'],
    ['example.com', 'is not a URL'],
    ['', 'is not a URL'],
  ])('refuses %s', (address, detail) => {
    expect(refusal(() => readEndpointRequest({ url: address }))).toBe(`input_invalid url: ${detail}`)
  })

  it.each([
    ['short'],
    ['whsec_'],
    ['whsec_dG9vIHNob3J0'],
    ['whsec_not base64 at all, not at all!'],
    [`whsec_${'A'.repeat(100)}`],
    [`whpk_${'A'.repeat(44)}`],
    ['a secret with spaces in it'],
    ['ein-geheimnis-mit-ümlauten'],
  ])('refuses the secret %j without repeating it', (wrong) => {
    const said = refusal(() => readEndpointRequest({ url, secret: wrong }))
    expect(said).toMatch(/^input_invalid secret: must /)
    expect(said.replace('whsec_ and', '')).not.toContain(wrong)
  })

  it.each([
    ['events', { events: [] }],
    ['events', { events: 'push' }],
    ['environments', { environments: [''] }],
    ['events.1: must be one line', { events: ['push', 'a\u0000'] }],
    ['name: must be one line', { name: 'a\u0000b' }],
    ['status', { status: 'on' }],
    ['evnets', { evnets: ['push'] }],
    ['url: is required', {}],
    ['kind: "slack" is not supported yet', { kind: 'slack' }],
    ['kind: must be', { kind: 'pigeon' }],
    ['credential: a webhook has none', { credential: 'x' }],
    ['settings: a webhook has none', { settings: { chat: 1 } }],
    ['conditions."a..b": the key is not valid', { conditions: { 'a..b': 1 } }],
    ['signatures: must have each once', { signatures: ['standard', 'standard'] }],
    ['signatures: must have at least 1 item', { signatures: [] }],
    ['schedule.0: must be at least 1', { schedule: [0] }],
    ['rate_per_second: must be', { rate_per_second: 0 }],
    ['concurrency: must be', { concurrency: 1.5 }],
    ['ordering: must be', { ordering: 'random' }],
  ])('names %s when that is at fault', (field, change) => {
    const request = Object.keys(change).length === 0 ? {} : { url, ...change }
    expect(refusal(() => readEndpointRequest(request))).toContain(field)
  })

  it.each([
    'webhook-id',
    'Webhook-Signature',
    'X-Agenta-Event',
    'x-signalbox-superseded',
    'content-type',
    'Content-Length',
    'host',
    'User-Agent',
    'connection',
    'Transfer-Encoding',
    'proxy-authorization',
  ])('refuses a header %s, which is set for it', (name) => {
    expect(refusal(() => readEndpointRequest({ url, headers: { [name]: 'x' } }))).toContain('is set by Signalbox')
  })

  it.each([
    ['a name that is not one', { 'x y': 'a' }, 'must be the name of a header'],
    ['a line break', { 'x-a': 'hunter2\r\nx-b: c' }, 'must be visible ASCII on one line'],
    ['nothing', { 'x-a': '' }, 'must be visible ASCII on one line'],
    ['the same name twice', { 'x-a': 'a', 'X-A': 'b' }, 'must have each name once'],
    ['too many', Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`x-${n}`, 'a'])), 'at most 20'],
  ])('refuses headers with %s, and shows no value', (_, headers, problem) => {
    const said = refusal(() => readEndpointRequest({ url, headers }))
    expect(said).toContain(problem)
    expect(said).not.toContain('hunter2')
  })

  it('takes headers of its own under any case', () => {
    const headers = { Authorization: 'Bearer a b', 'X-Tenant': 'acme' }
    expect(readEndpointRequest({ url, headers }).headers).toEqual({ authorization: 'Bearer a b', 'x-tenant': 'acme' })
  })

  it('refuses a type that nobody is known to send, unless it is forced', () => {
    const unknownTypes = (events: readonly string[]) => events.map((event) => `no event is called ${event}`)
    const request = { url, events: ['a', 'b'] }
    expect(refusal(() => readEndpointRequest(request, { unknownTypes })).split('\n')).toEqual([
      'input_invalid events: no event is called a. Set "force": true (--force) to ask for it all the same.',
      'events: no event is called b. Set "force": true (--force) to ask for it all the same.',
    ])
    expect(readEndpointRequest({ ...request, force: true }, { unknownTypes })).not.toHaveProperty('force')
  })

  it.each([null, undefined, 'https://example.com', []])('refuses %j, which is no object', (body) => {
    expect(refusal(() => readEndpointRequest(body))).toMatch(/^input_invalid /)
  })
})

describe('endpoints of the configuration', () => {
  it('need a secret only where they are signed', () => {
    const mail = { name: 'ops', kind: 'email', settings: { to: ['a@example.com'] } }
    expect(readEndpointConfigs([mail], { readTarget: targetReader() })).toMatchObject([{ secrets: [] }])
  })

  it('need a name and a secret, and each its own name', () => {
    const one = { name: 'handler', url, secret }
    expect(readEndpointConfigs([one])).toHaveLength(1)
    expect(refusal(() => readEndpointConfigs([one, { ...one, url: 'https://else.example' }]))).toBe(
      'config_invalid endpoints[1] "handler": name: endpoints[0] has it too; every endpoint needs its own',
    )
    expect(refusal(() => readEndpointConfigs([{ name: 'x', url }]))).toBe(
      'config_invalid endpoints[0] "x": secret: is required',
    )
    expect(refusal(() => readEndpointConfigs([one, { url, secret }]))).toBe(
      'config_invalid endpoints[1]: name: is required',
    )
    expect(refusal(() => readEndpointConfigs([{ ...one, url: 'x' }]))).toBe(
      'config_invalid endpoints[0] "handler": url: is not a URL',
    )
  })

  it('are refused with every mistake of every one, a line for each', () => {
    const refused = refusal(() =>
      readEndpointConfigs([{ nmae: 'a', url, secret }, { name: 'b', url, evnets: 7 }, null]),
    )
    expect(refused.split('\n')).toEqual([
      'config_invalid endpoints[0]: the endpoint: unknown field "nmae"; did you mean "name"?',
      'endpoints[1] "b": the endpoint: unknown field "evnets"; did you mean "events"?',
      'endpoints[2]: the endpoint: must be an object, not null',
    ])
  })
})

describe('a generated secret', () => {
  it('is whsec_ and 32 random bytes, accepted by our own check', () => {
    const made = generateSecret()
    expect(Buffer.from(made.slice('whsec_'.length), 'base64')).toHaveLength(32)
    expect(made).not.toBe(generateSecret())
    expect(readEndpointRequest({ url, secret: made }).secrets).toEqual([made])
  })
})

it.each(['events', 'environments', 'apps'])(
  '%s: an exclusion of nothing is refused, because no event could be matched',
  (field) => {
    expect(() => readEndpointRequest({ url: 'https://example.com', [field]: ['*', '!'] })).toThrow(
      expect.objectContaining({
        code: 'input_invalid',
        detail: expect.stringContaining(`${field}.1: must name what it excludes`),
      }),
    )
  },
)
