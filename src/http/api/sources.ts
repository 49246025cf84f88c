// `/api/sources`: who may send webhooks, as configured.
import { createRoute } from '@hono/zod-openapi'
import type { Sql } from '../../db/database.ts'
import { listPaused } from '../../pauses/list.ts'
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
export function addSourceRoutes(api: Api, sources: ReadonlyMap<string, Source>, looking: Sql): void {
  api.openapi(list, async (c) => {
    const paused = (await listPaused(looking)).filter(({ kind }) => kind === 'source')
    const items = [...sources.values()].map((source) =>
      sourceRow(
        source,
        paused.find(({ name }) => name === source.name),
      ),
    )
    return c.json({ items, next: null }, 200)
  })
}
