// The half of the forges that an agent is given.
import type { ReadForge } from './forge.ts'
import type { Forges } from './forges.ts'

/** What an agent may ask of a forge; the compiler sees that none of it is left out. */
export const READS = Object.keys({
  defaultBranch: true,
  branchSha: true,
  tagSha: true,
  isOwn: true,
  readFile: true,
  commitsBetween: true,
  diff: true,
  issue: true,
  comments: true,
  pullRequests: true,
  pullRequest: true,
  pullRequestHead: true,
  reviews: true,
  reviewThreads: true,
  checks: true,
  deployments: true,
  deploymentStatuses: true,
  permission: true,
  isTeamMember: true,
} satisfies Record<keyof ReadForge, true>) as (keyof ReadForge)[]

/** A forge of which each method is `ask` with its name. */
export function readForge(ask: (method: keyof ReadForge, args: readonly unknown[]) => Promise<unknown>): ReadForge {
  const methods = READS.map((method) => [method, (...args: unknown[]) => ask(method, args)])
  return Object.fromEntries(methods) as ReadForge
}

/**
 * One forge for every repository, which can only look: the writing methods are not there at all, so
 * no cast brings them back. Null when no forge is configured.
 */
export function readOnly(forges: Forges): ReadForge | null {
  if (forges.names.length === 0) return null
  return readForge(async (method, [repository, ...more]) => {
    const { forge, path } = forges.of(String(repository))
    return Reflect.apply(forge[method], forge, [path, ...more])
  })
}
