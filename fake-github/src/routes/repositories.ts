// Repositories and who may do what in them.
import { accountOf, hasRole, roleOf } from '../access.ts'
import { GithubError, notFound } from '../github-error.ts'
import type { RepositoryCall } from '../route.ts'
import { json, noContent, page, read } from '../route.ts'
import { accountShape } from '../shapes/accounts.ts'
import { permissionsShape, repositoryShape } from '../shapes/repositories.ts'
import type { Account } from '../state.ts'
import { accountKey } from '../state.ts'

// The five roles as the three words of the older field.
const LEGACY = { none: 'none', read: 'read', triage: 'read', write: 'write', maintain: 'write', admin: 'admin' }

/** https://docs.github.com/en/rest/repos/repos */
export const repositoryRoutes = [
  read('/repos/{owner}/{repo}', 'metadata:read', ({ hub, repo, credentials }) => {
    const account = accountOf(credentials)
    return json({
      ...repositoryShape(hub, repo),
      ...(account && { permissions: permissionsShape(roleOf(repo, account)) }),
      allow_auto_merge: repo.allowsAutoMerge,
      network_count: 0,
      subscribers_count: 0,
    })
  }),

  read('/repos/{owner}/{repo}/collaborators', 'metadata:read', listCollaborators),

  read('/repos/{owner}/{repo}/collaborators/{username}', 'metadata:read', (call) => {
    requirePush(call)
    if (!collaboratorsOf(call).some(({ login }) => accountKey(login) === accountKey(call.params.username ?? ''))) {
      throw notFound()
    }
    return noContent()
  }),

  read('/repos/{owner}/{repo}/collaborators/{username}/permission', 'metadata:read', (call) => {
    const { hub, repo, params } = call
    requirePush(call, 'collaborator permission')
    const account = hub.state.accounts.get(accountKey(params.username ?? ''))
    if (!account) throw notFound()
    const role = roleOf(repo, account)
    return json({ permission: LEGACY[role], role_name: role, user: { ...accountShape(hub, account), role_name: role } })
  }),
]

function requirePush({ credentials, repo }: RepositoryCall, what = 'repository collaborators'): void {
  const isApp = credentials.kind === 'token' && credentials.token.installation !== null
  const role = 'account' in credentials ? roleOf(repo, credentials.account) : 'none'
  if (isApp || hasRole(role, 'write')) return
  if (credentials.kind === 'anonymous') throw new GithubError(401, 'Requires authentication')
  throw new GithubError(403, `Must have push access to view ${what}.`)
}

/** The owner and everybody who was given a role. */
export function collaboratorsOf({ hub, repo }: RepositoryCall): Account[] {
  const given = [...repo.collaborators]
    .filter(([, role]) => role !== 'none')
    .map(([key]) => hub.state.accounts.get(key))
  return [repo.owner, ...given.filter((account) => account !== undefined)]
}

function listCollaborators(call: RepositoryCall) {
  const { hub, repo, query } = call
  requirePush(call)
  const outside = query.get('affiliation') === 'outside'
  const wanted = query.get('permission')
  const found = collaboratorsOf(call)
    .map((account) => ({ account, role: roleOf(repo, account), permissions: permissionsShape(roleOf(repo, account)) }))
    .filter(({ account }) => !outside || account !== repo.owner)
    .filter(({ permissions }) => wanted === null || permissions[wanted as keyof typeof permissions])
  return page(call, found, ({ account, role, permissions }) => ({
    ...accountShape(hub, account),
    permissions,
    role_name: role,
  }))
}
