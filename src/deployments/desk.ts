// What agents of the service may do about deployments.
import type { Sql } from '../db/database.ts'
import type { Draft, Recorded } from '../events/event.ts'
import { deploymentIdOf } from './deployment.ts'
import type { Documented, DocumentedFilter, WrittenFile } from './documented.ts'
import { documentedDeployments, writtenFile } from './documented.ts'
import type { Drift } from './drifted-event.ts'
import { driftedEvent } from './drifted-event.ts'
import type { RecordDeploymentContext } from './record.ts'
import { recordDeployment } from './record.ts'
import { readDeploymentRequest } from './request.ts'

/** Deployments, for agents that run in the service. */
export type DeploymentDesk = {
  /**
   * Records a deployment, once for each version of a series, which is a name of its own for what is
   * deployed to an environment. Where a higher version is recorded already, it is that version that
   * is live, and nothing is recorded. `jobId` is the job that records it.
   * @throws AppError as `recordDeployment` does.
   */
  record(
    request: unknown,
    place: { series: string; version: string; jobId: string },
  ): Promise<{ id: string } | { newer: string }>
  /** The newest deployment of each app's environment, and what its job wrote. */
  documented(filter: DocumentedFilter): Promise<Documented[]>
  /** The file of an output that was written; null when it has none. */
  file(outputId: string): Promise<WrittenFile | null>
  /**
   * Records that a file is not what was deployed, once for each deployment and blob; says whether
   * it was this job that did.
   */
  drifted(drift: Omit<Drift, 'job'>, jobId: string): Promise<boolean>
}

/** What a desk works with. */
export type DeskContext = Omit<RecordDeploymentContext, 'recordIn'> & {
  recordIn(tx: Sql, events: readonly Draft[]): Promise<readonly Recorded[]>
}

/** A desk that waits for what it works with, which is made of the agents that use it. */
export function deploymentDesk(): DeploymentDesk & { open(context: DeskContext): void } {
  let opened: DeskContext | null = null
  const context = () => opened ?? notOpen()
  return {
    open(given) {
      opened = given
    },
    async record(request, { series, version, jobId }) {
      const key = `${series}:${version}`
      const known = await recordedAs(context().database, key)
      if (known !== null) return { id: known }
      const newer = await newestOf(context().database, request, series)
      if (newer !== null && isHigher(newer, version)) return { newer }
      const { id } = await recordDeployment(context(), request, { idempotencyKey: key, causeJobId: jobId })
      return { id }
    },
    documented: (filter) => documentedDeployments(context().database, filter),
    file: (outputId) => writtenFile(context().database, outputId),
    drifted: (drift, jobId) => recordDrift(context(), drift, jobId),
  }
}

function notOpen(): never {
  throw new Error('The service is not open yet.')
}

async function recordDrift(
  { database, clock, recordIn, onWork }: DeskContext,
  drift: Omit<Drift, 'job'>,
  jobId: string,
): Promise<boolean> {
  const recorded = await database.transaction(async (tx) => {
    const { rows } = await tx.query<{ depth: number }>(
      'select e.depth from signalbox.jobs j join signalbox.events e on e.id = j.event_id where j.id = $1',
      [jobId],
    )
    const draft = driftedEvent({ ...drift, job: { id: jobId, depth: rows[0]?.depth ?? 0 } }, clock.now())
    return (await recordIn(tx, [draft]))[0]
  })
  if (recorded === undefined) throw new Error('The event was not recorded.')
  if (recorded.status === 'routed') onWork()
  if (!recorded.duplicate) return true
  // A repeat of the attempt that recorded it.
  const { rows } = await database.query<{ job: string | null }>(
    'select cause_job_id as job from signalbox.events where id = $1',
    [recorded.id],
  )
  return rows[0]?.job === jobId
}

/** Whatever the request is by now: its names may have been changed since. */
async function recordedAs(sql: Sql, key: string): Promise<string | null> {
  const { rows } = await sql.query<{ id: string }>('select id from signalbox.deployments where idempotency_key = $1', [
    key,
  ])
  return rows[0] === undefined ? null : deploymentIdOf(rows[0].id)
}

/** The version that the newest deployment of the same app and environment has in the series. */
async function newestOf(sql: Sql, request: unknown, series: string): Promise<string | null> {
  const { project_id, app_name, environment } = readDeploymentRequest(request)
  const { rows } = await sql.query<{ key: string }>(
    `select idempotency_key as key from signalbox.deployments
     where project_id = $1 and app_name = $2 and environment = $3 and starts_with(idempotency_key, $4)
     order by sequence desc limit 1`,
    [project_id, app_name, environment, `${series}:`],
  )
  return rows[0]?.key.slice(series.length + 1) ?? null
}

function isHigher(one: string, other: string): boolean {
  return [one, other].every((version) => /^\d{1,9}$/.test(version)) && Number(one) > Number(other)
}
