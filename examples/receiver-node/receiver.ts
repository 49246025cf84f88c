// What a receiver does with a delivery: it verifies, remembers the id, and answers before the work
// begins. Replace `work` by your own.
import type { IncomingMessage } from 'node:http'
import type { VerifiedWebhook, VerifyWebhookOptions } from '@signalbox/sdk'
import { isOwnEvent, isRelayedEvent, verifyWebhook, WebhookVerificationError } from '@signalbox/sdk'

const MAX_BODY_BYTES = 1024 * 1024
// Deliveries of one event may be days apart. A real receiver remembers ids in its database.
const MAX_REMEMBERED = 100_000

/** What is answered: a status, and a word that says why. */
export type Answer = { status: number; text: string }

/** Which keys verify a delivery, and what is done with it. */
export type ReceiverOptions = Pick<VerifyWebhookOptions, 'secrets' | 'jwks'> & {
  work(event: VerifiedWebhook): void | Promise<void>
}

/** Makes the function that answers requests. */
export function receiver({ secrets, jwks, work }: ReceiverOptions): (request: IncomingMessage) => Promise<Answer> {
  const seen = new Set<string>()
  return async (request) => {
    const body = await readBody(request)
    if (body === null) return { status: 413, text: 'too large' }
    try {
      // Of a sender that always sends a time: without one, a captured request could be sent again.
      const keys = { secrets, jwks, requireTimestamp: true }
      const event = await verifyWebhook({ headers: request.headers, body }, keys)
      if (seen.has(event.id)) return { status: 200, text: 'seen before' }
      remember(seen, event.id)
      // Not awaited: the sender waits for ten seconds, and sends again after that.
      queueMicrotask(() => void runWork(work, event))
      return { status: 202, text: 'accepted' }
    } catch (error) {
      if (!(error instanceof WebhookVerificationError)) throw error
      console.error(`refused: ${error.code}: ${error.message}`)
      return { status: statusOf(error), text: error.code }
    }
  }
}

/** What a receiver might say of an event. */
export function describe({ payload }: VerifiedWebhook): string {
  if (isOwnEvent(payload)) {
    switch (payload.event) {
      case 'environment.deployed':
        return `${payload.data.app_name} was deployed to ${payload.data.environment} by ${payload.data.deployed_by}`
      case 'environment.merged':
        return `the pull request of ${payload.data.app_name} was merged: ${payload.data.url}`
      case 'deployment.drifted':
        return `${payload.data.path} of ${payload.data.repository} is not what was deployed`
      case 'job.failed':
        return `job ${payload.data.job_id} failed: ${payload.data.error}`
      case 'job.completed':
        return `job ${payload.data.job_id} completed`
      case 'job.waiting':
        return `job ${payload.data.job_id} waits for ${payload.data.name}`
      case 'rule.paused':
        return `rule ${payload.data.rule} is paused: ${payload.data.reason}`
      case 'gap.found':
        return `${payload.data.deliveries} webhooks of ${payload.data.hook} did not arrive: ${payload.data.recovered} recovered`
      default:
        return `${payload.event}: ${payload.data.endpoint_name}`
    }
  }
  return isRelayedEvent(payload) ? `${payload.event}: ${payload.data.subject ?? 'unknown'}` : payload.event
}

async function runWork(work: ReceiverOptions['work'], event: VerifiedWebhook): Promise<void> {
  try {
    await work(event)
  } catch (error) {
    console.error(`the work for ${event.id} failed:`, error)
  }
}

function remember(seen: Set<string>, id: string): void {
  const [oldest] = seen
  if (seen.size >= MAX_REMEMBERED && oldest !== undefined) seen.delete(oldest)
  seen.add(id)
}

function statusOf({ code }: WebhookVerificationError): number {
  if (code === 'no_secret' || code === 'invalid_secret' || code === 'keys_unavailable') return 503
  return code.startsWith('missing') || code.startsWith('malformed') ? 400 : 401
}

/** The bytes as they came, because the signature covers them; null if there are too many. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
