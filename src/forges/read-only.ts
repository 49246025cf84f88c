// The half of a forge that an agent is given.
import type { ReadForge, WriteForge } from './forge.ts'

/**
 * A forge that can only look: the writing methods are not there at all, so no cast brings them
 * back.
 */
export function readOnly(forge: WriteForge): ReadForge {
  return {
    defaultBranch: (repository) => forge.defaultBranch(repository),
    branchSha: (repository, branch) => forge.branchSha(repository, branch),
    readFile: (repository, path, ref) => forge.readFile(repository, path, ref),
    pullRequests: (repository, options) => forge.pullRequests(repository, options),
  }
}
