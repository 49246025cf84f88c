// Pull requests: opening, listing, updating, merging, and the webhooks of each.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

function open(head: string, base = 'main') {
  return world.bot.rest.pulls.create({ ...world.app, title: `Pull ${head}`, head, base, body: 'The body' })
}

test('a pull request shows its real commits, files and whether it merges', async () => {
  const { bot, app } = world
  const sha = await world.branch('feature')
  await world.listen()
  const { data: pull } = await open('feature')
  expect(pull).toMatchObject({
    number: 1,
    state: 'open',
    merged: false,
    mergeable: true,
    mergeable_state: 'clean',
    commits: 1,
    additions: 1,
    deletions: 1,
    changed_files: 1,
    user: { login: 'bot' },
    author_association: 'COLLABORATOR',
    head: { ref: 'feature', sha, label: 'acme:feature' },
  })
  const files = await bot.rest.pulls.listFiles({ ...app, pull_number: 1 })
  expect(files.data.map(({ filename, status }) => [filename, status])).toEqual([['src/a.txt', 'modified']])
  const commits = await bot.rest.pulls.listCommits({ ...app, pull_number: 1 })
  expect(commits.data.map((commit) => commit.sha)).toEqual([sha])
  const diff = await bot.rest.pulls.get({ ...app, pull_number: 1, mediaType: { format: 'diff' } })
  expect(diff.data).toContain('diff --git a/src/a.txt b/src/a.txt')
  const found = await bot.rest.repos.listPullRequestsAssociatedWithCommit({ ...app, commit_sha: sha })
  expect(found.data.map(({ number }) => number)).toEqual([1])
  await world.github.settled()
  expect(world.receiver.names()).toEqual(['ping', 'pull_request.opened'])
})

test('a pull request that cannot be is refused in the words of GitHub', async () => {
  await world.branch('feature')
  await world.branch('empty', {})
  await world.repo.commit({ branch: 'same', message: 'x', files: {} })
  await open('feature')
  expect(await failure(open('feature'))).toMatchObject({
    status: 422,
    message: 'Validation Failed',
    errors: [{ resource: 'PullRequest', code: 'custom', message: 'A pull request already exists for acme:feature.' }],
  })
  expect((await failure(open('none'))).errors).toEqual([{ resource: 'PullRequest', field: 'head', code: 'invalid' }])
  expect((await failure(open('feature', 'none'))).errors).toEqual([
    { resource: 'PullRequest', field: 'base', code: 'invalid' },
  ])
  const { owner, app } = world
  const main = (await world.repo.head()) ?? ''
  await owner.rest.git.createRef({ ...app, ref: 'refs/heads/level', sha: main })
  expect((await failure(open('level'))).errors?.[0]?.message).toBe('No commits between main and level')
})

test('fifty requests for the same pull request at once open exactly one', async () => {
  await world.branch('feature')
  const all = await Promise.allSettled(Array.from({ length: 50 }, () => open('feature')))
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await world.repo.pulls()).toHaveLength(1)
})

test('pull requests are listed by state, head, base and page', async () => {
  const { bot, app, repo } = world
  for (const name of ['a', 'b', 'c']) {
    await world.branch(name)
    await open(name)
  }
  await repo.closePullRequest(2)
  const numbers = async (query: object) =>
    (await bot.rest.pulls.list({ ...app, ...query })).data.map(({ number }) => number)
  expect(await numbers({})).toEqual([3, 1])
  expect(await numbers({ state: 'all', direction: 'asc' })).toEqual([1, 2, 3])
  expect(await numbers({ state: 'closed' })).toEqual([2])
  expect(await numbers({ head: 'acme:c' })).toEqual([3])
  expect(await numbers({ head: 'other:c' })).toEqual([])
  expect(await numbers({ base: 'none' })).toEqual([])
  const first = await bot.rest.pulls.list({ ...app, state: 'all', per_page: 2 })
  expect(first.headers.link).toMatch(/page=2>; rel="next", .*page=2>; rel="last"/)
  expect(await bot.paginate(bot.rest.pulls.list, { ...app, state: 'all', per_page: 2 })).toHaveLength(3)
})

test('a merge makes a merge commit, closes the pull request and what it fixes, and sends the webhooks', async () => {
  const { bot, app, repo } = world
  const issue = await repo.openIssue({ title: 'A bug' })
  const head = await world.branch('feature')
  const pull = await bot.rest.pulls.create({
    ...app,
    title: 'T',
    head: 'feature',
    base: 'main',
    body: `Fixes #${issue.number}`,
  })
  const before = await repo.head()
  await world.listen()
  const number = pull.data.number
  expect((await failure(bot.rest.pulls.checkIfMerged({ ...app, pull_number: number }))).status).toBe(404)
  const { data } = await bot.rest.pulls.merge({ ...app, pull_number: number, sha: head })
  expect(data).toMatchObject({ merged: true, sha: await repo.head() })
  const commit = await bot.rest.git.getCommit({ ...app, commit_sha: data.sha })
  expect(commit.data.parents.map(({ sha }) => sha)).toEqual([before, head])
  expect(commit.data.message).toBe(`Merge pull request #${number} from acme/feature\n\nT`)
  expect(await repo.readFile('main', 'src/a.txt')).toContain('feature')
  expect((await bot.rest.pulls.checkIfMerged({ ...app, pull_number: number })).status).toBe(204)
  const after = await bot.rest.pulls.get({ ...app, pull_number: number })
  expect(after.data).toMatchObject({
    state: 'closed',
    merged: true,
    merge_commit_sha: data.sha,
    merged_by: { login: 'bot' },
  })
  expect((await repo.issues('closed')).map((each) => each.number)).toEqual([issue.number])
  await world.github.settled()
  expect(world.receiver.names()).toEqual(['issues.closed', 'ping', 'pull_request.closed', 'push'])
  const closed = world.receiver.arrivals.find(({ event }) => event === 'pull_request')
  expect(closed?.payload.pull_request).toMatchObject({ merged: true, merge_commit_sha: data.sha })
})

test('a squash merge has one parent and the changes of all commits', async () => {
  const { repo, bot, app } = world
  await world.branch('feature')
  await repo.commit({ branch: 'feature', message: 'second', files: { 'x.txt': 'x' }, author: 'bot' })
  await open('feature')
  const before = await repo.head()
  const sha = await repo.mergePullRequest(1, 'acme', { merge_method: 'squash' })
  const { data } = await bot.rest.git.getCommit({ ...app, commit_sha: sha })
  expect(data.parents.map((parent) => parent.sha)).toEqual([before])
  expect(data.message).toBe('Pull feature (#1)\n\n* change on feature\n\n* second')
  expect(await repo.readFile('main', 'x.txt')).toBe('x')
})

test('what cannot be merged is refused: conflicts, drafts, moved heads, closed ones', async () => {
  const { bot, app, repo } = world
  const merge = (pull_number: number, sha?: string) =>
    bot.rest.pulls.merge({ ...app, pull_number, ...(sha && { sha }) })
  await world.branch('one', { 'src/a.txt': 'ours\n' })
  await world.branch('two', { 'src/a.txt': 'theirs\n' })
  await open('one')
  await open('two')
  expect(await failure(merge(1, 'f'.repeat(40)))).toMatchObject({ status: 409 })
  await merge(1)
  expect(await failure(merge(1))).toEqual({ status: 405, message: 'Pull Request is not mergeable' })
  expect((await bot.rest.pulls.get({ ...app, pull_number: 2 })).data).toMatchObject({
    mergeable: false,
    mergeable_state: 'dirty',
  })
  expect(await failure(merge(2))).toEqual({ status: 405, message: 'Pull Request is not mergeable' })
  await world.branch('three', { 'y.txt': 'y' })
  const draft = await repo.openPullRequest({ title: 'Draft', head: 'three', draft: true })
  expect((await failure(merge(draft.number))).message).toBe('Pull Request is still a draft')
})

test('edits, closing and reopening send what changed', async () => {
  const { bot, app, repo } = world
  await world.branch('feature')
  await open('feature')
  await world.listen()
  const update = (fields: object) => bot.rest.pulls.update({ ...app, pull_number: 1, ...fields })
  await update({ title: 'New title', body: 'New body' })
  await update({ state: 'closed' })
  expect((await update({ state: 'open' })).data.state).toBe('open')
  await update({ title: 'New title' })
  await repo.deleteBranch('feature')
  expect((await failure(update({ state: 'open' }))).status).toBe(422)
  await world.github.settled()
  const names = ['delete', 'ping', 'pull_request.closed', 'pull_request.closed', 'pull_request.edited']
  expect(world.receiver.names()).toEqual([...names, 'pull_request.reopened', 'push'])
  const edited = world.receiver.arrivals.find(({ payload }) => payload.action === 'edited')
  expect(edited?.payload.changes).toEqual({ title: { from: 'Pull feature' }, body: { from: 'The body' } })
})

test('a commit on the head branch synchronises the pull request', async () => {
  const { bot, app, repo } = world
  const before = await world.branch('feature')
  await open('feature')
  await world.listen()
  const after = await repo.commit({ branch: 'feature', message: 'more', files: { 'x.txt': 'x\n' } })
  expect((await bot.rest.pulls.get({ ...app, pull_number: 1 })).data.head.sha).toBe(after)
  expect((await bot.rest.git.getRef({ ...app, ref: 'pull/1/head' })).data.object.sha).toBe(after)
  await world.github.settled()
  const sent = world.receiver.arrivals.find(({ payload }) => payload.action === 'synchronize')
  expect(sent?.payload).toMatchObject({ number: 1, before, after, pull_request: { head: { sha: after }, commits: 2 } })
})
