// The only writer: applies one output to its forge, at most once however often it is asked.
import type { WriteGuard } from '../forges/forge.ts'
import type { Forges } from '../forges/forges.ts'
import { GiveUp } from '../lib/error.ts'
import { publishComment } from './comment.ts'
import { publishLabels } from './labels.ts'
import type { Output, Receipt } from './output.ts'
import type { Policy } from './policy.ts'
import { refusal } from './policy.ts'
import { publishPullRequest } from './pull-request.ts'

/**
 * Who asks: a job, or what stands for one. Without a policy, the defaults apply; nothing of it was
 * written before `createdAt`.
 */
export type Author = { id: string; policy?: Policy | null | undefined; createdAt?: Date | undefined }

/**
 * Writes one output of a job, as long as the guard allows; returns its receipt, null where there
 * was nothing to change. Throws what `publish` does.
 */
export type Publish = (job: Author, output: Output, guard: WriteGuard) => Promise<Receipt | null>

/** The publisher of jobs. */
export function publisher({ forges }: { forges: Forges }): Publish {
  return (job, output, guard) => publish(forges, output, job, guard)
}

/**
 * Writes the output, or finds that it is written already, and says where it is; null means there
 * was nothing to change. Safe to repeat after a crash at any point. Pull requests and labels are
 * also safe to publish twice at once; a comment is not, and relies on the guard.
 * @throws GiveUp when the policy refuses, the forge is not configured, the branch has somebody
 * else's commits, the base branch is not there, or a path leads through a file or names a
 * directory.
 * @throws RetryAt at a rate limit, in an outage, and when a new comment had no answer.
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
  const reason = refusal(output, job.policy ?? {}, forge)
  if (reason !== null) throw new GiveUp(`Refused by policy: ${reason}`)
  if (output.kind === 'pull_request') return publishPullRequest(forge, { ...output, repository: path })
  if (output.kind === 'comment') return publishComment(forge, { ...output, repository: path }, job)
  return publishLabels(forge, { ...output, repository: path })
}
