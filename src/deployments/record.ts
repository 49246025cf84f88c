// Recording a deployment: its row, its place in the sequence, its diff and its event, in one
// transaction.
import type { Database, Sql } from '../db/database.ts'
import { PATIENT_ANSWER_MS, patiently } from '../db/patience.ts'
import { configDiff } from '../descriptions/config-diff.ts'
import type { Draft } from '../events/event.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import { readIdempotencyKey } from '../lib/idempotency-key.ts'
import type { JsonObject } from '../lib/json.ts'
import { canonicalSha256 } from '../lib/json.ts'
import { deployedEvent } from './deployed-event.ts'
import type { Deployment } from './deployment.ts'
import { deploymentIdOf } from './deployment.ts'
import type { Configuration, DeploymentRequest } from './request.ts'
import { readDeploymentRequest } from './request.ts'

/** What recording a deployment needs from the rest of the program. */
export type RecordDeploymentContext = {
  database: Database
  clock: Clock
  /** Records the event, with its jobs and deliveries, in the deployment's own transaction. */
  recordIn(tx: Sql, events: readonly Draft[]): Promise<unknown>
  /** Notifies the workers, once the transaction has committed. */
  onWork(): void
  /** The address this server is reached at from outside, for links to large configurations. */
  publicUrl?: string | undefined
}

/**
 * Records what went live where, and its `environment.deployed` event with it; returns its public
 * id. While the database is away it is tried again, for 9 s. The same `idempotencyKey` with the
 * same request returns that of the first deployment and `duplicate: true`.
 * @throws AppError `input_invalid` naming the fields at fault, `header_invalid` for a malformed
 * key, and `conflict` for a key that was used for another request.
 */
export async function recordDeployment(
  context: RecordDeploymentContext,
  request: unknown,
  options: { idempotencyKey?: string | undefined; causeJobId?: string | undefined } = {},
): Promise<{ id: string; duplicate: boolean }> {
  const input = readDeploymentRequest(request)
  const key = readIdempotencyKey(options.idempotencyKey)
  // The same in every attempt, so that what an attempt whose answer was lost has stored is found.
  const uuid = newId(context.clock.now())
  const record = (nth: number) => (tx: Sql) =>
    recordOnce(context, tx, {
      ...{ uuid, input, key, requestSha256: requestSha256(input), isRepeat: nth > 1 },
      causeJobId: options.causeJobId ?? null,
    })
  const recorded = await patiently((nth) => context.database.transaction(record(nth), { answerMs: PATIENT_ANSWER_MS }))
  if (!recorded.duplicate) context.onWork()
  return recorded
}

/**
 * The same in the caller's transaction, under an id that was made for it before, in which it is not
 * repeated. The caller notifies the workers after its commit.
 * @throws AppError as `recordDeployment` does, before anything is written.
 */
export function recordDeploymentIn(
  context: Omit<RecordDeploymentContext, 'database' | 'onWork'>,
  tx: Sql,
  { id: uuid, request, idempotencyKey }: { id: string; request: unknown; idempotencyKey: string | null },
): Promise<{ id: string; duplicate: boolean }> {
  const input = readDeploymentRequest(request)
  const key = readIdempotencyKey(idempotencyKey)
  return recordOnce(context, tx, {
    ...{ uuid, input, key, requestSha256: requestSha256(input), isRepeat: false },
    causeJobId: null,
  })
}

function requestSha256(input: DeploymentRequest): string {
  return canonicalSha256({ ...input, config: input.config.sha256 })
}

type Recording = {
  uuid: string
  input: DeploymentRequest
  key: string | null
  requestSha256: string
  /** An attempt before this one may have been committed. */
  isRepeat: boolean
  /** The job that records it. */
  causeJobId: string | null
}

async function recordOnce(
  context: Omit<RecordDeploymentContext, 'database' | 'onWork'>,
  tx: Sql,
  { uuid, input, key, requestSha256, isRepeat, causeJobId }: Recording,
): Promise<{ id: string; duplicate: boolean }> {
  // The key's lock always comes before the environment's, so that two requests cannot wait for each
  // other.
  const earlier = key === null ? null : await findByKey(tx, key, requestSha256)
  if (earlier !== null) return { id: deploymentIdOf(earlier), duplicate: earlier !== uuid }
  const { previous, now } = await lockEnvironment(tx, input, context.clock)
  // Under the lock, which an attempt that is still being committed would hold.
  if (isRepeat && (await exists(tx, uuid))) return { id: deploymentIdOf(uuid), duplicate: false }
  const deployment = nextDeployment(uuid, input, previous, now)
  const event = deployedEvent(deployment, input.config, context.publicUrl)
  await context.recordIn(tx, [{ ...event, causeJobId }])
  await insert(tx, { uuid, deployment, config: input.config, previous, key, requestSha256 })
  return { id: deployment.id, duplicate: false }
}

async function exists(tx: Sql, uuid: string): Promise<boolean> {
  return (await tx.query('select from signalbox.deployments where id = $1', [uuid])).rowCount > 0
}

type Previous = { uuid: string; sequence: number; revision: number; config: JsonObject }

// Two-part advisory locks: the first part keeps keys and environments from ever meeting on one
// hash.
const KEY_LOCK = 7_420_001
const ENVIRONMENT_LOCK = 7_420_002

async function findByKey(tx: Sql, key: string, requestSha256: string): Promise<string | null> {
  await tx.query('select pg_advisory_xact_lock($1, hashtext($2))', [KEY_LOCK, key])
  const { rows } = await tx.query<{ id: string; request_sha256: string }>(
    'select id, request_sha256 from signalbox.deployments where idempotency_key = $1',
    [key],
  )
  const found = rows[0]
  if (found === undefined) return null
  if (found.request_sha256 !== requestSha256) {
    throw new AppError('conflict', 'This Idempotency-Key was already used for a different request.')
  }
  return found.id
}

// The lock lasts until commit, so the next deployment of this environment sees this one: a
// sequence without gaps.
async function lockEnvironment(
  tx: Sql,
  input: DeploymentRequest,
  clock: Clock,
): Promise<{ previous: Previous | null; now: Date }> {
  const environment = [input.project_id, input.app_name, input.environment]
  await tx.query('select pg_advisory_xact_lock($1, hashtext($2))', [ENVIRONMENT_LOCK, JSON.stringify(environment)])
  // A statement of its own: it must see what was committed while the one above waited. And
  // clock_timestamp(), because now() is when the transaction began, before the wait.
  const { rows } = await tx.query<{ now: Date; previous: Previous | null }>(
    `select coalesce($4::timestamptz, clock_timestamp()) as now, (
       select json_build_object('uuid', id, 'sequence', sequence, 'revision', revision, 'config', config)
       from signalbox.deployments
       where project_id = $1 and app_name = $2 and environment = $3
       order by sequence desc limit 1
     ) as previous`,
    [...environment, clock.sqlNow()],
  )
  return { previous: rows[0]?.previous ?? null, now: rows[0]?.now ?? clock.now() }
}

function nextDeployment(uuid: string, input: DeploymentRequest, previous: Previous | null, now: Date): Deployment {
  return {
    id: deploymentIdOf(uuid),
    projectId: input.project_id,
    appName: input.app_name,
    variantName: input.variant_name,
    variantId: input.variant_id ?? `variant_${input.app_name}`,
    environment: input.environment,
    revision: input.revision ?? (previous === null ? 1 : previous.revision + 1),
    configSha256: input.config.sha256,
    commitMessage: input.commit_message,
    deployedBy: input.deployed_by,
    sequence: (previous?.sequence ?? 0) + 1,
    previousDeploymentId: previous === null ? null : deploymentIdOf(previous.uuid),
    eventId: newId(now),
    createdAt: now,
    configDiff: configDiff(previous?.config ?? {}, input.config.value),
  }
}

type Insertion = {
  uuid: string
  deployment: Deployment
  config: Configuration
  previous: Previous | null
  key: string | null
  requestSha256: string
}

async function insert(tx: Sql, { uuid, deployment, config, previous, key, requestSha256 }: Insertion): Promise<void> {
  await tx.query(
    `insert into signalbox.deployments
       (id, project_id, app_name, variant_name, variant_id, environment, revision, config, config_sha256, config_diff,
        commit_message, deployed_by, sequence, previous_deployment_id, idempotency_key, request_sha256, event_id, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
    [
      uuid,
      deployment.projectId,
      deployment.appName,
      deployment.variantName,
      deployment.variantId,
      deployment.environment,
      deployment.revision,
      config.json,
      deployment.configSha256,
      JSON.stringify(deployment.configDiff),
      deployment.commitMessage,
      deployment.deployedBy,
      deployment.sequence,
      previous?.uuid ?? null,
      key,
      requestSha256,
      deployment.eventId,
      deployment.createdAt,
    ],
  )
}
