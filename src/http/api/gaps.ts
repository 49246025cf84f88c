// `/api/gaps`: when webhooks did not arrive, and what became of them.
import { createRoute, z } from '@hono/zod-openapi'
import { findId } from '../../db/find-id.ts'
import { getGap, listGaps, listHooks } from '../../gaps/query.ts'
import { gap, gapCheck, gapDetail, hookState, levelCheck } from '../../gaps/wire.ts'
import type { Api } from './answer.ts'
import { answer, failure, idParam, listQuery, pageAnswer, query } from './answer.ts'
import type { ApiParts } from './api.ts'

// Whoever asked checks again where that was too short.
const CHECK_MS = 10_000

const list = createRoute({
  method: 'get',
  path: '/gaps',
  summary: 'List gaps',
  tags: ['gaps'],
  request: { query: listQuery({ hook: z.string().optional() }) },
  responses: { 200: pageAnswer('Gaps, those found last first.', gap), default: failure },
})
const hooks = createRoute({
  method: 'get',
  path: '/gaps/hooks',
  summary: 'List the webhooks that are looked at',
  tags: ['gaps'],
  responses: { 200: pageAnswer('Webhooks, and where none was found.', hookState), default: failure },
})
const get = createRoute({
  method: 'get',
  path: '/gaps/{id}',
  summary: 'Show one gap',
  tags: ['gaps'],
  request: { params: idParam },
  responses: { 200: answer('One gap, with what was missed.', gapDetail), default: failure },
})
const check = createRoute({
  method: 'post',
  path: '/gaps/check',
  summary: 'Look for gaps now',
  tags: ['gaps'],
  description: 'Fetches and records what did not arrive, for about ten seconds; `dry_run` only says what is missing.',
  request: { query: query({ dry_run: z.enum(['true', 'false']).default('false') }) },
  responses: { 200: answer('What was found.', gapCheck), default: failure },
})

const level = createRoute({
  method: 'post',
  path: '/gaps/level',
  summary: 'List what stands open without the job that a rule would make',
  tags: ['gaps'],
  description: 'Pull requests, issues with a label, and deployments of the last 30 days; with `fix` the jobs are made.',
  request: { query: query({ fix: z.enum(['true', 'false']).default('false') }) },
  responses: { 200: answer('What was found.', levelCheck), default: failure },
})

type Parts = Pick<ApiParts, 'looking' | 'reconciler' | 'checkLevel'>

/** Adds the routes of gaps. */
export function addGapRoutes(api: Api, { looking, reconciler, checkLevel }: Parts): void {
  api.openapi(level, async (c) => c.json(await checkLevel({ isFixing: c.req.valid('query').fix === 'true' }), 200))
  api.openapi(list, async (c) => c.json(await listGaps(looking, c.req.valid('query')), 200))
  api.openapi(hooks, async (c) => c.json({ items: await listHooks(looking), next: null }, 200))
  api.openapi(get, async (c) =>
    c.json(await getGap(looking, await findId(looking, 'gaps', c.req.valid('param').id)), 200),
  )
  api.openapi(check, async (c) => {
    const isDry = c.req.valid('query').dry_run === 'true'
    return c.json(await reconciler.check({ isDry, limitMs: CHECK_MS }), 200)
  })
}
