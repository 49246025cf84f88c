// The manual trigger: a job asked for by hand. Who may do that is decided by a bearer token, which
// is checked before.
import { AppError } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import { readIdempotencyKey } from '../lib/idempotency-key.ts'
import type { Json } from '../lib/json.ts'
import { isObject } from '../lib/json.ts'
import { parseJson, parseJsonObject } from '../lib/json-body.ts'
import { text } from './fact.ts'
import { requireContentType } from './header.ts'
import type { HeaderReader, Normalised } from './source.ts'

/** A manual trigger, read. `input` is undefined when none was given. */
export type ManualTrigger = Normalised & { jobType: string; input: Json | undefined }

const JOB_TYPE = /^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$/

/** What a job type, and the name of an agent, must be. */
export const JOB_TYPE_RULE = 'must be 1 to 100 letters, digits, or any of _ . : / -, the first a letter or digit'

/** Whether jobs can be asked for by this name. */
export function isJobType(name: unknown): name is string {
  return typeof name === 'string' && JOB_TYPE.test(name)
}

/**
 * The job a bare `POST /webhook/manual` asks for: the one that proves the orchestrator is alive.
 */
const DEFAULT_JOB_TYPE = 'ping'

/** The name and the kept headers of manual triggers, as a source has them. */
export const manual = { name: 'manual', keptHeaders: ['content-type', 'user-agent', 'idempotency-key'] } as const

/**
 * Reads `{"job_type": string, "payload"?: any JSON}`, or no body at all; where the address names
 * the job type, the body is the payload, or there is none. The delivery's id is the
 * `Idempotency-Key`, or a new one.
 * @throws AppError `content_type_unsupported`, `header_invalid`, `body_invalid`, and
 * `input_invalid` for a wrong or unknown field.
 */
export function readManual(rawBody: Uint8Array, headers: HeaderReader, named: string | null = null): ManualTrigger {
  const deliveryId = readIdempotencyKey(headers.get('Idempotency-Key')) ?? newId()
  const { jobType, input, ...stored } =
    named === null ? readTrigger(rawBody, headers) : readPayload(named, rawBody, headers)
  return {
    type: 'manual',
    deliveryId,
    subject: text(jobType) ?? null,
    actor: null,
    facts: {},
    jobType,
    input,
    ...stored,
  }
}

/** The trigger of a job type in the address, and what its event says: the body has only a part. */
function readPayload(named: string, rawBody: Uint8Array, headers: HeaderReader): Trigger & { payload: Json } {
  const jobType = requireJobType(named)
  if (rawBody.length === 0) return { jobType, input: undefined, payload: { job_type: jobType } }
  requireContentType(headers, ['application/json'])
  const input = parseJson(rawBody)
  if (isObject(input) && Object.hasOwn(input, 'job_type')) {
    throw new AppError('input_invalid', 'job_type: is in the address and in the body; leave it out of the address.')
  }
  return { jobType, input, payload: { job_type: jobType, payload: input } }
}

type Trigger = { jobType: string; input: Json | undefined }

function readTrigger(rawBody: Uint8Array, headers: HeaderReader): Trigger {
  if (rawBody.length === 0) return { jobType: DEFAULT_JOB_TYPE, input: undefined }
  requireContentType(headers, ['application/json'])
  const { job_type: jobType, payload: input, ...others } = parseJsonObject(rawBody)
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    const name = text(unknown)?.slice(0, 80) ?? ''
    throw new AppError('input_invalid', `${JSON.stringify(name)}: unknown field; the fields are job_type and payload.`)
  }
  return { jobType: requireJobType(jobType), input }
}

function requireJobType(name: unknown): string {
  if (isJobType(name)) return name
  throw new AppError('input_invalid', `job_type: ${JOB_TYPE_RULE}`)
}
