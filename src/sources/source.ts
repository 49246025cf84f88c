// What a source is: who may send events, how to verify that it is them, and how to read them.
import type { Facts } from '../events/facts.ts'
import type { PullRequest } from '../events/pull-request.ts'
import type { Trace } from '../events/trace.ts'
import type { Json } from '../lib/json.ts'

/**
 * Request headers, whatever the runtime: a web `Headers`, or a reader over Node's. Names are
 * case-insensitive; an absent header is null.
 */
export type HeaderReader = { get(name: string): string | null }

/** What a verified request says, in the same words whoever sent it. */
export type Normalised = {
  /**
   * What happened: GitHub's own name with its action (`pull_request.opened`, `push`), or
   * `environment.deployed`. The types of a source in the configuration begin with its name: of a
   * source `shop`, `order.paid` is recorded as `shop.order.paid`.
   */
  type: string
  /** The sender's id for this delivery: the same id twice is the same event. */
  deliveryId: string
  /**
   * A second id, of 32 hexadecimal digits, where the signature does not cover `deliveryId`: what is
   * signed with the same digest is the same event, so a captured request is a repeat under every
   * delivery id. Leave it out where the sender may send two events that are alike to the byte.
   */
  bodyKey?: string
  /** What it is about: `acme/shop#12`, `acme/shop@main`, `customer-support-bot@production`. */
  subject: string | null
  /** When it happened, by the sender's clock: events may arrive in another order. */
  happenedAt?: Date
  /** Who did it: a login or an e-mail address. */
  actor: string | null
  /** What rules and endpoints match on. */
  facts: Facts
  /**
   * What the event says, only where that is not simply the body as JSON: the source translated it,
   * or the body is not JSON. It is stored with the event and never computed again.
   */
  payload?: Json
  /** What it says of a pull request, if it is about one. */
  pullRequest?: PullRequest
  /** What it shows of who wrote what it reports. */
  trace?: Trace
}

/**
 * A configured sender, as three steps. `Envelope` is whatever `open` reads from the headers and the
 * other two need. What they throw as `AppError` is the answer to the sender.
 */
export type Source<Envelope = unknown> = {
  /** The last part of the path it posts to, and the beginning of its events' types. */
  name: string
  /** All live secrets; with none the source is closed and answers 503 `source_closed`. */
  secrets: readonly string[]
  /**
   * Names of the headers worth keeping with the event, in lower case; never credentials.
   */
  keptHeaders: readonly string[]
  /**
   * Reads everything that is needed from the headers, before any byte of the body is read.
   * @throws AppError `header_missing`, `header_invalid` or `content_type_unsupported`.
   */
  open(headers: HeaderReader): Envelope
  /**
   * Compares the signature with the raw bytes, in constant time, under every live secret.
   * @throws AppError `signature_invalid`.
   */
  verify(envelope: Envelope, rawBody: Uint8Array, now: Date): void
  /**
   * Reads the body. Called on verified bytes only.
   * @throws AppError `body_invalid`.
   */
  normalise(envelope: Envelope, rawBody: Uint8Array): Normalised
  /**
   * Reads a request that never arrived, from the list that its sender keeps. That the list is the
   * sender's is known to whoever calls this: the bytes may not be those that were signed.
   * @throws AppError as `open` and `normalise` do.
   */
  restore?(kept: KeptRequest): RestoredRequest
}

/** A request as its sender's API shows it later: the headers, and the event as JSON. */
export type KeptRequest = { headers: HeaderReader; payload: string }

/**
 * What is recorded of it. The bytes are those that were sent if the signature, which is among the
 * headers then, is true for them; otherwise the JSON, without a signature.
 */
export type RestoredRequest = { normalised: Normalised; body: Uint8Array; headers: HeaderReader }

/** Types a source of your own, and returns it: `Envelope` is inferred from what `open` returns. */
export function defineSource<Envelope>(source: Source<Envelope>): Source<Envelope> {
  return source
}
