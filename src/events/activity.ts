// What is said of an event when it has been recorded.
import { shortId } from '../lib/short-id.ts'
import type { Draft, Recorded } from './event.ts'

/** One sentence: what came from whom, and what followed. */
export function recordedText(
  { type, source, subject }: Pick<Draft, 'type' | 'source' | 'subject'>,
  recorded: Recorded,
) {
  const from = source === type ? '' : ` from ${source}`
  return `${type}${subject === null ? '' : ` ${subject}`}${from}: ${whatFollowed(recorded)}`
}

function whatFollowed({ duplicate, status, reason, jobIds }: Recorded): string {
  if (duplicate) return 'recorded before'
  if (status !== 'routed') return `${status}: ${reason ?? 'nothing followed'}`
  const jobs = `${jobIds.length === 1 ? 'job' : 'jobs'} ${jobIds.map(shortId).join(', ')}`
  return `${jobIds.length > 0 ? jobs : 'endpoints are notified'}${reason === null ? '' : `; ${reason}`}`
}
