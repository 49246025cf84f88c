// Who belongs to an organisation and its teams, and what follows for its repositories.
import { App, Octokit } from 'octokit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { OrganizationHandle } from '../src/index.ts'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
let corp: OrganizationHandle
beforeEach(async () => {
  world = await openWorld()
  corp = world.github.addOrganization({ login: 'Corp', owners: ['olga'], members: ['mia'] })
  await world.github.addRepository({ owner: 'Corp', name: 'shop', files: { a: 'a' }, private: true })
})
afterEach(() => world.close())

const SHOP = { owner: 'corp', repo: 'shop' }

function member(login: string) {
  return world.client(world.github.addToken({ login, scopes: ['repo', 'read:org'] }))
}

async function roleOf(username: string) {
  const { data } = await world.as('olga').rest.repos.getCollaboratorPermissionLevel({ ...SHOP, username })
  return [data.permission, data.role_name]
}

test('the strongest of what somebody and their teams were given counts', async () => {
  const { github } = world
  github.addUser('passer-by')
  corp.addTeam({ name: 'Site Reliability', members: ['sam'], repositories: { shop: 'maintain' } })
  expect(await roleOf('olga')).toEqual(['admin', 'admin'])
  expect(await roleOf('mia')).toEqual(['read', 'read'])
  expect(await roleOf('sam')).toEqual(['write', 'maintain'])
  expect(await roleOf('passer-by')).toEqual(['none', 'none'])
  expect((await failure(roleOf('nobody'))).status).toBe(404)
  world.repo.setRole('guest', 'triage')
  const { data } = await world.owner.rest.repos.getCollaboratorPermissionLevel({ ...world.app, username: 'guest' })
  expect([data.permission, data.role_name]).toEqual(['read', 'triage'])
  world.repo.setRole('guest', null)
  const after = await world.owner.rest.repos.getCollaboratorPermissionLevel({ ...world.app, username: 'guest' })
  expect(after.data.permission).toBe('read')
})

test('only who may push learns what others may do', async () => {
  const asked = { ...world.app, username: 'bot' }
  expect(await failure(world.as('guest').rest.repos.getCollaboratorPermissionLevel(asked))).toEqual({
    status: 403,
    message: 'Must have push access to view collaborator permission.',
  })
  expect((await world.bot.rest.repos.getCollaboratorPermissionLevel(asked)).data.permission).toBe('write')
})

test('teams and their members are shown to members of the organisation', async () => {
  const team = corp.addTeam({ name: 'Site Reliability', members: ['sam'], repositories: { shop: 'write' } })
  const org = 'corp'
  const { rest } = member('mia')
  const inTeam = { org, team_slug: team.slug }
  expect((await rest.teams.list({ org })).data.map(({ slug }) => slug)).toEqual(['site-reliability'])
  expect((await rest.teams.getByName(inTeam)).data).toMatchObject({ members_count: 1, repos_count: 1 })
  expect((await rest.teams.listMembersInOrg(inTeam)).data.map(({ login }) => login)).toEqual(['sam'])
  const membership = await rest.teams.getMembershipForUserInOrg({ ...inTeam, username: 'Sam' })
  expect(membership.data).toMatchObject({ role: 'member', state: 'active' })
  expect((await failure(rest.teams.getMembershipForUserInOrg({ ...inTeam, username: 'mia' }))).status).toBe(404)
  expect((await rest.teams.listReposInOrg(inTeam)).data.map((repo) => repo.role_name)).toEqual(['write'])
  expect((await rest.orgs.listMembers({ org })).data.map(({ login }) => login)).toEqual(['olga', 'mia', 'sam'])
  expect((await rest.orgs.checkMembershipForUser({ org, username: 'sam' })).status).toBe(204)
  expect((await rest.orgs.getMembershipForUser({ org, username: 'olga' })).data.role).toBe('admin')
  expect((await rest.orgs.get({ org })).data.login).toBe('Corp')
  const teams = await member('olga').rest.repos.listTeams(SHOP)
  expect(teams.data).toMatchObject([{ slug: 'site-reliability', permission: 'push' }])

  team.setMember('sam', null)
  expect((await failure(rest.teams.getMembershipForUserInOrg({ ...inTeam, username: 'sam' }))).status).toBe(404)
  corp.setMember('sam', null)
  expect((await failure(rest.orgs.checkMembershipForUser({ org, username: 'sam' }))).status).toBe(404)
  expect((await failure(member('passer-by').rest.teams.list({ org }))).status).toBe(404)
  expect((await failure(world.as('mia').rest.teams.list({ org }))).status).toBe(404)
})

test('owners make teams and choose who is in them', async () => {
  const token = (login: string) => world.github.addToken({ login, scopes: ['repo', 'admin:org'] })
  const { rest } = world.client(token('olga'))
  const org = 'corp'
  const { data } = await rest.teams.create({ org, name: 'Release Crew' })
  const inTeam = { org, team_slug: data.slug }
  await rest.teams.addOrUpdateMembershipForUserInOrg({ ...inTeam, username: 'mia', role: 'maintainer' })
  await rest.teams.addOrUpdateRepoPermissionsInOrg({ ...inTeam, ...SHOP, permission: 'push' })
  expect(await roleOf('mia')).toEqual(['write', 'write'])
  expect((await failure(rest.teams.create({ org, name: 'release crew' }))).status).toBe(422)
  expect((await failure(world.client(token('mia')).rest.teams.deleteInOrg(inTeam))).status).toBe(403)
  await rest.teams.removeMembershipForUserInOrg({ ...inTeam, username: 'mia' })
  expect(await roleOf('mia')).toEqual(['read', 'read'])
  expect((await rest.teams.deleteInOrg(inTeam)).status).toBe(204)
})

test('an App asks about teams where it is installed, if it was granted members', async () => {
  const { github } = world
  const team = corp.addTeam({ name: 'crew', members: ['mia'] })
  const installed = (permissions: Record<string, 'read'>) => {
    const handle = github.addApp({ slug: `app-${Object.keys(permissions).join('-')}`, permissions })
    const { id } = handle.install('corp')
    const app = new App({
      appId: handle.appId,
      privateKey: handle.privateKeyPem,
      Octokit: Octokit.defaults({ baseUrl: github.apiUrl, throttle: { enabled: false }, retry: { enabled: false } }),
    })
    return app.getInstallationOctokit(id)
  }
  const asked = { org: 'corp', team_slug: team.slug, username: 'mia' }
  const allowed = await installed({ members: 'read' })
  expect((await allowed.rest.teams.getMembershipForUserInOrg(asked)).data.role).toBe('member')
  const other = await installed({ issues: 'read' })
  expect(await failure(other.rest.teams.getMembershipForUserInOrg(asked))).toMatchObject({ status: 403 })
})

test('a team is asked to review what it can see', async () => {
  const { github } = world
  const repo = await github.addRepository({ owner: 'Corp', name: 'app', files: { a: 'a' } })
  await repo.commit({ message: 'm', files: { a: 'b' }, branch: 'feature' })
  await repo.openPullRequest({ title: 'p', head: 'feature' })
  corp.addTeam({ name: 'reviewers', members: ['mia'], repositories: { app: 'read' } })
  corp.addTeam({ name: 'others' })
  const { rest } = world.as('olga')
  const pull = { owner: 'corp', repo: 'app', pull_number: 1 }
  const ask = (...team_reviewers: string[]) => rest.pulls.requestReviewers({ ...pull, team_reviewers })
  expect((await ask('reviewers')).data.requested_teams?.map(({ slug }) => slug)).toEqual(['reviewers'])
  expect((await failure(ask('others'))).message).toMatch(/only be requested from collaborators/)
  expect((await rest.pulls.listRequestedReviewers(pull)).data.teams.map(({ slug }) => slug)).toEqual(['reviewers'])
  await rest.pulls.removeRequestedReviewers({ ...pull, reviewers: [], team_reviewers: ['reviewers'] })
  expect((await rest.pulls.listRequestedReviewers(pull)).data.teams).toEqual([])
})
