// Pull requests: https://docs.github.com/en/rest/pulls/pulls
import type { PullRequest, WriteForge } from '../forge.ts'
import type { GithubConnection } from './connection.ts'
import { githubText, isRefusal, statusOf } from './github-failure.ts'
import { mutate } from './graphql.ts'
import { nullOn } from './null-on.ts'
import { firstPages, PAGE_SIZE } from './pages.ts'

const MAX_OPEN_PAGES = 10

// https://docs.github.com/en/graphql/reference/mutations#enablepullrequestautomerge
const AUTO_MERGE = `mutation ($id: ID!, $how: PullRequestMergeMethod!, $sha: GitObjectID!) {
  enablePullRequestAutoMerge(input: { pullRequestId: $id, mergeMethod: $how, expectedHeadOid: $sha }) {
    pullRequest { id }
  }
}`

const NO_AUTO_MERGE = `mutation ($id: ID!) {
  disablePullRequestAutoMerge(input: { pullRequestId: $id }) { pullRequest { id } }
}`

/** See `ReadForge` and `WriteForge`. */
export function pullRequests({
  withClient,
}: GithubConnection): Pick<
  WriteForge,
  | 'pullRequests'
  | 'pullRequestHead'
  | 'createPullRequest'
  | 'updatePullRequest'
  | 'enableAutoMerge'
  | 'disableAutoMerge'
> {
  return {
    pullRequests: (repository, { head, state = 'open' }) =>
      withClient(repository, async (octokit, at) => {
        const found = await octokit.paginate(
          octokit.rest.pulls.list,
          {
            ...at,
            ...(head === undefined ? {} : { head: `${at.owner}:${head}` }),
            state,
            sort: 'created',
            direction: 'desc',
            per_page: PAGE_SIZE,
          },
          firstPages(state === 'open' ? MAX_OPEN_PAGES : 1, (data: Answer[]) => data.map(toPullRequest)),
        )
        // GitHub ignores a `head` it cannot read, and then returns every pull request.
        return head === undefined ? found : found.filter((pull) => pull.head === head)
      }),

    pullRequestHead: (repository, number) =>
      withClient(repository, (octokit, at) =>
        nullOn([404], async () => {
          const { data } = await octokit.rest.pulls.get({ ...at, pull_number: number })
          const pushedAt = data.head.repo?.pushed_at
          const { headSha: sha, fromFork } = toPullRequest(data)
          return { sha, fromFork, pushedAt: pushedAt ? new Date(pushedAt) : null }
        }),
      ),

    createPullRequest: (repository, pull) =>
      withClient(repository, async (octokit, at) => {
        try {
          return toPullRequest((await octokit.rest.pulls.create({ ...at, ...pull, draft: pull.draft ?? false })).data)
        } catch (error) {
          if (statusOf(error) === 422 && /pull request already exists/i.test(githubText(error))) return null
          throw error
        }
      }),

    enableAutoMerge: (repository, number, { method, sha }) =>
      withClient(repository, async (octokit, at) => {
        const { data } = await octokit.rest.pulls.get({ ...at, pull_number: number })
        if (data.auto_merge !== null) return null
        try {
          await mutate(octokit, at, AUTO_MERGE, { id: data.node_id, how: method.toUpperCase(), sha })
          return null
        } catch (error) {
          if (isRefusal(error)) return githubText(error)
          throw error
        }
      }),

    disableAutoMerge: (repository, number) =>
      withClient(repository, async (octokit, at) => {
        const { data } = await octokit.rest.pulls.get({ ...at, pull_number: number })
        if (data.auto_merge !== null) await mutate(octokit, at, NO_AUTO_MERGE, { id: data.node_id })
      }),

    updatePullRequest: (repository, number, change) =>
      withClient(repository, async (octokit, at) =>
        toPullRequest((await octokit.rest.pulls.update({ ...at, pull_number: number, ...change })).data),
      ),
  }
}

type Answer = {
  number: number
  html_url: string
  state: string
  merged_at?: string | null
  user: { login: string } | null
  title: string
  body: string | null
  head: { ref: string; sha: string; repo: { full_name: string } | null }
  base: { ref: string; sha: string; repo: { full_name: string } }
  labels: { name?: string }[]
  assignees?: { login: string }[] | null
  requested_reviewers?: { login: string }[] | null
  requested_teams?: { slug: string }[] | null
  auto_merge?: { enabled_by?: { login: string } | null } | null
}

/** A pull request as GitHub answers, in our words. */
export function toPullRequest(answer: Answer): PullRequest {
  return {
    number: answer.number,
    url: answer.html_url,
    state: answer.state === 'open' ? 'open' : answer.merged_at ? 'merged' : 'closed',
    author: answer.user?.login ?? null,
    head: answer.head.ref,
    headSha: answer.head.sha,
    fromFork: answer.head.repo?.full_name !== answer.base.repo.full_name,
    base: answer.base.ref,
    baseSha: answer.base.sha,
    title: answer.title,
    body: answer.body ?? '',
    labels: answer.labels.map(({ name }) => name ?? ''),
    assignees: (answer.assignees ?? []).map(({ login }) => login),
    reviewers: (answer.requested_reviewers ?? []).map(({ login }) => login),
    teamReviewers: (answer.requested_teams ?? []).map(({ slug }) => slug),
    autoMergeBy: answer.auto_merge?.enabled_by?.login ?? null,
  }
}
