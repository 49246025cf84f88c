// What stands open on GitHub, as its webhooks show it: https://docs.github.com/en/rest/pulls
import type { OpenForge, Standing } from '../hooks.ts'
import type { GithubConnection } from './connection.ts'
import { PAGE_SIZE } from './pages.ts'

const MAX_PAGES = 3

/** See `OpenForge`. Of each list the newest 300 are read. */
export function openThings({ withClient }: GithubConnection): OpenForge {
  return {
    pullRequests: (repository, since) =>
      withClient(repository, (octokit, at) =>
        newest(since, (page) =>
          octokit.rest.pulls.list({ ...at, state: 'open', sort: 'updated', direction: 'desc', ...paged(page) }),
        ),
      ),
    issues: (repository, since) =>
      withClient(repository, async (octokit, at) => {
        const all = await newest(since, (page) =>
          octokit.rest.issues.listForRepo({ ...at, state: 'open', sort: 'updated', ...paged(page) }),
        )
        return all.filter(({ pull_request: pull, labels }) => pull === undefined && (labels as unknown[]).length > 0)
      }),
    repository: (repository) =>
      withClient(repository, async (octokit, at) => (await octokit.rest.repos.get(at)).data as Standing),
    labelledBy: (repository, issue, label) =>
      withClient(repository, async (octokit, at) => {
        const events = await octokit.paginate(octokit.rest.issues.listEvents, { ...at, issue_number: issue })
        const given = events.filter((each) => each.event === 'labeled' && 'label' in each && each.label.name === label)
        return (given.at(-1)?.actor as Standing | null | undefined) ?? null
      }),
  }
}

function paged(page: number) {
  return { per_page: PAGE_SIZE, page }
}

async function newest(since: Date, ask: (page: number) => Promise<{ data: object[] }>): Promise<Standing[]> {
  const all: Standing[] = []
  for (let page = 1; page <= MAX_PAGES; page++) {
    const { data } = await ask(page)
    const recent = (data as Standing[]).filter(({ updated_at: at }) => new Date(String(at)) >= since)
    all.push(...recent)
    if (recent.length < PAGE_SIZE) break
  }
  return all
}
