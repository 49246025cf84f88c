// `/api/event-types`: which types of events there are, and what is sent for them.
import { createRoute, z } from '@hono/zod-openapi'
import { listEventTypes, showEventType } from '../../catalogue/catalogue.ts'
import { eventTypeDetail, eventTypeSummary } from '../../catalogue/wire.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Api } from './answer.ts'
import { answer, failure, pageAnswer, query } from './answer.ts'

const list = createRoute({
  method: 'get',
  path: '/event-types',
  summary: 'List the types of events',
  tags: ['events'],
  description: 'All that are known: those of Signalbox first, then those of GitHub. A configured source has others.',
  request: {
    query: query({ type: z.string().optional().meta({ description: 'A glob, such as `job.*`.' }) }),
  },
  responses: { 200: pageAnswer('The types, on one page.', eventTypeSummary), default: failure },
})
const get = createRoute({
  method: 'get',
  path: '/event-types/{type}',
  summary: 'Show one type of events',
  tags: ['events'],
  request: { params: z.object({ type: z.string().meta({ description: 'A type, such as `job.completed`.' }) }) },
  responses: {
    200: answer('The type, with the schema of what is sent and an example.', eventTypeDetail),
    default: failure,
  },
})

/** Adds the routes of the types of events. */
export function addEventTypeRoutes(api: Api, { clock }: { clock: Clock }): void {
  api.openapi(list, (c) => c.json({ items: listEventTypes(c.req.valid('query').type), next: null }, 200))
  api.openapi(get, (c) => c.json(showEventType(c.req.valid('param').type, clock.now()), 200))
}
