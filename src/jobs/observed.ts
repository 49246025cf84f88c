// What of an attempt is counted, and shown as spans.
import type { Meter } from '../metrics/meter.ts'
import type { ModelAnswer } from '../models/request.ts'
import type { OpenPublisher } from '../publisher/publish.ts'
import type { Outcome } from '../queue/table.ts'
import type { JobTrace } from '../spans/job-trace.ts'
import { openJobTrace } from '../spans/job-trace.ts'
import type { Tracer } from '../spans/tracer.ts'
import type { JobRow } from './job.ts'
import type { StepStore } from './steps.ts'

/** Who counts, and who is given spans; nobody by default. */
export type Observers = { meter?: Meter | undefined; tracer?: Tracer | undefined }

/** One attempt, observed. */
export type Observed = {
  trace: JobTrace
  /** Steps, each with a span if it is not remembered from before. */
  step(steps: StepStore): StepStore['step']
  /** A model has answered. */
  onAnswer(answer: ModelAnswer): void
  /** A publisher, each of whose writes has a span. */
  publisher(open: OpenPublisher): OpenPublisher
  end(outcome: Outcome): void
}

/** Observes an attempt that begins now. */
export function observe({ meter, tracer }: Observers, row: JobRow): Observed {
  const startedAt = performance.now()
  const trace = openJobTrace(tracer, row)
  const { agent } = row
  return {
    trace,
    step: (steps) => (name, fn) => steps.step(name, () => trace.child('step', { 'signalbox.step': name }, fn)),
    onAnswer({ model, inputTokens, outputTokens, usd, tookMs }) {
      meter?.modelCalled({ model, agent, inputTokens, outputTokens, usd, tookMs })
      const usage = { 'gen_ai.usage.input_tokens': inputTokens, 'gen_ai.usage.output_tokens': outputTokens }
      trace.past('model', tookMs, { 'gen_ai.request.model': model, ...usage, 'signalbox.usd': usd ?? undefined })
    },
    publisher: (open) => (job, outputs) => {
      const publisher = open(job, outputs)
      const publish: typeof publisher.publish = (output, ...rest) =>
        trace.child('write', { 'signalbox.output': output.kind }, () => publisher.publish(output, ...rest))
      return { ...publisher, publish }
    },
    end(outcome) {
      meter?.ran(agent, outcome.kind, performance.now() - startedAt)
      trace.end(outcome)
    },
  }
}
