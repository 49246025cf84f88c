// Spans for OpenTelemetry, sent by OTLP over HTTP where its variables say where to. Without them
// nothing of it is loaded.
import type { Context, Span as OtelSpan } from '@opentelemetry/api'
import type { Sampler } from '@opentelemetry/sdk-trace'
import { AppError, errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import type { TraceContext } from '../lib/trace-context.ts'
import { VERSION } from '../lib/version.ts'

/** Something that has happened, in a trace. Times are milliseconds since 1970. */
export type Span = {
  /** What it is, of few: what differs is in the attributes. */
  name: string
  kind?: 'server' | 'client' | 'consumer' | 'internal'
  own: TraceContext
  parent: TraceContext | null
  startedAt: number
  endedAt: number
  attributes?: Record<string, string | number | boolean | undefined> | undefined
  /** Why it failed. */
  error?: string | null | undefined
}

/** Sends spans. */
export type Tracer = {
  /** Queues a span that has ended; never throws. */
  span(span: Span): void
  /** Sends what is queued. */
  close(): Promise<void>
}

/** The time now, as spans have it: it does not jump with the system's clock. */
export function spanNow(): number {
  return performance.timeOrigin + performance.now()
}

type Variables = Readonly<Record<string, string | undefined>>

// What is left to send when the service stops gets so long.
const CLOSE_MS = 3_000

/**
 * Opens the tracer that the standard variables ask for; undefined where they ask for none.
 * @throws AppError `config_invalid` for a protocol or a sampler that there is not.
 */
export async function openTracer(log: Log, variables: Variables = process.env): Promise<Tracer | undefined> {
  const { OTEL_SDK_DISABLED: disabled = '', OTEL_TRACES_EXPORTER: exporter = 'otlp' } = variables
  const endpoint = variables.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || variables.OTEL_EXPORTER_OTLP_ENDPOINT
  if (!endpoint || disabled.trim().toLowerCase() === 'true' || exporter.trim() === 'none') return undefined
  const [api, sdk, { detectResources, envDetector, resourceFromAttributes }, OTLPTraceExporter] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    exporterFor(variables),
  ])
  const service = resourceFromAttributes({ 'service.name': 'signalbox', 'service.version': VERSION })
  // What the variables say comes later, and wins.
  const resource = service.merge(detectResources({ detectors: [envDetector] }))
  const next = { traceId: '', spanId: '' }
  const provider = new sdk.TracerProvider({
    resource,
    sampler: samplerOf(sdk, variables),
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  })
  api.diag.setLogger(diagnostics(log), { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true })
  const tracer = provider.getTracer('signalbox', VERSION)
  const kinds = { ...{ server: api.SpanKind.SERVER, client: api.SpanKind.CLIENT }, consumer: api.SpanKind.CONSUMER }
  const contextOf = ({ traceId, spanId, isSampled }: TraceContext): Context =>
    api.trace.setSpanContext(api.ROOT_CONTEXT, {
      traceId,
      spanId,
      isRemote: true,
      traceFlags: isSampled ? api.TraceFlags.SAMPLED : api.TraceFlags.NONE,
    })
  const start = ({ name, kind = 'internal', own, parent, startedAt, attributes = {} }: Span): OtelSpan => {
    Object.assign(next, own)
    const otelKind = kind === 'internal' ? api.SpanKind.INTERNAL : kinds[kind]
    const context = parent === null ? api.ROOT_CONTEXT : contextOf(parent)
    return tracer.startSpan(name, { kind: otelKind, startTime: startedAt, attributes }, context)
  }
  return {
    span(given) {
      const span = start(given)
      if (given.error) span.setStatus({ code: api.SpanStatusCode.ERROR, message: given.error })
      span.end(given.endedAt)
    },
    async close() {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MS)
      })
      const sent = provider.shutdown().catch((error: unknown) => {
        log.warn({ error: errorText(error) }, 'spans were not sent')
      })
      await Promise.race([sent, late])
      clearTimeout(timer)
    },
  }
}

async function exporterFor(variables: Variables) {
  const name = 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
  const protocol = variables[name] || variables.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/protobuf'
  switch (protocol.trim()) {
    case 'http/protobuf':
      return (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter
    case 'http/json':
      return (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter
    default:
      throw new AppError('config_invalid', `OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf or http/json.`)
  }
}

/** The sampler that the variables name; by default all that the sender of an event wants. */
function samplerOf(sdk: typeof import('@opentelemetry/sdk-trace'), variables: Variables): Sampler {
  const name = variables.OTEL_TRACES_SAMPLER?.trim() || 'parentbased_always_on'
  const given = Number(variables.OTEL_TRACES_SAMPLER_ARG || '1')
  const roots: Record<string, () => Sampler> = {
    always_on: () => new sdk.AlwaysOnSampler(),
    always_off: () => new sdk.AlwaysOffSampler(),
    traceidratio: () => new sdk.TraceIdRatioBasedSampler(given),
  }
  const root = roots[name.replace(/^parentbased_/, '')]
  if (root === undefined || Number.isNaN(given)) {
    const names = Object.keys(roots).flatMap((each) => [each, `parentbased_${each}`])
    throw new AppError(
      'config_invalid',
      `OTEL_TRACES_SAMPLER: must be one of ${names.join(', ')}, its argument a number.`,
    )
  }
  if (!name.startsWith('parentbased_')) return root()
  // All spans of a trace are decided on by its id, in whatever process, where its sender wants it.
  return new sdk.ParentBasedSampler({ root: root(), remoteParentSampled: root() })
}

function diagnostics(log: Log) {
  const say = (level: 'debug' | 'warn') => (message: string) => log[level](`OpenTelemetry: ${message}`)
  return { error: say('warn'), warn: say('warn'), info: say('debug'), debug: say('debug'), verbose: say('debug') }
}
