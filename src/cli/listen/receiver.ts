// The server of `signalbox listen`: it verifies each delivery, answers as it is asked to, and says
// what it received.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { isSignalboxEvent } from '@signalbox/sdk'
import { withBody } from '../../http/body.ts'
import { AppError, errorText } from '../../lib/error.ts'
import { CliError } from '../failure.ts'
import type { Received } from './received.ts'
import type { Keys } from './verdicts.ts'
import { verdictsOn } from './verdicts.ts'

/** How deliveries are answered. */
export type Answering = {
  status: number
  delayMs: number
  /** Resets the connection in place of an answer. */
  reset: boolean
  /** How many are answered 500 first. */
  failFirst: number
  /** Where each is passed on to; what comes back is the answer. */
  forward: string | undefined
}

type Options = Keys & Answering & { port: number; onReceived(received: Received): void }

const FORWARD_TIMEOUT_MS = 30_000
/** Of one connection only, or made anew for another. */
const NOT_FORWARDED = ['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive', 'expect']

/** Starts listening on this machine; port 0 lets the system choose. */
export async function openListener(options: Options): Promise<{ url: string; close(): Promise<void> }> {
  const seen = new Map<string, number>()
  let requests = 0
  const server = createServer(async (request, response) => {
    const at = new Date()
    const failsNow = requests++ < options.failFirst
    try {
      const answered = await withBody(request, (body) =>
        answer(options, { request, response, body, failsNow, seen, at }),
      )
      options.onReceived(answered)
    } catch (error) {
      const status = error instanceof AppError ? error.status : 500
      response.writeHead(status, { connection: 'close' }).end(`${errorText(error)}\n`)
    }
  })
  await listening(server, options.port)
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${port}/`, close }
}

type Arrived = {
  request: IncomingMessage
  response: ServerResponse
  body: Buffer
  failsNow: boolean
  seen: Map<string, number>
  at: Date
}

async function answer(options: Options, { request, response, body, failsNow, seen, at }: Arrived): Promise<Received> {
  const { headers } = request
  const verdicts = await verdictsOn({ headers, body }, options)
  const id = textOf(headers['webhook-id'])
  const before = id === null ? 0 : (seen.get(id) ?? 0)
  if (id !== null) seen.set(id, before + 1)
  if (options.delayMs > 0) await pause(options.delayMs)
  const answered = await respond(options, { request, response, body, failsNow })
  const shown = readBody(body)
  const inHeader = textOf(headers['x-agenta-event']) ?? textOf(headers['x-github-event'])
  return {
    received_at: at.toISOString(),
    id,
    seen_before: before,
    event: isSignalboxEvent(shown) ? shown.event : inHeader,
    verdicts,
    answered: { ...answered, duration_ms: Date.now() - at.getTime() },
    headers,
    body: shown,
  }
}

async function respond(
  { status, reset, forward }: Answering,
  { request, response, body, failsNow }: Pick<Arrived, 'request' | 'response' | 'body' | 'failsNow'>,
): Promise<{ status: number | null; reason: string | null }> {
  if (failsNow) return end(response, 500, 'one of the first, which fail')
  if (reset) {
    request.socket.resetAndDestroy()
    return { status: null, reason: 'the connection was reset' }
  }
  if (forward === undefined) return end(response, status, null)
  const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
    value === undefined || NOT_FORWARDED.includes(name) ? [] : [[name, [value].flat().join(', ')]],
  )
  try {
    const signal = AbortSignal.timeout(FORWARD_TIMEOUT_MS)
    const sent = { method: 'POST', headers, body: new Uint8Array(body), redirect: 'manual', signal } as const
    const from = await fetch(forward, sent)
    response.writeHead(from.status, { 'content-type': from.headers.get('content-type') ?? 'text/plain' })
    response.end(Buffer.from(await from.arrayBuffer()))
    return { status: from.status, reason: `from ${forward}` }
  } catch (error) {
    return end(response, 502, `no answer from ${forward}: ${errorText(error)}`)
  }
}

function end(response: ServerResponse, status: number, reason: string | null) {
  response.writeHead(status).end()
  return { status, reason }
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const remedy = 'Name another with --port; 0 lets the system choose.'
      reject(
        error.code === 'EADDRINUSE' || error.code === 'EACCES'
          ? new CliError('port_unusable', `Port ${port} cannot be used: ${error.code}.`, remedy)
          : error,
      )
    })
    server.listen(port, '127.0.0.1', resolve)
  })
}

function textOf(header: string | string[] | undefined): string | null {
  return typeof header === 'string' ? header : null
}

function readBody(body: Buffer): unknown {
  const text = body.toString()
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
