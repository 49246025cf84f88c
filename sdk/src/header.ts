// Reading one header from whatever a runtime calls its headers.
import { WebhookVerificationError } from './verification-error.ts'

/**
 * A `Headers` object, Node's `IncomingHttpHeaders`, or any plain record; names match in any case.
 */
export type HeadersLike =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * The header's value, or null when it is absent; `name` is in lower case. A repeated header is
 * joined with ', ' as fetch and Node do.
 */
export function readHeader(headers: HeadersLike, name: string): string | null {
  if (isHeaders(headers)) return headers.get(name) ?? null
  const values = Object.entries(headers)
    .filter(([key]) => key.toLowerCase() === name)
    .flatMap(([, value]) => value ?? [])
  return values.length === 0 ? null : values.join(', ')
}

/**
 * The header's value, which is not empty.
 * @throws WebhookVerificationError `missing_header` when it is absent or empty.
 */
export function requireHeader(headers: HeadersLike, name: string): string {
  const value = readHeader(headers, name)
  if (!value) throw new WebhookVerificationError('missing_header', 'the header is missing or empty', name)
  return value
}

function isHeaders(headers: HeadersLike): headers is { get(name: string): string | null } {
  return typeof headers.get === 'function'
}
