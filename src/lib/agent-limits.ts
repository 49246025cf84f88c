// How much an agent may say at once. Its process keeps to it, so that more does not reach the
// service; the service checks it again, because it believes no agent.
import { GiveUp } from './error.ts'

const MAX_LOG_CHARS = 1_000_000
const MAX_RESULT_BYTES = 1_000_000
const MAX_RETURNED_BYTES = 25_000_000

/** What is logged or printed by one call: its first million characters, in whole lines. */
export function loggable(text: string): string {
  if (text.length <= MAX_LOG_CHARS) return text
  // Half a line may have half a secret, which nobody would know as one.
  const end = text.lastIndexOf('\n', MAX_LOG_CHARS)
  return `${text.slice(0, end < 0 ? MAX_LOG_CHARS : end)}\nThe rest is left out: it has more than 1,000,000 characters.\n`
}

/** @throws GiveUp when the result of a job, as JSON, is too large. */
export function requireResultSize(json: string): void {
  if (Buffer.byteLength(json) > MAX_RESULT_BYTES) throw new GiveUp('The result is larger than 1 MB as JSON.')
}

/** @throws GiveUp when what an agent returned besides its result, as JSON, is too large. */
export function requireReturnedSize(json: string): void {
  if (Buffer.byteLength(json) <= MAX_RETURNED_BYTES) return
  throw new GiveUp('What the agent returned is larger than 25 MB as JSON.')
}
