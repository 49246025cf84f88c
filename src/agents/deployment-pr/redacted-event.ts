// A deployment without its secrets: what all that is written about it is made of.
import { createHash } from 'node:crypto'
import type { DeploymentEvent } from '../../descriptions/deployment-event.ts'
import { redactor } from '../../untrusted/redact.ts'
import { withoutNamedSecrets } from './named-secrets.ts'

/**
 * The event with every secret in it replaced, the same in all its parts. A repository is read by
 * more people than an AI application's settings; `config_sha256` is left out then, for a hash lets
 * one guess.
 */
export function redactedEvent(event: DeploymentEvent): DeploymentEvent {
  const named: Record<string, unknown>[] = []
  const config_diff = withoutNamedSecrets(event.data, (secret) => named.push(secret))
  const hidden = { ...event, data: { ...event.data, config_diff } }
  const redacted = redactor([event, ...named]).value(hidden) as DeploymentEvent
  const isWhole = JSON.stringify(redacted) === stringifyOrNull(event)
  if (isWhole) return event
  const { app_name, environment, deployment_id } = event.data
  return {
    ...redacted,
    event: event.event,
    timestamp: Number.isNaN(Date.parse(event.timestamp)) ? redacted.timestamp : event.timestamp,
    data: {
      ...redacted.data,
      app_name: distinct(app_name, redacted.data.app_name),
      environment: distinct(environment, redacted.data.environment),
      deployment_id: distinct(deployment_id, redacted.data.deployment_id),
      sequence: event.data.sequence,
      config_sha256: null,
    },
  }
}

/** A name that tells deployments apart: with something of its own when a secret was in it. */
function distinct(name: string, redacted: string): string {
  if (name === redacted) return name
  return `${redacted}-${createHash('sha256').update(name.toWellFormed()).digest('hex').slice(0, 8)}`
}

function stringifyOrNull(value: unknown): string | null {
  try {
    return JSON.stringify(value)
  } catch {
    // Nested too deep for the engine, so it was cut and is not whole.
    return null
  }
}
