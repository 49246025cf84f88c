// The spans of a service at work, as a collector on loopback gets them, and the header that carries
// the trace on.
import { createServer } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { PUSH } from '../../test/fixtures/payloads.ts'
import { githubHeaders } from '../../test/fixtures/signed.ts'
import { listenOnLoopback } from '../../test/loopback-server.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from '../../test/signalbox.ts'
import { defineAgent } from '../agents/agent.ts'
import { silentLog } from '../lib/log.ts'
import { openTracer } from './tracer.ts'

type Attribute = { key: string; value: { stringValue?: string; intValue?: number | string } }
type Sent = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  attributes: Attribute[]
  status: { code: number; message?: string }
  startTimeUnixNano: string
  endTimeUnixNano: string
}
type Request = { path: string; headers: Record<string, string | string[] | undefined>; body: Buffer }

const requests: Request[] = []
let base: string
let close: () => void
beforeAll(async () => {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    requests.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) })
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  const listening = await listenOnLoopback(server)
  base = `http://127.0.0.1:${listening.port}`
  close = listening.close
})
afterAll(() => close())
afterEach(() => {
  requests.length = 0
  vi.unstubAllEnvs()
})

function variables(): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${base}/otlp`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=secret-of-the-collector',
    OTEL_SERVICE_NAME: 'signals',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
  }
}

function stub(all: Record<string, string>): void {
  for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value)
}

type Exported = { resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: Sent[] }[] }[] }

function exported(): { spans: Sent[]; resource: Record<string, unknown> } {
  const bodies = requests.filter(({ path }) => path === '/otlp/v1/traces').map(({ body }) => JSON.parse(`${body}`))
  const all = (bodies as Exported[]).flatMap(({ resourceSpans }) => resourceSpans)
  const attributes = all[0]?.resource.attributes ?? []
  return {
    spans: all.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    resource: Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue])),
  }
}

const worker = defineAgent({
  name: 'worker',
  description: 'Works in two steps.',
  input: z.unknown(),
  async run({ step, job }) {
    await step('first', () => 1)
    return { result: { traceparent: job.traceparent } }
  },
})

const TRACE = '0af7651916cd43dd8448eb211c80319c'

/** What a service sends to the collector and to a receiver of a push, and what its agent saw. */
async function runPush(headers: Record<string, string>) {
  const endpoint = { name: 'receiver', url: `${base}/hook`, secret: SECRET, environments: null }
  const signalbox = await openTestSignalbox({
    config: {
      agents: [worker],
      rules: [{ name: 'work', on: 'push', agent: 'worker' }],
      endpoints: [{ ...endpoint, events: ['push', 'job.completed'] }],
    },
  })
  try {
    const body = Buffer.from(JSON.stringify(PUSH))
    const signed = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() })
    const sent = new Headers([...signed, ...Object.entries(headers)])
    const url = `${signalbox.url}/webhook/github`
    const answer = await fetch(url, { method: 'POST', headers: sent, body: new Uint8Array(body) })
    const { event_id: eventId } = (await answer.json()) as { event_id: string }
    const hooks = () => requests.filter(({ path }) => path === '/hook')
    await until('both events were delivered', async () => hooks().length === 2)
    const { rows } = await signalbox.database.query<{ result: { traceparent: string } }>(
      `select result from signalbox.job_attempts where outcome = 'completed'`,
    )
    return { eventId, hooks: hooks(), seen: rows[0]?.result.traceparent }
  } finally {
    await signalbox.close()
  }
}

describe('with a collector', () => {
  test("the trace of a sender goes on through job, steps and deliveries, those of the job's end too", async () => {
    stub(variables())
    const { hooks, seen } = await runPush({
      traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
      tracestate: 'rojo=1, congo=2',
    })
    const { spans, resource } = exported()
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]))
    const named = (name: string) => spans.filter((span) => span.name === name)
    const [receive] = named('receive')
    const [job] = named('job')
    expect(receive?.parentSpanId).toBe('b7ad6b7169203331')
    expect(job?.parentSpanId).toBe(receive?.spanId)
    expect(seen).toBe(`00-${TRACE}-${job?.spanId}-01`)
    const recorded = named('record').map(({ parentSpanId }) => parentSpanId)
    expect(recorded.sort()).toEqual([receive?.spanId, job?.spanId].sort())
    expect(named('step')).toMatchObject([
      { parentSpanId: job?.spanId, attributes: [{ key: 'signalbox.step', value: { stringValue: 'first' } }] },
    ])
    const parents = hooks.map(({ headers }) => `${headers.traceparent}`)
    expect(hooks.map(({ headers }) => headers.tracestate)).toEqual(hooks.map(() => 'rojo=1,congo=2'))
    const deliveries = named('delivery').map(({ spanId }) => `00-${TRACE}-${spanId}-01`)
    expect(parents.sort()).toEqual(deliveries.sort())
    expect(deliveries).toHaveLength(2)
    expect(named('delivery').every(({ status }) => status.code === 0)).toBe(true)
    const server = { key: 'server.address', value: { stringValue: '127.0.0.1' } }
    expect(named('delivery')[0]?.attributes).toContainEqual(server)
    expect(spans.every((span) => BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano))).toBe(true)
    expect(resource).toMatchObject({ 'service.name': 'signals', 'deployment.environment': 'test' })
    expect(requests.find(({ path }) => path === '/otlp/v1/traces')?.headers['x-key']).toBe('secret-of-the-collector')
  })

  test('a sender that wants no spans gets none, and the header says so', async () => {
    stub(variables())
    const { hooks } = await runPush({ traceparent: `00-${TRACE}-b7ad6b7169203331-00` })
    expect(exported().spans).toEqual([])
    for (const { headers } of hooks) expect(headers.traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`))
  })
})

test('without a collector nothing is sent, and the trace is that of the event', async () => {
  const { eventId, hooks, seen } = await runPush({ traceparent: 'nonsense' })
  expect(exported().spans).toEqual([])
  const trace = eventId.replaceAll('-', '')
  for (const { headers } of hooks) expect(headers.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
  expect(seen).toContain(trace)
})

describe('the variables', () => {
  const span = {
    name: 'one',
    own: { traceId: TRACE, spanId: 'b7ad6b7169203331', isSampled: true },
    parent: null,
    startedAt: 1,
    endedAt: 2,
  }

  test.each([
    ['no endpoint', {}],
    ['OTEL_SDK_DISABLED', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_SDK_DISABLED: 'true' }],
    ['OTEL_TRACES_EXPORTER', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_TRACES_EXPORTER: 'none' }],
  ])('%s: there is no tracer', async (_, given) => {
    expect(await openTracer(silentLog, given)).toBeUndefined()
  })

  test('by default spans are protobuf; those for traces alone win, and a value may have spaces and signs', async () => {
    stub({
      ...variables(),
      OTEL_EXPORTER_OTLP_PROTOCOL: '',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${base}/integration/otlp/v1/traces`,
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-sentry-auth=sentry sentry_key=abc,dd-protocol=otlp',
    })
    const tracer = await openTracer(silentLog)
    tracer?.span(span)
    await tracer?.close()
    const [request] = requests
    expect(request?.path).toBe('/integration/otlp/v1/traces')
    expect(request?.headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      'x-sentry-auth': 'sentry sentry_key=abc',
      'dd-protocol': 'otlp',
    })
    expect(request?.body.includes('signals')).toBe(true)
  })

  test('a sampler of none sends none', async () => {
    stub({ ...variables(), OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' })
    const tracer = await openTracer(silentLog)
    tracer?.span(span)
    await tracer?.close()
    expect(requests).toEqual([])
  })

  test.each([
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
  ])('%s: a wrong value is named', async (name, value) => {
    const wrong = openTracer(silentLog, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', [name]: value })
    await expect(wrong).rejects.toMatchObject({ code: 'config_invalid', detail: expect.stringContaining(name) })
  })
})
