// Which endpoints are notified of an event, and why one is not (pure).
import type { NewDelivery, NewEvent } from '../events/event.ts'
import { conditionObjection } from '../lib/conditions.ts'
import type { Matcher } from '../lib/glob.ts'
import { compileGlobs, NAME } from '../lib/glob.ts'
import { idFor } from '../lib/id.ts'
import type { Json } from '../lib/json.ts'
import type { MatchableEndpoint } from './row.ts'
import type { EndpointExplanation } from './wire.ts'

/** The parts of an event that endpoints match on; what it says is read when a condition asks. */
export type MatchableEvent = Pick<NewEvent, 'type' | 'facts'> & { says(): Json | undefined }

/**
 * The endpoints that want an event, for its type, its facts and what it says. Whether it is sent,
 * now or later, is up to their status.
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
 * The deliveries that must be recorded with an event, with ids computed from event and endpoint.
 * Two deployments of one app and environment are never under way to one endpoint at the same time,
 * and where the endpoint wants them in order, the next one waits for the end of the one before. For
 * an endpoint that a person disabled they are kept without being sent.
 */
export function deliveriesFor(
  event: Pick<NewEvent, 'id' | 'facts'>,
  endpoints: readonly MatchableEndpoint[],
  { maxAttempts }: { maxAttempts(schedule: readonly number[] | null): number },
): NewDelivery[] {
  const { project, app, environment } = event.facts
  const isOfAnEnvironment = app !== undefined && environment !== undefined
  return endpoints.map((endpoint) => {
    const { id: endpointId, schedule, ordering } = endpoint
    return {
      id: idFor('delivery', event.id, endpointId),
      endpointId,
      maxAttempts: maxAttempts(schedule),
      skipped: isDisabled(endpoint) ? `The endpoint was ${inactivity(endpoint)}.` : null,
      holdsGroup: isOfAnEnvironment && ordering === 'ordered',
      groupKey: isOfAnEnvironment ? idFor('deployments', endpointId, project ?? '', app, environment) : null,
    }
  })
}

/** One that was disabled for its failures is still tried, and what waits for it stays pending. */
function isDisabled({ status, heals }: MatchableEndpoint): boolean {
  return status === 'disabled' && !heals
}

function verdict(endpoint: MatchableEndpoint, event: MatchableEvent): EndpointExplanation {
  const reason = objection(endpoint, event)
  const wants = `it wants ${quote(endpoint.events)}, and this is "${event.type}"`
  const [matched, sentence] =
    reason !== null
      ? [false, `Not notified: ${reason}.`]
      : isDisabled(endpoint)
        ? [false, `Skipped, and kept to be recovered: it is ${inactivity(endpoint)}; ${wants}.`]
        : endpoint.status === 'active'
          ? [true, `Notified: ${wants}.`]
          : [true, `Notified once it is active again; it is ${inactivity(endpoint)}: ${wants}.`]
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
  // One that fails would be notified of its own failures, for ever.
  if (facts.endpoint === endpoint.id) return 'it is about this endpoint itself'
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
