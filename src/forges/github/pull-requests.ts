// Pull requests: https://docs.github.com/en/rest/pulls/pulls
import type { PullRequest, WriteForge } from '../forge.ts'
import type { GithubConnection } from './connection.ts'
import { saidByGithub, statusOf } from './github-failure.ts'

type Arguments<Name extends keyof WriteForge> = Parameters<WriteForge[Name]>

const PAGE_SIZE = 100
const MAX_OPEN_PAGES = 10

type Answer = {
  number: number
  html_url: string
  state: string
  merged_at?: string | null
  title: string
  body: string | null
  head: { ref: string; sha: string; repo: { full_name: string } | null }
  base: { ref: string; sha: string; repo: { full_name: string } }
  labels: { name?: string }[]
}

function toPullRequest(answer: Answer): PullRequest {
  return {
    number: answer.number,
    url: answer.html_url,
    state: answer.state === 'open' ? 'open' : answer.merged_at ? 'merged' : 'closed',
    head: answer.head.ref,
    headSha: answer.head.sha,
    fromFork: answer.head.repo?.full_name !== answer.base.repo.full_name,
    base: answer.base.ref,
    baseSha: answer.base.sha,
    title: answer.title,
    body: answer.body ?? '',
    labels: answer.labels.map(({ name }) => name ?? ''),
  }
}

/** See `ReadForge.pullRequests`: up to 1,000 open ones; of all, the newest 100. */
export function pullRequests(
  { as }: GithubConnection,
  ...[repository, { head, state = 'open' }]: Arguments<'pullRequests'>
): Promise<PullRequest[]> {
  return as(repository, async (octokit, at) => {
    const byHead = head === undefined ? {} : { head: `${at.owner}:${head}` }
    const found: PullRequest[] = []
    for (let page = 1; page <= (state === 'open' ? MAX_OPEN_PAGES : 1); page += 1) {
      const selection = {
        ...at,
        ...byHead,
        state,
        sort: 'created',
        direction: 'desc',
        per_page: PAGE_SIZE,
        page,
      } as const
      const { data } = await octokit.rest.pulls.list(selection)
      found.push(...data.map(toPullRequest))
      if (data.length < PAGE_SIZE) break
    }
    // A wrong `head` filter is ignored by GitHub, which then gives every pull request.
    return head === undefined ? found : found.filter((pull) => pull.head === head)
  })
}

/** See `WriteForge.createPullRequest`. */
export function createPullRequest(
  { as }: GithubConnection,
  ...[repository, pull]: Arguments<'createPullRequest'>
): Promise<PullRequest | null> {
  return as(repository, async (octokit, at) => {
    try {
      return toPullRequest((await octokit.rest.pulls.create({ ...at, ...pull })).data)
    } catch (error) {
      if (statusOf(error) === 422 && /pull request already exists/i.test(saidByGithub(error))) return null
      throw error
    }
  })
}

/** See `WriteForge.updatePullRequest`. */
export function updatePullRequest(
  { as }: GithubConnection,
  ...[repository, number, change]: Arguments<'updatePullRequest'>
): Promise<PullRequest> {
  return as(repository, async (octokit, at) =>
    toPullRequest((await octokit.rest.pulls.update({ ...at, pull_number: number, ...change })).data),
  )
}
