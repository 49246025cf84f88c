// Deploying from the command line, and what follows: endpoints and deliveries.

import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, until } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'
import { defaultRules } from '../config/default-rules.ts'
import { fingerprint } from '../endpoints/seal.ts'

const SECRET = 'a-secret-of-more-than-20-characters'

let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
let folder: string
beforeAll(async () => {
  // Not off without a forge, because it is not the default one: its jobs fail.
  const rules = defaultRules.map((rule) => ({ ...rule, priority: 6 }))
  signalbox = await openTestSignalbox({ config: { rules } })
  cli = cliOf(signalbox)
  folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'))
})
beforeEach(async () => {
  await signalbox.api('/api/rules/deployment-pr/resume', { method: 'POST' })
})
afterAll(async () => {
  await signalbox.close()
  await rm(folder, { recursive: true })
})

/** Deploys a configuration that comes by standard input. */
async function deploy(app: string, config: string, more: string[] = []) {
  const args = ['deploy', '--app', app, '--env', 'production', '--by', 'jane', '--config', '-', ...more]
  return cli.ask(args, { folder, readInput: async () => config })
}

describe('a deployment', () => {
  test('says what changed, one line per parameter', async () => {
    await writeFile(join(folder, 'config.json'), '{"temperature":0.7,"stop":"x"}')
    const args = ['deploy', '--app', 'bot', '--env', 'production', '--by', 'jane', '--config', 'config.json']
    const first = await cli.ask(args, { folder })
    expect(first.out).toMatch(/^bot is deployed to production, as number 1\.\ndeployment +deploy_\S+\nevent +\S+\n/)
    expect(first.out).toContain('The first configuration there:\n  + temperature: 0.7\n  + stop: x\n')
    const second = await deploy('bot', '{"temperature":0.5,"top_p":1}')
    expect(second.out).toContain('Changed:\n  ~ temperature: 0.7 → 0.5\n  + top_p: 1\n  - stop: x\n')
    expect((await deploy('bot', '{"top_p":1,"temperature":0.5}')).out).toContain(
      'The configuration is the same as before.',
    )
  })

  test('is printed without its secrets, as text and with --json', async () => {
    const config = { api_key: 'sk-proj-abc', db: { password: 'hunter-2' }, note: 'see hunter-2', top_p: 1 }
    const { out } = await deploy('secretive', JSON.stringify(config), ['--message', 'hunter-2'])
    expect(out).toContain('  + api_key: [redacted]\n')
    expect(out).toContain('  + note: see [redacted]\n  + top_p: 1\n')
    const args = ['deploy', '--app', 'secretive', '--env', 'production', '--config', '-', '--message', 'hunter-2']
    const shown = await cli.json(args, { folder, readInput: async () => '{"encryption_key":{"value":"hunter-3"}}' })
    expect(`${out}${JSON.stringify(shown)}`).not.toMatch(/hunter|sk-proj/)
    expect(shown).toMatchObject({ config_diff: { added: { encryption_key: { value: '[redacted]' } } } })
  })

  test('of many and long values stays readable', async () => {
    const config = Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`key_${n}`, `${'好'.repeat(100)}\n${n}`]))
    const { out } = await deploy('long', JSON.stringify(config))
    expect(out.match(/^ {2}\+ key_\d+: 好{29}…$/gm)).toHaveLength(20)
    expect(out).toContain('  and 5 more changes\n')
  })

  test('is the whole record with --json, and who deployed may be the account', async () => {
    const args = [
      'deploy',
      '--app',
      'json',
      '--env',
      'production',
      '--config',
      '-',
      '--message',
      'Warum? 为什么',
      '--revision',
      '7',
    ]
    const shown = await cli.json(args, { folder, readInput: async () => '{}' })
    expect(shown).toMatchObject({
      app_name: 'json',
      project_id: 'default',
      variant_name: 'default',
      revision: 7,
      commit_message: 'Warum? 为什么',
      deployed_by: expect.stringMatching(/./),
      duplicate: false,
      jobs: [{ job_type: 'deployment-pr' }],
      deliveries: [],
    })
  })

  test('is made once under an idempotency key', async () => {
    const key = ['--idempotency-key', 'run-1']
    await deploy('keyed', '{}', key)
    const again = await deploy('keyed', '{}', key)
    expect(again.out).toMatch(/^keyed was deployed to production under this idempotency key before\.\n/)
    expect(await signalbox.count('signalbox.deployments', `app_name = 'keyed'`)).toBe(1)
    expect(await deploy('keyed', '{"other":1}', key)).toMatchObject({
      code: 1,
      err: expect.stringContaining('Idempotency-Key was already used'),
    })
  })

  test.each([
    ['{\n  "a": 1\n  "b": 2\n}', 'standard input, line 3, column 3: '],
    ['[1]', 'config: must be a JSON object'],
    ['null', 'config: must be a JSON object'],
    ['', 'standard input, line 1, column 1: Unexpected end of JSON input.'],
  ])('of %j is refused, and nothing is recorded', async (config, sentence) => {
    const { code, err } = await deploy('refused', config)
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(sentence) })
    expect(await signalbox.count('signalbox.deployments', `app_name = 'refused'`)).toBe(0)
  })

  test('of a file that is not there, or a revision that is no number, is refused', async () => {
    const args = ['deploy', '--app', 'x', '--env', 'y', '--config', 'none.json']
    expect(await cli.ask(args, { folder })).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no such file'),
    })
    expect(await deploy('x', '{}', ['--revision', 'v1'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('It must be a whole number.'),
    })
  })
})

describe('an endpoint', () => {
  test('is added with a secret that is shown once', async () => {
    const added = await cli.ask(['endpoints', 'add', '--url', 'https://example.com/a', '--name', 'Empfänger 📮'])
    expect(added.out).toMatch(/^endpoint +\S+\nname +Empfänger 📮\nurl +https:\/\/example\.com\/a\n/)
    expect(added.out).toMatch(
      /^environments +production\napps +all\nsecret +whsec_\S+\n\nGive the secret .*not shown again/m,
    )
    const listed = await cli.ask(['endpoints', 'ls'])
    expect(listed.out).toMatch(/ Empfänger 📮 +active +environment\.deployed +production +all +https/)
    expect(listed.out).not.toContain('whsec_')
  })

  test('takes several globs, and a secret from standard input that no process list shows', async () => {
    const add = ['endpoints', 'add', '--url', 'http://127.0.0.1:2/other', '--secret', '-', '--events', 'job.*', 'push']
    const added = await cli.ask([...add, '--apps', 'a', 'b'], { readInput: async () => `${SECRET}\n` })
    expect(added.out).toMatch(/^events +job\.\*, push$/m)
    expect(added.out).toMatch(/^apps +a, b$/m)
    expect(added.out).not.toContain('not shown again')
    const { rows } = await signalbox.database.query(
      `select secrets->0->>'fingerprint' as print from signalbox.endpoints where url like '%/other'`,
    )
    expect(rows).toEqual([{ print: fingerprint(SECRET) }])
  })

  test('that wants an event which no source sends is refused with the nearest, and added by force', async () => {
    const add = ['endpoints', 'add', '--url', 'http://127.0.0.1:2/misspelt', '--name', 'misspelt']
    const events = ['--events', 'pshu', 'agenta.any']
    const { code, err } = await cli.ask([...add, ...events])
    expect([code, err]).toEqual([1, expect.stringContaining('no known event is called "pshu"; did you mean "push"?')])
    expect(await cli.json([...add, ...events, '--force'])).toMatchObject({ events: ['pshu', 'agenta.any'] })
  })

  test('of a name that another has is refused, with what to do', async () => {
    const add = ['endpoints', 'add', '--url', 'https://example.com/a', '--name', 'once']
    expect((await cli.ask(add)).code).toBe(0)
    const { code, err } = await cli.ask(add)
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/^signalbox: An endpoint is called "once" already .*\n {2}→ Give it another --name; /),
    })
  })

  test('that is not acceptable is refused with the field', async () => {
    expect(await cli.ask(['endpoints', 'add', '--url', 'http://example.com'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('url: must be https:'),
    })
    expect(await cli.ask(['endpoints', 'add'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('url: is required'),
    })
    expect(await cli.ask(['endpoints', 'ls', '--status', 'on'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('active, paused, disabled'),
    })
  })
})

test('a delivery is shown with every attempt', async () => {
  await cli.ask(['endpoints', 'add', '--url', 'http://127.0.0.1:2/hook', '--name', 'hook', '--apps', 'notified'])
  const { deliveries } = await cli.json<{ deliveries: [{ id: string }] }>(
    ['deploy', '--app', 'notified', '--env', 'production', '--config', '-', '--no-wait'],
    { readInput: async () => '{}' },
  )
  const { id } = deliveries[0]
  await until('it was attempted', async () => (await cli.json(['deliveries', 'show', id])).error !== null)
  const { out } = await cli.ask(['deliveries', 'show', id])
  expect(out).toMatch(
    /^event +environment\.deployed \S+\nendpoint +hook \S+\nstatus +pending\nerror +connection_refused\nnext attempt +\S+Z\n/m,
  )
  expect(out).toMatch(/\nAttempts\n {2}ATTEMPT +OUTCOME .*\n {2}1 +retried +/)
  const narrow = await cli.ask(['deliveries', 'show', id], { columns: 60 })
  expect(narrow.out).toContain('ATTEMPT')
  const listed = await cli.ask(['deliveries', 'ls', '--status', 'pending'])
  expect(listed.out).toMatch(
    new RegExp(`^${id} +\\d+s +environment\\.deployed +hook +pending +1/10 +connection_refused$`, 'm'),
  )
  const [{ event_id = '', endpoint_id = '' } = {}] = (
    await cli.json<{ items: { event_id: string; endpoint_id: string }[] }>(['deliveries', 'ls'])
  ).items
  const both = ['--event', event_id, '--endpoint', endpoint_id]
  expect(await cli.json(['deliveries', 'ls', ...both])).toMatchObject({ items: [{ endpoint_id }], next: null })
  expect(await cli.ask(['deliveries', 'ls', '--event', 'x'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('event_id: not an id'),
  })
})

test('what a receiver answered is shown below its attempts, cut to what can be read', async () => {
  const receiver = createServer((_request, response) =>
    response.writeHead(500).end(`<h1>\u001b[31m\n${'x'.repeat(2000)}`),
  )
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  await cli.ask(['endpoints', 'add', '--url', url, '--name', 'broken', '--apps', 'answered'])
  const { deliveries } = await cli.json<{ deliveries: [{ id: string }] }>(
    ['deploy', '--app', 'answered', '--env', 'production', '--config', '-', '--no-wait'],
    { readInput: async () => '{}' },
  )
  const show = ['deliveries', 'show', deliveries[0].id]
  await until('it was attempted', async () => (await cli.json(show)).error !== null)
  receiver.close()
  const { out } = await cli.ask(show)
  expect(out).toMatch(
    /\n\nAnswer to attempt 1\n {2}<h1>\ufffd\[31m\n {2}x{900,1000}\n {2}… \(the rest with --json\)\n$/,
  )
  expect(await cli.json(show)).toMatchObject({ attempts: [{ response: expect.stringContaining('x'.repeat(2000)) }] })
})
