// What came of a deployment: its deliveries, its jobs and its pull request, or why there is none.
import { setTimeout as pause } from 'node:timers/promises'
import type {
  Delivery,
  DeliveryDetail,
  DeploymentSummary,
  JobDetail,
  JobSummary,
  Page,
  SignalboxClient,
} from '@signalbox/sdk'
import { count, inline, inOneLine } from './text.ts'
import { hasEnded, progressText } from './wait.ts'

const LOOK_EVERY_MS = 200
const MAX_LINES = 10

type PullRequest = DeploymentSummary['pull_requests'][number]

/** What followed from a deployment's event. */
export type Followers = { jobs: JobSummary[]; deliveries: Delivery[] }

/** The jobs and deliveries of an event, all of them. */
export async function followersOf(client: SignalboxClient, eventId: string): Promise<Followers> {
  const [jobs, deliveries] = await Promise.all([
    allPages((cursor) => client.jobs.list({ event_id: eventId, cursor })),
    allPages((cursor) => client.deliveries.list({ event_id: eventId, cursor })),
  ])
  return { jobs, deliveries }
}

/**
 * The same as soon as nothing more is expected of them in time: each has ended, waits for somebody,
 * or goes on after `waitMs` only; else as they are then.
 */
export async function settledFollowersOf(client: SignalboxClient, eventId: string, waitMs: number): Promise<Followers> {
  const deadline = Date.now() + waitMs
  for (;;) {
    const followers = await followersOf(client, eventId)
    const { jobs, deliveries } = followers
    const isSettled =
      jobs.every((job) => isSettledJob(job, deadline)) && deliveries.every((each) => isSettledDelivery(each, deadline))
    if (isSettled || Date.now() >= deadline) return followers
    await pause(LOOK_EVERY_MS)
  }
}

function isSettledJob(job: JobSummary, deadline: number): boolean {
  return hasEnded(job) || job.status === 'waiting' || (job.failures > 0 && isAfter(job.available_at, deadline))
}

function isSettledDelivery({ status, next_attempt_at: next }: Delivery, deadline: number): boolean {
  if (status === 'running') return false
  return status !== 'pending' || next === null || isAfter(next, deadline)
}

function isAfter(time: string, deadline: number): boolean {
  return Date.parse(time) > deadline
}

/** What came of a deployment, in a line for each delivery and job, and for the pull request. */
export async function outcomeLines(
  client: SignalboxClient,
  { deployment_id: id, event_id: eventId }: Pick<DeploymentSummary, 'deployment_id' | 'event_id'>,
  { jobs, deliveries }: Followers,
): Promise<{ lines: string[]; pullRequests: PullRequest[] }> {
  const [{ pull_requests: pullRequests }, sent, done] = await Promise.all([
    client.deployments.get(id),
    Promise.all(deliveries.slice(0, MAX_LINES).map(({ id }) => client.deliveries.get(id))),
    Promise.all(jobs.slice(0, MAX_LINES).map(({ id }) => client.jobs.get(id))),
  ])
  const left = jobs.length + deliveries.length - sent.length - done.length
  const lines = [
    ...sent.map(deliveryLine),
    ...done.map(progressText),
    ...(left > 0 ? [`and ${count(left, 'more job')} or deliveries`] : []),
    ...(pullRequests.length > 0
      ? pullRequests.map((pull) => `Pull request: ${pullRequestText(pull)}`)
      : await whyNone(client, eventId, done)),
  ]
  return { lines, pullRequests }
}

/** Its address, and what became of one that is not open: `https://… (merged by jane)`. */
export function pullRequestText({ url, state, merged_by: by }: PullRequest): string {
  if (state === 'open') return inline(url)
  return `${inline(url)} (${state}${by === null ? '' : ` by ${inline(by)}`})`
}

function deliveryLine(delivery: DeliveryDetail): string {
  return `${inline(delivery.endpoint_name)}: ${inline(inOneLine(stateOf(delivery)))}`
}

function stateOf({ status, error, next_attempt_at: next, attempts }: DeliveryDetail): string {
  const last = attempts.at(-1)
  const answer = last?.status_code ? [`${last.status_code} in ${last.duration_ms} ms`] : []
  if (status === 'succeeded') return ['succeeded', ...answer].join(', ')
  if (status === 'running') return `being sent, attempt ${attempts.length}`
  const what = error === null ? status : `${status}: ${error}`
  const seconds = next === null ? 0 : Math.max(0, Math.ceil((Date.parse(next) - Date.now()) / 1000))
  const later = next === null ? [] : [attempts.length === 0 ? 'first attempt follows' : `next attempt in ${seconds} s`]
  return [what, ...later].join(', ')
}

/** Why no job has opened a pull request, and why no endpoint was notified where none was. */
async function whyNone(client: SignalboxClient, eventId: string, jobs: readonly JobDetail[]): Promise<string[]> {
  if (jobs.some((job) => !hasEnded(job))) return ['No pull request yet: a job has not ended. It goes on without you.']
  if (jobs.length > 0) return ['No pull request: no job has opened one.']
  const { rules, endpoints } = await client.events.explain(eventId)
  // A rule for other types of events has nothing to do with deployments.
  const near = rules.filter(({ checks }) => checks.some(({ part, holds }) => part === 'on' && holds))
  const why = near.length === 0 ? ['no rule is for environment.deployed.'] : near.map(({ sentence }) => sentence)
  const others = endpoints.filter(({ matched }) => !matched)
  return [
    ...why.map((sentence) => `No pull request: ${inline(sentence)}`),
    ...others.map(({ endpoint, sentence }) => `${inline(endpoint)}: ${inline(sentence)}`),
  ].slice(0, MAX_LINES)
}

async function allPages<Row>(list: (cursor: string | undefined) => Promise<Page<Row>>): Promise<Row[]> {
  const rows: Row[] = []
  let cursor: string | undefined
  do {
    const { items, next } = await list(cursor)
    rows.push(...items)
    cursor = next ?? undefined
  } while (cursor !== undefined)
  return rows
}
