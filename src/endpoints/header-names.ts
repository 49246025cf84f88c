// Headers of an endpoint's own: which names it may have, and what may be in them.
import { z } from 'zod'

// RFC 9110 §5.6.2
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/
// What this program sends itself, and what belongs to the connection and not to the request.
const RESERVED_PREFIXES = ['webhook-', 'x-agenta-', 'x-signalbox-', 'content-', 'proxy-']
const RESERVED_NAMES: ReadonlySet<string> = new Set(
  'accept-encoding connection date expect host keep-alive te trailer transfer-encoding upgrade user-agent'.split(' '),
)
// RFC 9110 §5.5: visible ASCII, with spaces and tabs between, and no line break.
const VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/

const name = z
  .string()
  .regex(TOKEN, 'must be the name of a header')
  .refine((text) => !isReserved(text), 'is set by Signalbox or belongs to the connection: choose another name')

/** The value of a header. */
export const headerValue = z.string().max(4096).regex(VALUE, 'must be visible ASCII on one line')

/** Headers by their names, at most 20, whose values the schema checks. */
export function headersOf<Value extends z.ZodType>(value: Value) {
  return z.record(name, value).superRefine((headers, context) => {
    const names = Object.keys(headers).map((each) => each.toLowerCase())
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    if (names.length > 20) problem('must have at most 20 headers')
    if (new Set(names).size < names.length) problem('must have each name once: case does not count')
  })
}

/** The same headers under their names in lower case. */
export function withLowerCaseNames<Value>(headers: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(headers).map(([each, value]) => [each.toLowerCase(), value]))
}

function isReserved(text: string): boolean {
  const lower = text.toLowerCase()
  return RESERVED_NAMES.has(lower) || RESERVED_PREFIXES.some((prefix) => lower.startsWith(prefix))
}
