// Organisations, their members and teams as GitHub shows them.
import type { Hub } from '../hub.ts'
import { isoTime } from '../hub.ts'
import type { Account, Team } from '../state.ts'
import { accountKey } from '../state.ts'
import { accountShape } from './accounts.ts'
import { nodeId } from './node-id.ts'

/** An organisation as in webhooks. */
export function organizationShape(hub: Hub, account: Account) {
  const url = `${hub.apiUrl}/orgs/${account.login}`
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId('Organization', account.id),
    url,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url: `${hub.url}/avatars/${account.id}`,
    description: null,
  }
}

/** An organisation by itself. */
export function organizationProfileShape(hub: Hub, account: Account) {
  const owned = [...hub.state.repositories.values()].filter(({ owner }) => owner === account)
  return {
    ...organizationShape(hub, account),
    name: account.login,
    html_url: `${hub.url}/${account.login}`,
    type: account.type,
    has_organization_projects: true,
    has_repository_projects: true,
    public_repos: owned.filter((repo) => !repo.private).length,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: isoTime(account.createdAtMs),
    updated_at: isoTime(account.createdAtMs),
    archived_at: null,
  }
}

/** How somebody belongs to an organisation. */
export function membershipShape(hub: Hub, org: Account, account: Account) {
  return {
    url: `${hub.apiUrl}/orgs/${org.login}/memberships/${account.login}`,
    state: 'active',
    role: org.members.get(accountKey(account.login)),
    direct_membership: true,
    enterprise_teams_providing_indirect_membership: [],
    organization_url: `${hub.apiUrl}/orgs/${org.login}`,
    organization: organizationShape(hub, org),
    user: accountShape(hub, account),
  }
}

/** A team as it stands in a list. */
export function teamShape(hub: Hub, team: Team) {
  return {
    name: team.name,
    id: team.id,
    node_id: nodeId('Team', team.id),
    slug: team.slug,
    description: team.description,
    privacy: team.privacy,
    notification_setting: 'notifications_enabled',
    url: teamUrl(hub, team),
    html_url: `${hub.url}/orgs/${team.org.login}/teams/${team.slug}`,
    members_url: `${teamUrl(hub, team)}/members{/member}`,
    repositories_url: `${teamUrl(hub, team)}/repos`,
    permission: 'pull',
    type: 'organization',
    organization_id: team.org.id,
    parent: null,
  }
}

/** A team by itself. */
export function teamProfileShape(hub: Hub, team: Team) {
  return {
    ...teamShape(hub, team),
    members_count: team.members.size,
    repos_count: team.repositories.size,
    created_at: isoTime(team.createdAtMs),
    updated_at: isoTime(team.createdAtMs),
    organization: organizationProfileShape(hub, team.org),
  }
}

/** How somebody belongs to a team. */
export function teamMembershipShape(hub: Hub, team: Team, login: string) {
  const role = team.members.get(accountKey(login))
  return { url: `${teamUrl(hub, team)}/memberships/${login}`, role, state: 'active' }
}

function teamUrl(hub: Hub, { org, slug }: Team): string {
  return `${hub.apiUrl}/orgs/${org.login}/teams/${slug}`
}
