// The deployment event as it comes over the wire, read with tolerance: what is not needed may be
// absent or malformed.
import { z } from 'zod'
import { isObject } from '../lib/json.ts'

const text = z.union([z.string(), z.number().transform(String)])
const name = text.pipe(z.string().min(1))

/**
 * The wire contract of `environment.deployed`; unknown fields are ignored, and `config_diff` may be
 * anything.
 */
export const deploymentEvent = z.object({
  event: z.literal('environment.deployed'),
  /** RFC 3339. */
  timestamp: z.string(),
  delivery_id: text.nullish(),
  project_id: text.nullish(),
  data: z.object({
    app_name: name,
    variant_name: text.nullish(),
    variant_id: text.nullish(),
    environment: name,
    revision: z.union([z.number(), z.string()]).nullish(),
    commit_message: z.string().nullish(),
    config_diff: z.unknown().optional(),
    deployed_by: text.nullish(),
    deployment_id: name,
    /** Null when it is large: then it is at `config_url`. */
    config: z.unknown().optional(),
    config_url: z.string().nullish(),
    config_sha256: z.string().nullish(),
    /** How it went, where the sender says so. */
    status: z.unknown().optional(),
    sequence: z.number().nullish(),
  }),
})

/** A deployment as read. */
export type DeploymentEvent = z.infer<typeof deploymentEvent>

/** Whether nothing went live, as the sender says. */
export function hasFailed({ data: { status } }: DeploymentEvent): boolean {
  return typeof status === 'string' && /^(?:failed|failure|error)$/i.test(status)
}

/** Whether the sender left out the configuration, because it is large. */
export function hasNoConfig({ config, config_url }: DeploymentEvent['data']): boolean {
  return (config === null || config === undefined) && typeof config_url === 'string'
}

/** How a configuration changed, key by key; `unreadable` when the sender's diff was not one. */
export type ConfigChanges = {
  modified: { key: string; old: unknown; new: unknown }[]
  added: { key: string; value: unknown }[]
  removed: { key: string; value: unknown }[]
  unreadable: boolean
}

/** The changes in a `config_diff` of any shape; what is malformed is left out. */
export function readChanges(diff: unknown): ConfigChanges {
  const parts = isObject(diff) ? diff : {}
  const modified = entries(parts.modified).map(({ key, value }) => {
    // Agenta's first design wrote [old, new].
    if (Array.isArray(value) && value.length === 2) return { key, old: value[0], new: value[1] }
    return isObject(value) && 'new' in value
      ? { key, old: value.old, new: value.new }
      : { key, old: undefined, new: value }
  })
  const named = [parts.added, parts.modified, parts.removed]
  const unreadable =
    !(isObject(diff) || diff === undefined || diff === null) ||
    named.some((part) => part !== undefined && !isObject(part))
  return { modified, added: entries(parts.added), removed: entries(parts.removed), unreadable }
}

function entries(value: unknown): { key: string; value: unknown }[] {
  return isObject(value) ? Object.entries(value).map(([key, item]) => ({ key, value: item })) : []
}
