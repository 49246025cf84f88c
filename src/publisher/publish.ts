// The only writer: applies one output to its forge, at most once however often it is asked.
import type { Access, LimitedForge } from '../forges/access.ts'
import type { WriteForge, WriteGuard } from '../forges/forge.ts'
import type { Forges } from '../forges/forges.ts'
import type { Log } from '../lib/log.ts'
import { plainRepositoryName } from '../lib/repository.ts'
import type { ValueFinder } from '../untrusted/value-finder.ts'
import { accessFor } from './access.ts'
import { publishCheck } from './check.ts'
import { publishComment } from './comment.ts'
import { publishCommit } from './commit.ts'
import { publishDeploymentStatus } from './deployment-status.ts'
import { publishIssue } from './issue.ts'
import { publishLabels } from './labels.ts'
import type { Output, Receipt } from './output.ts'
import type { Policy } from './policy.ts'
import { NO_POLICY } from './policy.ts'
import { previewOf } from './preview.ts'
import { publishPullRequest } from './pull-request.ts'
import { publishReaction } from './reaction.ts'
import type { Receipts } from './references.ts'
import { resolveReferences } from './references.ts'
import { requireAllowed } from './refusal.ts'
import { publishReview } from './review.ts'
import { requireNoSecrets } from './secrets.ts'
import { publishThread } from './thread.ts'

/**
 * Who asks: a job, or what stands for one. Without a policy nothing is written; nothing of it was
 * written before `createdAt`. `reason` is why it has ended, where it has.
 */
export type Author = {
  id: string
  policy?: Policy | null | undefined
  createdAt?: Date | undefined
  reason?: string | undefined
}

/** Writes the outputs of one attempt of a job. */
export type Publisher = {
  /**
   * Writes one output, as long as the guard allows; returns its receipt, null where there was
   * nothing to change. `receipts` are those of the job's earlier outputs, which this one may refer
   * to. Throws what `publish` does.
   */
  publish(output: Output, guard: WriteGuard, receipts?: Receipts): Promise<Receipt | null>
  /** What the output would write, for people. */
  preview(output: Output): Promise<string>
  /** What the writes to its repository were allowed; null where only the token says. */
  access(output: Output): Access | null
  /** Gives back what it was allowed. */
  close(): Promise<void>
}

/** Opens the publisher of a job for the outputs that it has left to write. */
export type OpenPublisher = (job: Author, outputs: readonly Output[]) => Publisher

type Parts = { forges: Forges; isOwn: ValueFinder; log: Log }

/** Publishers that write by tokens made for one job and repository, where the forge makes them. */
export function publishers({ forges, isOwn, log }: Parts): OpenPublisher {
  return (job, outputs) => {
    const limited = new Map<string, Promise<LimitedForge>>()
    const known = new Map<string, Access | null>()
    const policy = job.policy ?? NO_POLICY
    const nameOf = ({ repository }: Output) => plainRepositoryName(repository).toLowerCase()
    const limit = async (output: Output): Promise<WriteForge> => {
      const { forge, path } = forges.of(output.repository)
      const name = nameOf(output)
      const found = limited.get(name) ?? forge.limited(path, accessFor(outputs.filter((one) => nameOf(one) === name)))
      limited.set(name, found)
      // One that failed is asked for again.
      const { forge: narrow, access } = await found.catch((error: unknown) => {
        limited.delete(name)
        throw error
      })
      known.set(name, access)
      return narrow
    }
    return {
      async publish(output, guard, receipts = new Map()) {
        requireAllowed([output], policy)
        const resolved = resolveReferences(output, receipts, job.reason)
        requireNoSecrets(resolved, policy, isOwn)
        const forge = await limit(output)
        const { path } = forges.of(output.repository)
        const receipt = await write(forge.guarded(guard), { ...resolved, repository: path }, job)
        if (receipt?.note !== undefined) log.warn({ job: job.id, url: receipt.url }, receipt.note)
        return receipt
      },
      preview(output) {
        const { forge, path } = forges.of(output.repository)
        return previewOf(forge, { ...output, repository: path })
      },
      access: (output) => known.get(nameOf(output)) ?? null,
      async close() {
        for (const [repository, opened] of limited) {
          await opened
            .then(({ close }) => close())
            .catch((err: unknown) => log.warn({ err, job: job.id, repository }, 'the token of a job was not revoked'))
        }
      },
    }
  }
}

/**
 * Writes the output, or finds that it is written already, and says where it is; null means there
 * was nothing to change. Safe to repeat after a crash at any point. What the forge itself has once
 * (pull requests, commits, labels, reactions) is also safe to publish twice at once, and what is
 * sticky keeps one; for the others, such as reviews, that relies on the guard.
 * @throws GiveUp when the policy refuses, the forge is not configured, the branch has somebody
 * else's commits, the base branch is not there, or a path leads through a file or names a
 * directory.
 * @throws RetryAt at a rate limit, in an outage, and when what was to be created had no answer.
 * @throws AppError `forge_failed` when the forge refuses.
 * @throws Error otherwise, what the guard throws included; a repeat may succeed.
 */
export async function publish(forges: Forges, output: Output, job: Author): Promise<Receipt | null> {
  const { forge, path } = forges.of(output.repository)
  requireAllowed([output], job.policy ?? NO_POLICY)
  return write(forge, { ...output, repository: path }, job)
}

function write(forge: WriteForge, output: Output, job: Author): Promise<Receipt | null> {
  switch (output.kind) {
    case 'pull_request':
      return publishPullRequest(forge, output)
    case 'commit':
      return publishCommit(forge, output, job)
    case 'comment':
      return publishComment(forge, output, job)
    case 'labels':
      return publishLabels(forge, output)
    case 'reaction':
      return publishReaction(forge, output)
    case 'review':
      return publishReview(forge, output, job)
    case 'thread':
      return publishThread(forge, output, job)
    case 'check':
      return publishCheck(forge, output, job)
    case 'deployment_status':
      return publishDeploymentStatus(forge, output, job)
    case 'issue':
      return publishIssue(forge, output, job)
  }
}
