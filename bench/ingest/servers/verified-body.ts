// The least a receiver must do, by hand: read the body, compare its HMAC, parse it.
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { SECRET } from '../payload.ts'

/** A push, as far as the servers here look at it. */
export type Push = { raw: Buffer; parsed: { ref: string; repository: { full_name: string } } }

/** The verified and parsed body; null when the signature is wrong. */
export async function verifiedBody(request: IncomingMessage): Promise<Push | null> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const raw = Buffer.concat(chunks)
  const expected = createHmac('sha256', SECRET).update(raw).digest()
  const given = Buffer.from(String(request.headers['x-hub-signature-256']).slice('sha256='.length), 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null
  return { raw, parsed: JSON.parse(raw.toString('utf8')) as Push['parsed'] }
}
