// The request that records a deployment: what it may contain, checked before anything is stored.
import { z } from 'zod'
import { AppError } from '../lib/error.ts'
import type { Json, JsonObject } from '../lib/json.ts'
import { canonicalSha256, isObject } from '../lib/json.ts'
import { describe, PARSING } from '../lib/zod.ts'

/**
 * Deeper configurations are refused, because what walks JSON by recursion, here or at a receiver,
 * must not run out of stack.
 */
export const MAX_CONFIG_DEPTH = 64
// Larger configurations are refused; counted in bytes of their JSON in UTF-8.
const MAX_CONFIG_BYTES = 1_000_000

/** A configuration with everything that is computed from the whole of it, each once. */
export type Configuration = {
  value: JsonObject
  /** Its JSON, the keys in the order they came. */
  json: string
  bytes: number
  /** SHA-256 of its canonical JSON. */
  sha256: string
}

// PostgreSQL's text cannot hold \u0000, UTF-8 cannot hold a lone surrogate, and a name is one line.
function line(max: number) {
  return z
    .string()
    .max(max)
    .regex(/\S/u, 'must not be blank')
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must be one line of well-formed text without control characters')
}

const configuration = z
  .custom<JsonObject>()
  .superRefine((value, context) => {
    const problem = shapeProblem(value)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  })
  .transform((value, context): Configuration => {
    const json = JSON.stringify(value)
    const bytes = Buffer.byteLength(json)
    if (bytes > MAX_CONFIG_BYTES) {
      context.addIssue({
        code: 'custom',
        message: `must not be larger than ${MAX_CONFIG_BYTES} bytes (it has ${bytes})`,
      })
      return z.NEVER
    }
    return { value, json, bytes, sha256: canonicalSha256(value) }
  })

/**
 * The body of `POST /api/deployments`. Unknown fields are refused, so that a misspelt one is not
 * silently dropped.
 */
export const deploymentRequest = z.strictObject({
  project_id: line(200),
  app_name: line(200),
  variant_name: line(200),
  variant_id: line(200).nullish(),
  environment: line(100),
  revision: z.int().min(0).max(1_000_000_000).nullish().meta({ description: 'Default: counted here.' }),
  config: configuration.meta({
    type: 'object',
    additionalProperties: true,
    description: 'The whole configuration, at most 1 MB and 64 levels deep.',
  }),
  commit_message: z
    .string()
    .max(10_000)
    .regex(/^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u, 'must be well-formed text without control characters')
    .nullish(),
  deployed_by: line(320),
})

/** A deployment to record, checked, with null for what was left out. */
export type DeploymentRequest = {
  project_id: string
  app_name: string
  variant_name: string
  variant_id: string | null
  environment: string
  revision: number | null
  config: Configuration
  commit_message: string | null
  deployed_by: string
}

/**
 * Checks a parsed request body.
 * @throws AppError `input_invalid` naming every field at fault.
 */
export function readDeploymentRequest(body: unknown): DeploymentRequest {
  const { data, error } = deploymentRequest.safeParse(body, PARSING)
  if (error) throw new AppError('input_invalid', describe(error, { root: 'the request' }))
  return {
    ...data,
    variant_id: data.variant_id ?? null,
    revision: data.revision ?? null,
    commit_message: data.commit_message ?? null,
  }
}

// A loop, not a recursion: JSON.parse itself accepts any depth, so this runs before anything that
// could exhaust the stack.
function shapeProblem(config: unknown): string | null {
  if (config === undefined) return 'is required'
  if (!isObject(config)) return 'must be a JSON object'
  const left: { value: unknown; depth: number }[] = [{ value: config, depth: 1 }]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, depth } = next
    if (depth > MAX_CONFIG_DEPTH) return `must not be nested deeper than ${MAX_CONFIG_DEPTH} levels`
    if (typeof value === 'object' && value !== null) {
      for (const member of Object.values(value)) left.push({ value: member, depth: depth + 1 })
    } else if (!isJsonScalar(value)) return 'must contain nothing but JSON values'
  }
  return null
}

function isJsonScalar(value: unknown): value is Json {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}
