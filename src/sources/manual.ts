// The manual trigger: a job asked for by hand. Whoever may do that is told by a bearer token, which
// the HTTP room checks.
import { AppError } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import { parseJsonObject } from './body.ts'
import { text } from './fact.ts'
import { requireContentType, requireHeaderLike } from './header.ts'
import type { HeaderReader, Normalised } from './source.ts'

/** A manual trigger, read. `input` is undefined when none was given. */
export type ManualTrigger = Normalised & { jobType: string; input: unknown }

const KEY = 'Idempotency-Key'
const JOB_TYPE = /^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$/

/**
 * The job a bare `POST /webhook/manual` asks for: the one that proves the orchestrator is alive.
 */
const DEFAULT_JOB_TYPE = 'ping'

/** Names of the headers worth keeping with a manual event. */
export const manualKeptHeaders: readonly string[] = ['content-type', 'user-agent', 'idempotency-key']

/**
 * Reads `{"job_type": string, "payload"?: any JSON}`, or no body at all. The delivery's id is the
 * `Idempotency-Key`, or a new one.
 * @throws `content_type_unsupported`, `header_invalid`, `body_invalid`, and `input_invalid` for a
 * wrong or unknown field.
 */
export function normaliseManual(rawBody: Uint8Array, headers: HeaderReader): ManualTrigger {
  const deliveryId = headers.get(KEY) ? requireHeaderLike(headers, KEY, /^[\x21-\x7e]{1,200}$/) : newId()
  const { jobType, input, payload } = readTrigger(rawBody, headers)
  return { type: 'manual', deliveryId, subject: text(jobType) ?? null, actor: null, facts: {}, payload, jobType, input }
}

function readTrigger(rawBody: Uint8Array, headers: HeaderReader) {
  if (rawBody.length === 0) return { jobType: DEFAULT_JOB_TYPE, input: undefined, payload: null }
  requireContentType(headers, ['application/json'])
  const payload = parseJsonObject(rawBody)
  const { job_type: jobType, payload: input, ...unknown } = payload
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) {
    const name = text(stranger)?.slice(0, 80) ?? ''
    throw new AppError('input_invalid', `unknown field "${name}"; known: job_type, payload`)
  }
  if (typeof jobType !== 'string' || !JOB_TYPE.test(jobType)) {
    throw new AppError('input_invalid', 'job_type must be 1 to 100 letters, digits, or any of _ . : / -')
  }
  return { jobType, input, payload }
}
