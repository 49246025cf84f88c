// Organisations, who belongs to them, and their teams.
import { z } from 'zod'
import { accountOf, grants, notAccessible } from '../access.ts'
import { GithubError, notFound, validationFailed } from '../github-error.ts'
import type { Call, Reply } from '../route.ts'
import { json, noContent, page, read, readBody, route } from '../route.ts'
import { accountShape } from '../shapes/accounts.ts'
import { permissionsShape, repositoryShape } from '../shapes/repositories.ts'
import {
  membershipShape,
  organizationProfileShape,
  teamMembershipShape,
  teamProfileShape,
  teamShape,
} from '../shapes/teams.ts'
import type { Account, Repository, Role, Team, Token } from '../state.ts'
import { accountKey, repositoryKey } from '../state.ts'

const ORG = '/orgs/{org}'
const TEAMS = `${ORG}/teams`
const TEAM = `${TEAMS}/{team_slug}`

// GitHub's older words for roles, which the routes of teams still take.
const ROLE_OF: Record<string, Role> = {
  pull: 'read',
  triage: 'triage',
  push: 'write',
  maintain: 'maintain',
  admin: 'admin',
}

const teamBody = z.object({
  name: z.string().min(1),
  description: z.string().optional(),
  privacy: z.enum(['closed', 'secret']).default('secret'),
})

/** https://docs.github.com/en/rest/teams and /orgs/members */
export const teamRoutes = [
  route('GET', ORG, ({ hub, params }) => json(organizationProfileShape(hub, findOrganization(hub, params.org)))),

  orgRoute('GET', `${ORG}/members`, 'read', (call, org) => {
    const role = call.query.get('role') ?? 'all'
    const wanted = [...org.members].filter(([, each]) => role === 'all' || each === role)
    return page(call, wanted, ([key]) => accountShape(call.hub, findAccount(call, key)))
  }),

  orgRoute('GET', `${ORG}/members/{username}`, 'read', (call, org) => {
    if (!org.members.has(accountKey(call.params.username ?? ''))) throw notFound()
    return noContent()
  }),

  orgRoute('GET', `${ORG}/memberships/{username}`, 'read', (call, org) => {
    const account = findAccount(call, call.params.username)
    if (!org.members.has(accountKey(account.login))) throw notFound()
    return json(membershipShape(call.hub, org, account))
  }),

  orgRoute('GET', TEAMS, 'read', (call, org) =>
    page(call, [...org.teams.values()], (team) => teamShape(call.hub, team)),
  ),

  orgRoute('POST', TEAMS, 'write', (call, org) => {
    const { name, description = null, privacy } = readBody(call, 'Team', teamBody)
    if (org.teams.has(slugOf(name))) {
      throw validationFailed({ resource: 'Team', code: 'unprocessable', message: 'Name must be unique for this org' })
    }
    return json(teamProfileShape(call.hub, addTeam(call, org, { name, description, privacy })), 201)
  }),

  orgRoute('GET', TEAM, 'read', (call, org) => json(teamProfileShape(call.hub, findTeam(call, org)))),

  orgRoute('DELETE', TEAM, 'write', (call, org) => {
    org.teams.delete(findTeam(call, org).slug)
    return noContent()
  }),

  orgRoute('GET', `${TEAM}/members`, 'read', (call, org) => {
    const role = call.query.get('role') ?? 'all'
    const wanted = [...findTeam(call, org).members].filter(([, each]) => role === 'all' || each === role)
    return page(call, wanted, ([key]) => accountShape(call.hub, findAccount(call, key)))
  }),

  orgRoute('GET', `${TEAM}/memberships/{username}`, 'read', (call, org) => {
    const team = findTeam(call, org)
    const { login } = findAccount(call, call.params.username)
    if (!team.members.has(accountKey(login))) throw notFound()
    return json(teamMembershipShape(call.hub, team, login))
  }),

  orgRoute('PUT', `${TEAM}/memberships/{username}`, 'write', (call, org) => {
    const team = findTeam(call, org)
    const { login } = findAccount(call, call.params.username)
    const { role } = readBody(
      call,
      'TeamMember',
      z.object({ role: z.enum(['member', 'maintainer']).default('member') }),
    )
    team.members.set(accountKey(login), role)
    if (!org.members.has(accountKey(login))) org.members.set(accountKey(login), 'member')
    return json(teamMembershipShape(call.hub, team, login))
  }),

  orgRoute('DELETE', `${TEAM}/memberships/{username}`, 'write', (call, org) => {
    if (!findTeam(call, org).members.delete(accountKey(call.params.username ?? ''))) throw notFound()
    return noContent()
  }),

  orgRoute('GET', `${TEAM}/repos`, 'read', (call, org) => {
    const { repositories } = findTeam(call, org)
    const listed = [...call.hub.state.repositories.values()].filter(({ id }) => repositories.has(id))
    return page(call, listed, (repo) => teamRepositoryShape(call, repo, repositories.get(repo.id) ?? 'none'))
  }),

  orgRoute('PUT', `${TEAM}/repos/{owner}/{repo}`, 'write', (call, org) => {
    const team = findTeam(call, org)
    const repo = call.hub.state.repositories.get(repositoryKey(call.params.owner ?? '', call.params.repo ?? ''))
    if (repo?.owner !== org) throw notFound()
    const { permission } = readBody(call, 'Team', z.object({ permission: z.string().default('push') }))
    const role = ROLE_OF[permission]
    if (!role) throw validationFailed({ resource: 'Team', field: 'permission', code: 'invalid' })
    team.repositories.set(repo.id, role)
    return noContent()
  }),

  read('/repos/{owner}/{repo}/teams', 'administration:read', (call) => {
    const teams = [...call.repo.owner.teams.values()].filter(({ repositories }) => repositories.has(call.repo.id))
    return page(call, teams, (team) => {
      const role = team.repositories.get(call.repo.id) ?? 'none'
      return { ...teamShape(call.hub, team), permission: oldWord(role), permissions: permissionsShape(role) }
    })
  }),
]

/** What a new team is made of. */
type NewTeam = Pick<Team, 'name' | 'description' | 'privacy'>

/** Makes a team; its slug follows from its name. */
export function addTeam({ hub }: Pick<Call, 'hub'>, org: Account, given: NewTeam): Team {
  const slug = slugOf(given.name)
  const { state, clock } = hub
  const rest = { members: new Map(), repositories: new Map(), createdAtMs: clock() }
  const team: Team = { ...given, id: state.nextId(), org, slug, ...rest }
  org.teams.set(slug, team)
  return team
}

function slugOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
}

type OrgHandler = (call: Call, org: Account) => Reply | Promise<Reply>

/** A route for the organisation's members, its Apps and, for changes, its owners. */
function orgRoute(method: string, path: string, level: 'read' | 'write', handle: OrgHandler) {
  return route(method, path, (call) => {
    const org = findOrganization(call.hub, call.params.org)
    authorizeMember(call, org, level)
    return handle(call, org)
  })
}

/** GitHub shows who belongs to an organisation to its members only, and to all others nothing. */
function authorizeMember({ credentials }: Call, org: Account, level: 'read' | 'write'): void {
  const account = accountOf(credentials)
  if (!account) throw new GithubError(401, 'Requires authentication')
  if (credentials.kind === 'app') throw new GithubError(403, 'Resource not accessible by integration')
  if (credentials.kind === 'token') authorizeToken(credentials.token, org, level)
  const isInstallation = credentials.kind === 'token' && credentials.token.installation !== null
  const role = account === org || isInstallation ? 'admin' : org.members.get(accountKey(account.login))
  if (role === undefined) throw notFound()
  if (level === 'write' && role !== 'admin') {
    throw new GithubError(403, 'Must be an organization owner or team maintainer.')
  }
}

function authorizeToken(token: Token, org: Account, level: 'read' | 'write'): void {
  const { permissions, installation, scopes } = token
  if (installation && installation.account !== org) throw notFound()
  if (permissions !== null && !grants(permissions, 'members', level)) throw notAccessible(token)
  const needed = level === 'read' ? ['read:org', 'write:org', 'admin:org'] : ['admin:org']
  if (permissions === null && !needed.some((scope) => scopes.includes(scope))) throw notFound()
}

/** The organisation of that name; 404 when there is none. */
export function findOrganization(hub: Call['hub'], login: string | undefined): Account {
  const org = hub.state.accounts.get(accountKey(login ?? ''))
  if (org?.type !== 'Organization') throw notFound()
  return org
}

function findTeam({ params }: Call, org: Account): Team {
  const team = org.teams.get(accountKey(params.team_slug ?? ''))
  if (!team) throw notFound()
  return team
}

function findAccount({ hub }: Call, login: string | undefined): Account {
  const account = hub.state.accounts.get(accountKey(login ?? ''))
  if (!account) throw notFound()
  return account
}

function teamRepositoryShape({ hub }: Call, repo: Repository, role: Role) {
  return { ...repositoryShape(hub, repo), permissions: permissionsShape(role), role_name: role }
}

function oldWord(role: Role): string {
  return Object.keys(ROLE_OF).find((word) => ROLE_OF[word] === role) ?? 'pull'
}
