// The example receivers as processes of their own, and those printed in docs/receivers.md, with
// real signed requests.
import type { ChildProcess } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { deliveryHeaders } from '@signalbox/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import vectors from '../sdk/vectors/signatures.json' with { type: 'json' }
import { generateSigningKey, publicJwks } from '../src/deliveries/sign-ed25519.ts'

const SECRET = `whsec_${Buffer.alloc(32, 's').toString('base64')}`
const OLD = 'the secret before this one'
const body = JSON.stringify({
  event: 'job.failed',
  timestamp: '2026-01-01T00:00:00Z',
  delivery_id: 'd1',
  data: { job_id: 'j1', job_type: 't', rule: 'r', agent: 'a', attempt: 1, event_id: null, subject: null, error: 'Zoë' },
})

function folder(name: string): string {
  return fileURLToPath(new URL(`../examples/${name}`, import.meta.url))
}

function can(command: string, ...args: string[]): boolean {
  return spawnSync(command, args).status === 0
}

const hasPython = can('python3', '--version')
const hasFlask = can('python3', '-c', 'import flask')

let ids = 0
function sign(
  options: { id?: string; secrets?: string; ageSeconds?: number; signingKeys?: string; body?: string } = {},
) {
  const { id = `evt_${ids++}`, secrets = SECRET, ageSeconds = 0, signingKeys } = options
  const timestampSeconds = Math.floor(Date.now() / 1000) - ageSeconds
  const signed = { timestampSeconds, body: options.body ?? body, secrets, signingKeys }
  return deliveryHeaders({ id, event: 'job.failed', deliveryId: 'd1', ...signed })
}

/** A running receiver: its address, and what it printed. */
type Running = { url: string; process: ChildProcess; lines: string[] }

async function start(command: string, args: string[], cwd: string, env: Record<string, string>): Promise<Running> {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH ?? '', PORT: '0', PYTHONDONTWRITEBYTECODE: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const reader = createInterface(child.stdout as NodeJS.ReadableStream)
  const first = once(reader, 'line').then(([line]) => line as string)
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`it ended: ${errors}`)))
  ended.catch(() => {})
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await Promise.race([first, ended]))?.[0] ?? ''
  reader.on('line', (line) => lines.push(line))
  return { url, process: child, lines }
}

// Flask's own server says where it listens on standard error, in a form of its own.
const FLASK = `import flask_app; from werkzeug.serving import make_server
server = make_server('127.0.0.1', 0, flask_app.app, threaded=True)
print(f'http://127.0.0.1:{server.server_port}', flush=True)
server.serve_forever()`

const receivers = [
  {
    name: 'receiver-node',
    isHere: true,
    start: () =>
      start(process.execPath, ['--conditions=signalbox-source', 'server.ts'], folder('receiver-node'), {
        SIGNALBOX_SECRET: `${SECRET}, ${OLD}`,
      }),
  },
  {
    name: 'receiver-python',
    isHere: hasPython,
    start: () => start('python3', ['server.py'], folder('receiver-python'), { SIGNALBOX_SECRET: `${SECRET}, ${OLD}` }),
  },
  {
    name: 'receiver-python with Flask',
    isHere: hasFlask,
    start: () => start('python3', ['-c', FLASK], folder('receiver-python'), { SIGNALBOX_SECRET: `${SECRET}, ${OLD}` }),
  },
]

describe.each(receivers)('$name', ({ isHere, start: startReceiver }) => {
  let running: Running
  beforeAll(async () => {
    if (isHere) running = await startReceiver()
  })
  afterAll(async () => {
    if (!isHere) return
    const ended = once(running.process, 'exit')
    running.process.kill('SIGTERM')
    await ended
  })

  async function post(headers: Record<string, string>, sent: string = body) {
    const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: sent }
    const response = await fetch(`${running.url}/`, init)
    return [response.status, (await response.text()).trim()]
  }

  test.skipIf(!isHere)('a delivery is accepted, and worked on once however often it comes', async () => {
    const headers = await sign({ id: 'evt_once' })
    expect(await post(headers)).toEqual([202, 'accepted'])
    expect(await post(headers)).toEqual([200, 'seen before'])
    expect(await post(await sign({ id: 'evt_once' }))).toEqual([200, 'seen before'])
    await post(await sign({ id: 'evt_last' }))
    await expect.poll(() => running.lines.some((line) => line.startsWith('evt_last '))).toBe(true)
    expect(running.lines.filter((line) => line.startsWith('evt_once '))).toHaveLength(1)
  })

  test.skipIf(!isHere)('while the secret is replaced, both are accepted', async () => {
    expect(await post(await sign({ secrets: OLD }))).toEqual([202, 'accepted'])
  })

  test.skipIf(!isHere)('a forged, changed, stale or unsigned request is refused with its reason', async () => {
    expect(await post(await sign({ secrets: 'a guess of twenty letters' }))).toEqual([401, 'signature_mismatch'])
    expect(await post(await sign(), body.replace('j1', 'j2'))).toEqual([401, 'signature_mismatch'])
    expect(await post(await sign({ ageSeconds: 400 }))).toEqual([401, 'timestamp_too_old'])
    expect(await post(await sign({ ageSeconds: -400 }))).toEqual([401, 'timestamp_too_new'])
    expect(await post({})).toEqual([400, 'missing_header'])
    const { 'webhook-timestamp': _, ...without } = await sign()
    expect(await post(without)).toEqual([400, 'missing_header'])
    expect(await post({ ...(await sign()), 'webhook-timestamp': 'now' })).toEqual([400, 'malformed_header'])
    expect(await post(await sign({ body: 'no JSON' }), 'no JSON')).toEqual([400, 'malformed_body'])
  })

  test.skipIf(!isHere)('a refused request is not remembered: the real one is accepted after it', async () => {
    const headers = await sign({ id: 'evt_forged_first' })
    expect(await post(headers, `${body} `)).toEqual([401, 'signature_mismatch'])
    expect(await post(headers)).toEqual([202, 'accepted'])
  })

  test.skipIf(!isHere)('a body that is too large is refused', async () => {
    const answer = await post(await sign(), 'x'.repeat(1024 * 1024 + 1)).catch(() => null)
    expect([413, undefined]).toContain(answer?.[0])
  })
})

test('the receiver in TypeScript verifies by the published keys, and a digest does not stand in for them', async () => {
  const key = generateSigningKey()
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys: publicJwks([key]) })))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const SIGNALBOX_JWKS_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const args = ['--conditions=signalbox-source', 'server.ts']
  const running = await start(process.execPath, args, folder('receiver-node'), { SIGNALBOX_JWKS_URL })
  try {
    const status = async (headers: Record<string, string>) =>
      (await fetch(running.url, { method: 'POST', headers, body })).status
    expect(await status(await sign({ signingKeys: key }))).toBe(202)
    expect(await status(await sign())).toBe(401)
    expect(await status(await sign({ signingKeys: generateSigningKey() }))).toBe(401)
  } finally {
    running.process.kill('SIGTERM')
    server.closeAllConnections()
    server.close()
  }
})

test.skipIf(!hasPython)('the verification in Python agrees with every test vector it can read', () => {
  const own = vectors.filter(
    (vector) => vector.form === 'standard' && 'secrets' in vector && !('public_keys' in vector),
  )
  // It does not know Svix's names.
  const usable = own.filter(({ headers }) => Object.keys(headers).every((name) => !name.startsWith('svix')))
  const script = `import base64, json, sys
from signalbox_webhooks import Refused, verify
for vector in json.load(sys.stdin):
    body = vector["body"].encode() if "body" in vector else base64.b64decode(vector["body_base64"])
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    try:
        verify(headers, body, vector["secrets"], vector["now"])
        print("ok")
    except Refused as refused:
        print(refused.code)`
  const made = spawnSync('python3', ['-B', '-c', script], {
    cwd: folder('receiver-python'),
    input: JSON.stringify(usable),
  })
  expect(made.stderr.toString()).toBe('')
  const outcomes = made.stdout.toString().trim().split('\n')
  expect(usable.length).toBeGreaterThan(40)
  expect(usable.map(({ name }, at) => [name, outcomes[at]])).toEqual(
    usable.map(({ name, expected }) => [name, expected]),
  )
})

describe('docs/receivers.md', () => {
  const text = readFileSync(new URL('../docs/receivers.md', import.meta.url), 'utf8')
  const block = (language: string) => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(text)?.[1] ?? ''

  test('the receiver in JavaScript accepts a delivery once, and refuses a forged one', async () => {
    const source = block('js').replace("'@signalbox/sdk'", JSON.stringify(import.meta.resolve('../sdk/src/index.ts')))
    const code = source.replace('process.env.SIGNALBOX_SECRET', JSON.stringify(SECRET))
    const { POST } = await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`)
    const post = async (headers: Record<string, string>) =>
      POST(new Request('http://receiver.test/', { method: 'POST', headers, body })).then((response: Response) =>
        response.text(),
      )
    const headers = await sign()
    expect([await post(headers), await post(headers)]).toEqual(['accepted', 'seen before'])
    await expect(post(await sign({ secrets: OLD }))).rejects.toMatchObject({ code: 'signature_mismatch' })
  })

  test.skipIf(!hasPython)('the verification in Python accepts what is signed, and nothing else', async () => {
    const plain = 'my_webhook_secret_key'
    const requests = [
      [await sign({ id: 'evt_doc' }), SECRET],
      [await sign({ id: 'evt_plain', secrets: plain }), plain],
      [await sign({ secrets: OLD }), SECRET],
      [await sign({ ageSeconds: 400 }), SECRET],
    ]
    const script = `${block('python')}
import json, sys
given = json.load(sys.stdin)
for headers, secret in given["requests"]:
    try:
        print(verify(headers, given["body"].encode(), secret))
    except ValueError as error:
        print(error)`
    const made = spawnSync('python3', ['-c', script], { input: JSON.stringify({ requests, body }) })
    expect(made.stderr.toString()).toBe('')
    expect(made.stdout.toString()).toBe('evt_doc\nevt_plain\nwrong signature\ntoo old or too new\n')
  })
})
