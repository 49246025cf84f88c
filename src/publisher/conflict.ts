// Whether a commit would overwrite what others have put on its branch meanwhile.
import type { WriteForge } from '../forges/forge.ts'
import { GiveUp } from '../lib/error.ts'
import type { FileChange } from './output-fields.ts'

// What the forge shows of a comparison; what has more may have any file.
const MAX_COMPARED_FILES = 300

type Placed = { repository: string; branch: string; changes: readonly FileChange[]; parent?: string | undefined }

/**
 * Refuses changes that were made for `parent` where the branch, which is at `tip`, has others of
 * the same files since.
 * @throws GiveUp naming the file.
 */
export async function refuseConflict(
  forge: WriteForge,
  { repository, branch, changes, parent }: Placed,
  tip: string,
): Promise<void> {
  if (parent === undefined || parent === tip) return
  const changed = await forge.diff(repository, parent, tip)
  const paths = new Set(changed.map(({ path }) => path))
  const conflict = changes.find(({ path }) => paths.has(path))
  if (conflict === undefined && changed.length < MAX_COMPARED_FILES) return
  const what = conflict === undefined ? 'Many files' : `The file ${conflict.path}`
  throw new GiveUp(`${what} changed on ${branch} of ${repository} since the commit ${parent}.`)
}
