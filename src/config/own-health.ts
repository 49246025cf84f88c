// The health of this process: what it looks at.
import { resolve } from 'node:path'
import type { Database } from '../db/database.ts'
import { clusterDir } from '../db/embedded/cluster.ts'
import type { Store } from '../db/store.ts'
import { examineDisks } from '../http/disk-space.ts'
import type { Health } from '../http/health.ts'
import { openHealth } from '../http/health.ts'
import { examineDatabase } from '../http/health-parts.ts'
import type { Environment } from '../lib/environment.ts'
import type { Pipeline } from '../pipeline.ts'
import { mirrorsFolder } from '../workspaces/mirrors.ts'

export type OwnHealthOptions = {
  environment: Environment
  store: Pick<Store, 'kind'>
  /** What webhooks are recorded through. */
  database: Database
  pipeline: Pick<Pipeline, 'failure'>
}

/** Looks at the database, and at the disks of all folders that are written to. */
export async function openOwnHealth({ environment, store, database, pipeline }: OwnHealthOptions): Promise<Health> {
  const data = resolve(environment.SIGNALBOX_DATA_DIR)
  const own = store.kind === 'embedded' ? { database: await clusterDir(data) } : {}
  const folders = { data, mirrors: mirrorsFolder(environment), ...own }
  return openHealth({
    database: () => examineDatabase(database),
    disks: () => examineDisks(folders),
    recordingFailure: pipeline.failure,
  })
}
