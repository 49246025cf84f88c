// Agenta's bodies, of its first design and of today, read into one form: `environment.deployed`.
// Pure, because the webhook handler reads the same bodies without a server.
import type { EnvironmentDeployed } from '@signalbox/sdk'
import type { Facts } from '../../events/facts.ts'
import type { Json, JsonObject } from '../../lib/json.ts'
import { isObject } from '../../lib/json.ts'
import { eventType, typeUnder } from '../event-type.ts'
import { facts, part, text } from '../fact.ts'

/** What a body says by itself; `type` and `id` are undefined when it does not say. */
export type AgentaReading = {
  /** `environment.deployed`, or Agenta's own name below `agenta.`. */
  type: string | undefined
  id: string | undefined
  facts: Facts
  /** The body itself, or the `environment.deployed` it was translated to. */
  payload: Json
}

const DEPLOYED = 'environment.deployed'

/**
 * What Agenta calls a deployment today:
 * https://docs.agenta.ai/prompt-engineering/integrating-prompts/webhooks
 */
const DEPLOYED_TODAY = 'environments.revisions.committed'

/**
 * Reads a body of either form. One that is of neither has no facts. With `isResolved` a deployment
 * that Agenta reports today is left as it is, because its references are resolved later.
 */
export function readAgenta(body: JsonObject, { isResolved = false } = {}): AgentaReading {
  return isObject(body.event) ? readToday(body, isResolved) : readFirst(body)
}

/** The name of Agenta's event among all: any but a deployment's is below `agenta.`. */
export function agentaType(type: string): string {
  return type === DEPLOYED ? type : typeUnder('agenta', type)
}

function readFirst(body: JsonObject): AgentaReading {
  const data = part(body.data)
  const type = eventType(body.event)
  return {
    type: type && agentaType(type),
    id: text(body.delivery_id),
    facts: facts({
      environment: text(data.environment),
      app: text(data.app_name),
      project: text(body.project_id),
      author: text(data.deployed_by) ?? text(part(data.deployed_by).email),
    }),
    payload: body,
  }
}

function readToday(body: JsonObject, isResolved: boolean): AgentaReading {
  const event = part(body.event)
  const type = eventType(event.event_type)
  const deployed = type === DEPLOYED_TODAY ? toDeployment(body) : null
  const attributes = part(event.attributes)
  const translated = isResolved ? null : deployed
  return {
    type: translated?.event ?? (type && agentaType(type)),
    id: text(event.event_id),
    facts: facts({
      environment: slug(part(attributes.references).environment),
      app: deployed?.data.app_name,
      project: text(part(body.scope).project_id),
      author: text(attributes.user_id),
    }),
    payload: translated ?? body,
  }
}

/**
 * A committed environment revision as a deployment; null unless it put exactly one application
 * into a named environment, because `environment.deployed` describes one. Agenta sends references
 * only, so the difference is between revisions.
 */
function toDeployment(body: JsonObject): EnvironmentDeployed | null {
  const event = part(body.event)
  const attributes = part(event.attributes)
  const references = part(attributes.references)
  const { created, updated, deleted } = part(attributes.diff)
  const [key, ...others] = [...Object.keys(part(created)), ...Object.keys(part(updated))]
  const environment = slug(references.environment)
  if (key === undefined || others.length > 0 || environment === undefined) return null
  const after = part(part(own(created, key) ?? own(updated, key)).new)
  const variant = part(after.application_variant)
  const eventId = text(event.event_id) ?? ''
  return {
    event: DEPLOYED,
    timestamp: text(event.timestamp) ?? text(event.created_at) ?? '',
    delivery_id: eventId,
    project_id: text(part(body.scope).project_id) ?? '',
    data: {
      app_name: slug(after.application) ?? key.replace(/\.revision$/, ''),
      variant_name: slug(variant) ?? 'default',
      variant_id: text(variant.id) ?? null,
      environment,
      revision: wholeNumber(part(after.application_revision).version),
      commit_message: text(attributes.message) ?? null,
      config_diff: { added: side(created, 'new'), modified: both(updated), removed: side(deleted, 'old') },
      deployed_by: text(attributes.user_id) ?? 'agenta',
      deployment_id: text(part(references.environment_revision).id) ?? eventId,
    },
  }
}

type Diff = EnvironmentDeployed['data']['config_diff']

function slug(reference: unknown): string | undefined {
  return text(part(reference).slug) ?? text(part(reference).id)
}

function wholeNumber(version: unknown): number | null {
  return /^\d{1,15}$/.test(String(version)) ? Number(version) : null
}

// Every value below came out of JSON.parse, so it is JSON.
function side(entries: unknown, name: 'old' | 'new'): Diff['added'] {
  return mapEntries(part(entries), (entry) => (part(entry)[name] ?? null) as Diff['added'][string])
}

function both(entries: unknown): Diff['modified'] {
  return mapEntries(part(entries), (entry) => {
    const { old = null, new: next = null } = part(entry)
    return { old, new: next } as Diff['modified'][string]
  })
}

function mapEntries<Value>(entries: Record<string, unknown>, map: (entry: unknown) => Value): Record<string, Value> {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, map(entry)]))
}

/** A member of the object itself: a key may be `constructor`. */
function own(object: unknown, key: string): unknown {
  return Object.hasOwn(part(object), key) ? part(object)[key] : undefined
}
