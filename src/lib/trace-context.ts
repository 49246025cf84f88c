// Which trace something belongs to, as `traceparent` says it (https://www.w3.org/TR/trace-context/).
// Ids are computed from those of the rows, so that all processes agree without storing them.
import { createHash } from 'node:crypto'

/** One span: the trace it is in, its own id there, and whether it is wanted. */
export type TraceContext = { traceId: string; spanId: string; isSampled: boolean }

// Version 00 has 55 characters; those after it may add to them.
const FORM = /^(?!ff|00.{54})[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/

/** Reads a `traceparent`; null for what is none. */
export function parseTraceparent(header: string | null | undefined): TraceContext | null {
  const [, traceId, spanId, flags = '00'] = FORM.exec(header ?? '') ?? []
  if (traceId === undefined || spanId === undefined) return null
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** The header that names this span as the parent of what follows. */
export function traceparentOf({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
}

const MAX_STATE_CHARS = 512
const MAX_STATE_MEMBERS = 32
const LONG_MEMBER_CHARS = 128
const MEMBER = /^([a-z0-9][a-z0-9_*/@-]{0,255})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/**
 * What is passed on of a `tracestate`: as many of its members as 512 characters hold, of which the
 * long ones and then the last go first. Null for what is none.
 */
export function parseTracestate(header: string | null | undefined): string | null {
  const members = (header ?? '')
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
  const keys = members.map((member) => MEMBER.exec(member)?.[1])
  const isValid = members.length <= MAX_STATE_MEMBERS && !keys.includes(undefined) && new Set(keys).size === keys.length
  if (!isValid) return null
  const isTooLong = () => members.join(',').length > MAX_STATE_CHARS
  for (let at = members.length - 1; at >= 0 && isTooLong(); at--) {
    if ((members[at]?.length ?? 0) > LONG_MEMBER_CHARS) members.splice(at, 1)
  }
  while (isTooLong()) members.pop()
  return members.join(',') || null
}

/** What of an event says which trace it is in. */
export type TracedEvent = { id: string; headers: Readonly<Record<string, string>> }

/**
 * The span of an event, and who sent it. Without a `traceparent` of its sender's the trace has the
 * event's own id, a UUID.
 */
export function traceOfEvent({ id, headers }: TracedEvent): { own: TraceContext; parent: TraceContext | null } {
  const parent = parseTraceparent(headers.traceparent)
  const hex = id.replaceAll('-', '').toLowerCase()
  const { traceId, isSampled } = parent ?? { traceId: hex, isSampled: true }
  return { own: { traceId, spanId: hex.slice(16), isSampled }, parent }
}

/** The span of something within a trace: an attempt, known by its row and number. */
export function spanWithin({ traceId, isSampled }: TraceContext, ...parts: readonly string[]): TraceContext {
  const spanId = createHash('sha256').update(parts.join(':')).digest('hex').slice(0, 16)
  return { traceId, spanId, isSampled }
}
