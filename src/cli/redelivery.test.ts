// Sending again from the command line: one delivery, and what an endpoint missed.
import { spawnSync } from 'node:child_process'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CreatedEndpoint, Delivery, Page } from '@signalbox/sdk'
import { verifyWebhook } from '@signalbox/sdk'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'
import { until } from '../../test/until.ts'

const got: { headers: IncomingHttpHeaders; body: Buffer }[] = []
let status = 200
const receiver = createServer(async (request, response) => {
  got.push({ headers: request.headers, body: Buffer.concat(await request.toArray()) })
  response.writeHead(status).end()
})
let signalbox: TestSignalbox
let endpoint: CreatedEndpoint
beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  signalbox = await openTestSignalbox()
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/it's here`
  const headers = ['--header', 'X-Tenant: acme-secret-value']
  endpoint = await cliOf(signalbox).json([
    'endpoints',
    'add',
    '--url',
    url,
    '--name',
    'e',
    '--schedule',
    '3600',
    ...headers,
  ])
})
afterAll(async () => {
  await signalbox?.close()
  receiver.closeAllConnections()
  receiver.close()
})
beforeEach(() => {
  got.length = 0
  status = 200
})

async function deploy() {
  const args = ['deploy', '--app', "it's", '--env', 'production', '--config', '-', '--no-wait']
  await cliOf(signalbox).ask(args, { readInput: async () => '{}' })
}

async function newest(): Promise<Delivery> {
  const { items } = await cliOf(signalbox).json<Page<Delivery>>(['deliveries', 'ls', '--endpoint', endpoint.id])
  return items[0] as Delivery
}

test('a delivery is sent again, and its command sends the same with a signature of now', async () => {
  await deploy()
  await until('it has arrived', async () => (await newest()).status === 'succeeded')
  const { id } = await newest()
  const { out } = await cliOf(signalbox).ask(['deliveries', 'redeliver', id])
  expect(out).toMatch(/^Delivery \S+ to e is pending again\.\n$/)
  await until('it has arrived again', async () => got.length === 2)

  const command = (await cliOf(signalbox).ask(['deliveries', 'curl', id])).out
  expect(command).not.toContain('acme-secret-value')
  const curl = spawnSync('sh', ['-c', `curl() { for each in "$@"; do printf '%s\\0' "$each"; done; }; ${command}`])
  const args = curl.stdout.toString().split('\0')
  const headers = Object.fromEntries(
    args.flatMap((each, at) => (args[at - 1] === '-H' ? [each.split(/: (.*)/s).slice(0, 2)] : [])),
  )
  const body = Buffer.from(args[args.indexOf('--data-binary') + 1] ?? '')
  expect(body).toEqual(got[0]?.body)
  expect(args).toContain(endpoint.url)
  expect(await verifyWebhook({ headers, body }, { secret: endpoint.secret ?? '' })).toMatchObject({
    id: got[0]?.headers['webhook-id'],
  })
})

test('what an endpoint missed while it was disabled is counted, and sent once that is wanted', async () => {
  const cli = cliOf(signalbox)
  await cli.ask(['endpoints', 'disable', endpoint.id])
  await deploy()
  await deploy()
  expect(await newest()).toMatchObject({
    status: 'skipped',
    error: expect.stringMatching(/^The endpoint was disabled/),
  })
  await cli.ask(['endpoints', 'enable', endpoint.id])
  const recover = (...more: string[]) => cli.ask(['endpoints', 'recover', endpoint.id, '--since', '1h', ...more])
  expect((await recover('--dry-run')).out).toBe('2 deliveries would be sent again.\n')
  expect(got).toEqual([])
  expect((await recover('--status', 'skipped')).out).toBe('2 deliveries are pending again.\n')
  await until('both have arrived', async () => got.length === 2)
  await until('that is known', async () => (await newest()).status === 'succeeded')
  expect((await recover()).out).toMatch(/^0 deliveries: .*\n.*signalbox deliveries redeliver/)
})

test.each(['yesterday', '5', '2026', ''])('--since %j is no time', async (since) => {
  const { code, err } = await cliOf(signalbox).ask(['endpoints', 'recover', endpoint.id, '--since', since])
  expect([code, err]).toEqual([2, expect.stringContaining('It must be how long ago')])
})
