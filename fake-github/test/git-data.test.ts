// Refs, git data, contents, commits and comparisons through octokit.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

const PATH = 'deployments/support-bot/production.json'

/** One commit through the Git Data API, as a publisher makes it. */
async function commitThroughApi({ bot, app }: World, branch: string) {
  const { data: main } = await bot.rest.git.getRef({ ...app, ref: 'heads/main' })
  const { data: parent } = await bot.rest.git.getCommit({ ...app, commit_sha: main.object.sha })
  const { data: blob } = await bot.rest.git.createBlob({ ...app, content: '{"a":1}\n', encoding: 'utf-8' })
  const { data: tree } = await bot.rest.git.createTree({
    ...app,
    base_tree: parent.tree.sha,
    tree: [
      { path: PATH, mode: '100644', type: 'blob', sha: blob.sha },
      { path: 'src/inline.txt', mode: '100644', type: 'blob', content: 'inline\n' },
      { path: 'src/deep/b.txt', mode: '100644', type: 'blob', sha: null },
    ],
  })
  const { data: commit } = await bot.rest.git.createCommit({
    ...app,
    message: 'Deploy',
    tree: tree.sha,
    parents: [main.object.sha],
  })
  await bot.rest.git.createRef({ ...app, ref: `refs/heads/${branch}`, sha: commit.sha })
  return { main: main.object.sha, commit, tree, blob }
}

test('a commit made from blobs and trees is a real commit on the new branch', async () => {
  const { bot, app, repo } = world
  const { commit, tree, blob } = await commitThroughApi(world, 'agenta/deploy-1')
  expect(await repo.branches()).toEqual(['agenta/deploy-1', 'main'])
  expect(await repo.readFile('agenta/deploy-1', PATH)).toBe('{"a":1}\n')
  expect(await repo.readFile('agenta/deploy-1', 'src/deep/b.txt')).toBeNull()
  expect(await repo.readFile('agenta/deploy-1', 'src/a.txt')).toBe('one\ntwo\nthree\n')
  expect(commit.author.email).toMatch(/\+bot@users\.noreply\.github\.com$/)

  const flat = await bot.rest.git.getTree({ ...app, tree_sha: tree.sha, recursive: 'true' })
  expect(flat.data.tree.map(({ path, type }) => `${type} ${path}`)).toEqual([
    'blob README.md',
    'tree deployments',
    'tree deployments/support-bot',
    `blob ${PATH}`,
    'tree src',
    'blob src/a.txt',
    'blob src/inline.txt',
  ])
  const top = await bot.rest.git.getTree({ ...app, tree_sha: 'main' })
  expect(top.data.tree.map((entry) => entry.path)).toEqual(['README.md', 'src'])
  const read = await bot.rest.git.getBlob({ ...app, file_sha: blob.sha })
  expect(Buffer.from(read.data.content, 'base64').toString()).toBe('{"a":1}\n')
})

test('a path that the base does not have cannot be deleted from it', async () => {
  const { bot, app } = world
  const gone = (path: string) => [{ path, mode: '100644', type: 'blob', sha: null }] as const
  const create = (path: string, base?: { base_tree: string }) =>
    bot.rest.git.createTree({ ...app, ...base, tree: [...gone(path)] })
  expect((await create('src/a.txt', { base_tree: 'main' })).status).toBe(201)
  for (const refused of [create('src/none.txt', { base_tree: 'main' }), create('src/a.txt')]) {
    expect(await failure(refused)).toMatchObject({ status: 422, message: expect.stringContaining('BadObjectState') })
  }
})

test('refs are found, matched, moved forwards, forced and deleted as on GitHub', async () => {
  const { bot, app } = world
  const { main, commit } = await commitThroughApi(world, 'agenta/deploy-1')
  const ref = 'heads/agenta/deploy-1'
  expect((await bot.rest.git.getRef({ ...app, ref })).data.object).toMatchObject({ sha: commit.sha, type: 'commit' })
  const matching = await bot.rest.git.listMatchingRefs({ ...app, ref: 'heads/agenta/deploy-' })
  expect(matching.data.map((each) => each.ref)).toEqual(['refs/heads/agenta/deploy-1'])
  expect((await bot.rest.git.listMatchingRefs({ ...app, ref: 'heads/none' })).data).toEqual([])

  const again = bot.rest.git.createRef({ ...app, ref: `refs/${ref}`, sha: main })
  expect(await failure(again)).toEqual({ status: 422, message: 'Reference already exists' })
  expect(await failure(bot.rest.git.createRef({ ...app, ref: 'refs/heads/x', sha: 'f'.repeat(40) }))).toEqual({
    status: 422,
    message: 'Object does not exist',
  })
  expect((await failure(bot.rest.git.createRef({ ...app, ref: 'heads/x', sha: main }))).status).toBe(422)
  expect((await failure(bot.rest.git.createRef({ ...app, ref: 'refs/heads/a..b', sha: main }))).status).toBe(422)
  const inside = bot.rest.git.createRef({ ...app, ref: `refs/${ref}/below`, sha: main })
  expect(await failure(inside)).toEqual({ status: 422, message: 'Reference update failed' })
  expect(await failure(bot.rest.git.updateRef({ ...app, ref, sha: main }))).toEqual({
    status: 422,
    message: 'Update is not a fast forward',
  })
  expect((await bot.rest.git.updateRef({ ...app, ref, sha: main, force: true })).data.object.sha).toBe(main)
  expect((await bot.rest.git.updateRef({ ...app, ref, sha: commit.sha })).data.object.sha).toBe(commit.sha)
  expect(await failure(bot.rest.git.updateRef({ ...app, ref: 'heads/none', sha: main }))).toEqual({
    status: 422,
    message: 'Reference does not exist',
  })
  expect((await bot.rest.git.deleteRef({ ...app, ref })).status).toBe(204)
  expect(await failure(bot.rest.git.getRef({ ...app, ref }))).toEqual({ status: 404, message: 'Not Found' })
  expect((await failure(bot.rest.git.deleteRef({ ...app, ref }))).status).toBe(422)
})

test('refs are found as older clients ask for them: one by its name, several by a prefix, all', async () => {
  const { bot, app, github } = world
  const at = '/repos/{owner}/{repo}/git/refs'
  for (const name of ['agenta/one', 'agenta/two']) await world.branch(name)
  const refs = async (path: string, query = {}) => {
    const { data, headers } = await bot.request(`GET ${at}${path}`, { ...app, ...query })
    return { data, names: [data].flat().map(({ ref }: { ref: string }) => ref), link: headers.link }
  }
  const main = await refs('/heads/main')
  expect(main.data).toMatchObject({ ref: 'refs/heads/main', object: { sha: await world.repo.head(), type: 'commit' } })
  expect((await bot.request(main.data.url)).data).toEqual(main.data)
  expect((await refs('/heads/agenta/two')).data).toMatchObject({ ref: 'refs/heads/agenta/two' })
  const below = ['refs/heads/agenta/one', 'refs/heads/agenta/two']
  expect((await refs('/heads/agenta')).names).toEqual(below)
  expect((await refs('/heads/age', { per_page: 1, page: 2 })).names).toEqual(below.slice(1))
  const all = await refs('', { per_page: 2 })
  expect([all.names, all.link]).toEqual([below, expect.stringMatching(/page=2>; rel="next"/)])
  const first = await bot.rest.git.listMatchingRefs({ ...app, ref: 'heads/', per_page: 1 })
  expect([first.data.map(({ ref }) => ref), first.headers.link]).toEqual([
    below.slice(0, 1),
    expect.stringMatching(/page=3>; rel="last"/),
  ])
  expect(await failure(refs('/heads/none'))).toEqual({ status: 404, message: 'Not Found' })
  await github.addRepository({ owner: 'acme', name: 'empty' })
  expect(await failure(bot.request(`GET ${at}`, { ...app, repo: 'empty' }))).toEqual({
    status: 409,
    message: 'Git Repository is empty.',
  })
})

test('git data refuses what does not fit together', async () => {
  const { bot, app } = world
  const tree = [{ path: 'x', mode: '100644', type: 'blob', sha: 'f'.repeat(40) }] as const
  expect((await failure(bot.rest.git.createTree({ ...app, tree: [...tree] }))).status).toBe(422)
  expect(
    (await failure(bot.rest.git.createTree({ ...app, tree: [{ path: '../x', mode: '100644', content: '' }] }))).status,
  ).toBe(422)
  expect((await failure(bot.rest.git.createCommit({ ...app, message: 'm', tree: 'f'.repeat(40) }))).status).toBe(422)
  expect((await failure(bot.rest.git.getTree({ ...app, tree_sha: 'nope' }))).status).toBe(404)
  expect((await failure(bot.rest.git.getBlob({ ...app, file_sha: 'f'.repeat(40) }))).status).toBe(404)
  const missing = await failure(bot.request('POST /repos/{owner}/{repo}/git/commits', { ...app, tree: 'x' } as never))
  expect(missing).toMatchObject({ status: 422, message: 'Validation Failed' })
  expect(missing.errors).toEqual([{ resource: 'Commit', field: 'message', code: 'missing_field' }])
})

test('contents are read, created, replaced by sha and deleted', async () => {
  const { bot, app, repo } = world
  const file = await bot.rest.repos.getContent({ ...app, path: 'src/a.txt' })
  expect(file.data).toMatchObject({ type: 'file', name: 'a.txt', path: 'src/a.txt', size: 14, encoding: 'base64' })
  const raw = await bot.rest.repos.getContent({ ...app, path: 'src/a.txt', mediaType: { format: 'raw' } })
  expect(raw.data).toBe('one\ntwo\nthree\n')
  const folder = await bot.rest.repos.getContent({ ...app, path: 'src' })
  expect((folder.data as { name: string; type: string }[]).map(({ name, type }) => `${type} ${name}`)).toEqual([
    'file a.txt',
    'dir deep',
  ])
  const root = await bot.rest.repos.getContent({ ...app, path: '' })
  expect((root.data as unknown[]).length).toBe(2)

  const put = (path: string, text: string, sha?: string, branch?: string) =>
    bot.rest.repos.createOrUpdateFileContents({
      ...app,
      path,
      message: `write ${path}`,
      content: Buffer.from(text).toString('base64'),
      ...(sha && { sha }),
      ...(branch && { branch }),
    })
  const made = await put('new/file.txt', 'first\n')
  expect(made.status).toBe(201)
  const sha = made.data.content?.sha ?? ''
  expect(await failure(put('new/file.txt', 'x'))).toMatchObject({ status: 422 })
  expect(await failure(put('new/file.txt', 'x', 'f'.repeat(40)))).toMatchObject({ status: 409 })
  expect(await failure(put('new/file.txt', 'x', sha, 'none'))).toEqual({
    status: 404,
    message: 'Branch none not found',
  })
  expect((await put('new/file.txt', 'second\n', sha)).status).toBe(200)
  expect(await repo.readFile('main', 'new/file.txt')).toBe('second\n')

  const { data: now } = await bot.rest.repos.getContent({ ...app, path: 'new/file.txt' })
  const remove = { ...app, path: 'new/file.txt', message: 'remove' }
  expect((await failure(bot.rest.repos.deleteFile({ ...remove, sha }))).status).toBe(409)
  await bot.rest.repos.deleteFile({ ...remove, sha: (now as { sha: string }).sha })
  expect((await failure(bot.rest.repos.getContent({ ...app, path: 'new' }))).status).toBe(404)
})

test('commits and branches are listed and shown with their files', async () => {
  const { bot, app, repo } = world
  const sha = await world.branch('feature/x')
  const commit = await bot.rest.repos.getCommit({ ...app, ref: 'feature/x' })
  expect(commit.data).toMatchObject({ sha, author: { login: 'bot' }, stats: { total: 2, additions: 1, deletions: 1 } })
  expect(commit.data.files?.[0]).toMatchObject({ filename: 'src/a.txt', status: 'modified' })
  expect(commit.data.files?.[0]?.patch).toBe('@@ -1,3 +1,3 @@\n one\n-two\n+feature/x\n three')
  const list = await bot.rest.repos.listCommits({ ...app, sha: 'feature/x', per_page: 1 })
  expect(list.data.map((each) => each.sha)).toEqual([sha])
  expect(list.headers.link).toContain('rel="next"')
  expect((await bot.paginate(bot.rest.repos.listCommits, { ...app, sha: 'feature/x', per_page: 1 })).length).toBe(2)
  expect((await bot.rest.repos.listCommits({ ...app, path: 'src/deep' })).data.length).toBe(1)
  expect((await bot.rest.repos.listBranches(app)).data.map(({ name }) => name)).toEqual(['feature/x', 'main'])
  expect((await bot.rest.repos.getBranch({ ...app, branch: 'feature/x' })).data.commit.sha).toBe(sha)
  expect(await failure(bot.rest.repos.getBranch({ ...app, branch: 'none' }))).toEqual({
    status: 404,
    message: 'Branch not found',
  })
  expect((await failure(bot.rest.repos.getCommit({ ...app, ref: 'f'.repeat(40) }))).status).toBe(422)
  const first = (await bot.rest.repos.getCommit({ ...app, ref: (await repo.head()) ?? '' })).data
  expect(first.files?.map(({ status }) => status)).toEqual(['added', 'added', 'added'])
})

test('a comparison counts commits on both sides and shows renames and patches', async () => {
  const { bot, app, repo } = world
  await world.branch('feature', { 'src/c.txt': 'c\n' })
  await repo.commit({ branch: 'feature', message: 'rename', files: { 'src/deep/b.txt': null, 'src/moved.txt': 'b\n' } })
  await repo.commit({ message: 'main moves', files: { 'README.md': '# Other\n' } })
  const { data } = await bot.rest.repos.compareCommitsWithBasehead({ ...app, basehead: 'main...feature' })
  expect(data).toMatchObject({ status: 'diverged', ahead_by: 2, behind_by: 1, total_commits: 2 })
  expect(data.commits.map(({ commit }) => commit.message)).toEqual(['change on feature', 'rename'])
  expect(data.files?.map(({ filename, status, previous_filename: from }) => [filename, status, from])).toEqual([
    ['src/c.txt', 'added', undefined],
    ['src/moved.txt', 'renamed', 'src/deep/b.txt'],
  ])
  const same = await bot.rest.repos.compareCommitsWithBasehead({ ...app, basehead: 'main...main' })
  expect(same.data).toMatchObject({ status: 'identical', files: [] })
  expect((await failure(bot.rest.repos.compareCommitsWithBasehead({ ...app, basehead: 'main...none' }))).status).toBe(
    404,
  )
})
