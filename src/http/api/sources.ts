// `/api/sources`: who may send webhooks, as configured.
import { createRoute } from '@hono/zod-openapi'
import type { Source } from '../../sources/source.ts'
import { sourceRow, sourceSummary } from '../../sources/wire.ts'
import type { Api } from './answer.ts'
import { failure, pageAnswer, query } from './answer.ts'

const list = createRoute({
  method: 'get',
  path: '/sources',
  summary: 'List the sources',
  tags: ['sources'],
  request: { query: query({}) },
  responses: { 200: pageAnswer('The sources, and whether each is open; no secrets.', sourceSummary), default: failure },
})

/** Adds the route of sources. */
export function addSourceRoutes(api: Api, sources: ReadonlyMap<string, Source>): void {
  api.openapi(list, (c) => c.json({ items: [...sources.values()].map(sourceRow), next: null }, 200))
}
