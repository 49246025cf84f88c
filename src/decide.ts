// What follows from an event, and why: decided from what it says, the rules, the endpoints and what
// is paused, and from nothing else (pure).
import { maxAttempts } from './deliveries/retry.ts'
import { deliveriesFor, explainEndpoints, matchEndpoints } from './endpoints/match.ts'
import type { MatchableEndpoint } from './endpoints/row.ts'
import type { Draft, Event, Route } from './events/event.ts'
import { eventPayload } from './events/payload.ts'
import type { Explanation } from './recording.ts'
import { explainCompiled } from './rules/explain.ts'
import { jobsFor } from './rules/jobs.ts'
import type { CompiledRule } from './rules/match.ts'
import { ignoredReason, keptReason, noJobReason } from './rules/reason.ts'
import type { Paused } from './rules/states.ts'
import { TEST_SOURCE } from './sources/event-type.ts'
import { manual } from './sources/manual.ts'

// Internal events may cause internal events, but not for ever.
const MAX_DEPTH = 3

/** What decides about events besides the rules as they are configured. */
export type Routing = {
  version: number
  endpoints: readonly MatchableEndpoint[]
  paused: ReadonlyMap<string, Paused>
  awaited: readonly string[]
}

/**
 * What follows from an event: the jobs its rules ask for, and the deliveries endpoints asked for.
 */
export function decide(draft: Draft, rules: readonly CompiledRule[], { endpoints, paused }: Routing): Route {
  const nothing = { jobs: [], deliveries: [] }
  if (draft.rejected !== undefined) return { ...nothing, status: 'rejected', reason: draft.rejected }
  if (draft.requested) return { status: 'routed', reason: null, jobs: [draft.requested], deliveries: [] }
  if (draft.deliverTo !== undefined) return decideTest(draft, endpoints)
  const loop = loopReason(draft)
  if (loop !== null) return { ...nothing, status: 'ignored', reason: loop }
  const { forRules } = draft
  const active = rules.filter(({ rule }) => rule.off === undefined && !paused.has(rule.name))
  const asked = forRules === undefined ? active : active.filter(({ rule }) => forRules.includes(rule.name))
  const jobs = jobsFor(asked, draft)
  const matching =
    forRules !== undefined ? [] : matchEndpoints(endpoints, { ...draft, says: () => eventPayload(draft) })
  const deliveries = deliveriesFor(draft, matching, { maxAttempts })
  if (jobs.length + deliveries.length > 0) {
    return { status: 'routed', reason: keptReason(rules, draft, paused), jobs, deliveries }
  }
  const isPing = draft.type === 'ping'
  const reason = isPing ? 'ping: the sender checks that this server is there' : ignoredReason(rules, draft, paused)
  return { ...nothing, status: 'ignored', reason }
}

/**
 * The jobs that rules would make of an event which was recorded before, and why there are none, or
 * not all.
 */
export function decideAgain(
  event: StoredEvent,
  rules: readonly CompiledRule[],
  paused: ReadonlyMap<string, Paused> = new Map(),
): Pick<Route, 'jobs' | 'reason'> {
  const why = whyNoneIsAsked(event)
  if (why !== null) return { jobs: [], reason: why }
  const active = rules.filter(({ rule }) => rule.off === undefined && !paused.has(rule.name))
  const jobs = jobsFor(active, event)
  return { jobs, reason: jobs.length > 0 ? keptReason(rules, event, paused) : noJobReason(rules, event, paused) }
}

/** What decides of a stored event which jobs follow from it. */
export type StoredEvent = Pick<Event, 'id' | 'source' | 'type' | 'status' | 'subject' | 'facts' | 'depth'>

/** A test is one delivery with one attempt, and waits for no other delivery. */
function decideTest(draft: Draft, endpoints: readonly MatchableEndpoint[]): Route {
  const tested = endpoints.filter(({ id }) => id === draft.deliverTo)
  const deliveries = deliveriesFor(draft, tested, { maxAttempts: () => 1 }).map((each) => ({ ...each, groupKey: null }))
  return deliveries.length > 0
    ? { status: 'routed', reason: null, jobs: [], deliveries }
    : { status: 'ignored', reason: 'its endpoint was deleted', jobs: [], deliveries: [] }
}

function loopReason({ depth }: Pick<Draft, 'depth'>): string | null {
  if (depth <= MAX_DEPTH) return null
  return `it is ${depth} internal events away from one from outside; more than ${MAX_DEPTH} would be a loop`
}

/** What every rule and every endpoint makes of an event, with the routing as it is now. */
export function explainDecision(
  event: Event,
  rules: readonly CompiledRule[],
  { endpoints, paused }: Routing,
): Pick<Explanation, 'event' | 'rules' | 'endpoints'> {
  const { id, type, status, reason } = event
  const why = whyNoneIsAsked(event)
  const unasked = why === null ? {} : { matched: false, sentence: `Not asked: ${why}.` }
  return {
    event: { id, type, status, reason },
    rules: rules.map((rule) => ({ ...explainCompiled(rule, event, paused.get(rule.rule.name)), ...unasked })),
    endpoints: explainEndpoints(endpoints, { ...event, says: () => eventPayload(event) }).map((verdict) => ({
      ...verdict,
      ...unasked,
    })),
  }
}

/** Why neither rules nor endpoints have a say in what follows from an event; null if they have. */
export function whyNoneIsAsked(event: Pick<Event, 'source' | 'status' | 'depth'>): string | null {
  if (event.status === 'rejected') return 'the request was refused'
  if (event.source === manual.name) return 'a manual trigger names its job'
  if (event.source === TEST_SOURCE) return 'a test names its endpoint'
  return loopReason(event)
}
