// Which endpoints are notified of an event, and why one is not (pure).
import type { NewDelivery, NewEvent } from '../events/event.ts'
import type { Matcher } from '../lib/glob.ts'
import { compileGlobs, NAME } from '../lib/glob.ts'
import { idFor } from '../lib/id.ts'
import type { Endpoint } from './endpoint.ts'
import type { EndpointExplanation } from './wire.ts'

/** The parts of an event that endpoints match on. */
export type MatchableEvent = Pick<NewEvent, 'type' | 'facts'>

/**
 * Why an endpoint is notified of an event or not: `Not notified: it wants environment
 * "production", and this is "staging".`
 */
export type EndpointVerdict = Omit<EndpointExplanation, 'endpoint'>

/**
 * The endpoints to notify of an event: those that want its type, its environment and its
 * application, and are not disabled. A paused one is notified once it is active again.
 */
export function matchEndpoints<Of extends Endpoint>(endpoints: readonly Of[], event: MatchableEvent): Of[] {
  return endpoints.filter((endpoint) => objection(endpoint, event) === null)
}

/** Why this endpoint is notified of this event, or why not. */
export function explainEndpoint(endpoint: Endpoint, event: MatchableEvent): EndpointVerdict {
  const reason = objection(endpoint, event)
  const later = endpoint.status === 'active' ? '' : ` once it is active again; it is ${inactivity(endpoint)}`
  return reason === null
    ? { matched: true, sentence: `Notified${later}: it wants ${quote(endpoint.events)}, and this is "${event.type}".` }
    : { matched: false, sentence: `Not notified: ${reason}.` }
}

/**
 * The deliveries that must be recorded with an event, with ids computed from event and
 * endpoint. Two deployments of one app and environment are never under way to one endpoint at
 * the same time; everything else is.
 */
export function deliveriesFor(
  event: Pick<NewEvent, 'id' | 'facts'>,
  endpoints: readonly Endpoint[],
  { maxAttempts }: { maxAttempts: number },
): NewDelivery[] {
  return endpoints.map(({ id: endpointId }) => {
    const { project, app, environment } = event.facts
    const isOfAnEnvironment = app !== undefined && environment !== undefined
    return {
      id: idFor('delivery', event.id, endpointId),
      endpointId,
      maxAttempts,
      skipped: null,
      holdsGroup: false,
      groupKey: isOfAnEnvironment ? idFor('deployments', endpointId, project ?? '', app, environment) : null,
    }
  })
}

function objection(endpoint: Endpoint, { type, facts }: MatchableEvent): string | null {
  if (endpoint.status === 'disabled') return `it is ${inactivity(endpoint)}`
  if (!isMatch(endpoint.events, type)) return `it wants ${quote(endpoint.events)}, and this is "${type}"`
  return unwanted('environment', endpoint.environments, facts.environment) ?? unwanted('app', endpoint.apps, facts.app)
}

/** `disabled since 2026-01-01T00:00:00.000Z (It answered 410 Gone)`. */
function inactivity({ status, status_since: since, status_reason: reason }: Endpoint): string {
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
