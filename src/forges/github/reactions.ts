// Reactions: https://docs.github.com/en/rest/reactions/reactions
import type { Octokit } from 'octokit'
import type { Reaction, WriteForge } from '../forge.ts'
import type { ReactionTarget } from '../target.ts'
import { numberOf } from '../target.ts'
import type { Repository } from './clients.ts'
import type { GithubConnection } from './connection.ts'

/**
 * See `WriteForge`. GitHub has one reaction of each kind by an account, and answers 200 if it is
 * there.
 */
export function reactions({ withClient }: GithubConnection): Pick<WriteForge, 'addReaction'> {
  return {
    addReaction: (repository, target, content) =>
      withClient(repository, async (octokit, at) => {
        const url = await pageOf(octokit, at, target)
        const { status } = await react(octokit, at, { target, content })
        return { url, created: Number(status) === 201 }
      }),
  }
}

async function pageOf(octokit: Octokit, at: Repository, target: ReactionTarget): Promise<string> {
  if ('comment' in target) {
    return (await octokit.rest.issues.getComment({ ...at, comment_id: target.comment })).data.html_url
  }
  if ('reviewComment' in target) {
    return (await octokit.rest.pulls.getReviewComment({ ...at, comment_id: target.reviewComment })).data.html_url
  }
  return (await octokit.rest.issues.get({ ...at, issue_number: numberOf(target) })).data.html_url
}

function react(
  octokit: Octokit,
  at: Repository,
  { target, content }: { target: ReactionTarget; content: Reaction },
): Promise<{ status: number }> {
  const { reactions: api } = octokit.rest
  if ('comment' in target) return api.createForIssueComment({ ...at, comment_id: target.comment, content })
  if ('reviewComment' in target) {
    return api.createForPullRequestReviewComment({ ...at, comment_id: target.reviewComment, content })
  }
  return api.createForIssue({ ...at, issue_number: numberOf(target), content })
}
