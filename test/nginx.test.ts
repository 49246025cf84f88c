// Requests through a real nginx with the configuration of deploy/nginx, where there is one.
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:http'
import { request } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { githubHeaders } from './fixtures/signed.ts'
import { openTestFolder } from './folder.ts'
import { listenOnLoopback } from './loopback-server.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from './signalbox.ts'

const CONFIGURATION = fileURLToPath(new URL('../deploy/nginx/', import.meta.url))
const HOST = 'signalbox.example.com'
const MEGABYTE = 1024 * 1024

function answersVersion(program: string, argument: string): boolean {
  try {
    execFileSync(program, [argument], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const canRun = answersVersion('nginx', '-v') && answersVersion('openssl', 'version')

async function freePort(): Promise<number> {
  const { port, close } = await listenOnLoopback(createTcpServer())
  close()
  return port
}

type Nginx = { ports: { plain: number; tls: number }; certificate: string }

/** Starts it in front of a server; `change` is what a test needs to be different. */
async function openNginx(upstreamPort: number, change = (text: string) => text): Promise<Nginx> {
  const folder = await openTestFolder()
  const [certificate, key] = [join(folder, 'fullchain.pem'), join(folder, 'privkey.pem')]
  const subject = ['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate])
  const ports = { plain: await freePort(), tls: await freePort() }
  const texts = await Promise.all(
    ['signalbox.conf', 'upstream.conf'].map((name) => readFile(CONFIGURATION + name, 'utf8')),
  )
  const here = change(texts.join('\n'))
    .replaceAll(/^ *listen \[::\].*$/gm, '')
    .replaceAll('listen 80;', `listen 127.0.0.1:${ports.plain};`)
    .replaceAll('listen 443 ssl;', `listen 127.0.0.1:${ports.tls} ssl;`)
    .replaceAll('127.0.0.1:8000', `127.0.0.1:${upstreamPort}`)
    .replaceAll(`/etc/letsencrypt/live/${HOST}`, folder)
    .replaceAll('/var/www/certbot', join(folder, 'certbot'))
  await mkdir(join(folder, 'certbot/.well-known/acme-challenge'), { recursive: true })
  await writeFile(join(folder, 'certbot/.well-known/acme-challenge/one'), 'proof')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  const main = `${process.getuid?.() === 0 ? 'user root;' : ''} pid ${folder}/pid; daemon off; events {}
    http { access_log off; ${temporary.join(' ')} ${here} }`
  await writeFile(join(folder, 'nginx.conf'), main)
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr']
  const tested = await promisify(execFile)('nginx', [...args, '-t'])
  // Two lines say that it is well; each other one would be a warning.
  expect(tested.stderr.trim().split('\n')).toHaveLength(2)
  const child = spawn('nginx', args, { stdio: 'ignore' })
  onTestFinished(async () => {
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  })
  const nginx = { ports, certificate: await readFile(certificate, 'utf8') }
  await until('nginx answers', async () => child.exitCode !== null || (await send(nginx, '/nothing').catch(() => null)))
  return nginx
}

type Sent = { method?: string; headers?: [string, string][]; body?: Uint8Array; onData?: (text: string) => void }

/** Sends over TLS, and checks the certificate. */
function send({ ports, certificate }: Nginx, path: string, { method = 'GET', headers = [], body, onData }: Sent = {}) {
  return new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: ports.tls,
        // Another one than that of nginx itself.
        localAddress: '127.0.0.2',
        servername: HOST,
        ca: certificate,
        path,
        method,
        agent: false,
        headers: { host: HOST, ...Object.fromEntries(headers), ...(body ? { 'content-length': body.length } : {}) },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
          onData?.(chunk)
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

describe.runIf(canRun)('through nginx', () => {
  const closing: (() => Promise<void> | void)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function openStub(answer: Parameters<typeof createServer>[1]): Promise<number> {
    const { port, close } = await listenOnLoopback(createServer(answer))
    closing.push(close)
    return port
  }

  test('a signed webhook is recorded, one of 25 MB is read, and a larger one refused', async () => {
    const signalbox = await openTestSignalbox({ env: { TRUST_PROXY: '1' } })
    closing.push(signalbox.close)
    const nginx = await openNginx(Number(new URL(signalbox.url).port))
    const body = Buffer.from(JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'acme/shop' } }))
    const headers = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() })
    const forged: [string, string][] = [...headers, ['x-forwarded-for', '203.0.113.9']]
    expect((await send(nginx, '/webhook/github', { method: 'POST', headers: forged, body })).status).toBe(200)
    // The address that nginx saw, and not what the sender says of itself.
    expect(await signalbox.count('signalbox.events', "type = 'push' and headers->>'remote' = '127.0.0.2'")).toBe(1)
    // Without a valid signature, but read to its end by Signalbox.
    const large = await send(nginx, '/webhook/github', { method: 'POST', headers, body: Buffer.alloc(25 * MEGABYTE) })
    expect([large.status, JSON.parse(large.text).code]).toEqual([401, 'signature_invalid'])
    const length: [string, string] = ['content-length', String(27 * MEGABYTE)]
    const tooLarge = await send(nginx, '/webhook/github', { method: 'POST', headers: [...headers, length] })
    expect(tooLarge.status).toBe(413)
    expect((await send(nginx, '/health')).status).toBe(200)
  })

  test('Signalbox learns who sends, and by which name and scheme', async () => {
    let headers: IncomingHttpHeaders = {}
    const upstream = await openStub((incoming, outgoing) => {
      headers = incoming.headers
      outgoing.end()
    })
    const nginx = await openNginx(upstream)
    await send(nginx, '/webhook/github', { headers: [['x-forwarded-for', '203.0.113.9']] })
    expect(headers).toMatchObject({
      host: HOST,
      'x-real-ip': '127.0.0.2',
      'x-forwarded-for': '203.0.113.9, 127.0.0.2',
      'x-forwarded-proto': 'https',
    })
  })

  test('only what is public is passed on; plain HTTP is for certificates, and leads to TLS', async () => {
    const paths: string[] = []
    const upstream = await openStub((incoming, outgoing) => {
      paths.push(incoming.url ?? '')
      outgoing.end()
    })
    const nginx = await openNginx(upstream)
    const passed = ['/webhook', '/webhook/github', '/health', '/.well-known/webhooks-jwks.json', '/api/jobs']
    for (const path of passed) expect([path, (await send(nginx, path)).status]).toEqual([path, 200])
    for (const path of ['/', '/metrics', '/webhooks', '/healthz']) expect((await send(nginx, path)).status).toBe(404)
    expect(paths).toEqual(passed)
    const plain = `http://127.0.0.1:${nginx.ports.plain}`
    const response = await fetch(`${plain}/webhook/github`, { redirect: 'manual', method: 'POST' })
    expect(response.status).toBe(301)
    expect(response.headers.get('location')).toMatch(/^https:\/\//)
    expect(await (await fetch(`${plain}/.well-known/acme-challenge/one`)).text()).toBe('proof')
  })

  test('a stream of the API arrives piece by piece', async () => {
    let goOn = () => {}
    const upstream = await openStub((_incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
      outgoing.write('data: one\n\n')
      goOn = () => outgoing.end('data: two\n\n')
    })
    const nginx = await openNginx(upstream)
    const pieces: string[] = []
    // The second piece is written only after the first has arrived.
    const onData = (text: string) => {
      pieces.push(text)
      if (pieces.length === 1) goOn()
    }
    expect((await send(nginx, '/api/stream', { onData })).text).toBe('data: one\n\ndata: two\n\n')
    expect(pieces).toEqual(['data: one\n\n', 'data: two\n\n'])
  })

  test('an address that sends more than its limit gets 429', async () => {
    const upstream = await openStub((_incoming, outgoing) => outgoing.end())
    // So slow that none comes back during the test.
    const nginx = await openNginx(upstream, (text) =>
      text.replace('rate=50r/s', 'rate=1r/m').replace('burst=200', 'burst=5'),
    )
    const statuses = []
    for (let n = 0; n < 8; n++) statuses.push((await send(nginx, '/health')).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 429, 429])
  })
})
