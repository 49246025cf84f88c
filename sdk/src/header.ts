// Reading one header from whatever a runtime calls its headers.
import { WebhookVerificationError } from './verification-error.ts'

/** A `Headers` object, Node's `IncomingHttpHeaders`, or any plain record; names match in any case. */
export type HeadersLike =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>

function isHeaders(headers: HeadersLike): headers is { get(name: string): string | null } {
  return typeof headers.get === 'function'
}

/** The header's value, or '' when it is absent; a repeated header is joined with ', ' as fetch and Node do. */
export function readHeader(headers: HeadersLike, name: string): string {
  if (isHeaders(headers)) return headers.get(name) ?? ''
  return Object.entries(headers)
    .filter(([key]) => key.toLowerCase() === name)
    .flatMap(([, value]) => value ?? [])
    .join(', ')
}

/** The header's value, or a `missing_header` refusal that names it. */
export function requireHeader(headers: HeadersLike, name: string): string {
  const value = readHeader(headers, name)
  if (value === '') throw new WebhookVerificationError('missing_header', 'the header is missing or empty', name)
  return value
}
