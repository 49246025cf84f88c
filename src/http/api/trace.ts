// `/api/trace/{id}` and `/api/why`: what led to something, and why nothing did.
import { createRoute, z } from '@hono/zod-openapi'
import { findId } from '../../db/find-id.ts'
import { isUuid } from '../../lib/id.ts'
import { traceOf } from '../../trace/trace.ts'
import { whyAbout, whyEvent } from '../../trace/why.ts'
import { trace, why } from '../../trace/wire.ts'
import type { Api } from './answer.ts'
import { answer, failure, listQuery } from './answer.ts'
import type { ApiParts } from './api.ts'

const anyId = z.object({
  id: z.string().meta({
    description:
      "The id of an event, job, delivery, deployment or output, or at least six characters of its beginning or end; the sender's id of an event; or what `why` takes; encoded for a path.",
  }),
})

const get = createRoute({
  method: 'get',
  path: '/trace/{id}',
  summary: 'Trace what led to something and what followed',
  tags: ['trace'],
  request: { params: anyId },
  responses: { 200: answer('The trees that it is in.', trace), default: failure },
})
const whyRoute = createRoute({
  method: 'get',
  path: '/why',
  summary: 'Explain why something or nothing happened',
  tags: ['trace'],
  request: {
    query: listQuery({
      about: z.string().meta({
        description:
          '`acme/shop#12`, `acme/shop@main`, a commit, `app/environment`, an address on GitHub, or the id of an event.',
      }),
    }),
  },
  responses: { 200: answer('What reached us about it, newest first, and what followed.', why), default: failure },
})

const PART_OF_ID = /^[0-9a-f-]{6,36}$/i

/** Adds the routes. */
export function addTraceRoutes(
  api: Api,
  { configured, looking, clock }: Pick<ApiParts, 'configured' | 'looking' | 'clock'>,
): void {
  const { sources } = configured
  api.openapi(get, async (c) => c.json(await traceOf(looking, c.req.valid('param').id, sources.keys()), 200))
  api.openapi(whyRoute, async (c) => {
    const query = c.req.valid('query')
    const { about } = query
    const id = PART_OF_ID.test(about) ? await findId(looking, 'events', about) : about
    const event = isUuid(id) ? await whyEvent(looking, id) : null
    if (event !== null) return c.json({ about, items: [event], next: null, checks: [] }, 200)
    return c.json(await whyAbout({ looking, clock, sources }, query), 200)
  })
}
