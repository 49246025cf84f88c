// `POST /api/jobs/retry`, `cancel` and `priority`: many jobs at once.
import { createRoute } from '@hono/zod-openapi'
import {
  cancelJobs,
  cancelManyRequest,
  changedJobs,
  prioritiseJobs,
  prioritiseManyRequest,
  retryJobs,
  retryManyRequest,
} from '../../jobs/change-many.ts'
import type { Api } from './answer.ts'
import { answer, failure, jsonBody } from './answer.ts'
import type { ApiParts } from './api.ts'
import { readJson } from './json.ts'

const responses = { 200: answer('How many jobs were changed, or would be.', changedJobs), default: failure }

const retry = createRoute({
  method: 'post',
  path: '/jobs/retry',
  summary: 'Run the jobs again that are chosen',
  tags: ['jobs'],
  request: { body: jsonBody(retryManyRequest) },
  responses,
})
const cancel = createRoute({
  method: 'post',
  path: '/jobs/cancel',
  summary: 'Cancel the jobs that are chosen',
  tags: ['jobs'],
  request: { body: jsonBody(cancelManyRequest) },
  responses,
})
const prioritise = createRoute({
  method: 'post',
  path: '/jobs/priority',
  summary: 'Change the priority of the jobs that are chosen',
  tags: ['jobs'],
  request: { body: jsonBody(prioritiseManyRequest) },
  responses,
})

/** Adds the routes; `onWork` is called when jobs became pending, or left their groups. */
export function addManyJobRoutes(
  api: Api,
  { database, clock, onWork }: Pick<ApiParts, 'database' | 'clock' | 'onWork'>,
): void {
  api.openapi(retry, async (c) => {
    const changed = await retryJobs(database, clock, await readJson(c))
    onWork()
    return c.json(changed, 200)
  })
  api.openapi(cancel, async (c) => {
    const changed = await cancelJobs(database, clock, await readJson(c))
    onWork()
    return c.json(changed, 200)
  })
  api.openapi(prioritise, async (c) => {
    const changed = await prioritiseJobs(database, await readJson(c))
    onWork()
    return c.json(changed, 200)
  })
}
