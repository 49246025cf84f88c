// Issues: https://docs.github.com/en/rest/issues/issues
import type { Issue, IssueForge } from '../issues.ts'
import type { GithubConnection } from './connection.ts'
import { waitIfInDoubt } from './in-doubt.ts'
import { nullOn } from './null-on.ts'
import { firstPages, PAGE_SIZE } from './pages.ts'

const MAX_PAGES = 10

/** See `IssueForge`. */
export function issues({ withClient, account }: GithubConnection): IssueForge {
  return {
    issue: (repository, number) =>
      withClient(repository, (octokit, at) =>
        // 410 is the answer for one that was deleted.
        nullOn([404, 410], async () => toIssue((await octokit.rest.issues.get({ ...at, issue_number: number })).data)),
      ),

    ownIssues: (repository) =>
      withClient(repository, async (octokit, at) => {
        const creator = await account()
        const options = { ...at, state: 'all', per_page: PAGE_SIZE, ...(creator === null ? {} : { creator }) } as const
        // GitHub lists pull requests as issues, too.
        const pages = firstPages(MAX_PAGES, (data: Answer[]) => data.map(toIssue).filter((each) => !each.isPullRequest))
        return octokit.paginate(octokit.rest.issues.listForRepo, options, pages)
      }),

    createIssue: (repository, issue) =>
      withClient(repository, async (octokit, at) => {
        const { data } = await waitIfInDoubt('a new issue', octokit.rest.issues.create({ ...at, ...issue }))
        return toIssue(data)
      }),

    updateIssue: (repository, number, { reason, ...change }) =>
      withClient(repository, async (octokit, at) => {
        const why = reason === undefined ? {} : { state_reason: reason }
        return toIssue((await octokit.rest.issues.update({ ...at, issue_number: number, ...change, ...why })).data)
      }),

    addAssignees: (repository, number, logins) =>
      withClient(repository, async (octokit, at) => {
        await octokit.rest.issues.addAssignees({ ...at, issue_number: number, assignees: [...logins] })
      }),
  }
}

type Answer = {
  number: number
  html_url: string
  state: string
  title: string
  body?: string | null
  user: { login: string } | null
  labels: (string | { name?: string })[]
  assignees?: { login: string }[] | null
  locked?: boolean
  pull_request?: unknown
}

function toIssue(answer: Answer): Issue {
  return {
    number: answer.number,
    url: answer.html_url,
    state: answer.state === 'open' ? 'open' : 'closed',
    title: answer.title,
    body: answer.body ?? '',
    author: answer.user?.login ?? null,
    labels: answer.labels.map((label) => (typeof label === 'string' ? label : (label.name ?? ''))),
    assignees: (answer.assignees ?? []).map(({ login }) => login),
    isLocked: answer.locked ?? false,
    isPullRequest: answer.pull_request !== undefined,
  }
}
