// Whether a webhook arrives: GitHub is asked for a ping, and what became of it is followed from
// GitHub's list of what it sent to the event here.
import { setTimeout as pause } from 'node:timers/promises'
import { SignalboxError } from '@signalbox/sdk'
import { githubHooks } from '../../forges/github/hook-deliveries.ts'
import type { Hook, HookAnswer } from '../../forges/github/hook-settings.ts'
import type { HookAttempt } from '../../forges/hooks.ts'
import type { ServerOptions } from '../api-client.ts'
import { clientOf } from '../api-client.ts'
import type { Cli } from '../terminal.ts'
import type { Timeout } from '../wait.ts'
import type { OpenPlace } from './place.ts'

/** What became of a ping. `arrived` is what GitHub was answered, `eventId` what was found here. */
export type PingResult = {
  arrived: boolean
  status: number
  tookMs: number
  answeredMs: number | null
  deliveryId: string | null
  eventId: string | null
  detail: string
  remedy: string | null
}

const LOOK_EVERY_MS = 500
const BODY_CHARS = 300
const RECENT = 100

/** The pings that were sent before, so that a later one is known. */
export async function pingsOf({ connections }: OpenPlace, hook: Hook): Promise<HookAttempt[]> {
  for await (const page of githubHooks(connections).attempts(hook.path, new Date(0))) {
    return page.filter(({ event }) => event === 'ping')
  }
  return []
}

/** Waits until a ping that is not among `before` has been sent, and looks for it here. */
export async function followPing(
  cli: Cli,
  place: OpenPlace,
  hook: Hook,
  { before, timeout, server }: { before: readonly HookAttempt[]; timeout: Timeout } & ServerOptions,
): Promise<PingResult> {
  const startedAt = performance.now()
  const tookMs = () => Math.round(performance.now() - startedAt)
  const known = new Set(before.map(({ id }) => id))
  for (;;) {
    const sent = (await pingsOf(place, hook)).find(({ id }) => !known.has(id))
    if (sent !== undefined) {
      const answer = await place.hooks.answer(hook, sent.id)
      return { ...judged(answer, tookMs()), deliveryId: sent.guid, ...(await foundHere(cli, { server }, sent, answer)) }
    }
    if (performance.now() - startedAt > timeout.ms) return unsent(timeout, tookMs())
    await pause(LOOK_EVERY_MS)
  }
}

type Judged = Omit<PingResult, 'deliveryId' | 'eventId'>

function judged({ status, reason, tookMs: answeredMs, body }: HookAnswer, tookMs: number): Judged {
  const arrived = status >= 200 && status < 300
  const said = body === '' ? reason : body.slice(0, BODY_CHARS)
  const detail = arrived
    ? said
    : status === 0
      ? `GitHub got no answer: ${said}`
      : `GitHub was answered ${status}: ${said}`
  return { arrived, status, tookMs, answeredMs, detail, remedy: arrived ? null : remedyOf(status) }
}

/** The event that it became here; why it is not known where it cannot be looked for. */
async function foundHere(
  cli: Cli,
  options: ServerOptions,
  { guid }: HookAttempt,
  { status }: HookAnswer,
): Promise<{ eventId: string | null; detail?: string; remedy?: string }> {
  if (status < 200 || status >= 300) return { eventId: null }
  try {
    const client = clientOf(cli, options)
    const { items } = await client.events.list({ source: 'github', type: 'ping', limit: RECENT })
    const event = items.find(({ delivery_id }) => delivery_id === guid)
    if (event !== undefined) return { eventId: event.id }
    return {
      eventId: null,
      detail: 'the server that was asked does not have it',
      remedy:
        'Another Signalbox answers at the public address. Name this one with --server, or correct SIGNALBOX_PUBLIC_URL.',
    }
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    return { eventId: null, detail: `it could not be looked for here: ${error.detail}` }
  }
}

function remedyOf(status: number): string {
  if (status === 401) return 'The server has another GITHUB_WEBHOOK_SECRET: start it again with that of this .env.'
  if (status === 404)
    return 'Something else answers there: SIGNALBOX_PUBLIC_URL is the address without /webhook/github.'
  if (status === 503) return 'Start the server again with GITHUB_WEBHOOK_SECRET set; "signalbox doctor" says more.'
  if (status === 0 || status >= 500)
    return 'Is the server running, and the tunnel or proxy before it? GitHub must reach it.'
  return 'See the log of the server, and of the proxy before it.'
}

function unsent({ text }: Timeout, tookMs: number): PingResult {
  const detail = `GitHub sent none within ${text}`
  const remedy = 'Look at "Recent Deliveries" of the webhook on GitHub, or wait longer with --timeout.'
  return { arrived: false, status: 0, tookMs, answeredMs: null, deliveryId: null, eventId: null, detail, remedy }
}
