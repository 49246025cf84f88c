// Which repositories there are: somebody's, an organisation's, one's own.
import { accountOf, canSee, hasRole, roleOf } from '../access.ts'
import { GithubError, notFound } from '../github-error.ts'
import type { Call, Reply } from '../route.ts'
import { page, route } from '../route.ts'
import { permissionsShape, repositoryShape } from '../shapes/repositories.ts'
import type { Account, Repository } from '../state.ts'
import { accountKey } from '../state.ts'

/** https://docs.github.com/en/rest/repos/repos */
export const repositoryListRoutes = [
  route('GET', '/user/repos', (call) => {
    const { query } = call
    const account = accountOf(call.credentials)
    if (!account) throw new GithubError(401, 'Requires authentication')
    if (account.type === 'Bot') throw new GithubError(403, 'Resource not accessible by integration')
    const affiliation = AFFILIATIONS[query.get('type') ?? ''] ?? query.get('affiliation') ?? 'owner,collaborator'
    const shown = query.get('visibility') ?? query.get('type')
    const mine = visible(call)
      .filter((repo) => affiliation.split(',').includes(affiliationOf(repo, account)))
      .filter((repo) => isKind(repo, shown))
    return pageRepositories(call, mine, 'full_name')
  }),

  route('GET', '/users/{username}/repos', (call) => {
    const account = findAccount(call, 'username')
    const type = call.query.get('type') ?? 'owner'
    const kinds = type === 'all' ? ['owner', 'collaborator'] : [type === 'member' ? 'collaborator' : 'owner']
    const repos = visible(call).filter((repo) => !repo.private && kinds.includes(affiliationOf(repo, account)))
    return pageRepositories(call, repos, 'full_name')
  }),

  route('GET', '/orgs/{org}/repos', (call) => {
    const org = findAccount(call, 'org')
    if (org.type !== 'Organization') throw notFound()
    const repos = visible(call).filter((repo) => repo.owner === org && isKind(repo, call.query.get('type')))
    return pageRepositories(call, repos, 'created')
  }),
]

// The older parameter's words in those of the newer.
const AFFILIATIONS: Record<string, string> = { owner: 'owner', member: 'collaborator' }

function affiliationOf(repo: Repository, account: Account): string {
  if (repo.owner === account) return 'owner'
  const isListed = repo.collaborators.has(accountKey(account.login))
  return isListed && hasRole(roleOf(repo, account), 'read') ? 'collaborator' : 'none'
}

/** The fake has no forks and no templates. */
function isKind(repo: Repository, kind: string | null): boolean {
  if (kind === 'public') return !repo.private
  if (kind === 'private') return repo.private
  return kind !== 'forks'
}

function visible({ hub, credentials }: Call): Repository[] {
  return [...hub.state.repositories.values()].filter((repo) => canSee(credentials, repo))
}

function pageRepositories(call: Call, repos: Repository[], sortedBy: string): Promise<Reply> {
  const { hub, query, credentials } = call
  const sort = query.get('sort') ?? sortedBy
  const ascending = (query.get('direction') ?? (sort === 'full_name' ? 'asc' : 'desc')) === 'asc'
  const account = accountOf(credentials)
  return page(
    call,
    repos.toSorted((a, b) => (ascending ? 1 : -1) * compare(sort, a, b)),
    (repo) => ({
      ...repositoryShape(hub, repo),
      ...(account && { permissions: permissionsShape(roleOf(repo, account)) }),
    }),
  )
}

function compare(sort: string, a: Repository, b: Repository): number {
  if (sort === 'full_name') return `${a.owner.login}/${a.name}`.localeCompare(`${b.owner.login}/${b.name}`)
  const key = sort === 'created' ? 'createdAtMs' : 'pushedAtMs'
  return a[key] - b[key] || a.id - b.id
}

function findAccount({ hub, params }: Call, param: string): Account {
  const account = hub.state.accounts.get(accountKey(params[param] ?? ''))
  if (!account) throw notFound()
  return account
}
