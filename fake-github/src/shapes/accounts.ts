// Users, organisations, bots, Apps and installations as GitHub shows them.

import { hasRole, roleOf } from '../access.ts'
import type { Hub } from '../hub.ts'
import { isoTime } from '../hub.ts'
import type { Account, App, Installation, Permissions, Repository } from '../state.ts'
import { accountKey } from '../state.ts'
import { nodeId } from './node-id.ts'

/** GitHub's "simple user". */
export function accountShape(hub: Hub, account: Account) {
  const url = `${hub.apiUrl}/users/${encodeURIComponent(account.login)}`
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId(account.type, account.id),
    avatar_url: `${hub.url}/avatars/${account.id}`,
    gravatar_id: '',
    url,
    html_url: `${hub.url}/${encodeURIComponent(account.login)}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: account.type,
    user_view_type: 'public',
    site_admin: false,
  }
}

/** The public profile; for oneself GitHub adds the private counts. */
export function profileShape(hub: Hub, account: Account) {
  return {
    ...accountShape(hub, account),
    name: account.login,
    company: null,
    blog: '',
    location: null,
    email: emailOf(account),
    hireable: null,
    bio: null,
    twitter_username: null,
    public_repos: [...hub.state.repositories.values()].filter((repo) => repo.owner.id === account.id).length,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: isoTime(account.createdAtMs),
    updated_at: isoTime(account.createdAtMs),
  }
}

/** The address GitHub shows for those who hide theirs. */
export function emailOf(account: Account): string {
  return `${account.id}+${account.login}@users.noreply.github.com`
}

/** The account with a commit's address, or null. */
export function accountByEmail(hub: Hub, email: string): Account | null {
  return [...hub.state.accounts.values()].find((account) => emailOf(account) === email) ?? null
}

/** How a person relates to a repository. */
export function associationOf(repo: Repository, account: Account): string {
  if (repo.owner.id === account.id) return 'OWNER'
  if (repo.owner.members.has(accountKey(account.login))) return 'MEMBER'
  return hasRole(roleOf(repo, account), 'triage') ? 'COLLABORATOR' : 'NONE'
}

/** A GitHub App. */
export function appShape(hub: Hub, app: App) {
  return {
    id: app.id,
    slug: app.slug,
    client_id: `Iv1.${app.id}`,
    node_id: nodeId('App', app.id),
    owner: accountShape(hub, app.owner),
    name: app.slug,
    description: '',
    external_url: hub.url,
    html_url: `${hub.url}/apps/${app.slug}`,
    created_at: isoTime(app.createdAtMs),
    updated_at: isoTime(app.createdAtMs),
    permissions: withMetadata(app.permissions),
    events: app.events,
  }
}

/** An App's installation on an account. */
export function installationShape(hub: Hub, installation: Installation) {
  const { id, app, account } = installation
  return {
    id,
    account: accountShape(hub, account),
    repository_selection: selectionOf(installation.repositoryIds),
    access_tokens_url: `${hub.apiUrl}/app/installations/${id}/access_tokens`,
    repositories_url: `${hub.apiUrl}/installation/repositories`,
    html_url: `${hub.url}/settings/installations/${id}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: account.id,
    target_type: account.type,
    permissions: withMetadata(app.permissions),
    events: app.events,
    created_at: isoTime(installation.createdAtMs),
    updated_at: isoTime(installation.createdAtMs),
    single_file_name: null,
    suspended_by: null,
    suspended_at: null,
  }
}

/** `all` or `selected`. */
export function selectionOf(repositoryIds: Set<number> | null): 'all' | 'selected' {
  return repositoryIds === null ? 'all' : 'selected'
}

/** Every App may read metadata, asked for or not. */
export function withMetadata(permissions: Permissions): Permissions {
  return { metadata: 'read', ...permissions }
}
