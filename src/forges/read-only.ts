// The half of the forges that an agent is given.
import type { ReadForge } from './forge.ts'
import type { Forges } from './forges.ts'

/**
 * One forge for every repository, which can only look: the writing methods are not there at all, so
 * no cast brings them back. Null when no forge is configured.
 */
export function readOnly(forges: Forges): ReadForge | null {
  if (forges.names.length === 0) return null
  return {
    async defaultBranch(repository) {
      const { forge, path } = forges.of(repository)
      return forge.defaultBranch(path)
    },
    async branchSha(repository, branch) {
      const { forge, path } = forges.of(repository)
      return forge.branchSha(path, branch)
    },
    async readFile(repository, file, ref) {
      const { forge, path } = forges.of(repository)
      return forge.readFile(path, file, ref)
    },
    async pullRequests(repository, options) {
      const { forge, path } = forges.of(repository)
      return forge.pullRequests(path, options)
    },
    async pullRequestHead(repository, number) {
      const { forge, path } = forges.of(repository)
      return forge.pullRequestHead(path, number)
    },
    async permission(repository, login) {
      const { forge, path } = forges.of(repository)
      return forge.permission(path, login)
    },
    async isTeamMember(repository, team, login) {
      const { forge, path } = forges.of(repository)
      return forge.isTeamMember(path, team, login)
    },
  }
}
