// The names of events' types, and which source may use which.

const EVENT_TYPE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/

/** The source of test deliveries, each of which is for one endpoint. */
export const TEST_SOURCE = 'test'

// The first words of what this program records itself; `rejected.…` is a refused request.
const INTERNAL: ReadonlySet<string> = new Set(
  'command delivery deployments endpoint environment gap job manual orchestrator outbox rejected rule signalbox test'.split(
    ' ',
  ),
)

/**
 * The text if it can be an event's type: up to 100 letters, digits, `.`, `_`, `-`; undefined
 * otherwise.
 */
export function eventType(value: unknown): string | undefined {
  return typeof value === 'string' && EVENT_TYPE.test(value) ? value : undefined
}

/** The type under the name of its source: `order.paid` of `shop` is `shop.order.paid`. */
export function typeUnder(name: string, type: string): string {
  return type.startsWith(`${name}.`) ? type : `${name}.${type}`
}

// This program's own below a word that is GitHub's.
const OWN_TYPES: ReadonlySet<string> = new Set(['deployment.drifted'])

/**
 * GitHub's event with its action. It keeps GitHub's name, unless that would be one of this
 * program's own: the header with the event is not signed.
 */
export function githubType(event: string, action: string | undefined): string {
  const type = action === undefined ? event : `${event}.${action}`
  return INTERNAL.has(event) || OWN_TYPES.has(type) ? typeUnder('github', type) : type
}

/** Whether types that begin with this word are this program's own. */
export function isInternal(word: string): boolean {
  return INTERNAL.has(word)
}
