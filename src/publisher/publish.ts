// The only writer: applies one output to the forge, at most once however often it is asked.
import type { WriteForge } from '../forges/forge.ts'
import type { Publish } from '../jobs/job.ts'
import { GiveUp } from '../lib/error.ts'
import { publishComment } from './comment.ts'
import { publishLabels } from './labels.ts'
import type { Output, Receipt } from './output.ts'
import type { Policy } from './policy.ts'
import { refusal } from './policy.ts'
import { publishPullRequest } from './pull-request.ts'

/**
 * Writes the output, or finds that it is written already, and says where it is; null means there
 * was nothing to change. Safe to repeat after a crash at any point and to run twice at once.
 * @throws `GiveUp` when the policy refuses, `RetryAt` at a rate limit, `AppError('forge_failed')`
 * when GitHub refuses, and any other `Error` when it is worth a retry.
 */
export async function publish(
  forge: WriteForge,
  output: Output,
  { job, policy }: { job: { id: string }; policy?: Policy | undefined },
): Promise<Receipt | null> {
  const reason = refusal(output, policy)
  if (reason !== null) throw new GiveUp(`Refused by policy: ${reason}`)
  if (output.kind === 'pull_request') return publishPullRequest(forge, output)
  if (output.kind === 'comment') return publishComment(forge, output, job)
  return publishLabels(forge, output)
}

/** The publisher as jobs use it. Without a forge it refuses, because there is nowhere to write. */
export function publisher(forge: WriteForge | null): Publish {
  return (job, outputs) => {
    if (forge === null) {
      throw new GiveUp(
        'Nothing can be written to GitHub: set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY.',
      )
    }
    return Promise.all(outputs.map((output) => publish(forge, output, { job })))
  }
}
