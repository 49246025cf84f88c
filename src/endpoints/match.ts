// Which endpoints are notified of an event, and why one is not (pure).
import type { NewDelivery, NewEvent } from '../events/event.ts'
import type { Matcher } from '../lib/glob.ts'
import { compileGlobs, NAME } from '../lib/glob.ts'
import { idFor } from '../lib/id.ts'
import type { Json } from '../lib/json.ts'
import { conditionObjection } from './conditions.ts'
import type { MatchableEndpoint } from './row.ts'
import type { EndpointExplanation } from './wire.ts'

/** The parts of an event that endpoints match on; what it says is read when a condition asks. */
export type MatchableEvent = Pick<NewEvent, 'type' | 'facts'> & { says(): Json | undefined }

/**
 * The endpoints to notify of an event: those that want its type, its facts and what it says, and
 * are not disabled. A paused one is notified once it is active again.
 */
export function matchEndpoints<Of extends MatchableEndpoint>(endpoints: readonly Of[], event: MatchableEvent): Of[] {
  const once = saidOnce(event)
  return endpoints.filter((endpoint) => objection(endpoint, once) === null)
}

/** Why each of these endpoints is notified of this event, or why not. */
export function explainEndpoints(
  endpoints: readonly MatchableEndpoint[],
  event: MatchableEvent,
): EndpointExplanation[] {
  const once = saidOnce(event)
  return endpoints.map((endpoint) => verdict(endpoint, once))
}

/**
 * The deliveries that must be recorded with an event, with ids computed from event and
 * endpoint. Two deployments of one app and environment are never under way to one endpoint at
 * the same time; everything else is.
 */
export function deliveriesFor(
  event: Pick<NewEvent, 'id' | 'facts'>,
  endpoints: readonly MatchableEndpoint[],
  { maxAttempts }: { maxAttempts(schedule: readonly number[] | null): number },
): NewDelivery[] {
  return endpoints.map(({ id: endpointId, schedule }) => {
    const { project, app, environment } = event.facts
    const isOfAnEnvironment = app !== undefined && environment !== undefined
    return {
      id: idFor('delivery', event.id, endpointId),
      endpointId,
      maxAttempts: maxAttempts(schedule),
      skipped: null,
      holdsGroup: false,
      groupKey: isOfAnEnvironment ? idFor('deployments', endpointId, project ?? '', app, environment) : null,
    }
  })
}

function verdict(endpoint: MatchableEndpoint, event: MatchableEvent): EndpointExplanation {
  const reason = objection(endpoint, event)
  const later = endpoint.status === 'active' ? '' : ` once it is active again; it is ${inactivity(endpoint)}`
  const [matched, sentence] =
    reason === null
      ? [true, `Notified${later}: it wants ${quote(endpoint.events)}, and this is "${event.type}".`]
      : [false, `Not notified: ${reason}.`]
  return { endpoint: endpoint.name, matched, sentence }
}

/** The same event, whose payload is parsed at most once, however many ask. */
function saidOnce(event: MatchableEvent): MatchableEvent {
  let said: { payload: Json | undefined } | undefined
  const says = () => {
    said ??= { payload: event.says() }
    return said.payload
  }
  return { type: event.type, facts: event.facts, says }
}

function objection(endpoint: MatchableEndpoint, { type, facts, says }: MatchableEvent): string | null {
  if (endpoint.status === 'disabled') return `it is ${inactivity(endpoint)}`
  if (!isMatch(endpoint.events, type)) return `it wants ${quote(endpoint.events)}, and this is "${type}"`
  return (
    unwanted('project', endpoint.projects, facts.project) ??
    unwanted('environment', endpoint.environments, facts.environment) ??
    unwanted('app', endpoint.apps, facts.app) ??
    // Last, because it may parse the payload.
    (endpoint.conditions === null ? null : conditionObjection(endpoint.conditions, says()))
  )
}

/** `disabled since 2026-01-01T00:00:00.000Z (It answered 410 Gone)`. */
function inactivity({ status, status_since: since, status_reason: reason }: MatchableEndpoint): string {
  return `${status} since ${since}${reason === null ? '' : ` (${reason.replace(/\.$/, '')})`}`
}

function unwanted(what: string, wanted: string[] | null, value: string | undefined): string | null {
  return wanted === null || value === undefined || isMatch(wanted, value)
    ? null
    : `it wants ${what} ${quote(wanted)}, and this is "${value}"`
}

function quote(globs: readonly string[]): string {
  return globs.map((glob) => `"${glob}"`).join(' or ')
}

// Compiled once for every copy of an endpoint: this runs for every event before its sender is
// answered.
const compiled = new WeakMap<readonly string[], Matcher>()

function isMatch(globs: readonly string[], value: string): boolean {
  const known = compiled.get(globs)
  if (known !== undefined) return known(value)
  const matcher = compileGlobs(globs, NAME)
  compiled.set(globs, matcher)
  return matcher(value)
}
