// Who may do what, and what everybody gets: error bodies, headers, paging, conditional requests.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
let now = Date.parse('2026-01-01T00:00:00Z')
beforeEach(async () => {
  world = await openWorld({ clock: () => now })
})
afterEach(() => world.close())

test('unknown, expired and missing tokens get the errors of GitHub', async () => {
  const { github, app, client } = world
  const bad = { status: 401, message: 'Bad credentials' }
  expect(await failure(client('ghp_nobody').rest.users.getAuthenticated())).toEqual(bad)
  const expiring = client(github.addToken({ login: 'bot', expiresAt: now + 1000 }))
  expect((await expiring.rest.users.getAuthenticated()).data.login).toBe('bot')
  now += 1000
  expect(await failure(expiring.rest.users.getAuthenticated())).toEqual(bad)
  const anonymous = client()
  expect((await anonymous.rest.repos.get(app)).data.full_name).toBe('acme/app')
  expect(await failure(anonymous.rest.issues.create({ ...app, title: 'x' }))).toEqual({
    status: 401,
    message: 'Requires authentication',
  })
  expect((await failure(anonymous.rest.users.getAuthenticated())).status).toBe(401)
})

test('a private repository does not exist for those outside', async () => {
  const { github, client, as } = world
  const place = { owner: 'acme', repo: 'secret' }
  await github.addRepository({
    owner: 'acme',
    name: 'secret',
    private: true,
    files: { a: 'a' },
    collaborators: { reader: 'read' },
  })
  const missing = { status: 404, message: 'Not Found' }
  expect(await failure(client().rest.repos.get(place))).toEqual(missing)
  expect(await failure(as('guest').rest.repos.get(place))).toEqual(missing)
  expect(await failure(as('guest').rest.issues.create({ ...place, title: 'x' }))).toEqual(missing)
  expect((await as('reader').rest.repos.get(place)).status).toBe(200)
  expect((await as('reader').rest.issues.create({ ...place, title: 'x' })).status).toBe(201)
  expect((await failure(as('reader').rest.git.createBlob({ ...place, content: 'x' }))).status).toBe(403)
  const unscoped = client(github.addToken({ login: 'acme', scopes: [] }))
  expect(await failure(unscoped.rest.repos.get(place))).toEqual(missing)
})

test('a fine-grained token does what it was given and nothing else', async () => {
  const { github, app, client } = world
  const { rest } = client(
    github.addToken({ login: 'acme', permissions: { issues: 'write' }, repositories: ['acme/app'] }),
  )
  expect((await rest.issues.create({ ...app, title: 'x' })).status).toBe(201)
  expect(await failure(rest.git.createBlob({ ...app, content: 'x' }))).toEqual({
    status: 403,
    message: 'Resource not accessible by personal access token',
  })
  const pulls = client(github.addToken({ login: 'acme', permissions: { pull_requests: 'write' } }))
  expect((await failure(pulls.rest.issues.createComment({ ...app, issue_number: 1, body: 'x' }))).status).toBe(403)
})

test('roles are reported and respected', async () => {
  const { app, bot, as } = world
  const permission = async (username: string) =>
    (await bot.rest.repos.getCollaboratorPermissionLevel({ ...app, username })).data.permission
  as('guest')
  expect(await Promise.all(['acme', 'bot', 'triager', 'guest'].map(permission))).toEqual([
    'admin',
    'write',
    'read',
    'read',
  ])
  await world.repo.openIssue({ title: 'x' })
  const label = (login: string) => as(login).rest.issues.addLabels({ ...app, issue_number: 1, labels: ['x'] })
  expect((await label('triager')).status).toBe(200)
  expect((await failure(label('guest'))).status).toBe(403)
  const ignored = await as('guest').rest.issues.create({ ...app, title: 'y', labels: ['z'] })
  expect(ignored.data.labels).toEqual([])
})

test('malformed bodies, unknown routes and wrong types get their 4xx', async () => {
  const { github } = world
  const headers = { authorization: `Bearer ${github.addToken({ login: 'bot' })}` }
  const post = async (body: string, path = '/repos/acme/app/issues') => {
    const response = await fetch(github.apiUrl + path, { method: 'POST', headers, body })
    return [response.status, ((await response.json()) as { message: string }).message]
  }
  expect(await post('{"title":')).toEqual([400, 'Problems parsing JSON'])
  expect(await post('"text"')).toEqual([400, 'Body should be a JSON object'])
  expect(await post('{"title":{}}')).toEqual([422, 'Validation Failed'])
  expect(await post('')).toEqual([422, 'Validation Failed'])
  expect(await post('{}', '/repos/acme/app/no-such-thing')).toEqual([
    404,
    'The fake GitHub has no route for POST /api/v3/repos/acme/app/no-such-thing',
  ])
  const body = await (await fetch(`${github.apiUrl}/nothing/here`)).json()
  expect(body).toEqual({
    message: 'The fake GitHub has no route for GET /api/v3/nothing/here',
    documentation_url: 'https://docs.github.com/rest',
    status: '404',
  })
})

test('the API answers below /api/v3 and at the root, with GitHub’s headers and conditional requests', async () => {
  const { github } = world
  const token = github.addToken({ login: 'bot' })
  const headers = { authorization: `token ${token}` }
  const first = await fetch(`${github.url}/repos/acme/app`, { headers })
  expect(first.status).toBe(200)
  expect(Object.fromEntries(first.headers)).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    date: new Date(now).toUTCString(),
    'x-github-api-version-selected': '2022-11-28',
    'x-github-request-id': expect.any(String),
    'x-oauth-scopes': 'repo',
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '4999',
    'x-ratelimit-resource': 'core',
  })
  const etag = first.headers.get('etag') ?? ''
  const again = await fetch(`${github.apiUrl}/repos/acme/app`, { headers: { ...headers, 'if-none-match': etag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
  expect((await world.bot.rest.rateLimit.get()).data.rate.limit).toBe(5000)
  expect((await world.bot.rest.users.getByUsername({ username: 'ACME' })).data.login).toBe('acme')
})

test('every request from outside is on record with its route', async () => {
  const { github, bot, app, repo } = world
  await bot.rest.git.getRef({ ...app, ref: 'heads/main' })
  await repo.openIssue({ title: 'by hand, so not logged' })
  expect(
    github.requests.map(({ method, path, route, status, login }) => ({ method, path, route, status, login })),
  ).toEqual([
    {
      method: 'GET',
      path: '/repos/acme/app/git/ref/heads%2Fmain',
      route: '/repos/{owner}/{repo}/git/ref/{ref}',
      status: 200,
      login: 'bot',
    },
  ])
})
