// The event `deployment.drifted`: a file in a repository is not what was deployed last.
import { createHash } from 'node:crypto'
import type { OwnEventData } from '@signalbox/sdk'
import type { Draft } from '../events/event.ts'
import { ownEvent } from '../lib/own-event.ts'

/** A difference that was found, by a job. */
export type Drift = OwnEventData['deployment.drifted'] & {
  projectId: string
  /** The Git blob of the file; null when there is none. */
  blob: string | null
  job: { id: string; depth: number }
}

/** The event: the same one for every job that finds the same file beside the deployment. */
export function driftedEvent({ projectId, blob, job, ...data }: Drift, now: Date): Draft {
  const { deployment_id, repository, branch, path, app_name: app, environment } = data
  const found = JSON.stringify([deployment_id, repository.toLowerCase(), branch, path, blob])
  return ownEvent(
    {
      type: 'deployment.drifted',
      deliveryId: `drift_${createHash('sha256').update(found.toWellFormed()).digest('hex').slice(0, 40)}`,
      subject: `${app}@${environment}`,
      actor: null,
      facts: { app, environment, project: projectId, repository, branch },
      projectId,
      data,
      depth: job.depth + 1,
      causeJobId: job.id,
    },
    now,
  )
}
