// The doctor on the disks that are written to.
import { resolve } from 'node:path'
import { clusterDir } from '../../db/embedded/cluster.ts'
import { examineDisks } from '../../http/disk-space.ts'
import { bytesText } from '../../lib/bytes-text.ts'
import type { Environment } from '../../lib/environment.ts'
import { mirrorsFolder } from '../../workspaces/mirrors.ts'
import type { Cli } from '../terminal.ts'
import type { Check } from './check.ts'
import { ok, problem, warning } from './check.ts'

/** How much space is left for data and mirrors, and for a database of its own. */
export async function diskCheck({ folder }: Pick<Cli, 'folder'>, environment: Environment): Promise<Check> {
  const data = resolve(folder, environment.SIGNALBOX_DATA_DIR)
  const own = environment.DATABASE_URL === undefined ? { database: await clusterDir(data) } : {}
  const {
    status,
    problem: sentence,
    details,
  } = await examineDisks({
    data,
    mirrors: mirrorsFolder(environment, folder),
    ...own,
  })
  const free = Object.entries(details).map(
    ([name, mb]) => `${name.replace('_free_mb', '')} ${bytesText(Number(mb) * 1e6)}`,
  )
  const text = `${sentence === null ? '' : `${sentence} `}Free: ${free.join(', ')}`
  if (status === 'ok') return ok('disk', text)
  const hint = 'Make space, or move SIGNALBOX_DATA_DIR and GIT_MIRRORS_DIR; GIT_MIRRORS_MAX_MB limits the mirrors.'
  return (status === 'problem' ? problem : warning)('disk', text, hint)
}
