// The committed file: what is live, in bytes that depend on nothing else.

import type { DeploymentEvent } from '../../descriptions/deployment-event.ts'
import { hasNoConfig } from '../../descriptions/deployment-event.ts'
import { sortedKeys } from '../../lib/json.ts'
import { visibleJson } from '../../untrusted/inert.ts'

/** The file's JSON: keys sorted, two spaces, a newline at the end. */
export function deploymentFile({ timestamp, project_id, data }: DeploymentEvent): string {
  const { variant_name, variant_id, revision, config_sha256, config: _, config_url: __, ...rest } = data
  const variant = { name: variant_name ?? null, id: variant_id ?? null, revision: revision ?? null }
  const hash = config_sha256 ? { config_sha256 } : {}
  const file = { ...rest, ...whereConfigIs(data), project_id, deployed_at: timestamp, variant, ...hash }
  return `${visibleJson(JSON.stringify(sortedKeys(file), null, 2))}\n`
}

/**
 * The configuration. One that is too large for a webhook is not there to be committed, and `null`
 * would say that there is none; an address counts only where it is whole.
 */
function whereConfigIs(data: DeploymentEvent['data']): object {
  const { config, config_url } = data
  if (!hasNoConfig(data)) return { config, ...(config_url === undefined ? {} : { config_url }) }
  return URL.canParse(config_url ?? '') ? { config_url } : {}
}
