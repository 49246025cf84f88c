// The event `gap.found`: webhooks had not arrived.
import type { Draft } from '../events/event.ts'
import { ownEvent } from '../lib/own-event.ts'
import type { GapSummary } from './wire.ts'

/** The event: one for each gap, whoever finds it and how often. */
export function gapFound(gap: GapSummary, now: Date): Draft {
  const { id, found_at: _, ...data } = gap
  return ownEvent(
    {
      type: 'gap.found',
      deliveryId: `gap_${id}`,
      subject: gap.hook,
      actor: null,
      facts: {},
      data: { gap_id: id, ...data },
      depth: 0,
      causeJobId: null,
    },
    now,
  )
}

/** What a gap was, in a sentence without its end. */
export function gapText({ hook, began_at, ended_at, ...gap }: GapSummary): string {
  const when = `from ${began_at} to ${ended_at}`
  if (gap.reason !== null) return `nothing is known of ${hook} ${when}: ${gap.reason}`
  const counts = [
    `${gap.deliveries} ${gap.deliveries === 1 ? 'delivery' : 'deliveries'}`,
    `${gap.matched} matched a rule`,
    `${gap.recovered} recovered`,
    ...(gap.arrived > 0 ? [`${gap.arrived} redelivered`] : []),
    ...(gap.lost > 0 ? [`${gap.lost} lost`] : []),
    ...(gap.pending > 0 ? [`${gap.pending} to be fetched`] : []),
  ]
  const all = gap.refused === gap.deliveries
  const because =
    gap.refused === 0
      ? ''
      : `; ${all ? 'all' : `${gap.refused} of them`} had arrived and were refused with 401, because the webhook has another secret than GITHUB_WEBHOOK_SECRET ("signalbox github hook" gives it that)`
  return `${hook} ${all ? 'was refused' : 'was not answered'} ${when}: ${counts.join(', ')}${because}`
}
