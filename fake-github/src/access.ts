// Who is asking, and what they may do: the rules of GitHub for people, tokens and Apps.

import { verifyAppToken } from './app-token.ts'
import { GithubError, notFound } from './github-error.ts'
import type { Hub } from './hub.ts'
import type { Account, App, Permissions, Repository, Role, Token } from './state.ts'
import { accountKey, ROLES } from './state.ts'

/**
 * Whoever sent a request. `human` is a person acting through the helpers, with the role they have
 * and no token.
 */
export type Credentials =
  | { kind: 'anonymous' }
  | { kind: 'human'; account: Account }
  | { kind: 'token'; account: Account; token: Token }
  | { kind: 'app'; app: App }

/** What a route needs, such as `contents:write`; alternatives are separated by `|`. */
export type Need = `${string}:${'read' | 'write'}`

/** Reads an `Authorization` header; a bad one is 401, none is anonymous. */
export function authenticate(hub: Hub, header: string | undefined): Credentials {
  if (!header) return { kind: 'anonymous' }
  const [scheme = '', rest = ''] = header.split(/ +(.*)/)
  const value = scheme.toLowerCase() === 'basic' ? basicPassword(rest) : rest
  if (!['basic', 'bearer', 'token'].includes(scheme.toLowerCase())) throw badCredentials()
  if (value.split('.').length === 3) return { kind: 'app', app: verifyAppToken(hub, value) }
  const token = hub.state.tokens.get(value)
  if (!token || token.revoked || (token.expiresAtMs !== null && token.expiresAtMs <= hub.clock())) {
    throw badCredentials()
  }
  token.used++
  return { kind: 'token', account: token.account, token }
}

// A token may be the password (any user) or the user name with no password, or `x-oauth-basic`.
function basicPassword(encoded: string): string {
  const [user = '', password = ''] = Buffer.from(encoded, 'base64').toString().split(/:(.*)/s)
  return password === '' || password === 'x-oauth-basic' ? user : password
}

/** 401 for a token nobody knows, that expired or that was revoked. */
function badCredentials(): GithubError {
  return new GithubError(401, 'Bad credentials')
}

/** The account of the credentials, or null. */
export function accountOf(credentials: Credentials): Account | null {
  if (credentials.kind === 'app') return credentials.app.bot
  return credentials.kind === 'anonymous' ? null : credentials.account
}

/** A person's role in a repository: the strongest of their own, their teams' and everybody's. */
export function roleOf(repository: Repository, account: Account): Role {
  const { owner } = repository
  const key = accountKey(account.login)
  if (owner.id === account.id || owner.members.get(key) === 'admin') return 'admin'
  const teams = [...owner.teams.values()].filter(({ members }) => members.has(key))
  const granted = teams.map((team) => team.repositories.get(repository.id) ?? 'none')
  const everybodys: Role = repository.private && !owner.members.has(key) ? 'none' : 'read'
  const roles = [repository.collaborators.get(key) ?? everybodys, ...granted]
  return ROLES.findLast((role) => roles.includes(role)) ?? 'none'
}

/** True when `role` is at least `needed`. */
export function hasRole(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/** True when the permissions include `name` at `level` or above. */
export function grants(permissions: Permissions, name: string, level: string): boolean {
  const granted = permissions[name]
  if (name === 'metadata' && level === 'read') return true
  return granted !== undefined && (level === 'read' || granted !== 'read')
}

/** True when an installation token reaches this repository. */
export function reaches(token: Token, repository: Repository): boolean {
  if (token.repositoryIds && !token.repositoryIds.has(repository.id)) return false
  const { installation } = token
  if (!installation) return true
  if (installation.account.id !== repository.owner.id) return false
  return installation.repositoryIds?.has(repository.id) ?? true
}

/** True when the asker may know that the repository exists. */
export function canSee(credentials: Credentials, repository: Repository): boolean {
  if (!repository.private) return true
  switch (credentials.kind) {
    case 'human':
      return roleOf(repository, credentials.account) !== 'none'
    case 'token': {
      const { token } = credentials
      if (!reaches(token, repository)) return false
      if (token.installation) return true
      if (token.permissions === null && !token.scopes.includes('repo')) return false
      return roleOf(repository, credentials.account) !== 'none'
    }
    default:
      return false
  }
}

// What anybody may read of a public repository, whatever their token was granted.
const PUBLIC_READS = ['metadata', 'contents', 'issues', 'pull_requests', 'statuses', 'checks', 'deployments', 'actions']

/**
 * Accepts an asker who has one of the needed permissions.
 * @throws GithubError 404 when the asker may not see the repository, 401 without credentials, 403
 * for a token without the permission or a person without the role.
 */
export function authorize(credentials: Credentials, repository: Repository, need: Need, role: Role): void {
  const needs = need.split('|').map((one) => one.split(':') as [string, 'read' | 'write'])
  const writes = needs.every(([, level]) => level === 'write')
  if (credentials.kind === 'anonymous' && writes) throw new GithubError(401, 'Requires authentication')
  if (!canSee(credentials, repository)) throw notFound()
  if (!repository.private && needs.some(([name, level]) => level === 'read' && PUBLIC_READS.includes(name)) && !writes)
    return
  if (credentials.kind === 'anonymous') throw notFound()
  if (credentials.kind === 'app') throw new GithubError(403, 'Resource not accessible by integration')
  if (credentials.kind === 'token') authorizeToken(credentials.token, repository, needs)
  const isBot = credentials.kind === 'token' && credentials.token.installation
  if (isBot || hasRole(roleOf(repository, credentials.account), role)) return
  // GitHub hides settings from those who may not change them, and names the missing right
  // otherwise.
  throw role === 'admin' ? notFound() : new GithubError(403, 'Must have push access to the repository.')
}

function authorizeToken(token: Token, repository: Repository, needs: [string, 'read' | 'write'][]): void {
  const { permissions } = token
  if (permissions === null) {
    if (token.scopes.includes('repo') || (!repository.private && token.scopes.includes('public_repo'))) return
    if (token.scopes.includes('admin:repo_hook') && needs.some(([name]) => name === 'repository_hooks')) return
    throw notFound()
  }
  if (reaches(token, repository) && needs.some(([name, level]) => grants(permissions, name, level))) return
  throw notAccessible(token)
}

/** 403 for a token without the permission. */
export function notAccessible(token: Token): GithubError {
  const by = token.installation ? 'integration' : 'personal access token'
  return new GithubError(403, `Resource not accessible by ${by}`)
}
