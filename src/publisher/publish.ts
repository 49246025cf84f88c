// The only writer: applies one output to its forge, at most once however often it is asked.
import type { WriteForge, WriteGuard } from '../forges/forge.ts'
import type { Forges } from '../forges/forges.ts'
import { GiveUp } from '../lib/error.ts'
import { publishCheck } from './check.ts'
import { publishComment } from './comment.ts'
import { publishCommit } from './commit.ts'
import { publishDeploymentStatus } from './deployment-status.ts'
import { publishIssue } from './issue.ts'
import { publishLabels } from './labels.ts'
import type { Output, Receipt } from './output.ts'
import type { Policy } from './policy.ts'
import { NO_POLICY } from './policy.ts'
import { publishPullRequest } from './pull-request.ts'
import { publishReaction } from './reaction.ts'
import type { Receipts } from './references.ts'
import { resolveReferences } from './references.ts'
import { refusal } from './refusal.ts'
import { publishReview } from './review.ts'

/**
 * Who asks: a job, or what stands for one. Without a policy nothing is written; nothing of it was
 * written before `createdAt`.
 */
export type Author = { id: string; policy?: Policy | null | undefined; createdAt?: Date | undefined }

/**
 * Writes one output of a job, as long as the guard allows; returns its receipt, null where there
 * was nothing to change. `receipts` are those of the job's earlier outputs, which this one may
 * refer to. Throws what `publish` does.
 */
export type Publish = (job: Author, output: Output, guard: WriteGuard, receipts?: Receipts) => Promise<Receipt | null>

/** The publisher of jobs. */
export function publisher({ forges }: { forges: Forges }): Publish {
  return (job, output, guard, receipts = new Map()) => publish(forges, resolveReferences(output, receipts), job, guard)
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
export async function publish(
  forges: Forges,
  output: Output,
  job: Author,
  guard?: WriteGuard,
): Promise<Receipt | null> {
  const { forge: found, path } = forges.of(output.repository)
  const forge = guard === undefined ? found : found.guarded(guard)
  const reason = refusal(output, job.policy ?? NO_POLICY)
  if (reason !== null) throw new GiveUp(`Refused by policy: ${reason}`)
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
    case 'check':
      return publishCheck(forge, output, job)
    case 'deployment_status':
      return publishDeploymentStatus(forge, output, job)
    case 'issue':
      return publishIssue(forge, output, job)
  }
}
