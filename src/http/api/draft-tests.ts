// `/api/endpoints/test`: an endpoint tried before it is made. Nothing of it is stored.
import { createRoute, z } from '@hono/zod-openapi'
import { testEvent, testTypeFor } from '../../catalogue/test-event.ts'
import type { PreparingParts } from '../../deliveries/attempt.ts'
import { prepare, shownHeaders } from '../../deliveries/attempt.ts'
import type { LoadedEndpoint } from '../../deliveries/load.ts'
import type { Transport } from '../../deliveries/send-prepared.ts'
import { sendPrepared } from '../../deliveries/send-prepared.ts'
import { deliveryAttempt } from '../../deliveries/wire.ts'
import type { EndpointChecks } from '../../endpoints/endpoint.ts'
import { generateSecret, readEndpointRequest } from '../../endpoints/endpoint.ts'
import { endpointRequest } from '../../endpoints/fields.ts'
import { AppError } from '../../lib/error.ts'
import { newId } from '../../lib/id.ts'
import type { Api } from './answer.ts'
import { answer, failure, jsonBody } from './answer.ts'
import type { ApiParts } from './api.ts'
import { readJson } from './json.ts'

/** What came of a test. */
export const sentTest = deliveryAttempt
  .omit({ attempt: true, outcome: true, started_at: true, finished_at: true })
  .extend({ type: z.string(), arrived: z.boolean() })
  .meta({ id: 'SentTest' })

const draftTest = endpointRequest.extend({
  test_type: z
    .string()
    .optional()
    .meta({ description: 'A type of `/api/event-types`. Default: the first one that the endpoint would want.' }),
})

const test = createRoute({
  method: 'post',
  path: '/endpoints/test',
  summary: 'Test an endpoint before it is made',
  tags: ['endpoints'],
  description:
    'Takes what creating an endpoint takes, sends it the example of a type once, and stores nothing. Without a secret ' +
    'it is signed with one that nobody knows.',
  request: { body: jsonBody(draftTest) },
  responses: { 200: answer('What came of it.', sentTest), default: failure },
})

/** What trying an endpoint needs; what is opened is closed after each test. */
type Parts = Pick<ApiParts, 'preparing' | 'readTarget' | 'hasSigningKey'> & {
  openTransport(): Omit<Transport, 'signal'>
}

/** Adds the route; it has to come before those of `/endpoints/{id}`. */
export function addDraftTestRoutes(api: Api, parts: Parts): void {
  const { preparing, readTarget, hasSigningKey, openTransport } = parts
  api.openapi(test, async (c) => {
    const { test_type: type, ...request } = Object(await readJson(c)) as Record<string, unknown>
    const endpoint = readDraft(request, { readTarget, hasSigningKey })
    const transport = openTransport()
    try {
      return c.json(await sendTest({ preparing, transport }, endpoint, type), 200)
    } finally {
      await transport.dispatcher.destroy()
    }
  })
}

function readDraft(request: unknown, checks: EndpointChecks): LoadedEndpoint {
  const endpoint = readEndpointRequest(request, checks)
  const secrets = endpoint.secrets.length === 0 ? [generateSecret()] : endpoint.secrets
  return { ...endpoint, id: newId(), status: 'active', heals: false, secrets }
}

async function sendTest(
  { preparing, transport }: { preparing: PreparingParts; transport: Omit<Transport, 'signal'> },
  endpoint: LoadedEndpoint & { events?: string[] },
  asked: unknown,
): Promise<z.infer<typeof sentTest>> {
  if (asked !== undefined && typeof asked !== 'string') throw new AppError('input_invalid', 'test_type: must be text')
  const now = preparing.clock.now()
  const type = asked ?? testTypeFor({ events: endpoint.events ?? [] })
  const draft = testEvent(type, { endpoint, now })
  const event = { ...draft, body: Buffer.from(draft.body ?? ''), receivedAt: now }
  const id = newId(now)
  const prepared = prepare(
    preparing,
    { endpoint, unreadable: null, isWell: false, at: now, eventId: draft.id, depth: 0, event },
    { id },
  )
  if (prepared.by === 'nothing') throw new AppError('conflict', prepared.reason)
  const sent = await sendPrepared(endpoint.kind, prepared, transport)
  const { statusCode: status_code, error, reason, durationMs: duration_ms, timings, peer, response } = sent
  return {
    type,
    arrived: error === null && status_code !== null && status_code >= 200 && status_code < 300,
    peer,
    request_headers: shownHeaders(prepared, endpoint),
    status_code,
    error: error === null || reason === null ? error : `${error}: ${reason}`,
    response_headers: sent.responseHeaders,
    response,
    duration_ms,
    timings,
  }
}
