// Trouble on request.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

const ISSUES = '/repos/{owner}/{repo}/issues'

function create() {
  return world.bot.rest.issues.create({ ...world.app, title: 'x' })
}

test('a status fault strikes so often, after so many, on its route only', async () => {
  const { github, repo, bot, app } = world
  const fault = github.faults.add({ method: 'post', route: ISSUES, kind: 'status', status: 502, skip: 1, times: 2 })
  await create()
  expect((await failure(create())).status).toBe(502)
  expect((await bot.rest.issues.listForRepo(app)).data).toHaveLength(1)
  expect((await failure(create())).status).toBe(502)
  await create()
  expect(fault.hits).toBe(2)
  expect(await repo.issues()).toHaveLength(2)
  expect(github.requests.map(({ fault: kind }) => kind)).toEqual([null, 'status', null, 'status', null])
})

test('a lost response has done its work', async () => {
  const { github, repo } = world
  github.faults.add({ method: 'POST', route: /\/issues$/, kind: 'lostResponse' })
  expect((await failure(create())).status).toBe(500)
  expect(await repo.issues()).toHaveLength(1)
})

test('a timeout does nothing and never answers', async () => {
  const { github, app, repo } = world
  const fault = github.faults.add({ route: ISSUES, kind: 'timeout' })
  const controller = new AbortController()
  const request = world.bot.rest.issues.create({ ...app, title: 'x', request: { signal: controller.signal } })
  const ended = failure(request)
  await expect.poll(() => fault.hits).toBe(1)
  controller.abort()
  expect((await ended).message).toMatch(/abort/i)
  expect(await repo.issues()).toHaveLength(0)
})

test('an expired token stays expired', async () => {
  const { github } = world
  github.faults.add({ kind: 'expireToken' })
  expect(await failure(create())).toEqual({ status: 401, message: 'Bad credentials' })
  expect((await failure(create())).status).toBe(401)
  expect((await world.as('bot').rest.issues.create({ ...world.app, title: 'y' })).status).toBe(201)
})

test('rate limits come with the headers a client waits by', async () => {
  const { github } = world
  const headersOf = async () => {
    try {
      await create()
    } catch (error) {
      const { status, response } = error as { status: number; response: { headers: object; data: { message: string } } }
      return { status, headers: response.headers, message: response.data.message }
    }
    return null
  }
  github.faults.add({ kind: 'secondaryRateLimit', status: 429, retryAfterSeconds: 7 })
  expect(await headersOf()).toMatchObject({
    status: 429,
    headers: { 'retry-after': '7' },
    message: expect.stringMatching(/^You have exceeded a secondary rate limit/),
  })
  github.faults.add({ kind: 'primaryRateLimit', retryAfterSeconds: 30 })
  expect(await headersOf()).toMatchObject({
    status: 403,
    headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': expect.stringMatching(/^\d+$/) },
    message: expect.stringMatching(/^API rate limit exceeded/),
  })
})

test('callbacks race and crash at any call: before it takes effect and after', async () => {
  const { github, repo, app, bot } = world
  await world.branch('feature')
  const seen: unknown[] = []
  github.faults.add({
    method: 'POST',
    route: '/repos/{owner}/{repo}/pulls',
    before: () => repo.openPullRequest({ title: 'The other was faster', head: 'feature' }),
    after: ({ status }) => seen.push(status),
  })
  const late = bot.rest.pulls.create({ ...app, title: 'Late', head: 'feature', base: 'main' })
  expect((await failure(late)).errors?.[0]?.message).toMatch(/already exists/)
  expect(seen).toEqual([422])
})

test('faults can be taken back', async () => {
  const { github } = world
  github.faults.add({ kind: 'status' }).remove()
  await create()
  github.faults.add({ kind: 'status' })
  github.faults.clear()
  await create()
})
