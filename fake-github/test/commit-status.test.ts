// What hangs below a commit or a branch: statuses, checks, protection.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

test('the latest status of each context is the status of the commit', async () => {
  const { bot, app, as } = world
  const sha = await world.branch('feature/x')
  await world.listen()
  const report = (state: 'pending' | 'failure' | 'success', context: string) =>
    bot.rest.repos.createCommitStatus({
      ...app,
      sha,
      state,
      context,
      description: 'd',
      target_url: 'https://ci.test/1',
    })
  const combined = async (ref = 'feature/x') => (await bot.rest.repos.getCombinedStatusForRef({ ...app, ref })).data
  expect(await combined()).toMatchObject({ state: 'pending', sha, total_count: 0, statuses: [] })
  expect((await report('pending', 'build')).data).toMatchObject({ state: 'pending', creator: { login: 'bot' } })
  await report('success', 'lint')
  expect((await combined()).state).toBe('pending')
  await report('failure', 'build')
  expect(await combined(sha)).toMatchObject({ state: 'failure', total_count: 2, repository: { full_name: 'acme/app' } })
  await report('success', 'build')
  const { state, statuses } = await combined()
  expect([state, statuses.map((one) => one.context)]).toEqual(['success', ['build', 'lint']])
  const all = await bot.rest.repos.listCommitStatusesForRef({ ...app, ref: 'feature/x', per_page: 3 })
  expect(all.data.map((one) => `${one.context} ${one.state}`)).toEqual([
    'build success',
    'build failure',
    'lint success',
  ])
  expect(all.headers.link).toContain('rel="next"')
  expect((await bot.request(`GET ${all.data[0]?.url}`)).data).toHaveLength(4)

  const create = { ...app, sha, state: 'success' } as const
  expect((await failure(as('guest').rest.repos.createCommitStatus(create))).status).toBe(403)
  expect(await failure(bot.rest.repos.createCommitStatus({ ...create, sha: 'f'.repeat(40) }))).toEqual({
    status: 422,
    message: `No commit found for SHA: ${'f'.repeat(40)}`,
  })
  expect((await failure(bot.rest.repos.getCombinedStatusForRef({ ...app, ref: 'none' }))).status).toBe(404)
  await world.github.settled()
  expect(world.receiver.names()).toEqual(['ping', 'status', 'status', 'status', 'status'])
  expect(world.receiver.arrivals.find(({ event }) => event === 'status')?.payload).toMatchObject({
    sha,
    name: 'acme/app',
    commit: { sha },
    branches: [{ name: 'feature/x' }],
  })
})

test('what is below a commit or a branch is not taken for the name of one, with slashes or without', async () => {
  const { github, app, bot, owner } = world
  const sha = await world.branch('feature/x')
  const get = async (path: string) => {
    const response = await fetch(`${github.apiUrl}/repos/acme/app/${path}`, {
      headers: { authorization: `Bearer ${github.addToken({ login: 'acme' })}` },
    })
    return [response.status, await response.json()]
  }
  for (const ref of [sha, 'main', 'feature/x', 'feature%2Fx']) {
    expect(await get(`commits/${ref}/status`)).toMatchObject([200, { state: 'pending' }])
    expect(await get(`commits/${ref}/statuses`)).toEqual([200, []])
    expect(await get(`commits/${ref}/check-runs`)).toEqual([200, { total_count: 0, check_runs: [] }])
    expect(await get(`commits/${ref}/check-suites`)).toEqual([200, { total_count: 0, check_suites: [] }])
    expect(await get(`commits/${ref}`)).toMatchObject([200, { commit: {} }])
  }
  for (const branch of ['main', 'feature/x', 'feature%2Fx']) {
    const message = 'Branch not protected'
    expect(await get(`branches/${branch}/protection`)).toMatchObject([404, { message }])
    expect(await get(`branches/${branch}/protection/restrictions/users`)).toMatchObject([404, { message }])
    expect(await get(`branches/${branch}`)).toMatchObject([200, { protected: false }])
  }
  const where = await bot.rest.repos.listBranchesForHeadCommit({ ...app, commit_sha: sha })
  expect(where.data.map(({ name }) => name)).toEqual(['feature/x'])
  const protection = { ...app, branch: 'main' }
  expect(await failure(bot.rest.repos.getBranchProtection(protection))).toEqual({ status: 404, message: 'Not Found' })
  const protect = { required_status_checks: null, enforce_admins: true, required_pull_request_reviews: null }
  const set = owner.rest.repos.updateBranchProtection({ ...protection, ...protect, restrictions: null })
  expect((await failure(set)).message).toMatch(/^The fake GitHub has no route for PUT /)
})
