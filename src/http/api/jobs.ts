// `/api/jobs`: the work, its attempts, its outputs and its log.
import { createRoute, z } from '@hono/zod-openapi'
import { findId } from '../../db/find-id.ts'
import { answerApproval, answerRequest, readAnswer } from '../../jobs/answer-approval.ts'
import {
  cancelJob,
  prioritiseJob,
  priorityRequest,
  readPriority,
  readRetryOptions,
  retryJob,
  retryRequest,
} from '../../jobs/change.ts'
import { jobCauseFilter } from '../../jobs/failure-cause.ts'
import { getJob, jobLog, listJobs, MAX_LOG_PAGE } from '../../jobs/query.ts'
import { jobDetail, jobLogPage, jobStatus, jobSummary } from '../../jobs/wire.ts'
import type { Api, IdRequest } from './answer.ts'
import { answer, failure, idParam, jsonBody, listQuery, pageAnswer, query } from './answer.ts'
import type { ApiParts } from './api.ts'
import { readJson } from './json.ts'

const list = createRoute({
  method: 'get',
  path: '/jobs',
  summary: 'List jobs',
  tags: ['jobs'],
  request: {
    query: listQuery({
      status: jobStatus.optional(),
      type: z.string().optional(),
      agent: z.string().optional(),
      rule: z.string().optional(),
      cause: jobCauseFilter.optional(),
      event_id: z.string().optional(),
    }),
  },
  responses: { 200: pageAnswer('Jobs, newest first.', jobSummary), default: failure },
})
const get = createRoute({
  method: 'get',
  path: '/jobs/{id}',
  summary: 'Show one job',
  tags: ['jobs'],
  request: { params: idParam },
  responses: {
    200: answer('One job with its attempts, steps, outputs and the end of its log.', jobDetail),
    default: failure,
  },
})
const log = createRoute({
  method: 'get',
  path: '/jobs/{id}/log',
  summary: 'Read the log of a job',
  tags: ['jobs'],
  request: {
    params: idParam,
    query: query({
      after: z.coerce.number().int().min(0).default(0).meta({ description: 'The id of a line, or 0 for the first.' }),
      limit: z.coerce.number().int().min(1).max(MAX_LOG_PAGE).default(MAX_LOG_PAGE),
    }),
  },
  responses: {
    200: {
      description:
        'The lines of its log after `after`, oldest first. With `Accept: text/event-stream` each as it comes, as an event `line`, until the event `end` with the status of the job; `Last-Event-ID` goes on after that line.',
      content: { 'application/json': { schema: jobLogPage }, 'text/event-stream': { schema: z.string() } },
    },
    default: failure,
  },
})
const cancel = createRoute({
  method: 'post',
  path: '/jobs/{id}/cancel',
  summary: 'Cancel a job',
  tags: ['jobs'],
  request: { params: idParam },
  responses: { 200: answer('The job: cancelled, or being cancelled if it runs.', jobDetail), default: failure },
})
const retry = createRoute({
  method: 'post',
  path: '/jobs/{id}/retry',
  summary: 'Run a job again that failed or was cancelled',
  tags: ['jobs'],
  request: { params: idParam, body: { ...jsonBody(retryRequest), required: false } },
  responses: { 200: answer('The job, pending again.', jobDetail), default: failure },
})
const prioritise = createRoute({
  method: 'post',
  path: '/jobs/{id}/priority',
  summary: 'Change the priority of a job that has not ended',
  tags: ['jobs'],
  request: { params: idParam, body: jsonBody(priorityRequest) },
  responses: { 200: answer('The job, with its new priority.', jobDetail), default: failure },
})

const approve = createRoute({
  method: 'post',
  path: '/jobs/{id}/approve',
  summary: 'Approve what a job waits with',
  tags: ['jobs'],
  request: { params: idParam, body: { ...jsonBody(answerRequest), required: false } },
  responses: { 200: answer('The job, which looks at the answer now.', jobDetail), default: failure },
})
const reject = createRoute({
  method: 'post',
  path: '/jobs/{id}/reject',
  summary: 'Reject what a job waits with',
  tags: ['jobs'],
  request: { params: idParam, body: { ...jsonBody(answerRequest), required: false } },
  responses: { 200: answer('The job, which looks at the answer now.', jobDetail), default: failure },
})

type JobParts = Pick<ApiParts, 'database' | 'looking' | 'clock' | 'logStreams' | 'onWork'>

/** The id of the last line that was read; null where a browser has none to say. */
function lastSeen(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : null
}

/** Adds the routes of jobs; `onWork` is called when a job became pending, or left its group. */
export function addJobRoutes(api: Api, parts: JobParts): void {
  const { database, looking, clock, logStreams, onWork } = parts
  const idOf = (c: IdRequest) => findId(looking, 'jobs', c.req.valid('param').id)
  api.openapi(list, async (c) => {
    const query = c.req.valid('query')
    const event_id = query.event_id && (await findId(looking, 'events', query.event_id))
    return c.json(await listJobs(looking, { ...query, event_id }), 200)
  })
  api.openapi(get, async (c) => c.json(await getJob(looking, await idOf(c)), 200))
  api.openapi(log, async (c) => {
    const query = c.req.valid('query')
    // Of an answer to HEAD nobody reads the body, so a stream would never end.
    if (c.req.method === 'HEAD' || !c.req.header('accept')?.includes('text/event-stream')) {
      return c.json(await jobLog(looking, await idOf(c), query), 200)
    }
    const after = lastSeen(c.req.header('last-event-id')) ?? query.after
    const hangUp = () => void c.env.incoming.socket.destroy()
    return logStreams.open(await idOf(c), after, { gone: c.req.raw.signal, hangUp }) as never
  })
  api.openapi(cancel, async (c) => {
    const job = await cancelJob(database, clock, await idOf(c))
    onWork()
    return c.json(job, 200)
  })
  api.openapi(retry, async (c) => {
    const options = readRetryOptions(c.req.header('content-type') === undefined ? {} : await readJson(c))
    const job = await retryJob(database, clock, await idOf(c), options)
    onWork()
    return c.json(job, 200)
  })
  api.openapi(prioritise, async (c) => {
    const id = await idOf(c)
    await getJob(looking, id)
    const job = await prioritiseJob(database, id, readPriority(await readJson(c)))
    onWork()
    return c.json(job, 200)
  })
  const answered = async (c: Parameters<typeof readJson>[0], id: string, decision: 'approve' | 'reject') => {
    const given = readAnswer(c.req.header('content-type') === undefined ? {} : await readJson(c))
    const job = await answerApproval(database, clock, id, { ...given, decision })
    onWork()
    return job
  }
  api.openapi(approve, async (c) => c.json(await answered(c, await idOf(c), 'approve'), 200))
  api.openapi(reject, async (c) => c.json(await answered(c, await idOf(c), 'reject'), 200))
}
