import { afterAll, beforeAll, expect, test } from 'vitest'
import { RetryAt } from '../../lib/error.ts'
import type { GithubStage } from './fixtures/stage.ts'
import { failure, openGithubStage } from './fixtures/stage.ts'

let stage: GithubStage
beforeAll(async () => {
  stage = await openGithubStage()
})
afterAll(() => stage.close())

test('an account has the permission of its role, and everybody else may read or nothing', async () => {
  const { fake } = stage
  await fake.addRepository({
    owner: 'acme',
    name: 'roles',
    collaborators: { tina: 'triage', wendy: 'write', mark: 'maintain' },
    files: { a: 'a' },
  })
  const forge = stage.forge()
  const of = (login: string) => forge.permission('acme/roles', login)
  expect(await Promise.all(['tina', 'wendy', 'mark', 'acme', 'nobody-of-this-name'].map(of))).toEqual([
    ...['triage', 'write', 'maintain', 'admin', 'none'],
  ])
})

test('a team has the members that have joined it, also during a rate limit', async () => {
  const { fake } = stage
  const tools = fake.addOrganization({ login: 'tools', owners: ['olga'], members: ['mia'] })
  tools.addTeam({ name: 'Core', members: ['mia'] })
  await fake.addRepository({ owner: 'tools', name: 'kit', files: { a: 'a' } })
  const token = fake.addToken({ login: 'olga', scopes: ['repo', 'read:org'] })
  const forge = stage.forge({ auth: { token } })
  const isIn = (login: string) => forge.isTeamMember('tools/kit', 'tools/core', login)
  expect(await Promise.all(['mia', 'olga', 'mallory'].map(isIn))).toEqual([true, false, false])
  expect(await forge.isTeamMember('tools/kit', 'tools/no-such-team', 'mia')).toBe(false)
  for (const kind of ['primaryRateLimit', 'secondaryRateLimit'] as const) {
    fake.faults.add({ route: /memberships/, kind })
    expect(await failure(isIn('mia'))).toBeInstanceOf(RetryAt)
    expect(await isIn('mia')).toBe(true)
  }
  fake.faults.add({ route: /memberships/, kind: 'status', status: 403 })
  expect(await isIn('mia')).toBe(false)
})

test('in an outage nobody is said to have a permission', async () => {
  stage.fake.faults.add({ route: /permission$/, kind: 'status', status: 502 })
  expect(await failure(stage.forge().permission('acme/shop', 'acme'))).toBeInstanceOf(RetryAt)
})

test('the head of a pull request is where its branch is now', async () => {
  const { repo } = stage
  const sha = await repo.commit({ message: 'Change', files: { b: 'b' }, branch: 'change' })
  const pull = await repo.openPullRequest({ title: 'Change', head: 'change' })
  const head = await stage.forge().pullRequestHead('acme/shop', pull.number)
  expect(head).toEqual({ sha, fromFork: false, pushedAt: expect.any(Date) })
  expect(await stage.forge().pullRequestHead('acme/shop', 999)).toBeNull()
})
