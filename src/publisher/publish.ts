// The only writer: applies one output to its forge, at most once however often it is asked.
import type { Forges } from '../forges/forges.ts'
import type { Publish } from '../jobs/job.ts'
import { GiveUp } from '../lib/error.ts'
import { publishComment } from './comment.ts'
import { publishLabels } from './labels.ts'
import type { Output, Receipt } from './output.ts'
import type { Policy } from './policy.ts'
import { refusal } from './policy.ts'
import { publishPullRequest } from './pull-request.ts'

/**
 * The publisher of jobs. `policyOf` knows the policy of a rule by its name: undefined for a rule
 * that states none, and for one that is no longer configured, which means the defaults.
 */
export function publisher(options: { forges: Forges; policyOf(rule: string): Policy | undefined }): Publish {
  const { forges, policyOf } = options
  return (job, output) => publish(forges, output, { job, policy: policyOf(job.rule) })
}

/**
 * Writes the output, or finds that it is written already, and says where it is; null means there
 * was nothing to change. Safe to repeat after a crash at any point and to run twice at once.
 * @throws GiveUp when the policy refuses, or the forge is not configured.
 * @throws RetryAt at a rate limit.
 * @throws AppError `forge_failed` when the forge refuses.
 * @throws Error otherwise; a repeat may succeed.
 */
export async function publish(
  forges: Forges,
  output: Output,
  { job, policy = {} }: { job: { id: string }; policy?: Policy | undefined },
): Promise<Receipt | null> {
  const { forge, path } = forges.of(output.repository)
  const reason = refusal(output, policy, forge)
  if (reason !== null) throw new GiveUp(`Refused by policy: ${reason}`)
  if (output.kind === 'pull_request') return publishPullRequest(forge, { ...output, repository: path })
  if (output.kind === 'comment') return publishComment(forge, { ...output, repository: path }, job)
  return publishLabels(forge, { ...output, repository: path })
}
