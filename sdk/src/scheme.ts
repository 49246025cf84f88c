// The signature schemes as plain data: which bytes are signed, with which key, and which digests
// were sent. Pure and synchronous, so that any HMAC can be used with it: WebCrypto's in the SDK,
// node:crypto's on a server.
import type { HeadersLike } from './header.ts'
import { readHeader, requireHeader } from './header.ts'
import { WebhookVerificationError } from './verification-error.ts'

export { privateKeyProblem, privateKeySeed, publicKeyBytes, writePrivateKey, writePublicKey } from './ed25519-key.ts'
export type { HeadersLike } from './header.ts'
export type { Scheme, Secrets } from './secret.ts'
export { liveSecrets, MIN_SECRET_CHARS, secretKey, secretProblem } from './secret.ts'
export type { VerificationCode } from './verification-error.ts'
export { WebhookVerificationError } from './verification-error.ts'

/**
 * What every scheme's headers claim; nothing in it is true before a candidate equals the digest.
 */
type Claim = {
  /** The header that carries the digests, in lower case. */
  header: string
  /**
   * What is signed is this text in UTF-8, then the raw body. Empty where the body alone is signed.
   */
  prefix: string
  /** How the candidates are written; `hmac.digest(encoding)` in node:crypto. */
  encoding: 'base64' | 'hex'
  /**
   * The digests that were sent, possibly none. Each one is the only way to write 32 bytes in
   * `encoding` (lower-case hex, padded base64); malformed ones are left out. Compare in constant
   * time.
   */
  candidates: readonly string[]
}

/** The headers of Standard Webhooks 1.0.0, or the same under Svix's own names. */
export type StandardClaim = Claim & {
  scheme: 'standard'
  /** The message's id, the same on every attempt: 1 to 200 visible ASCII characters. */
  id: string
  timestampSeconds: number
  timestampHeader: string
  /**
   * The ed25519 signatures (`v1a`) that were sent, possibly none: padded base64 of 64 bytes each,
   * made over the same bytes as the digests.
   */
  asymmetric: readonly string[]
}

/** `X-Agenta-Signature`; both times are null in Agenta's first form, which has none. */
export type AgentaClaim = Claim & {
  scheme: 'agenta'
  timestampSeconds: number | null
  timestampHeader: string | null
}

/** `X-Hub-Signature-256`, which has no time in it. */
export type GithubClaim = Claim & { scheme: 'github'; timestampSeconds: null; timestampHeader: null }

/** What a request's headers claim about its signature. */
export type SignatureClaim = StandardClaim | AgentaClaim | GithubClaim

/**
 * How old or how far ahead a signed time may be: five minutes, as Standard Webhooks and Agenta
 * advise.
 */
export const TOLERANCE_SECONDS = 300

// A webhook has either set of names, never a mixture.
const STANDARD_NAMES = ['webhook', 'svix'] as const
const AGENTA_HEADER = 'x-agenta-signature'
const GITHUB_HEADER = 'x-hub-signature-256'

/**
 * Whether a request claims to be signed as Standard Webhooks. Any one of the headers is enough,
 * even an empty one, so that leaving a header out cannot lead to a weaker scheme.
 */
export function hasStandardHeaders(headers: HeadersLike): boolean {
  return standardName(headers) !== undefined
}

/**
 * Reads `webhook-id`, `webhook-timestamp` and `webhook-signature` (or `svix-…`) of Standard
 * Webhooks 1.0.0: `v1,<base64>` (HMAC) and `v1a,<base64>` (ed25519) over
 * `{id}.{timestamp}.{body}`, several separated by spaces. Signatures of other versions are left
 * out.
 * @throws WebhookVerificationError `missing_header` or `malformed_header`.
 */
export function readStandard(headers: HeadersLike): StandardClaim {
  const name = standardName(headers) ?? 'webhook'
  const id = requireHeader(headers, `${name}-id`)
  const timestampHeader = `${name}-timestamp`
  const timestamp = requireHeader(headers, timestampHeader)
  const header = `${name}-signature`
  const signatures = requireHeader(headers, header).split(' ')
  if (!/^[\x21-\x7e]{1,200}$/.test(id)) {
    throw malformed(`${name}-id`, 'the id is not 1 to 200 visible ASCII characters')
  }
  return {
    scheme: 'standard',
    header,
    prefix: `${id}.${timestamp}.`,
    encoding: 'base64',
    candidates: valuesOf(signatures, 'v1,').filter(isBase64Digest),
    asymmetric: valuesOf(signatures, 'v1a,').filter(isBase64Signature),
    id,
    timestampSeconds: readSeconds(timestamp, timestampHeader),
    timestampHeader,
  }
}

/**
 * Reads `X-Agenta-Signature` in either of Agenta's forms: `sha256=<hex>` or bare `<hex>` over the
 * body, or `t=<Unix seconds>,v1=<hex>` over `{t}.{body}`. A header with items is only ever read as
 * the second form, so that a signature without a time cannot rescue a stale one.
 * @throws WebhookVerificationError `missing_header` or `malformed_header`.
 */
export function readAgenta(headers: HeadersLike): AgentaClaim {
  const header = AGENTA_HEADER
  const value = requireHeader(headers, header)
  if (!/,|^\s*(t|v\d+)=/.test(value)) {
    const candidates = hexDigests([value.replace(/^sha256=/, '')])
    const body = { header, prefix: '', encoding: 'hex', candidates } as const
    return { scheme: 'agenta', ...body, timestampSeconds: null, timestampHeader: null }
  }
  const items = value.split(',').map((item) => item.trim())
  const [t, ...more] = valuesOf(items, 't=')
  if (t === undefined || more.length > 0) throw malformed(header, 'there must be exactly one t=<Unix seconds>')
  return {
    scheme: 'agenta',
    header,
    prefix: `${t}.`,
    encoding: 'hex',
    candidates: hexDigests(valuesOf(items, 'v1=')),
    timestampSeconds: readSeconds(t, header),
    timestampHeader: header,
  }
}

/**
 * Reads what Signalbox and Agenta send: Standard Webhooks when any of its headers is there, and
 * then that alone decides; `X-Agenta-Signature` otherwise.
 * @throws WebhookVerificationError `missing_header` or `malformed_header`.
 */
export function readStandardOrAgenta(headers: HeadersLike): StandardClaim | AgentaClaim {
  return hasStandardHeaders(headers) ? readStandard(headers) : readAgenta(headers)
}

/**
 * Reads `X-Hub-Signature-256`: `sha256=<hex>` over the body.
 * See https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 * @throws WebhookVerificationError `missing_header`.
 */
export function readGithub(headers: HeadersLike): GithubClaim {
  const header = GITHUB_HEADER
  const candidates = hexDigests(valuesOf([requireHeader(headers, header)], 'sha256='))
  return {
    scheme: 'github',
    header,
    prefix: '',
    encoding: 'hex',
    candidates,
    timestampSeconds: null,
    timestampHeader: null,
  }
}

/**
 * Accepts a signed time that is within the tolerance, edges included, and a claim without a time.
 * @throws WebhookVerificationError `timestamp_too_old` or `timestamp_too_new`.
 */
export function checkTimestamp(
  { timestampSeconds, timestampHeader }: SignatureClaim,
  { nowSeconds, toleranceSeconds = TOLERANCE_SECONDS }: { nowSeconds: number; toleranceSeconds?: number | undefined },
): void {
  if (timestampSeconds === null) return
  const header = timestampHeader ?? undefined
  const ageSeconds = Math.floor(nowSeconds) - timestampSeconds
  // Written as "not within" so that a NaN from a misread setting refuses rather than accepts.
  if (!(ageSeconds <= toleranceSeconds)) {
    throw new WebhookVerificationError('timestamp_too_old', `sent more than ${toleranceSeconds} seconds ago`, header)
  }
  if (!(ageSeconds >= -toleranceSeconds)) {
    throw new WebhookVerificationError('timestamp_too_new', `sent more than ${toleranceSeconds} seconds ahead`, header)
  }
}

/**
 * What Standard Webhooks signs before the body.
 * @throws TypeError for an id that is not 1 to 200 visible ASCII characters without a full stop
 * (which delimits what is signed), and for a time that is not whole Unix seconds.
 */
export function standardPrefix(id: string, timestampSeconds: number): string {
  if (!/^[\x21-\x2d\x2f-\x7e]{1,200}$/.test(id)) {
    throw new TypeError('id: must be 1 to 200 visible ASCII characters without a full stop')
  }
  return `${id}.${wholeSeconds(timestampSeconds)}.`
}

/**
 * What Agenta's timed form signs before the body.
 * @throws TypeError for a time that is not whole Unix seconds.
 */
export function agentaPrefix(timestampSeconds: number): string {
  return `${wholeSeconds(timestampSeconds)}.`
}

/**
 * The value of `webhook-signature`: one digest in base64 per live secret, and the ed25519
 * signatures in base64, if there are any.
 */
export function writeStandard(digests: readonly string[], asymmetric: readonly string[] = []): string {
  return [...digests.map((digest) => `v1,${digest}`), ...asymmetric.map((signature) => `v1a,${signature}`)].join(' ')
}

/**
 * The value of `X-Agenta-Signature` in Agenta's first form, and of `X-Hub-Signature-256`, from a
 * digest in hex.
 */
export function writeBodySignature(digest: string): string {
  return `sha256=${digest}`
}

/** The value of `X-Agenta-Signature` in Agenta's timed form, from a digest in hex. */
export function writeAgentaTimed(timestampSeconds: number, digest: string): string {
  return `t=${wholeSeconds(timestampSeconds)},v1=${digest}`
}

function standardName(headers: HeadersLike): 'webhook' | 'svix' | undefined {
  const parts = ['id', 'timestamp', 'signature']
  return STANDARD_NAMES.find((name) => parts.some((part) => readHeader(headers, `${name}-${part}`) !== null))
}

function valuesOf(items: readonly string[], key: string): string[] {
  return items.filter((item) => item.startsWith(key)).map((item) => item.slice(key.length))
}

function hexDigests(values: readonly string[]): string[] {
  return values.filter((value) => /^[0-9a-fA-F]{64}$/.test(value)).map((hex) => hex.toLowerCase())
}

// 32 bytes leave four bits for the last digit, so only every fourth one can stand there.
function isBase64Digest(value: string): boolean {
  return /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(value)
}

// 64 bytes leave two bits for the last digit.
function isBase64Signature(value: string): boolean {
  return /^[A-Za-z0-9+/]{85}[AQgw]==$/.test(value)
}

function readSeconds(text: string, header: string): number {
  if (!/^\d{1,12}$/.test(text)) throw malformed(header, 'the timestamp is not whole Unix seconds')
  return Number(text)
}

function wholeSeconds(timestampSeconds: number): number {
  if (Number.isSafeInteger(timestampSeconds) && timestampSeconds >= 0 && timestampSeconds < 1e12)
    return timestampSeconds
  throw new TypeError('timestampSeconds: must be whole Unix seconds')
}

function malformed(header: string, why: string): WebhookVerificationError {
  return new WebhookVerificationError('malformed_header', why, header)
}
