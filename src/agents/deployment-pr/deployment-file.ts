// The committed file: what is live, in bytes that depend on nothing else.
import { sortedKeys } from '../../lib/json.ts'
import { visibleJson } from '../../untrusted/inert.ts'
import { redact } from '../../untrusted/redact.ts'
import type { DeploymentEvent } from './deployment-event.ts'

/**
 * The file's JSON: keys sorted, two spaces, a newline at the end. Secrets are redacted here as in
 * the body, because a repository is read by more people than an AI application's settings;
 * `config_sha256` is left out then, for a hash lets one guess.
 */
export function deploymentFile({ timestamp, project_id, data }: DeploymentEvent): string {
  const { variant_name, variant_id, revision, config_sha256, ...rest } = data
  const given = { ...rest, project_id, deployed_at: timestamp }
  const shown = redact(given)
  const isWhole = JSON.stringify(shown) === stringifyOrNull(given)
  const variant = { name: redact(variant_name ?? null), id: variant_id ?? null, revision: revision ?? null }
  const file = { ...(shown as object), variant, ...(isWhole ? { config_sha256 } : {}) }
  return `${visibleJson(JSON.stringify(sortedKeys(file), null, 2))}\n`
}

function stringifyOrNull(value: unknown): string | null {
  try {
    return JSON.stringify(value)
  } catch {
    // Nested too deep for the engine, so it was cut and is not whole.
    return null
  }
}
