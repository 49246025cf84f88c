// The spans of events: that one was received, and how long it took to record it.
import type { Draft, Recorded } from '../events/event.ts'
import { spanWithin, traceOfEvent } from '../lib/trace-context.ts'
import type { Span, Tracer } from './tracer.ts'
import { spanNow } from './tracer.ts'

/** A request that is being received. */
export type Receiving = {
  /** It is verified and read, and about to be recorded. */
  accepted(): void
  end(draft: Draft, recorded: Recorded): void
}

/** What happens to events. */
export type EventSpans = {
  begin(): Receiving
  /** An event of this program itself was recorded. */
  recorded(draft: Draft, recorded: Recorded): void
}

/** Makes the spans of events; undefined where nobody wants any. */
export function eventSpans(tracer: Tracer | undefined): EventSpans | undefined {
  if (tracer === undefined) return undefined
  return {
    begin() {
      const startedAt = spanNow()
      let acceptedAt = startedAt
      return {
        accepted() {
          acceptedAt = spanNow()
        },
        end(draft, recorded) {
          const span = spanOf('receive', draft, recorded, startedAt)
          tracer.span({ ...span, kind: 'server' })
          const own = spanWithin(span.own, 'record', draft.id)
          tracer.span({ name: 'record', own, parent: span.own, startedAt: acceptedAt, endedAt: span.endedAt })
        },
      }
    },
    recorded: (draft, recorded) => tracer.span(spanOf('record', draft, recorded, spanNow())),
  }
}

/** What jobs and deliveries of the event have as their parent; a repeat is another span of it. */
function spanOf(name: string, draft: Draft, { id, duplicate, status }: Recorded, startedAt: number): Span {
  const { own, parent } = traceOfEvent({ id, headers: draft.headers })
  const event = { 'signalbox.event.id': id, 'signalbox.event.type': draft.type, 'signalbox.source': draft.source }
  return {
    name,
    own: duplicate ? spanWithin(own, 'repeat', draft.id) : own,
    parent: duplicate ? own : parent,
    startedAt,
    endedAt: spanNow(),
    attributes: { ...event, 'signalbox.event.status': duplicate ? 'duplicate' : status },
  }
}
