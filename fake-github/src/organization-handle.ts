// Organisations in the hands of their owners: members and teams.
import { ensureAccount } from './accounts.ts'
import type { Hub } from './hub.ts'
import { addOrganizationHook } from './routes/organization-hooks.ts'
import { addTeam } from './routes/teams.ts'
import type { Account, Role, Team } from './state.ts'
import { accountKey, repositoryKey } from './state.ts'

/** An organisation to make; people are logins. */
export type OrganizationOptions = {
  login: string
  /** They may do everything in its repositories. */
  owners?: string[]
  members?: string[]
}

/** A team to make. */
export type TeamOptions = {
  name: string
  members?: string[]
  /** Name without owner to role; the repositories must exist. */
  repositories?: Record<string, Role>
}

/** A team. */
export type TeamHandle = {
  slug: string
  /** Adds somebody to the team and the organisation; null removes them from the team. */
  setMember(login: string, role: 'member' | 'maintainer' | null): void
}

/** An organisation. */
export type OrganizationHandle = {
  login: string
  /** Adds somebody or changes their role; null removes them, and from all teams. */
  setMember(login: string, role: 'member' | 'admin' | null): void
  addTeam(options: TeamOptions): TeamHandle
  /** Adds a webhook for all of its repositories, and returns its id. */
  addWebhook(options: { url: string; secret?: string; events?: string[]; contentType?: 'json' | 'form' }): number
}

/**
 * Makes an organisation.
 * @throws Error when the account is a person.
 */
export function addOrganization(hub: Hub, options: OrganizationOptions): OrganizationHandle {
  const org = ensureAccount(hub, options.login, 'Organization')
  if (org.type !== 'Organization') throw new Error(`${org.login} is no organisation`)
  const setMember: OrganizationHandle['setMember'] = (login, role) => {
    const key = accountKey(ensureAccount(hub, login).login)
    if (role !== null) return void org.members.set(key, role)
    org.members.delete(key)
    for (const team of org.teams.values()) team.members.delete(key)
  }
  for (const login of options.owners ?? []) setMember(login, 'admin')
  for (const login of options.members ?? []) setMember(login, 'member')
  return {
    login: org.login,
    setMember,
    addTeam: (team) => teamHandle(hub, org, team, setMember),
    addWebhook: ({ url, secret, events = ['*'], contentType = 'json' }) => {
      const config = { url, content_type: contentType, insecure_ssl: '0', ...(secret !== undefined && { secret }) }
      return addOrganizationHook(hub, org, { config, events, active: true }).id
    },
  }
}

function teamHandle(
  hub: Hub,
  org: Account,
  { name, members = [], repositories = {} }: TeamOptions,
  join: OrganizationHandle['setMember'],
): TeamHandle {
  const team: Team = addTeam({ hub }, org, { name, description: null, privacy: 'closed' })
  const setMember: TeamHandle['setMember'] = (login, role) => {
    const key = accountKey(login)
    if (role === null) return void team.members.delete(key)
    if (!org.members.has(key)) join(login, 'member')
    team.members.set(key, role)
  }
  for (const login of members) setMember(login, 'member')
  for (const [repository, role] of Object.entries(repositories)) {
    const repo = hub.state.repositories.get(repositoryKey(org.login, repository))
    if (!repo) throw new Error(`There is no repository ${org.login}/${repository}`)
    team.repositories.set(repo.id, role)
  }
  return { slug: team.slug, setMember }
}
