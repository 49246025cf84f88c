// Repositories and who may do what in them.
import { roleOf } from '../access.ts'
import { notFound } from '../github-error.ts'
import { json, read } from '../route.ts'
import { accountShape } from '../shapes/accounts.ts'
import { repositoryShape } from '../shapes/repositories.ts'
import { accountKey } from '../state.ts'

// The five roles as the three words of the older field.
const LEGACY = { none: 'none', read: 'read', triage: 'read', write: 'write', maintain: 'write', admin: 'admin' }

/** https://docs.github.com/en/rest/repos/repos */
export const repositoryRoutes = [
  read('/repos/{owner}/{repo}', 'metadata:read', ({ hub, repo }) =>
    json({ ...repositoryShape(hub, repo), network_count: 0, subscribers_count: 0 }),
  ),

  read('/repos/{owner}/{repo}/collaborators/{username}/permission', 'metadata:read', ({ hub, repo, params }) => {
    const account = hub.state.accounts.get(accountKey(params.username ?? ''))
    if (!account) throw notFound()
    const role = roleOf(repo, account)
    return json({ permission: LEGACY[role], role_name: role, user: { ...accountShape(hub, account), role_name: role } })
  }),
]
