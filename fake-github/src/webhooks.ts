// Sends signed webhooks as GitHub does: once, with ten seconds to answer and no retry, every
// attempt on record.
import { createHmac, randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Faults, WebhookFault } from './faults.ts'
import type { Delivery, Hook, State } from './state.ts'

/** An event ready for one hook; `payload` is a snapshot nobody changes any more. */
type Message = {
  event: string
  action: string | null
  payload: Record<string, unknown>
  installationId: number | null
  repositoryId: number | null
}

/** A message under way; a redelivery repeats the guid. */
type Sending = {
  message: Message
  guid: string
  redelivery: boolean
}

/** The sending side of the fake. */
export type Webhooks = {
  /** Starts a delivery; the caller does not wait for it. */
  send(hook: Hook, message: Message): void
  /** Starts a second attempt: a new delivery id under the same guid. */
  redeliver(delivery: Delivery): void
  /** Resolves when nothing is under way; deliveries delayed by a fault do not count. */
  settled(): Promise<void>
  /** Starts no further deliveries and cuts those under way. */
  close(): void
}

/** The parts of the hub that the sender needs; the hub itself contains the sender. */
type Surroundings = {
  state: State
  faults: Faults
  /** Milliseconds since the epoch. */
  clock(): number
}

type Outcome = {
  status: string
  statusCode: number
  headers: Record<string, string>
  body: string | null
}

const DROPPED: Outcome = { status: 'failed to connect to host', statusCode: 502, headers: {}, body: null }

/** Makes the sender; `timeoutMs` is how long a receiver has for its whole answer. */
export function openWebhooks(
  hub: Surroundings,
  timeoutMs: number,
  onDelivery: (delivery: Delivery) => void = () => {},
): Webhooks {
  const underWay = new Set<Promise<void>>()
  const aborter = new AbortController()
  const track = (work: Promise<void>) => {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
  }

  async function attempt(hook: Hook, { message, guid, redelivery }: Sending, fault: WebhookFault | null) {
    const id = hub.state.nextId()
    const startedMs = hub.clock()
    const sent = encode(hook, message, guid)
    const body = fault?.kind === 'tamper' ? sent.body.replace(/.$/, ' $&') : sent.body
    const signal = AbortSignal.any([aborter.signal, AbortSignal.timeout(timeoutMs)])
    const outcome = fault?.kind === 'drop' ? DROPPED : await post(hook.url, sent.headers, body, signal)
    const ok = outcome.statusCode >= 200 && outcome.statusCode < 300
    hook.lastResponse = {
      code: outcome.statusCode,
      status: ok ? 'active' : 'misconfigured',
      message: ok ? 'OK' : outcome.status,
    }
    const delivery: Delivery = {
      id,
      guid,
      hook,
      event: message.event,
      action: message.action,
      deliveredAtMs: startedMs,
      durationMs: hub.clock() - startedMs,
      redelivery,
      status: outcome.status,
      statusCode: outcome.statusCode,
      installationId: message.installationId,
      repositoryId: message.repositoryId,
      request: { headers: sent.headers, payload: message.payload, body },
      response: { headers: outcome.headers, payload: outcome.body },
    }
    hub.state.deliveries.push(delivery)
    onDelivery(delivery)
  }

  function start(hook: Hook, sending: Sending) {
    const { message } = sending
    const fault = hub.faults.takeWebhook(message.event, message.action)
    const go = () => {
      if (aborter.signal.aborted) return
      track(attempt(hook, sending, fault))
      if (fault?.kind === 'duplicate') track(attempt(hook, sending, null))
    }
    if (fault?.kind !== 'delay') go()
    else if (fault.delayMs === undefined) void fault.released.then(go)
    else track(Promise.race([delay(fault.delayMs, aborter.signal), fault.released]).then(go))
  }

  return {
    send: (hook, message) => start(hook, { message, guid: randomUUID(), redelivery: false }),
    redeliver: ({ hook, guid, event, action, installationId, repositoryId, request }) => {
      const message = { event, action, payload: request.payload, installationId, repositoryId }
      start(hook, { message, guid, redelivery: true })
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay)
    },
    close: () => aborter.abort(),
  }
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/**
 * Headers and body,
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
 */
function encode(hook: Hook, { event, payload }: Message, guid: string) {
  const text = JSON.stringify(payload)
  const json = hook.contentType === 'json'
  const body = json ? text : new URLSearchParams({ payload: text }).toString()
  const headers: Record<string, string> = {
    Accept: '*/*',
    'Content-Type': json ? 'application/json' : 'application/x-www-form-urlencoded',
    'User-Agent': 'GitHub-Hookshot/fa4e001',
    'X-GitHub-Delivery': guid,
    'X-GitHub-Event': event,
    'X-GitHub-Hook-ID': String(hook.id),
    'X-GitHub-Hook-Installation-Target-ID': String(hook.target.id),
    'X-GitHub-Hook-Installation-Target-Type': hook.target.type,
  }
  if (hook.secret) {
    const hmac = (algorithm: string) =>
      createHmac(algorithm, hook.secret ?? '')
        .update(body)
        .digest('hex')
    headers['X-Hub-Signature'] = `sha1=${hmac('sha1')}`
    headers['X-Hub-Signature-256'] = `sha256=${hmac('sha256')}`
  }
  return { headers, body }
}

// Node's own client without a connection pool: a receiver that closes is not kept waiting by an
// idle socket.
function post(url: string, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest
    const fail = () => resolve(signal.aborted ? { ...DROPPED, status: 'timed out', statusCode: 504 } : DROPPED)
    const length = String(Buffer.byteLength(body))
    const request = send(
      url,
      { method: 'POST', agent: false, signal, headers: { ...headers, 'Content-Length': length } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', fail)
        response.on('end', () => {
          const code = response.statusCode ?? 0
          resolve({
            status: code >= 200 && code < 300 ? 'OK' : `Invalid HTTP Response: ${code}`,
            statusCode: code,
            headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
            body: Buffer.concat(chunks).toString(),
          })
        })
      },
    )
    request.on('error', fail)
    request.end(body)
  })
}
