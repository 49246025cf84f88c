// Replaying: a stored event gets the jobs that the rules would make of it now. It makes no event,
// and its endpoints are not notified again.
import type { Database } from '../db/database.ts'
import { decideAgain } from '../decide.ts'
import type { NewJob } from '../events/event.ts'
import { insertReplay } from '../events/insert.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { idFor, newId } from '../lib/id.ts'
import { oneLine } from '../lib/one-line.ts'
import { DEFAULT_CEILING_PER_HOUR } from '../rules/jobs.ts'
import type { CompiledRule } from '../rules/match.ts'
import type { Paused } from '../rules/states.ts'
import { loadPaused } from '../rules/states.ts'
import type { Timed } from './newer.ts'
import { newerJobs } from './newer.ts'
import type { Replayed, ReplayedJob, ReplayRequest } from './request.ts'
import { MAX_REPLAYED } from './request.ts'
import type { Replayable } from './stored.ts'
import { replayableEvent, replayableEvents } from './stored.ts'

const MAX_STALE_ATTEMPTS = 10

/** What is needed to replay. */
export type ReplayParts = { database: Database; clock: Clock; rules: readonly CompiledRule[] }

type Plan = { event: Replayable; jobs: NewJob[]; reason: string | null }

/**
 * Makes the jobs that today's rules ask for of events that are stored, each once for a replay, or
 * says which they would be.
 * @throws AppError `not_found` for an event or a rule that there is not; `conflict` for one event
 * that cannot be replayed, with the reason.
 */
export async function replay(parts: ReplayParts, request: ReplayRequest): Promise<Replayed> {
  const { database, clock } = parts
  const replayId = request.replay_id?.toLowerCase() ?? newId()
  const rules = rulesOf(parts.rules, request)
  for (let attempt = 0; attempt < MAX_STALE_ATTEMPTS; attempt++) {
    const events = await eventsOf(database, request)
    const { version, paused } = await loadStates(database)
    const plans = events.map((event) => planOf(event, rules, paused, { ...request, replayId }))
    requireReplayable(request, plans)
    const newer = await newerJobs(database, request.as_new ? [] : plans.flatMap(timedOf))
    const before = await idsOf(database, plans)
    const made = request.dry_run
      ? null
      : await insertReplay(database, clock, toInsert(replayId, plans, request), version)
    if (made !== null && (made.version !== version || !made.isWhole)) continue
    const outcomeOf = (id: string) =>
      before.has(id) ? 'repeated' : (made?.jobIds.has(id) ?? true) ? 'made' : 'skipped'
    return {
      replay_id: replayId,
      dry_run: request.dry_run,
      staged: request.staged,
      as_new: request.as_new,
      events: events.length,
      jobs: plans.flatMap(({ event, jobs }) =>
        jobs.map((job) => ({
          ...rowOf(event, job),
          outcome: outcomeOf(job.id),
          superseded_by: newer.get(job.id) ?? null,
        })),
      ),
      kept: plans.flatMap(({ event, reason }) => (reason === null ? [] : [{ ...aboutOf(event), reason }])),
      warnings: ceilingWarnings(rules, plans),
      next: request.event_id === undefined && events.length === MAX_REPLAYED ? (events.at(-1)?.id ?? null) : null,
    }
  }
  throw new AppError('database_unavailable', 'The rules or the events kept changing while events were being replayed.')
}

async function eventsOf(database: Database, { event_id, since, ...span }: ReplayRequest): Promise<Replayable[]> {
  if (event_id === undefined) return replayableEvents(database, { ...span, since: since ?? '', limit: MAX_REPLAYED })
  const event = await replayableEvent(database, event_id)
  if (event === null) throw new AppError('not_found', `There is no event ${JSON.stringify(event_id)}.`)
  return [event]
}

function rulesOf(rules: readonly CompiledRule[], { rule: name }: ReplayRequest): readonly CompiledRule[] {
  if (name === undefined) return rules
  const named = rules.filter(({ rule }) => rule.name === name)
  if (named.length === 0) throw new AppError('not_found', `There is no rule ${JSON.stringify(name)}.`)
  return named
}

/** The version first: what changes meanwhile has a newer one. */
async function loadStates(database: Database): Promise<{ version: number; paused: ReadonlyMap<string, Paused> }> {
  const { rows } = await database.query<{ version: number }>(
    'select version::int as version from signalbox.routing_version',
  )
  return { version: rows[0]?.version ?? 0, paused: await loadPaused(database) }
}

type Wanted = Pick<ReplayRequest, 'staged'> & { replayId: string }

function planOf(
  event: Replayable,
  rules: readonly CompiledRule[],
  paused: ReadonlyMap<string, Paused>,
  wanted: Wanted,
): Plan {
  const { jobs, reason } = decideAgain(event, rules, paused)
  // A rejected event never had one, which the reason says.
  const isPruned = !event.hasBody && jobs.length > 0
  if (isPruned) return { event, jobs: [], reason: 'its body was pruned, so an agent would have nothing to read' }
  return { event, jobs: jobs.map((job) => replayedJob(job, event, wanted)), reason }
}

/**
 * The job of a replay. One whose outputs are only shown takes its turn in its group, and neither
 * supersedes what is done for real nor is superseded by it.
 */
function replayedJob(job: NewJob, event: Replayable, { staged, replayId }: Wanted): NewJob {
  const again = { ...job, id: idFor('job', event.id, job.rule, replayId) }
  return staged ? { ...again, mode: 'queue', debounce: null, policy: { ...job.policy, staged: true } } : again
}

/** Of one event that was asked for by its id, nothing is no answer. */
function requireReplayable({ event_id }: ReplayRequest, [plan]: readonly Plan[]): void {
  if (event_id === undefined || plan === undefined || plan.jobs.length > 0) return
  throw new AppError('conflict', `Nothing follows from the event ${plan.event.id}: ${plan.reason}.`)
}

function timedOf({ event, jobs }: Plan): Timed[] {
  return jobs.map((job) => ({ job, eventId: event.id, at: event.happened_at }))
}

function toInsert(replayId: string, plans: readonly Plan[], { as_new: asNew, by }: ReplayRequest) {
  const wanted = plans.filter(({ jobs }) => jobs.length > 0)
  return {
    replay: replayId,
    by: by === undefined ? null : oneLine(by),
    events: wanted.map(({ event, jobs }) => ({ id: event.id, jobs, ...(!asNew && { happenedAt: event.happened_at }) })),
  }
}

/** Which of the jobs there are already. */
async function idsOf(database: Database, plans: readonly Plan[]): Promise<ReadonlySet<string>> {
  const ids = plans.flatMap(({ jobs }) => jobs.map(({ id }) => id))
  if (ids.length === 0) return new Set()
  const { rows } = await database.query<{ id: string }>('select id from signalbox.jobs where id = any($1::uuid[])', [
    ids,
  ])
  return new Set(rows.map(({ id }) => id))
}

function aboutOf({ id, type, subject, received_at }: Replayable) {
  return { event_id: id, event_type: type, subject, received_at }
}

function rowOf(event: Replayable, { id, rule, agent, who }: NewJob): Omit<ReplayedJob, 'outcome' | 'superseded_by'> {
  return { id, ...aboutOf(event), rule, agent, asks: who?.people ?? [] }
}

/** The jobs of one subject that are more than an hour may have. */
function ceilingWarnings(rules: readonly CompiledRule[], plans: readonly Plan[]): string[] {
  const limits = new Map(rules.map(({ rule }) => [rule.name, rule.ceiling?.perHour ?? DEFAULT_CEILING_PER_HOUR]))
  const counts = new Map<string, { rule: string; subject: string; count: number }>()
  for (const { rule, ceilingSubject: subject } of plans.flatMap(({ jobs }) => jobs)) {
    if (subject === null) continue
    const key = JSON.stringify([rule, subject])
    counts.set(key, { rule, subject, count: (counts.get(key)?.count ?? 0) + 1 })
  }
  return [...counts.values()].flatMap(({ rule, subject, count }) => {
    const limit = limits.get(rule) ?? 0
    if (count <= limit) return []
    return [
      `rule "${rule}": ${count} jobs for ${subject}, and its ceiling is ${limit} an hour: those above it are cancelled, and the rule pauses itself`,
    ]
  })
}
