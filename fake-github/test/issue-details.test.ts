// What is set on issues and pull requests: assignees, locks, milestones and reactions.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
  await world.repo.openIssue({ title: 'I' })
})
afterEach(() => world.close())

const ISSUE = { owner: 'acme', repo: 'app', issue_number: 1 }

test('who gave and took a label is among the events of its issue', async () => {
  const { owner, app, repo } = world
  const { number } = await repo.openIssue({ title: 'x' })
  await repo.labelIssue(number, 'agent', 'triager')
  await owner.rest.issues.removeLabel({ ...app, issue_number: number, name: 'agent' })
  const { data } = await owner.rest.issues.listEvents({ ...app, issue_number: number })
  expect(data).toMatchObject([
    { event: 'labeled', actor: { login: 'triager' }, label: { name: 'agent' } },
    { event: 'unlabeled', actor: { login: 'acme' }, label: { name: 'agent' } },
  ])
})

test('issues and pull requests are assigned to collaborators, and others are ignored', async () => {
  const { app, bot, repo, as } = world
  await world.branch('feature')
  await repo.openPullRequest({ title: 'P', head: 'feature' })
  await world.listen()
  as('guest')
  expect((await bot.rest.issues.listAssignees(app)).data.map(({ login }) => login)).toEqual(['acme', 'bot', 'triager'])
  expect((await bot.rest.issues.checkUserCanBeAssigned({ ...app, assignee: 'BOT' })).status).toBe(204)
  expect((await failure(bot.rest.issues.checkUserCanBeAssigned({ ...app, assignee: 'guest' }))).status).toBe(404)
  const { data } = await bot.rest.issues.addAssignees({ ...ISSUE, assignees: ['bot', 'Triager', 'guest', 'nobody'] })
  expect(data.assignees?.map(({ login }) => login)).toEqual(['bot', 'triager'])
  await as('triager').rest.issues.addAssignees({ ...app, issue_number: 2, assignees: ['acme'] })
  const numbers = async (assignee: string) =>
    (await bot.rest.issues.listForRepo({ ...app, assignee })).data.map(({ number }) => number)
  expect([await numbers('triager'), await numbers('none'), await numbers('*')]).toEqual([[1], [], [2, 1]])
  const left = await bot.rest.issues.removeAssignees({ ...ISSUE, assignees: ['bot'] })
  expect(left.data.assignee?.login).toBe('triager')
  expect((await failure(as('guest').rest.issues.addAssignees({ ...ISSUE, assignees: ['bot'] }))).status).toBe(403)
  await world.github.settled()
  const names = ['issues.assigned', 'issues.assigned', 'issues.unassigned', 'ping', 'pull_request.assigned']
  expect(world.receiver.names()).toEqual(names)
  const unassigned = world.receiver.arrivals.find(({ payload }) => payload.action === 'unassigned')
  expect(unassigned?.payload).toMatchObject({ assignee: { login: 'bot' }, issue: { assignee: { login: 'triager' } } })
})

test('a locked conversation goes on only among those who may write', async () => {
  const { bot, as } = world
  await world.listen()
  expect((await bot.rest.issues.lock({ ...ISSUE, lock_reason: 'resolved' })).status).toBe(204)
  await bot.rest.issues.lock(ISSUE)
  await bot.rest.issues.lock({ ...ISSUE, lock_reason: 'spam' })
  expect((await bot.rest.issues.get(ISSUE)).data).toMatchObject({ locked: true, active_lock_reason: 'spam' })
  expect(await failure(as('guest').rest.issues.createComment({ ...ISSUE, body: 'But' }))).toEqual({
    status: 403,
    message: 'Unable to create comment because issue is locked.',
  })
  await bot.rest.issues.createComment({ ...ISSUE, body: 'Still' })
  await bot.rest.issues.unlock(ISSUE)
  await as('guest').rest.issues.createComment({ ...ISSUE, body: 'At last' })
  expect((await bot.rest.issues.get(ISSUE)).data).toMatchObject({ locked: false, active_lock_reason: null })
  expect((await failure(as('triager').rest.issues.lock(ISSUE))).status).toBe(403)
  await world.github.settled()
  const comments = ['issue_comment.created', 'issue_comment.created']
  expect(world.receiver.names()).toEqual([...comments, 'issues.locked', 'issues.unlocked', 'ping'])
})

test('milestones are made, reached, given to issues and deleted from them', async () => {
  const { app, bot } = world
  await world.listen()
  const make = (title: string, more = {}) => bot.rest.issues.createMilestone({ ...app, title, ...more })
  const titles = async (query = {}) =>
    (await bot.rest.issues.listMilestones({ ...app, ...query })).data.map(({ title }) => title)
  expect((await make('Later', { description: 'd' })).data).toMatchObject({ number: 1, state: 'open', description: 'd' })
  await make('Soon', { due_on: '2030-01-01T00:00:00Z' })
  expect((await failure(make('Soon'))).errors).toEqual([
    { resource: 'Milestone', code: 'already_exists', field: 'title' },
  ])
  expect([await titles(), await titles({ direction: 'desc' })]).toEqual([
    ['Soon', 'Later'],
    ['Later', 'Soon'],
  ])
  const set = (milestone: number | null) => bot.rest.issues.update({ ...ISSUE, milestone })
  expect((await set(1)).data.milestone).toMatchObject({ title: 'Later', open_issues: 1 })
  expect((await failure(set(99))).errors).toMatchObject([{ field: 'milestone', code: 'invalid' }])
  const found = async (milestone: string) =>
    (await bot.rest.issues.listForRepo({ ...app, milestone })).data.map(({ number }) => number)
  expect([await found('1'), await found('*'), await found('none'), await found('2')]).toEqual([[1], [1], [], []])
  await set(2)
  await set(null)
  await set(2)
  const soon = { ...app, milestone_number: 2 }
  const closed = await bot.rest.issues.updateMilestone({ ...soon, title: 'Now', state: 'closed' })
  expect(closed.data).toMatchObject({ title: 'Now', state: 'closed', closed_at: expect.any(String) })
  expect([await titles(), await titles({ state: 'closed' })]).toEqual([['Later'], ['Now']])
  await bot.rest.issues.deleteMilestone(soon)
  expect((await failure(bot.rest.issues.getMilestone(soon))).status).toBe(404)
  expect((await bot.rest.issues.get(ISSUE)).data.milestone).toBeNull()
  expect((await make('Then')).data.number).toBe(3)
  expect((await bot.rest.issues.create({ ...app, title: 'New', milestone: 3 })).data.milestone?.title).toBe('Then')
  await world.github.settled()
  expect(world.receiver.names()).toEqual([
    ...['demilestoned', 'demilestoned', 'demilestoned'].map((action) => `issues.${action}`),
    ...['milestoned', 'milestoned', 'milestoned', 'milestoned', 'opened'].map((action) => `issues.${action}`),
    ...['closed', 'created', 'created', 'created', 'deleted', 'edited'].map((action) => `milestone.${action}`),
    'ping',
  ])
})

test('issues and comments take one reaction of each kind from everybody', async () => {
  const { app, bot, repo, as } = world
  const comment = { ...app, comment_id: (await repo.comment(1, 'First')).id }
  const { rest } = bot
  const first = await rest.reactions.createForIssue({ ...ISSUE, content: '+1' })
  expect([first.status, first.data.user?.login]).toEqual([201, 'bot'])
  expect((await rest.reactions.createForIssue({ ...ISSUE, content: '+1' })).status).toBe(200)
  await rest.reactions.createForIssue({ ...ISSUE, content: 'eyes' })
  await as('guest').rest.reactions.createForIssue({ ...ISSUE, content: '+1' })
  expect((await rest.issues.get(ISSUE)).data.reactions).toMatchObject({ total_count: 3, '+1': 2, eyes: 1, heart: 0 })
  const listed = await rest.reactions.listForIssue({ ...ISSUE, content: '+1' })
  expect(listed.data.map(({ user }) => user?.login)).toEqual(['bot', 'guest'])
  const takeBack = { ...ISSUE, reaction_id: first.data.id }
  expect((await failure(as('guest').rest.reactions.deleteForIssue(takeBack))).status).toBe(403)
  expect((await rest.reactions.deleteForIssue(takeBack)).status).toBe(204)
  expect((await failure(rest.reactions.deleteForIssue(takeBack))).status).toBe(404)

  await rest.reactions.createForIssueComment({ ...comment, content: 'rocket' })
  expect((await rest.issues.getComment(comment)).data.reactions).toMatchObject({ total_count: 1, rocket: 1 })
  expect((await rest.reactions.listForIssueComment(comment)).data).toMatchObject([{ content: 'rocket' }])
  const onCommit = { ...app, comment_id: (await repo.commentOnCommit((await repo.head()) ?? '', 'Good')).id }
  await rest.reactions.createForCommitComment({ ...onCommit, content: 'heart' })
  expect((await rest.repos.getCommitComment(onCommit)).data.reactions).toMatchObject({ heart: 1 })
  expect((await failure(rest.reactions.createForIssue({ ...ISSUE, content: 'wow' as never }))).status).toBe(422)
})
