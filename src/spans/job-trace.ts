// The spans of one attempt of a job: the attempt itself, and below it its steps, its calls of
// models and what it wrote.
import type { TraceContext, TracedEvent } from '../lib/trace-context.ts'
import { spanWithin, traceOfEvent, traceparentOf } from '../lib/trace-context.ts'
import type { Span, Tracer } from './tracer.ts'
import { spanNow } from './tracer.ts'

/** The attempt, as far as its spans show it. */
export type TracedJob = { id: string; attempt: number; type: string; rule: string; agent: string }

/** The trace of one attempt. */
export type JobTrace = {
  /** The event that made the job is known: the attempt is in its trace. */
  causedBy(event: TracedEvent): void
  /** What the attempt's own programs are given. */
  traceparent(): string
  /** Runs something as a span of the attempt. */
  child<T>(name: string, attributes: Span['attributes'], run: () => Promise<T> | T): Promise<T>
  /** A span of the attempt that has just ended. */
  past(name: string, tookMs: number, attributes: Span['attributes']): void
  end(outcome: { kind: string; error?: string | null }): void
}

/** The span of an attempt: without an event the job has a trace of its own. */
export function attemptSpan(
  job: Pick<TracedJob, 'id' | 'attempt'>,
  event: TracedEvent | null,
): { own: TraceContext; parent: TraceContext | null } {
  const { own: cause } = traceOfEvent(event ?? { id: job.id, headers: {} })
  return { own: spanWithin(cause, 'job', job.id, String(job.attempt)), parent: event === null ? null : cause }
}

/** Opens the trace of an attempt that begins now. */
export function openJobTrace(tracer: Tracer | undefined, job: TracedJob): JobTrace {
  const startedAt = spanNow()
  let span = attemptSpan(job, null)
  let children = 0
  const add = (name: string, from: number, rest: Pick<Span, 'attributes' | 'error'>) => {
    const own = spanWithin(span.own, job.id, String(job.attempt), String(children++))
    tracer?.span({ name, own, parent: span.own, startedAt: from, endedAt: spanNow(), ...rest })
  }
  return {
    causedBy(event) {
      span = attemptSpan(job, event)
    },
    traceparent: () => traceparentOf(span.own),
    async child(name, attributes, run) {
      if (tracer === undefined) return run()
      const from = spanNow()
      try {
        const value = await run()
        add(name, from, { attributes })
        return value
      } catch (error) {
        // What was wrong is in the job's own log, where secrets are taken out.
        add(name, from, { attributes, error: 'failed' })
        throw error
      }
    },
    past: (name, tookMs, attributes) => add(name, spanNow() - tookMs, { attributes }),
    end({ kind, error }) {
      const attributes = {
        'signalbox.job.id': job.id,
        'signalbox.job.type': job.type,
        'signalbox.job.attempt': job.attempt,
        'signalbox.rule': job.rule,
        'signalbox.agent': job.agent,
        'signalbox.outcome': kind,
      }
      const failed = kind === 'failed' || kind === 'retried' ? (error ?? 'failed') : null
      tracer?.span({ name: 'job', kind: 'consumer', ...span, startedAt, endedAt: spanNow(), attributes, error: failed })
    },
  }
}
