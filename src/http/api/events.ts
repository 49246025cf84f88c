// `/api/events`: what happened, and why something did or did not follow.
import { createRoute, z } from '@hono/zod-openapi'
import type { Database } from '../../db/database.ts'
import { findId } from '../../db/find-id.ts'
import { requirePayloads } from '../../db/payload-pruned.ts'
import { endpointExplanation } from '../../endpoints/wire.ts'
import type { Arrivals } from '../../events/arrivals.ts'
import { getEvent, listEvents, showEvent } from '../../events/query.ts'
import { eventDetail, eventStatus, eventSummary, feedEnvelope, feedEvent } from '../../events/wire.ts'
import { waitExplanation } from '../../jobs/wire.ts'
import { AppError } from '../../lib/error.ts'
import type { Pipeline } from '../../pipeline.ts'
import { ruleExplanation } from '../../rules/wire.ts'
import type { Api, IdRequest } from './answer.ts'
import { answer, bytesAnswer, failure, idParam, listQuery } from './answer.ts'
import { feedAnswer } from './feed.ts'

const MAX_WAIT_SECONDS = 30

/** What every rule, every endpoint and every job that waited makes of one event. */
export const eventExplanation = z
  .object({
    event: eventSummary.pick({ id: true, type: true, status: true, reason: true }),
    rules: z.array(ruleExplanation),
    endpoints: z.array(endpointExplanation),
    waits: z.array(waitExplanation),
  })
  .meta({ id: 'EventExplanation' })

const eventPage = z.object({
  items: z.array(z.union([feedEvent, feedEnvelope, eventSummary])),
  next: z.string().nullable().meta({
    description: 'The `cursor` of the next page, null on the last one; with `after` always the following `after`.',
  }),
  at_end: z.boolean().optional().meta({ description: 'With `after`: whether there was no more to read.' }),
})

const list = createRoute({
  method: 'get',
  path: '/events',
  summary: 'List events',
  tags: ['events'],
  request: {
    query: listQuery({
      type: z.string().optional().meta({ description: 'A type, or a glob such as `issues.*`.' }),
      source: z.string().optional(),
      status: eventStatus.optional(),
      subject: z.string().optional(),
      after: z.string().optional().meta({
        description: 'A cursor: lists oldest first what follows it. `0` is the beginning, `now` the end.',
      }),
      wait: z.coerce.number().int().min(0).max(MAX_WAIT_SECONDS).optional().meta({
        description: 'With `after`: the seconds to wait for an event when there is none.',
      }),
      form: z.literal('envelope').optional().meta({
        description: 'With `after`: events as endpoints are sent them.',
      }),
    }),
  },
  responses: {
    200: answer('Events, newest first; with `after` oldest first.', eventPage),
    default: failure,
  },
})
const get = createRoute({
  method: 'get',
  path: '/events/{id}',
  summary: 'Show one event',
  tags: ['events'],
  request: { params: idParam },
  responses: { 200: answer('One event with what it says.', eventDetail), default: failure },
})
const why = createRoute({
  method: 'get',
  path: '/events/{id}/explain',
  summary: 'Explain what followed from an event',
  tags: ['events'],
  request: { params: idParam },
  responses: {
    200: answer('For every rule and endpoint, why it matched or did not.', eventExplanation),
    default: failure,
  },
})
const raw = createRoute({
  method: 'get',
  path: '/events/{id}/body',
  summary: 'Read the body of an event as it came',
  tags: ['events'],
  request: { params: idParam },
  responses: {
    200: bytesAnswer('The raw bytes as they came, their content type in `X-Original-Content-Type`.'),
    default: failure,
  },
})

/** What the routes of events are built from. */
export type EventParts = { looking: Database; explain: Pipeline['explain']; arrivals: Arrivals }

/** Adds the routes of events. */
export function addEventRoutes(api: Api, { looking, explain, arrivals }: EventParts): void {
  api.openapi(list, async (c) => {
    const { after, wait, form, ...filter } = c.req.valid('query')
    if (after !== undefined) {
      return c.json(await feedAnswer({ looking, arrivals }, { ...filter, after, wait, form }, c.req.raw.signal), 200)
    }
    if (wait !== undefined || form !== undefined) {
      throw new AppError('input_invalid', `${wait === undefined ? 'form' : 'wait'}: only with after; add after=0`)
    }
    return c.json(await listEvents(looking, filter), 200)
  })
  const idOf = (c: IdRequest) => findId(looking, 'events', c.req.valid('param').id)
  api.openapi(get, async (c) => {
    const id = await idOf(c)
    return c.json(found(await showEvent(looking, id), id), 200)
  })
  api.openapi(why, async (c) => {
    const id = await idOf(c)
    return c.json(await explain(found(await getEvent(looking, id), id)), 200)
  })
  api.openapi(raw, async (c) => {
    const id = await idOf(c)
    const { body, contentType } = found(await getEvent(looking, id), id)
    if (body === null) await requirePayloads(looking, [id])
    if (body === null) throw new AppError('not_found', 'The body of a rejected event is not kept.')
    // Never as a type that a browser would render: the bytes are untrusted.
    const headers = { 'content-type': 'application/octet-stream', 'x-original-content-type': contentType ?? '' }
    return new Response(new Uint8Array(body), { headers })
  })
}

function found<T>(event: T | null, id: string): T {
  if (event === null) throw new AppError('not_found', `There is no event ${JSON.stringify(id)}.`)
  return event
}
