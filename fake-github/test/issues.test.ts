// Issues, comments, labels, commit comments and releases, with their webhooks.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

test('issues are opened, listed, edited and closed', async () => {
  const { bot, app } = world
  await world.listen()
  const { data: issue } = await bot.rest.issues.create({
    ...app,
    title: 'A bug',
    body: 'It breaks',
    labels: ['bug', 'new'],
    assignees: ['bot'],
  })
  expect(issue).toMatchObject({
    number: 1,
    state: 'open',
    assignee: { login: 'bot' },
    labels: [{ name: 'bug' }, { name: 'new' }],
  })
  await bot.rest.issues.create({ ...app, title: 'Another' })
  const numbers = async (query: object) =>
    (await bot.rest.issues.listForRepo({ ...app, ...query })).data.map(({ number }) => number)
  expect(await numbers({})).toEqual([2, 1])
  expect(await numbers({ labels: 'BUG' })).toEqual([1])
  await bot.rest.issues.update({ ...app, issue_number: 1, title: 'A worse bug', labels: ['bug'] })
  const closed = await bot.rest.issues.update({ ...app, issue_number: 1, state: 'closed', state_reason: 'not_planned' })
  expect(closed.data).toMatchObject({ state: 'closed', state_reason: 'not_planned', closed_by: { login: 'bot' } })
  expect(await numbers({ state: 'closed' })).toEqual([1])
  expect((await failure(bot.rest.issues.get({ ...app, issue_number: 99 }))).status).toBe(404)
  expect((await failure(bot.request('POST /repos/{owner}/{repo}/issues', { ...app } as never))).errors).toEqual([
    { resource: 'Issue', field: 'title', code: 'missing_field' },
  ])
  await world.github.settled()
  expect(world.receiver.names()).toEqual([
    'issues.assigned',
    'issues.closed',
    'issues.edited',
    'issues.labeled',
    'issues.labeled',
    'issues.opened',
    'issues.opened',
    'issues.unlabeled',
    'label.created',
    'label.created',
    'ping',
  ])
})

test('a pull request is an issue too, but its labels make pull_request events', async () => {
  const { bot, app, repo } = world
  await world.branch('feature')
  await repo.openPullRequest({ title: 'P', head: 'feature' })
  await repo.openIssue({ title: 'I' })
  await world.listen()
  await bot.rest.issues.addLabels({ ...app, issue_number: 1, labels: ['deployment'] })
  await repo.labelIssue(2, ['deployment', 'claude-task'], 'triager')
  const { data } = await bot.rest.issues.get({ ...app, issue_number: 1 })
  expect(data.pull_request?.url).toContain('/pulls/1')
  await world.github.settled()
  expect(world.receiver.names()).toEqual([
    'issues.labeled',
    'issues.labeled',
    'label.created',
    'label.created',
    'ping',
    'pull_request.labeled',
  ])
  const labeled = world.receiver.arrivals.find(({ event }) => event === 'pull_request')
  expect(labeled?.payload).toMatchObject({ label: { name: 'deployment' }, sender: { login: 'bot' } })
})

test('labels of a repository are unique whatever their case, and go from issues when deleted', async () => {
  const { bot, app, repo } = world
  const make = (name: string) => bot.rest.issues.createLabel({ ...app, name, color: 'ff0000', description: 'd' })
  expect((await make('Deploy: it/now')).data).toMatchObject({ name: 'Deploy: it/now', color: 'ff0000' })
  expect((await failure(make('deploy: IT/now'))).errors).toEqual([
    { resource: 'Label', code: 'already_exists', field: 'name' },
  ])
  expect((await failure(bot.rest.issues.createLabel({ ...app, name: 'x', color: 'red' }))).errors?.[0]?.field).toBe(
    'color',
  )
  await repo.openIssue({ title: 'I', labels: ['deploy: it/now', 'other'] })
  expect((await bot.rest.issues.listLabelsForRepo(app)).data).toHaveLength(2)
  expect((await bot.rest.issues.getLabel({ ...app, name: 'Deploy: it/now' })).data.description).toBe('d')
  await bot.rest.issues.updateLabel({ ...app, name: 'other', new_name: 'renamed', color: '00ff00' })
  const names = async () =>
    (await bot.rest.issues.listLabelsOnIssue({ ...app, issue_number: 1 })).data.map(({ name }) => name)
  expect(await names()).toEqual(['Deploy: it/now', 'renamed'])
  const rest = await bot.rest.issues.removeLabel({ ...app, issue_number: 1, name: 'Deploy: it/now' })
  expect(rest.data.map(({ name }) => name)).toEqual(['renamed'])
  expect(await failure(bot.rest.issues.removeLabel({ ...app, issue_number: 1, name: 'none' }))).toEqual({
    status: 404,
    message: 'Label does not exist',
  })
  await bot.rest.issues.setLabels({ ...app, issue_number: 1, labels: ['a', 'b'] })
  expect(await names()).toEqual(['a', 'b'])
  await bot.rest.issues.deleteLabel({ ...app, name: 'a' })
  expect(await names()).toEqual(['b'])
  await bot.rest.issues.removeAllLabels({ ...app, issue_number: 1 })
  expect(await names()).toEqual([])
  expect((await failure(bot.rest.issues.getLabel({ ...app, name: 'a' }))).status).toBe(404)
})

test('comments are made, edited and deleted by those who may', async () => {
  const { bot, app, repo } = world
  await repo.openIssue({ title: 'I' })
  await world.listen()
  const { data: comment } = await bot.rest.issues.createComment({ ...app, issue_number: 1, body: 'First' })
  await world.as('guest').rest.issues.createComment({ ...app, issue_number: 1, body: 'From outside' })
  expect((await repo.issueComments(1)).map(({ body, author_association: who }) => [body, who])).toEqual([
    ['First', 'COLLABORATOR'],
    ['From outside', 'NONE'],
  ])
  const edit = { ...app, comment_id: comment.id, body: 'Edited' }
  expect((await failure(world.as('guest').rest.issues.updateComment(edit))).status).toBe(403)
  expect((await bot.rest.issues.updateComment(edit)).data.body).toBe('Edited')
  expect((await bot.rest.issues.getComment({ ...app, comment_id: comment.id })).data.body).toBe('Edited')
  await bot.rest.issues.deleteComment({ ...app, comment_id: comment.id })
  expect((await bot.rest.issues.listComments({ ...app, issue_number: 1 })).data).toHaveLength(1)
  expect((await bot.rest.issues.listCommentsForRepo(app)).data).toHaveLength(1)
  expect((await failure(bot.rest.issues.createComment({ ...app, issue_number: 1, body: '  ' }))).status).toBe(422)
  await world.github.settled()
  expect(world.receiver.names()).toEqual([
    'issue_comment.created',
    'issue_comment.created',
    'issue_comment.deleted',
    'issue_comment.edited',
    'ping',
  ])
})

test('a commit takes comments', async () => {
  const { bot, app, repo } = world
  await world.listen()
  const sha = (await repo.head()) ?? ''
  const { data } = await bot.rest.repos.createCommitComment({ ...app, commit_sha: sha, body: 'Deployed' })
  expect(data).toMatchObject({ commit_id: sha, body: 'Deployed', path: null, user: { login: 'bot' } })
  await bot.rest.repos.updateCommitComment({ ...app, comment_id: data.id, body: 'Deployed twice' })
  expect((await repo.commitComments(sha)).map(({ body }) => body)).toEqual(['Deployed twice'])
  expect((await bot.rest.repos.listCommentsForCommit({ ...app, commit_sha: sha })).data).toHaveLength(1)
  expect((await bot.rest.repos.listCommitCommentsForRepo(app)).data).toHaveLength(1)
  expect((await bot.rest.repos.getCommitComment({ ...app, comment_id: data.id })).data.id).toBe(data.id)
  const unknown = bot.rest.repos.createCommitComment({ ...app, commit_sha: 'f'.repeat(40), body: 'x' })
  expect((await failure(unknown)).message).toBe(`No commit found for SHA: ${'f'.repeat(40)}`)
  await bot.rest.repos.deleteCommitComment({ ...app, comment_id: data.id })
  expect(await repo.commitComments(sha)).toEqual([])
  await world.github.settled()
  expect(world.receiver.names()).toEqual(['commit_comment.created', 'ping'])
})

test('a handle lists all there is, however many pages that are', async () => {
  const { bot, app, repo } = world
  const sha = (await repo.head()) ?? ''
  for (let n = 0; n < 101; n++) await bot.rest.repos.createCommitComment({ ...app, commit_sha: sha, body: `${n}` })
  expect((await repo.commitComments(sha)).map(({ body }) => Number(body))).toEqual([...Array(101).keys()])
})

test('a release makes its tag and is the latest', async () => {
  const { bot, app, repo } = world
  await world.listen()
  const { data } = await bot.rest.repos.createRelease({ ...app, tag_name: 'v1.0.0', name: 'One', body: 'Notes' })
  expect(data).toMatchObject({ tag_name: 'v1.0.0', target_commitish: 'main', draft: false })
  expect((await bot.rest.git.getRef({ ...app, ref: 'tags/v1.0.0' })).data.object.sha).toBe(await repo.head())
  expect((await failure(bot.rest.repos.createRelease({ ...app, tag_name: 'v1.0.0' }))).errors?.[0]?.code).toBe(
    'already_exists',
  )
  await repo.publishRelease({ tag: 'v1.1.0-rc', prerelease: true })
  expect((await bot.rest.repos.getLatestRelease(app)).data.id).toBe(data.id)
  expect((await bot.rest.repos.getRelease({ ...app, release_id: data.id })).data.name).toBe('One')
  expect((await bot.rest.repos.getReleaseByTag({ ...app, tag: 'v1.0.0' })).data.id).toBe(data.id)
  expect((await bot.rest.repos.listReleases(app)).data.map((each) => each.tag_name)).toEqual(['v1.1.0-rc', 'v1.0.0'])
  await world.github.settled()
  const release = [
    'release.created',
    'release.created',
    'release.prereleased',
    'release.published',
    'release.published',
  ]
  expect(world.receiver.names()).toEqual(['create', 'create', 'ping', 'push', 'push', ...release, 'release.released'])
})
