// What is said of a delivery: how its attempt ended.

import type { Activity, Log } from '../lib/log.ts'
import { shortId } from '../lib/short-id.ts'
import type { Settled } from '../queue/table.ts'
import type { AttemptDetail, DeliveryRow } from './delivery.ts'

/** Says how an attempt ended; that a delivery is given up is a warning in every log. */
export function sayEnded(say: { activity: Activity; log: Log }, ended: Settled<DeliveryRow, AttemptDetail>): void {
  const { row, attempt, status, error, detail } = ended
  const about = {
    delivery: row.id,
    endpoint: row.endpoint_id,
    attempt,
    status,
    error,
    ...(detail && { type: detail.about.type, host: detail.about.host }),
  }
  const what = detail?.about ? ` ${detail.about.type} to ${detail.about.host}` : ''
  const name = `delivery ${shortId(row.id)}${what}`
  const answer = detail?.statusCode ? `${detail.statusCode} in ${detail.durationMs} ms` : (error ?? 'no answer')
  if (detail?.said.goodbye !== undefined) {
    say.log.warn({ about }, `${name}: ${answer}: it wants no more, and the endpoint is paused`)
    return
  }
  if (status === 'failed') {
    say.log.warn({ about }, `${name}: given up after attempt ${attempt}: ${answer}`)
    return
  }
  say.activity(
    about,
    `${name}: ${status === 'pending' ? `${answer}; another attempt follows` : `${status}, ${answer}`}`,
  )
}
