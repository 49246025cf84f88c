// What clients ask first: the API itself, which repositories there are, and what is in one.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
let now = Date.parse('2026-01-01T00:00:00Z')
beforeEach(async () => {
  world = await openWorld({ clock: () => now++ })
})
afterEach(() => world.close())

test('the API says where things are, at its first address', async () => {
  const { github, bot } = world
  const { data, headers } = await bot.rest.meta.root()
  expect(data).toMatchObject({
    current_user_url: `${github.apiUrl}/user`,
    repository_url: `${github.apiUrl}/repos/{owner}/{repo}`,
  })
  expect(headers['x-oauth-scopes']).toBe('repo')
  for (const url of [`${github.url}/`, `${github.apiUrl}/`]) expect(await (await fetch(url)).json()).toEqual(data)
  expect((await bot.rest.meta.get()).data).toMatchObject({ hooks: ['127.0.0.0/8'] })
  expect((await bot.rest.meta.getZen()).data).toBe('Keep it logically awesome.')
})

test('repositories are listed as their own, as a person’s and as an organisation’s', async () => {
  const { github, as, client } = world
  github.addUser('corp', { type: 'Organization' })
  const add = (owner: string, name: string, more = {}) =>
    github.addRepository({ owner, name, collaborators: { bot: 'read' }, ...more })
  await add('corp', 'site')
  await add('corp', 'secret', { private: true, collaborators: {} })
  await add('bot', 'tool', { private: true })
  const names = (reply: { data: { full_name: string }[] }) => reply.data.map((repo) => repo.full_name)
  const { rest } = as('bot')
  const mine = await rest.repos.listForAuthenticatedUser()
  expect(names(mine)).toEqual(['acme/app', 'bot/tool', 'corp/site'])
  expect(mine.data.map(({ permissions }) => permissions?.push)).toEqual([true, true, false])
  expect(names(await rest.repos.listForAuthenticatedUser({ affiliation: 'owner' }))).toEqual(['bot/tool'])
  expect(names(await rest.repos.listForAuthenticatedUser({ visibility: 'public', sort: 'created' }))).toEqual([
    'corp/site',
    'acme/app',
  ])
  const first = await rest.repos.listForAuthenticatedUser({ per_page: 2 })
  expect([names(first), first.headers.link]).toEqual([['acme/app', 'bot/tool'], expect.stringContaining('rel="next"')])
  expect(names(await rest.repos.listForUser({ username: 'bot' }))).toEqual([])
  expect(names(await rest.repos.listForUser({ username: 'ACME' }))).toEqual(['acme/app'])
  expect(names(await rest.repos.listForUser({ username: 'bot', type: 'member' }))).toEqual(['acme/app', 'corp/site'])
  expect(names(await rest.repos.listForOrg({ org: 'corp' }))).toEqual(['corp/site'])
  expect(names(await as('corp').rest.repos.listForOrg({ org: 'corp', sort: 'full_name' }))).toEqual([
    'corp/secret',
    'corp/site',
  ])
  expect(names(await client().rest.repos.listForOrg({ org: 'corp' }))).toEqual(['corp/site'])
  expect((await failure(rest.repos.listForOrg({ org: 'acme' }))).status).toBe(404)
  expect((await failure(rest.repos.listForUser({ username: 'nobody' }))).status).toBe(404)
  expect((await failure(client().rest.repos.listForAuthenticatedUser())).status).toBe(401)
})

test('collaborators are shown with their roles to those who may push', async () => {
  const { app, bot, as, client } = world
  const { data } = await bot.rest.repos.listCollaborators(app)
  expect(data.map((each) => `${each.login} ${each.role_name}`)).toEqual(['acme admin', 'bot write', 'triager triage'])
  expect(data[1]?.permissions).toEqual({ admin: false, maintain: false, push: true, triage: true, pull: true })
  const pushing = await bot.rest.repos.listCollaborators({ ...app, permission: 'push', affiliation: 'outside' })
  expect(pushing.data.map(({ login }) => login)).toEqual(['bot'])
  const seen = async (login: string) => (await as(login).rest.repos.get(app)).data.permissions
  expect([await seen('bot'), await seen('guest')]).toMatchObject([{ push: true }, { push: false, pull: true }])
  expect((await bot.rest.repos.checkCollaborator({ ...app, username: 'triager' })).status).toBe(204)
  expect((await failure(bot.rest.repos.checkCollaborator({ ...app, username: 'guest' }))).status).toBe(404)
  expect(await failure(as('triager').rest.repos.listCollaborators(app))).toEqual({
    status: 403,
    message: 'Must have push access to view repository collaborators.',
  })
  expect((await failure(client().rest.repos.listCollaborators(app))).status).toBe(401)
})

test('the readme, tags, languages and contributors come from the files and commits', async () => {
  const { github, app, bot, repo } = world
  const readme = await bot.rest.repos.getReadme(app)
  expect(readme.data).toMatchObject({ path: 'README.md', encoding: 'base64', size: 6 })
  expect((await bot.rest.repos.getReadme({ ...app, mediaType: { format: 'raw' } })).data).toBe('# App\n')
  await repo.commit({
    message: 'move',
    files: { 'README.md': null, 'docs/readme.txt': 'x', 'a.ts': 'let a', 'b.py': 'b' },
  })
  expect((await bot.rest.repos.getReadme(app)).data.path).toBe('docs/readme.txt')
  await repo.commit({ message: 'remove', files: { 'docs/readme.txt': null }, author: 'bot' })
  expect(await failure(bot.rest.repos.getReadme(app))).toEqual({ status: 404, message: 'Not Found' })

  await repo.publishRelease({ tag: 'v1.9' })
  await repo.publishRelease({ tag: 'v1.10' })
  const tags = await bot.rest.repos.listTags({ ...app, per_page: 1 })
  expect(tags.data).toMatchObject([{ name: 'v1.10', commit: { sha: await repo.head() } }])
  expect((await bot.paginate(bot.rest.repos.listTags, { ...app, per_page: 1 })).map(({ name }) => name)).toEqual([
    'v1.10',
    'v1.9',
  ])
  expect((await bot.rest.repos.listLanguages(app)).data).toEqual({ TypeScript: 5, Python: 1 })
  const contributors = await bot.rest.repos.listContributors(app)
  expect(contributors.data.map((each) => `${each.login} ${each.contributions}`)).toEqual(['acme 2', 'bot 1'])
  await github.addRepository({ owner: 'acme', name: 'empty' })
  expect((await bot.rest.repos.listContributors({ ...app, repo: 'empty' })).status).toBe(204)
  expect((await bot.rest.repos.listLanguages({ ...app, repo: 'empty' })).data).toEqual({})
})

test('topics are replaced by those who maintain the repository', async () => {
  const { app, bot, owner } = world
  await world.listen()
  await owner.rest.repos.replaceAllTopics({ ...app, names: ['Agents', 'prompts'] })
  expect((await bot.rest.repos.getAllTopics(app)).data.names).toEqual(['agents', 'prompts'])
  expect((await bot.rest.repos.get(app)).data.topics).toEqual(['agents', 'prompts'])
  expect((await failure(owner.rest.repos.replaceAllTopics({ ...app, names: ['no spaces'] }))).status).toBe(422)
  expect((await failure(bot.rest.repos.replaceAllTopics({ ...app, names: [] }))).status).toBe(403)
  await world.github.settled()
  expect(world.receiver.names()).toEqual(['ping', 'repository.edited'])
})

test('one branch is merged into another without a pull request', async () => {
  const { app, bot, repo } = world
  const head = await world.branch('feature', { 'x.txt': 'x\n' })
  await world.branch('conflict')
  await repo.commit({ message: 'main moves', files: { 'src/a.txt': 'other\n' } })
  const before = await repo.head()
  await world.listen()
  const merge = (name: string, base = 'main') => bot.rest.repos.merge({ ...app, base, head: name })
  const { status, data } = await merge('feature')
  expect([status, data.sha, data.parents.map(({ sha }) => sha)]).toEqual([201, await repo.head(), [before, head]])
  expect(data.commit.message).toBe('Merge feature into main')
  expect(await repo.readFile('main', 'x.txt')).toBe('x\n')
  expect((await merge('feature')).status).toBe(204)
  expect(await failure(merge('conflict'))).toEqual({ status: 409, message: 'Merge conflict' })
  expect(await failure(merge('none'))).toEqual({ status: 404, message: 'Head does not exist' })
  expect(await failure(merge('feature', 'none'))).toEqual({ status: 404, message: 'Base does not exist' })
  await world.github.settled()
  expect(world.receiver.names()).toEqual(['ping', 'push'])
})
