import type { CreatedEndpoint, Endpoint } from '@signalbox/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'
import { fingerprint } from '../endpoints/seal.ts'

let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
beforeAll(async () => {
  signalbox = await openTestSignalbox({
    roles: { receiver: true, orchestrator: false },
    config: {
      endpoints: [{ name: 'of the file', url: 'https://example.com', secret: 'a-secret-of-the-configuration' }],
    },
  })
  cli = cliOf(signalbox)
})
afterAll(() => signalbox.close())

const SECRET = 'a-secret-of-more-than-20-characters'
const URL = 'https://example.com/hook'

async function add(name: string, ...options: string[]): Promise<CreatedEndpoint> {
  return cli.json<CreatedEndpoint>(['endpoints', 'add', '--url', URL, '--name', name, ...options])
}
async function show(id: string): Promise<Endpoint> {
  return cli.json<Endpoint>(['endpoints', 'show', id])
}

test('an endpoint is added with all its options, and shown', async () => {
  const options = [
    ...['--events', 'push', 'job.*', '--projects', 'p', '--environments', '*', '--apps', 'a', 'b'],
    ...['--conditions', '{"data.revision":{"gte":3}}', '--header', 'X-Tenant: acme', 'X-Region:eu'],
    ...['--format', 'raw', '--signatures', 'agenta', 'standard', '--ordering', 'ordered'],
    ...['--schedule', '5', '60', '--rate', '0.5', '--concurrency', '2', '--templates', '{"job.*":"Ended."}'],
  ]
  const { id, secret } = await add('all', ...options)
  expect(await show(id)).toMatchObject({
    kind: 'webhook',
    events: ['push', 'job.*'],
    projects: ['p'],
    environments: ['*'],
    apps: ['a', 'b'],
    conditions: { 'data.revision': { gte: 3 } },
    headers: ['x-region', 'x-tenant'],
    format: 'raw',
    signatures: ['agenta', 'standard'],
    ordering: 'ordered',
    schedule: [5, 60],
    rate_per_second: 0.5,
    concurrency: 2,
    templates: { 'job.*': 'Ended.' },
    secrets: [{ fingerprint: fingerprint(secret ?? '') }],
  })
  const { out } = await cli.ask(['endpoints', 'show', id])
  expect(out).toMatch(/^status +active$/m)
  expect(out).toMatch(/^health +nothing was sent yet$/m)
  expect(out).toMatch(/^schedule +5s, 60s$/m)
  expect(out).toMatch(new RegExp(`^secret +${fingerprint(secret ?? '')}, created \\S+Z$`, 'm'))
})

test('what is secret can be read from standard input, one value in one call', async () => {
  const readInput = async () => `${SECRET}\n`
  const args = ['endpoints', 'add', '--url', URL, '--name', 'input']
  const made = await cli.json<Endpoint>([...args, '--header', 'Authorization: -', '--force'], { readInput })
  expect(made.headers).toEqual(['authorization'])
  const rotated = await cli.json<Endpoint>(['endpoints', 'rotate', made.id, '--secret', '-'], { readInput })
  expect(rotated.secrets[0]?.fingerprint).toBe(fingerprint(SECRET))
  const both = await cli.ask([...args, '--secret', '-', '--header', 'a: -'], { readInput })
  expect(both).toMatchObject({ code: 2, err: expect.stringContaining('can be only one value') })
})

test('edit changes what is given, takes headers away, and says what went with the URL', async () => {
  const { id } = await add('edited', '--header', 'x-a: 1', 'x-b: 2', '--rate', '5', '--schedule', '7')
  const changed = await cli.ask([
    'endpoints',
    'edit',
    id,
    '--header',
    'x-a:',
    '--rate',
    'none',
    '--schedule',
    'default',
  ])
  expect(changed).toMatchObject({ code: 0, err: '' })
  expect(await show(id)).toMatchObject({ headers: ['x-b'], rate_per_second: null, schedule: null })
  const moved = await cli.ask(['endpoints', 'edit', id, '--url', `${URL}/2`, '--conditions', 'none'])
  expect(moved.out).toMatch(/\n\nTaken away with the old URL, .*: x-b\.\nGive it again /)
  expect(await cli.ask(['endpoints', 'edit', id])).toMatchObject({
    code: 2,
    err: expect.stringContaining('There is nothing to change.'),
  })
})

test('pause, enable and disable set the status, also of one of the configuration, until the next start', async () => {
  const { id } = await add('switched')
  for (const [verb, status] of Object.entries({ pause: 'paused', disable: 'disabled', enable: 'active' })) {
    expect((await cli.ask(['endpoints', verb, id])).out).toBe(`"switched" is ${status}.\n`)
    expect((await show(id)).status).toBe(status)
  }
  const { items } = await cli.json<{ items: Endpoint[] }>(['endpoints', 'ls'])
  const ofFile = items.find(({ origin }) => origin === 'config')?.id ?? ''
  expect((await cli.ask(['endpoints', 'pause', ofFile])).out).toContain('counts again from the next start')
  expect(await cli.ask(['endpoints', 'edit', ofFile, '--name', 'x'])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/is an endpoint of the configuration[\s\S]*→ Change the configuration file/),
  })
})

test('rotate shows the new secret once, and until when the others sign', async () => {
  const { id, secret } = await add('rotated')
  const { out } = await cli.ask(['endpoints', 'rotate', id, '--overlap', '2'])
  const [, made = ''] = /^secret +(whsec_\S+)$/m.exec(out) ?? []
  expect(out).toMatch(/^"rotated" is signed with:\n/)
  expect(out).toMatch(new RegExp(`^ {2}${fingerprint(made)}, created \\S+Z$`, 'm'))
  expect(out).toMatch(new RegExp(`^ {2}${fingerprint(secret ?? '')}, created \\S+Z, signs until \\S+Z$`, 'm'))
  expect(out).toContain('it is not shown again')
  const revoked = await cli.json<CreatedEndpoint>(['endpoints', 'rotate', id, '--revoke'])
  expect(revoked.secrets.map((each) => each.fingerprint)).toEqual([fingerprint(revoked.secret ?? '')])
  expect((await cli.ask(['endpoints', 'rotate', id, '--overlap', '169'])).code).toBe(2)
})

test('rm deletes an endpoint, and one with pending deliveries only with --yes', async () => {
  const { id } = await add('removed', '--apps', 'removed')
  await cli.ask(['deploy', '--app', 'removed', '--env', 'production', '--config', '-', '--no-wait'], {
    readInput: async () => '{}',
  })
  expect(await cli.ask(['endpoints', 'rm', id])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/1 delivery is pending for "removed"[\s\S]*→ Add --yes to delete it all the same/),
  })
  expect(await cli.ask(['endpoints', 'rm', id, '--yes'])).toMatchObject({
    code: 0,
    out: '"removed" was deleted with 1 pending delivery.\n',
  })
  expect(await cli.ask(['endpoints', 'show', id])).toMatchObject({ code: 1 })
})

test.each([
  ['--conditions', 'x', 'It must be a JSON object.'],
  ['--conditions', '[1]', 'It must be a JSON object.'],
  ['--templates', 'null', 'It must be a JSON object.'],
  ['--rate', 'fast', 'It must be a number'],
  ['--header', 'hunter2hunter2', 'must be "Name: value"'],
  ['--schedule', 'soon', '"soon" is not a number'],
  ['--kind', 'pigeon', 'Allowed choices are webhook'],
])('%s %s is refused', async (option, value, sentence) => {
  const { code, err } = await cli.ask(['endpoints', 'add', '--url', URL, '--name', 'refused', option, value])
  expect([code > 0, err]).toEqual([true, expect.stringContaining(sentence)])
  expect(err).not.toContain('hunter2')
})
