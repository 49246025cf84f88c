import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { signalbox } from './client.ts'
import { deliveryHeaders } from './delivery-headers.ts'
import { WebhookVerificationError } from './verification-error.ts'

/**
 * The README's code block with this heading as a module, importing the source in place of the
 * published package.
 */
async function importExample<Exports>(heading: string): Promise<Exports> {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const section = readme.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? ''
  const [, code = ''] = /```js\n(.*?)```/s.exec(section) ?? []
  const source = code.replaceAll(/'@signalbox\/sdk(?:\/(\w+))?'/g, (_, subpath = 'index') =>
    JSON.stringify(new URL(`./${subpath}.ts`, import.meta.url).href),
  )
  return import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(source)}`)
}

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

test('the example that verifies lets a delivery in and keeps a forgery out', async () => {
  vi.stubEnv('AGENTA_WEBHOOK_SECRET', 'a secret of twenty letters')
  vi.spyOn(console, 'log').mockReturnValue()
  const { POST } = await importExample<{ POST: (request: Request) => Promise<Response> }>('Verify')
  const body = JSON.stringify({
    event: 'job.completed',
    timestamp: '2025-11-20T10:30:00Z',
    delivery_id: 'd1',
    data: {},
  })
  const post = async (secrets: string) => {
    const timestampSeconds = Math.floor(Date.now() / 1000)
    const headers = await deliveryHeaders({
      id: 'd1',
      event: 'job.completed',
      deliveryId: 'd1',
      timestampSeconds,
      body,
      secrets,
    })
    return POST(new Request('http://receiver.test/', { method: 'POST', headers, body }))
  }
  expect((await post('a secret of twenty letters')).status).toBe(200)
  // The example loads its own copy of the module, hence the name and not the class.
  await expect(post('guessed')).rejects.toMatchObject({
    name: WebhookVerificationError.name,
    code: 'signature_mismatch',
  })
})

test('the example that deploys deploys', async () => {
  const bodies: unknown[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    bodies.push(JSON.parse(body))
    response.end('{"deployment_id":"dep_1"}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  vi.stubEnv('SIGNALBOX_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await importExample('Deploy')
  expect(log).toHaveBeenCalledWith('dep_1')
  expect(bodies).toMatchObject([
    { app_name: 'customer-support-bot', project_id: 'project_abc', config: { temperature: 0.5 } },
  ])
  server.closeAllConnections()
  server.close()
})

test('the list of calls is complete', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const table = /^\| of .*\n\|.*\n((?:\|.*\n)+)/m.exec(readme)?.[1] ?? ''
  const listed = table
    .trim()
    .split('\n')
    .flatMap((row) => {
      const [, of = '', calls = ''] = row.split('|')
      const nouns = namesIn(of)
      return namesIn(calls).flatMap((call) => (nouns.length === 0 ? [call] : nouns.map((noun) => `${noun}.${call}`)))
    })
  const client = signalbox({ url: 'http://127.0.0.1:9', token: 'none' })
  const calls = Object.entries(client).flatMap(([name, value]) =>
    typeof value === 'function' ? [name] : Object.keys(value).map((call) => `${name}.${call}`),
  )
  expect(listed.sort()).toEqual(calls.sort())
})

function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
}

test('the example that signs is read back', async () => {
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await importExample('Sign')
  expect(log).toHaveBeenCalledWith('evt_1')
})

test("the example with Node's own HMAC accepts what is signed and refuses what is not", async () => {
  type Exports = { isSigned: (headers: Record<string, string>, body: string, secret: string) => boolean }
  const { isSigned } = await importExample<Exports>('Your own HMAC')
  const timestampSeconds = Math.floor(Date.now() / 1000)
  const sent = { id: 'd1', event: 'push', deliveryId: 'd1', timestampSeconds, body: '{}' }
  const headers = await deliveryHeaders({ ...sent, secrets: 'a secret of twenty letters' })
  const verdicts = [
    isSigned(headers, '{}', 'a secret of twenty letters'),
    isSigned(headers, '{} ', 'a secret of twenty letters'),
    isSigned(headers, '{}', 'guessed'),
  ]
  expect(verdicts).toEqual([true, false, false])
})

test('the example that emits does so within the transaction', async () => {
  const { pay } = await importExample<{ pay: (client: object, order: number) => Promise<void> }>('Emit')
  const sent: unknown[] = []
  const query = async (text: string, values?: unknown[]) => {
    sent.push(text.split(/[ (]/, 2).join(' '), values?.[0])
    return { rows: [{ id: '1' }] }
  }
  await pay({ query }, 7)
  expect(sent).toEqual([
    'begin',
    undefined,
    'update orders',
    'paid',
    'select signalbox.emit',
    'order.paid',
    'commit',
    undefined,
  ])
})
