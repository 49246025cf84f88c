// What an event says: decided when it was recorded, read here and nowhere else.
import type { Json } from '../lib/json.ts'

/**
 * The event's payload: what its source translated the body to, else the body itself. Undefined when
 * there is neither (a rejected event, an empty manual trigger).
 */
export function eventPayload(event: { body: Uint8Array | null; payload: Json | null }): Json | undefined {
  if (event.payload !== null) return event.payload
  if (event.body === null || event.body.length === 0) return undefined
  try {
    return JSON.parse(textOf(event.body))
  } catch {
    return undefined
  }
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8')
}
