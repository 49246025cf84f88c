// What an agent calls to have the files of a repository: which one it may have, and at which
// commit.

import { z } from 'zod'
import type { Facts } from '../events/facts.ts'
import { bytesText } from '../lib/bytes-text.ts'
import { GiveUp } from '../lib/error.ts'
import { plainRepositoryName, repositoryName } from '../lib/repository.ts'
import { isRepositoryIn } from '../lib/repository-globs.ts'
import { describe, PARSING } from '../lib/zod.ts'
import type { Policy } from '../publisher/policy.ts'
import type { Mirrors } from './mirrors.ts'
import type { Workspaces } from './workspace.ts'

const checkoutOptions = z.strictObject({
  /** `owner/name`, or `forge:path`. */
  repository: repositoryName.optional(),
  /** A branch, a tag, a full name of a ref, or a whole SHA. */
  ref: z.string().min(1).max(1000).optional(),
})

/** What to check out; what is absent is the event's. */
export type CheckoutOptions = z.infer<typeof checkoutOptions>

/** The files of a commit, and the folder with the objects of its history, which is only read. */
export type CheckedOut = { folder: string; sha: string; objects: string }

/** The attempt that checks out. */
export type CheckoutContext = {
  mirrors: Mirrors | undefined
  workspaces: Workspaces
  signal: AbortSignal
  log(line: string): void
  /** Of the event that made the job, if one did. */
  facts: Facts | undefined
  policy: Pick<Policy, 'repositories'> | null
}

/** The `checkout` of one attempt. */
export function checkoutOf({ mirrors, workspaces, signal, log, facts = {}, policy }: CheckoutContext) {
  return async (options: CheckoutOptions = {}): Promise<CheckedOut> => {
    if (mirrors === undefined) throw new GiveUp('Repositories cannot be checked out here.')
    const { error } = checkoutOptions.safeParse(options, PARSING)
    if (error) throw new GiveUp(describe(error, { intro: 'checkout():' }))
    const repository = repositoryOf(options, facts, policy)
    const ref = options.ref ?? (repository === plainRepositoryName(facts.repository ?? '') ? refOf(facts) : 'HEAD')
    const { folder, sha, objects, fetched } = await workspaces.makeFilled((folder) =>
      mirrors.checkout({ repository, ref, folder, signal }),
    )
    const how = fetched ? `fetched ${bytesText(fetched.bytes)} in ${seconds(fetched.ms)}` : 'nothing to fetch'
    log(`${repository}: ${how}; worktree at ${sha.slice(0, 7)}`)
    return { folder, sha, objects }
  }
}

/**
 * The repository that is meant. Text from outside may ask an agent for another one, so what it may
 * have beside the event's own is what its rule names.
 */
function repositoryOf({ repository }: CheckoutOptions, facts: Facts, policy: CheckoutContext['policy']): string {
  const own = facts.repository === undefined ? null : plainRepositoryName(facts.repository)
  if (repository === undefined) {
    if (own !== null) return own
    throw new GiveUp('checkout(): repository: is required, because the event of this job has none')
  }
  const wanted = plainRepositoryName(repository)
  if (wanted.toLowerCase() === own?.toLowerCase()) return own
  if (isRepositoryIn(policy?.repositories ?? [], wanted)) return wanted
  throw new GiveUp(
    `checkout(): repository: ${wanted} is not the repository of the event; the rule's repositories can name it`,
  )
}

/** What the event is about, most exact first; the default branch where it does not say. */
function refOf({ sha, tag, branch }: Facts): string {
  if (sha !== undefined) return sha
  if (tag !== undefined) return `refs/tags/${tag}`
  return branch === undefined ? 'HEAD' : `refs/heads/${branch}`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
