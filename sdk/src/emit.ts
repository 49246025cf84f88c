// Emitting an event in a transaction of your own, on the database that Signalbox uses.
import type { Json } from './payload.ts'

/**
 * Anything that runs one statement in your transaction: a client of `pg` after `begin`, or what you
 * wrap so.
 */
export type Executor = { query(text: string, values: unknown[]): Promise<{ rows: unknown[] }> }

/** An event to emit. */
export type EmittedEvent = {
  /** Below a name of your own, such as `order.paid`; or `environment.deployed`. */
  type: string
  /** Any JSON, at most 2 MB; of `environment.deployed` what `POST /api/deployments` takes. */
  payload: Json
  /** 1 to 255 visible ASCII characters: emitting again with the same key does nothing. */
  idempotencyKey?: string | undefined
  /** What rules and endpoints match on. */
  project?: string | undefined
  app?: string | undefined
  environment?: string | undefined
  /** What it is about, for people: `order 4711`. */
  subject?: string | undefined
}

const EMIT = 'select signalbox.emit($1, $2::json, $3, $4, $5, $6, $7) as id'

/**
 * Emits an event, which is recorded when the transaction commits, and never when it is rolled back.
 * Resolves to its id, or that of the first event with this idempotency key; the deployment of an
 * `environment.deployed` is called `deploy_<id>`.
 */
export async function emit(tx: Executor, event: EmittedEvent): Promise<string> {
  const payload: string | undefined = JSON.stringify(event.payload)
  if (payload === undefined) throw new TypeError('payload: must be a JSON value; use null for nothing')
  const { type, idempotencyKey = null, project = null, app = null, environment = null, subject = null } = event
  const { rows } = await tx.query(EMIT, [type, payload, idempotencyKey, project, app, environment, subject])
  return (rows as { id: string }[])[0]?.id as string
}
