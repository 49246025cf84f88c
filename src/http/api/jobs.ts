// `/api/jobs`: the work, its tries, its log and its outputs. Names are those of the guide's
// `agent_jobs` where it has them.
import { createRoute, z } from '@hono/zod-openapi'
import type { Database } from '../../db/database.ts'
import { cancelJob, retryJob } from '../../jobs/change.ts'
import type { JobDetail, JobSummary } from '../../jobs/query.ts'
import { getJob, JOB_STATUSES, listJobs } from '../../jobs/query.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Api } from './api.ts'
import { failure, idParam, pageAnswer, pageQuery, rowAnswer, wire } from './wire.ts'

const query = z.object({
  ...pageQuery,
  status: z.enum(JOB_STATUSES).optional(),
  type: z.string().optional(),
  agent: z.string().optional(),
  event_id: z.string().optional(),
})

const list = createRoute({
  method: 'get',
  path: '/jobs',
  tags: ['jobs'],
  request: { query },
  responses: { 200: pageAnswer('Jobs, newest first.'), default: failure },
})
const get = createRoute({
  method: 'get',
  path: '/jobs/{id}',
  tags: ['jobs'],
  request: { params: idParam },
  responses: { 200: rowAnswer('One job with its attempts, steps, outputs and the end of its log.'), default: failure },
})
const cancel = createRoute({
  method: 'post',
  path: '/jobs/{id}/cancel',
  tags: ['jobs'],
  request: { params: idParam },
  responses: { 200: rowAnswer('The job, called off.'), default: failure },
})
const retry = createRoute({
  method: 'post',
  path: '/jobs/{id}/retry',
  tags: ['jobs'],
  request: { params: idParam },
  responses: { 200: rowAnswer('The job, pending again.'), default: failure },
})

function summaryWire({ type, agent, finishedAt, ...job }: JobSummary) {
  return {
    ...wire(job),
    job_type: type,
    assigned_agent: agent,
    completed_at: finishedAt,
  }
}

function detailWire({ attempts, steps, outputs, log, input, result, ...job }: JobDetail) {
  return {
    ...summaryWire(job),
    payload: input,
    result,
    attempts: attempts.map(wire),
    steps: steps.map(wire),
    outputs: outputs.map(wire),
    log: log.map(wire),
  }
}

/** Adds the routes of jobs; `wake` is called when one became pending. */
export function addJobRoutes(api: Api, database: Database, clock: Clock, wake: () => void): void {
  api.openapi(list, async (c) => {
    const { event_id: eventId, ...filter } = c.req.valid('query')
    const { items, next } = await listJobs(database, { ...filter, eventId })
    return c.json({ items: items.map(summaryWire), next }, 200)
  })
  api.openapi(get, async (c) => c.json(detailWire(await getJob(database, c.req.valid('param').id)), 200))
  api.openapi(cancel, async (c) => c.json(detailWire(await cancelJob(database, clock, c.req.valid('param').id)), 200))
  api.openapi(retry, async (c) => {
    const job = await retryJob(database, clock, c.req.valid('param').id)
    wake()
    return c.json(detailWire(job), 200)
  })
}
