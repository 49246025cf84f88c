// The committed file: what is live, in bytes that depend on nothing else.
import { sortedKeys } from '../../lib/json.ts'
import { visibleJson } from '../../untrusted/inert.ts'
import type { DeploymentEvent } from './deployment-event.ts'

/** The file's JSON: keys sorted, two spaces, a newline at the end. */
export function deploymentFile({ timestamp, project_id, data }: DeploymentEvent): string {
  const { variant_name, variant_id, revision, config_sha256, ...rest } = data
  const variant = { name: variant_name ?? null, id: variant_id ?? null, revision: revision ?? null }
  const file = { ...rest, project_id, deployed_at: timestamp, variant, ...(config_sha256 ? { config_sha256 } : {}) }
  return `${visibleJson(JSON.stringify(sortedKeys(file), null, 2))}\n`
}
