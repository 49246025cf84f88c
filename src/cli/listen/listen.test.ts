// `signalbox listen` as a developer uses it: real signed deliveries over loopback.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deliveryHeaders, signBody } from '@signalbox/sdk'
import { expect, test } from 'vitest'
import { openTestSignalbox, TOKEN, until } from '../../../test/signalbox.ts'
import { cliOf, testTerminal } from '../../../test/terminal.ts'
import { generateSigningKey, publicJwks, publicKeyOf } from '../../deliveries/sign-ed25519.ts'
import { run } from '../program.ts'
import type { Terminal } from '../terminal.ts'
import type { Received } from './received.ts'

const SECRET = 'a secret of twenty letters'
const EVENT = {
  event: 'environment.deployed',
  timestamp: '2026-01-01T00:00:00Z',
  delivery_id: 'd1',
  project_id: 'p',
  data: {
    app_name: 'bot',
    variant_name: 'v2',
    environment: 'production',
    deployed_by: 'jane',
    deployment_id: 'x',
    config_diff: {
      added: { top_p: 1 },
      modified: { temperature: { old: 0.7, new: 0.5 } },
      removed: { 'a\u001b[31m': null },
    },
  },
}
const body = JSON.stringify(EVENT)

function headersFor(
  options: { secrets?: string; signingKeys?: string; timestampSeconds?: number; body?: string } = {},
) {
  const timestampSeconds = Math.floor(Date.now() / 1000)
  const what = { id: 'evt_1', event: EVENT.event, deliveryId: 'd1', timestampSeconds, body }
  return deliveryHeaders({ ...what, secrets: SECRET, ...options })
}

function post(url: string, headers: Record<string, string>, text = body): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: text })
}

type Listening = { url: string; printed: { out: string }; received(): Received[] }

/** Runs the command until `use` is done, and stops it as a signal would. */
async function listening(
  args: string[],
  use: (listening: Listening) => Promise<void>,
  options: Partial<Terminal> = {},
) {
  const { terminal, printed } = testTerminal(options)
  const before = new Set(process.listeners('SIGINT'))
  const ended = run(['listen', ...args], terminal)
  await until('it listens', async () => /http:\/\/127\.0\.0\.1:\d+\//.test(printed.out))
  const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(printed.out)?.[0] ?? ''
  const received = () =>
    printed.out
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line) as Received)
  try {
    await use({ url, printed, received })
  } finally {
    const added = process.listeners('SIGINT').filter((listener) => !before.has(listener))
    for (const listener of added) (listener as (signal: string, number: number) => void)('SIGINT', 2)
  }
  expect(await ended).toBe(0)
  await expect(fetch(url)).rejects.toThrow()
}

test('a delivery is printed with who signed it and what changed, and answered 200', async () => {
  await listening(['--secret', SECRET], async ({ url, printed }) => {
    expect((await post(url, await headersFor())).status).toBe(200)
    await until('it is printed', async () => printed.out.includes('environment.deployed'))
    expect(printed.out).toMatch(/^\d\d:\d\d:\d\d {2}environment\.deployed {2}→ 200 in \d+ ms$/m)
    for (const line of [
      'id        evt_1',
      'delivery  d1',
      'about     bot@production, v2',
      '✓ Standard Webhooks (v1)',
      '✓ Agenta (sha256=)',
      '+ top_p: 1',
      '~ temperature: 0.7 → 0.5',
      '- a\ufffd[31m: null',
    ]) {
      expect(printed.out).toContain(`\n  ${line}\n`)
    }
    await post(url, await headersFor())
    await until('it is known again', async () => printed.out.includes('evt_1 (seen 1 time before)'))
  })
})

test('each signature is checked by itself, and says why it is wrong', async () => {
  const key = generateSigningKey()
  const args = ['--json', '--secret', '-', '--public-key', publicKeyOf(key)]
  const readInput = async () => `${SECRET}\n`
  await listening(
    args,
    async ({ url, received }) => {
      const stale = Math.floor(Date.now() / 1000) - 400
      const requests = [
        await headersFor({ signingKeys: key }),
        await headersFor({ secrets: 'another secret of 20', signingKeys: key }),
        await headersFor({ signingKeys: generateSigningKey() }),
        await headersFor({ timestampSeconds: stale }),
        { 'x-hub-signature-256': await signBody({ body, secret: SECRET }), 'x-github-event': 'push' },
        { 'webhook-id': 'evt_1' },
        {},
      ]
      for (const headers of requests) await post(url, headers)
      await until('all are printed', async () => received().length === requests.length)
      const verdicts = received().map((each) =>
        each.verdicts.map(({ scheme, verdict, why }) => [scheme, verdict, why?.split(':')[0] ?? null]),
      )
      expect(verdicts).toEqual([
        [
          ['Standard Webhooks (v1)', 'right', null],
          ['ed25519 (v1a)', 'right', null],
          ['Agenta (sha256=)', 'right', null],
        ],
        [
          ['Standard Webhooks (v1)', 'wrong', 'signature_mismatch'],
          ['ed25519 (v1a)', 'right', null],
          ['Agenta (sha256=)', 'wrong', 'signature_mismatch'],
        ],
        [
          ['Standard Webhooks (v1)', 'right', null],
          ['ed25519 (v1a)', 'wrong', 'signature_mismatch'],
          ['Agenta (sha256=)', 'right', null],
        ],
        [
          ['Standard Webhooks (v1)', 'wrong', 'timestamp_too_old'],
          ['Agenta (sha256=)', 'right', null],
        ],
        [['GitHub (sha256=)', 'right', null]],
        [['Standard Webhooks (v1)', 'wrong', 'missing_header']],
        [],
      ])
    },
    { readInput },
  )
})

test('what is not verified for want of a key says so, and keys at an address are read there', async () => {
  const key = generateSigningKey()
  const headers = await headersFor({ signingKeys: key })
  await listening(['--json'], async ({ url, received }) => {
    await post(url, headers)
    await until('it is printed', async () => received().length === 1)
    expect(received()[0]?.verdicts.map(({ why }) => why)).toEqual(['no --secret', 'no --public-key', 'no --secret'])
  })
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys: publicJwks([key]) })))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  await listening(['--json', '--public-key', address], async ({ url, received }) => {
    await post(url, headers)
    await until('it is printed', async () => received().length === 1)
    expect(received()[0]?.verdicts[1]).toEqual({ scheme: 'ed25519 (v1a)', verdict: 'right', why: null })
  })
  server.closeAllConnections()
  server.close()
})

test('it answers what it is asked to: failures first, then a status, after a delay', async () => {
  await listening(['--json', '--status', '418', '--fail-first', '2', '--delay', '30ms'], async ({ url, received }) => {
    const statuses: number[] = []
    for (const _ of [1, 2, 3]) statuses.push((await post(url, {})).status)
    expect(statuses).toEqual([500, 500, 418])
    await until('all are printed', async () => received().length === 3)
    expect(received().map(({ answered }) => answered.status)).toEqual([500, 500, 418])
    for (const { answered } of received()) expect(answered.duration_ms).toBeGreaterThanOrEqual(29)
  })
})

test('it resets the connection if it is asked to', async () => {
  await listening(['--json', '--reset'], async ({ url, received }) => {
    await expect(post(url, {})).rejects.toThrow()
    await until('it is printed', async () => received().length === 1)
    expect(received()[0]?.answered).toMatchObject({ status: null, reason: 'the connection was reset' })
  })
})

test('it passes a delivery on byte for byte, and answers what comes back', async () => {
  const passed: { headers: Record<string, unknown>; body: string }[] = []
  const program = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    passed.push({ headers: request.headers, body: text })
    response.writeHead(202).end('from the program')
  })
  await new Promise<void>((resolve) => program.listen(0, '127.0.0.1', resolve))
  const forward = `http://127.0.0.1:${(program.address() as AddressInfo).port}/webhook`
  const headers = await headersFor()
  await listening(['--json', '--forward', forward], async ({ url, received }) => {
    const answer = await post(url, headers)
    expect([answer.status, await answer.text()]).toEqual([202, 'from the program'])
    expect(passed).toMatchObject([{ headers: { 'webhook-signature': headers['webhook-signature'] }, body }])
    program.closeAllConnections()
    program.close()
    expect((await post(url, headers)).status).toBe(502)
    await until('both are printed', async () => received().length === 2)
    expect(received()[1]?.answered.reason).toContain(`no answer from ${forward}`)
  })
})

test('with --register it is an endpoint of the server for as long as it listens', async () => {
  const signalbox = await openTestSignalbox()
  const env = { SIGNALBOX_URL: signalbox.url, SIGNALBOX_API_TOKEN: TOKEN }
  const cli = cliOf(signalbox)
  const endpoints = async () => (await cli.json<{ items: { id: string }[] }>(['endpoints', 'ls'])).items
  await listening(
    ['--json', '--register', '--events', 'job.*'],
    async ({ received, printed }) => {
      const id = JSON.parse(printed.out.split('\n')[0] ?? '').endpoint_id as string
      expect(await endpoints()).toMatchObject([{ id, events: ['job.*'], environments: null }])
      expect(await cli.json(['endpoints', 'test', id])).toMatchObject({
        status: 'succeeded',
        event_type: 'job.completed',
      })
      await until('it is printed', async () => received().length === 1)
      expect(received()[0]?.verdicts.map(({ verdict }) => verdict)).toEqual(['right', 'right'])
    },
    { env },
  )
  expect(await endpoints()).toEqual([])
  await signalbox.close()
})

test('a body that is not JSON is shown as it is, and one that is too large is refused', async () => {
  await listening(['--json'], async ({ url, received }) => {
    await post(url, {}, 'not \u0007 JSON')
    await until('it is printed', async () => received().length === 1)
    expect(received()[0]).toMatchObject({ event: null, id: null, body: 'not \u0007 JSON' })
    const refused = await post(url, {}, 'x'.repeat(25 * 1024 * 1024 + 1)).catch(() => null)
    expect([413, undefined]).toContain(refused?.status)
  })
})

test.each([
  [['--status', '99'], /from 200 to 599/],
  [['--delay', 'soon'], /500ms|30s/],
  [['--forward', 'nowhere'], /address/],
  [['--fail-first', 'x'], /from 0 to/],
])('%j is wrong usage', async (args, sentence) => {
  const { terminal, printed } = testTerminal()
  expect(await run(['listen', ...args], terminal)).toBe(2)
  expect(printed.err).toMatch(sentence)
})

test('a port that is taken is named with what to do', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const { terminal, printed } = testTerminal()
  expect(await run(['listen', '--port', `${port}`], terminal)).toBe(1)
  expect(printed.err).toMatch(`Port ${port} cannot be used`)
  other.close()
})
