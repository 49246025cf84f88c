// The default rules for reviews.
import type { Rule } from '../rules/rule.ts'

const PULL_REQUEST = 'review:{repository}#{number}'

/** Pushes to the default branch, pull requests, and `/review`. */
export const REVIEW_RULES: readonly Rule[] = [
  {
    name: 'review-push',
    on: 'push',
    when: { onDefaultBranch: 'true', not: { action: 'deleted' } },
    agent: 'code-review',
    jobType: 'github_push',
    concurrency: { key: 'review-push:{repository}@{branch}' },
  },
  {
    name: 'review-pull-request',
    on: [
      'pull_request.opened',
      'pull_request.synchronize',
      'pull_request.reopened',
      'pull_request.ready_for_review',
      'pull_request.closed',
    ],
    when: { not: { isDraft: 'true' } },
    agent: 'code-review',
    jobType: 'github_pull_request',
    concurrency: { key: PULL_REQUEST, mode: 'latest' },
    // A burst of pushes is one change to review.
    debounce: { quietMs: 5_000, maxMs: 60_000 },
  },
  {
    name: 'review-command',
    on: 'command',
    command: { name: 'review', description: 'reviews the pull request again' },
    who: { permission: 'write', forks: 'after-approval' },
    agent: 'code-review',
    jobType: 'github_pull_request',
    concurrency: { key: PULL_REQUEST },
  },
]
