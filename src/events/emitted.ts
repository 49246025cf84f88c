// One event that another program emitted: whether it is acceptable, and the draft made of it.
import { AppError } from '../lib/error.ts'
import { parseJson } from '../lib/json-body.ts'
import type { Draft } from './event.ts'
import type { Facts } from './facts.ts'

/** A row of the table of emitted events. */
export type Emitted = {
  position: string
  id: string
  type: string
  /** As it was emitted, to the byte. */
  payload: string
  idempotencyKey: string | null
  project: string | null
  app: string | null
  environment: string | null
  subject: string | null
}

const MAX_TYPE_CHARS = 100
const MAX_FACT_CHARS = 200
const FACTS = ['project', 'app', 'environment', 'subject'] as const

/** What is wrong with an event, by its error code; null when nothing is. */
export function problemOf(
  emitted: Emitted,
  { typeProblem }: { typeProblem(type: string): string | null },
): string | null {
  const problem = typeProblem(emitted.type)
  if (problem !== null) return `input_invalid: type: ${problem}`
  const wrong = FACTS.find((name) => !isFact(emitted[name]))
  if (wrong !== undefined) {
    return `input_invalid: ${wrong}: must be one line of 1 to ${MAX_FACT_CHARS} characters without control characters`
  }
  try {
    parseJson(Buffer.from(emitted.payload))
    return null
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.detail}`
    throw error
  }
}

function isFact(value: string | null): boolean {
  return value === null || (value.length <= MAX_FACT_CHARS && /\S/u.test(value) && !/\p{Cc}/u.test(value))
}

/** The draft of an event that is as it must be. */
export function draftOf({ id, type, payload, idempotencyKey, project, app, environment, subject }: Emitted): Draft {
  const facts: Facts = {
    ...(project !== null && { project }),
    ...(app !== null && { app }),
    ...(environment !== null && { environment }),
  }
  return {
    id,
    source: 'outbox',
    deliveryId: idempotencyKey ?? id,
    type,
    subject,
    actor: null,
    facts,
    body: Buffer.from(payload),
    payload: null,
    contentType: 'application/json',
    headers: {},
    depth: 0,
    causeJobId: null,
  }
}

/**
 * What was emitted with a mistake, with what it said, because there is no sender who has it still.
 * The same idempotency key may be used again, for the corrected one.
 */
export function rejectedDraft(emitted: Emitted, problem: string): Draft {
  return {
    ...draftOf({ ...emitted, project: null, app: null, environment: null, subject: null }),
    type: 'rejected.emitted',
    deliveryId: `rejected:${emitted.id}`,
    rejected: `${problem} (it was emitted as ${JSON.stringify(emitted.type.slice(0, MAX_TYPE_CHARS))})`,
  }
}
