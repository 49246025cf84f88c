// What a source is: who may send to us, how to tell it is them, and how to read what they say.
import type { Facts } from '../events/facts.ts'

/**
 * Request headers, whatever the runtime: a web `Headers`, or a reader over Node's. Names are
 * case-insensitive; an absent header is null.
 */
export type HeaderReader = { get(name: string): string | null }

/** What a verified request says, in the words every room uses. */
export type Normalised = {
  /**
   * GitHub's own name with its action (`pull_request.opened`, `push`), or ours
   * (`environment.deployed`).
   */
  type: string
  /** The sender's id for this delivery: the same id twice is the same event. */
  deliveryId: string
  /** What it is about: `acme/shop#12`, `acme/shop@main`, `customer-support-bot@production`. */
  subject: string | null
  /** Who did it: a login or an e-mail address. */
  actor: string | null
  /** What rules match on. */
  facts: Facts
  /** The parsed body. */
  payload: unknown
}

/**
 * A configured sender. `verify` throws `AppError` (`header_missing`, `header_invalid`,
 * `signature_invalid`) and compares the raw bytes in constant time against every live secret;
 * `normalise` is called on verified bytes only and throws `AppError('body_invalid')` or
 * `('content_type_unsupported')`.
 */
export type Source = {
  name: string
  /** Live secrets; none means the source is closed and answers 503 `source_closed`. */
  secrets: readonly string[]
  /**
   * Names of the headers worth keeping with the event, lower case; never credentials or signatures'
   * secrets.
   */
  keptHeaders: readonly string[]
  /**
   * Throws before any byte of the body is read when a needed header is missing or a content type is
   * wrong.
   */
  checkHeaders(headers: HeaderReader): void
  verify(rawBody: Uint8Array, headers: HeaderReader, now: Date): void
  normalise(rawBody: Uint8Array, headers: HeaderReader): Normalised
}
