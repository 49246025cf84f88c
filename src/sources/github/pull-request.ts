// GitHub's report of a pull request, read into the words of every forge:
// https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request
import { z } from 'zod'
import type { PullRequest } from '../../events/pull-request.ts'
import { githubPath } from '../../lib/repository.ts'

// PostgreSQL's text cannot hold \u0000.
const storedText = z.string().regex(/^[^\0]*$/)

const report = z.object({
  action: z.string(),
  pull_request: z.object({
    number: z.int32().positive(),
    html_url: z.url({ protocol: /^https?$/ }).and(storedText),
    state: z.enum(['open', 'closed']),
    body: z.string().nullish(),
    merged: z.boolean().nullish(),
    merge_commit_sha: storedText.nullish(),
    merged_at: z.iso.datetime({ offset: true }).nullish(),
    merged_by: z.object({ login: storedText }).nullish(),
    updated_at: z.iso.datetime({ offset: true }),
    // `repo` is null when a fork was deleted.
    head: z.object({ ref: z.string(), repo: z.object({ full_name: z.string() }).nullish() }),
    base: z.object({ repo: z.object({ full_name: githubPath }) }),
  }),
})

/** The pull request of a `pull_request` event; undefined when the payload has another shape. */
export function githubPullRequest(payload: Record<string, unknown>): PullRequest | undefined {
  const { data } = report.safeParse(payload)
  if (data === undefined) return undefined
  const { action, pull_request: pull } = data
  const isMerged = pull.merged === true
  const repository = pull.base.repo.full_name
  return {
    repository,
    number: pull.number,
    url: pull.html_url,
    state: isMerged ? 'merged' : pull.state,
    reopened: action === 'reopened',
    // While a pull request is open, this is the commit of GitHub's trial merge.
    mergeSha: isMerged ? (pull.merge_commit_sha ?? null) : null,
    mergedBy: isMerged ? (pull.merged_by?.login ?? null) : null,
    ...(isMerged && pull.merged_at ? { mergedAt: new Date(pull.merged_at) } : {}),
    head: { ref: pull.head.ref, fromFork: pull.head.repo?.full_name !== repository },
    body: pull.body ?? null,
    updatedAt: new Date(pull.updated_at),
  }
}
