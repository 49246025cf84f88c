// What a kind of destination is: how an endpoint of it is set up, and what is sent to it. Pure;
// the sending itself is in `send-prepared.ts`.
import { z } from 'zod'
import type { AskedTarget, Target } from '../../endpoints/target.ts'
import type { Dispatch } from '../../forges/forge.ts'
import { AppError } from '../../lib/error.ts'
import type { JsonObject } from '../../lib/json.ts'
import { PARSING, problemLines } from '../../lib/zod.ts'
import type { Envelope, EnvelopeEvent } from '../envelope.ts'
import type { SendResult } from '../send.ts'
import type { SignatureStyle } from '../sign.ts'
import type { Ed25519Signer } from '../sign-ed25519.ts'

/** The names of all kinds, as the table of endpoints has them. */
export const KIND_NAMES = ['webhook', 'slack', 'telegram', 'email', 'github-dispatch'] as const
export type KindName = (typeof KIND_NAMES)[number]

/**
 * Why an address must not be called, as the rest of a sentence after its field; null if it may.
 */
export type UrlProblem = (url: string) => string | null

/** An endpoint with everything that is needed to notify it, its secrets opened. */
export type Destination = {
  kind: KindName
  /** The address as all may see it. */
  url: string
  settings: JsonObject
  credential: string | null
  secrets: readonly string[]
  /** Its own headers, by name. */
  headers: Readonly<Record<string, string>>
  format: 'envelope' | 'raw'
  signatures: readonly SignatureStyle[]
  /** Its own messages, by type of event or glob. */
  templates: Readonly<Record<string, string>>
}

/** One event for one endpoint, at this attempt. */
export type ToPrepare = {
  endpoint: Destination
  /** The delivery's own id, the same on every attempt. */
  id: string
  eventId: string
  event: EnvelopeEvent
  envelope: Envelope
  at: Date
  version: string
  /** Older events that this one takes the place of, by id. */
  superseded?: readonly string[] | undefined
  /** The span that the attempt is. */
  traceparent?: string | undefined
  /** What tracing systems add to that. */
  tracestate?: string | undefined
  /** The address of this server from outside, for links. */
  publicUrl?: string | undefined
  ed25519?: Ed25519Signer | undefined
}

/** An HTTP request. */
export type PreparedRequest = {
  by: 'http'
  url: string
  headers: Record<string, string>
  body: Uint8Array
  /** What must not be stored of the answer, should the other side repeat it. */
  secrets: readonly string[]
}

/** A mail. */
export type PreparedMail = { by: 'mail'; id: string; to: readonly string[]; subject: string; text: string }

/** A call of a forge: it starts what its repository does with an event, or runs a workflow. */
export type PreparedDispatch = { by: 'forge'; repository: string; dispatch: Dispatch }

/** What to send, or why there is nothing to send. */
export type Prepared = PreparedRequest | PreparedMail | PreparedDispatch | { by: 'nothing'; reason: string }

/** A kind of destination. */
export type Kind = {
  /**
   * Checks what is needed to notify an endpoint of this kind. What it returns it takes too: a
   * change is read together with what is stored.
   * @throws AppError `input_invalid` naming the fields at fault.
   */
  readSettings(given: AskedTarget, urlProblem: UrlProblem): Target
  prepare(delivery: ToPrepare): Prepared
  /**
   * Where the answer's body says more than its status: `deliveryControl` is then as a receiver
   * of webhooks says it, `disable` (it wants no more) or `abort-message` (there is no use in
   * another attempt).
   */
  judgeAnswer?(result: SendResult): SendResult
}

/**
 * Settings as a schema reads them.
 * @throws AppError `input_invalid` naming every field at fault.
 */
export function parseSettings<Output>(schema: z.ZodType<Output>, settings: unknown): Output {
  const { data, error } = z.object({ settings: schema }).safeParse({ settings: settings ?? {} }, PARSING)
  if (error) throw new AppError('input_invalid', problemLines(error).join('\n'))
  return data.settings
}

/**
 * An address that may be called.
 * @throws AppError `input_invalid` when it is not there or must not be called.
 */
export function requireUrl(field: 'url' | 'credential', url: string | undefined, urlProblem: UrlProblem): URL {
  const problem = url === undefined ? 'is required' : urlProblem(url)
  if (url === undefined || problem !== null) throw new AppError('input_invalid', `${field}: ${problem}`)
  return new URL(url)
}

/**
 * Refuses a field that a kind has no use for; `remedy` says where its value belongs. An address
 * that only shows what is stored (`mailto:…`) is nothing.
 * @throws AppError `input_invalid` when it is there.
 */
export function refuseGiven(given: AskedTarget, field: 'url' | 'credential', remedy: string, shown?: string): void {
  const value = given[field] ?? undefined
  if (value === undefined || (shown !== undefined && value.startsWith(shown))) return
  throw new AppError('input_invalid', `${field}: is not used here; ${remedy}`)
}

/** The headers of a request whose body is JSON. */
export function jsonHeaders({ version }: ToPrepare): Record<string, string> {
  return { 'content-type': 'application/json; charset=utf-8', 'user-agent': `Signalbox/${version}` }
}

/** Whether the status is one of success. */
export function isSuccess({ statusCode }: SendResult): boolean {
  return statusCode !== null && statusCode >= 200 && statusCode < 300
}

/** Refused, although the status may be one of success; `reason` in the answer's own words. */
export function refused(
  result: SendResult,
  reason: string | null,
  deliveryControl: 'disable' | 'abort-message' | null = null,
): SendResult {
  return { ...result, error: 'refused', reason, deliveryControl }
}
