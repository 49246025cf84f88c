// `/api/findings`: what reviews found, what became of it, and how often each category was right.
import { createRoute, z } from '@hono/zod-openapi'
import { findId } from '../../db/find-id.ts'
import { dismissRequest, readDismissal } from '../../findings/dismissal.ts'
import { precisionOf } from '../../findings/precision.ts'
import { dismissFinding, getFinding, listFindings } from '../../findings/query.ts'
import { categoryPrecision, findingDetail, findingStatus } from '../../findings/wire.ts'
import { plainRepositoryName } from '../../lib/repository.ts'
import type { Api, IdRequest } from './answer.ts'
import { answer, failure, idParam, jsonBody, listQuery, pageAnswer, query } from './answer.ts'
import type { ApiParts } from './api.ts'
import { readJson } from './json.ts'

const list = createRoute({
  method: 'get',
  path: '/findings',
  summary: 'List findings',
  tags: ['findings'],
  request: {
    query: listQuery({
      repository: z.string().optional(),
      pull_request: z.coerce.number().int().min(1).max(2_147_483_647).optional(),
      branch: z.string().optional(),
      status: findingStatus.optional(),
      category: z.string().optional(),
    }),
  },
  responses: { 200: pageAnswer('Findings, newest first.', findingDetail), default: failure },
})
const precision = createRoute({
  method: 'get',
  path: '/findings/precision',
  summary: 'Show how often each category was right',
  tags: ['findings'],
  request: { query: query({ repository: z.string().optional() }) },
  responses: { 200: pageAnswer('Categories, by repository.', categoryPrecision), default: failure },
})
const get = createRoute({
  method: 'get',
  path: '/findings/{id}',
  summary: 'Show one finding',
  tags: ['findings'],
  request: { params: idParam },
  responses: { 200: answer('One finding.', findingDetail), default: failure },
})
const dismiss = createRoute({
  method: 'post',
  path: '/findings/{id}/dismiss',
  summary: 'Dismiss a finding for good',
  tags: ['findings'],
  description: 'No later review of the repository reports it again, in whichever pull request.',
  request: { params: idParam, body: { ...jsonBody(dismissRequest), required: false } },
  responses: { 200: answer('The finding, dismissed.', findingDetail), default: failure },
})

/** Adds the routes of findings. */
export function addFindingRoutes(
  api: Api,
  { database, looking, clock, configured }: Pick<ApiParts, 'database' | 'looking' | 'clock' | 'configured'>,
): void {
  const idOf = (c: IdRequest) => findId(looking, 'findings', c.req.valid('param').id)
  api.openapi(list, async (c) => c.json(await listFindings(looking, c.req.valid('query')), 200))
  // Before the one with an id, which would take its address.
  api.openapi(precision, async (c) => {
    const { repository } = c.req.valid('query')
    const only = repository === undefined ? null : plainRepositoryName(repository)
    return c.json({ items: await precisionOf(looking, configured.muting, only), next: null }, 200)
  })
  api.openapi(get, async (c) => c.json(await getFinding(looking, await idOf(c)), 200))
  api.openapi(dismiss, async (c) => {
    const { reason } = readDismissal(c.req.header('content-type') === undefined ? {} : await readJson(c))
    return c.json(await dismissFinding(database, clock, { id: await idOf(c), reason }), 200)
  })
}
