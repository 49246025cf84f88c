// Reviews of pull requests: asked for, written, commented on lines; and heads brought up to date.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
  await world.branch('feature')
  await world.repo.openPullRequest({ title: 'P', head: 'feature' }, 'bot')
})
afterEach(() => world.close())

const PULL = { owner: 'acme', repo: 'app', pull_number: 1 }

test('collaborators are asked to review, and no longer when they have', async () => {
  const { bot, owner, as } = world
  await world.listen()
  const asked = async () => (await bot.rest.pulls.listRequestedReviewers(PULL)).data.users.map(({ login }) => login)
  const ask = (...reviewers: string[]) => bot.rest.pulls.requestReviewers({ ...PULL, reviewers })
  const { data } = await ask('acme', 'Triager')
  expect(data.requested_reviewers?.map(({ login }) => login)).toEqual(['acme', 'triager'])
  await ask('acme')
  as('guest')
  expect(await failure(ask('guest'))).toMatchObject({ status: 422, message: /only be requested from collaborators/ })
  expect((await failure(ask('bot'))).message).toBe('Review cannot be requested from pull request author.')
  await bot.rest.pulls.removeRequestedReviewers({ ...PULL, reviewers: ['triager'] })
  expect(await asked()).toEqual(['acme'])
  await owner.rest.pulls.createReview({ ...PULL, event: 'APPROVE' })
  expect(await asked()).toEqual([])
  await world.github.settled()
  expect(world.receiver.names()).toEqual([
    'ping',
    'pull_request.review_request_removed',
    'pull_request.review_requested',
    'pull_request.review_requested',
    'pull_request_review.submitted',
  ])
  const request = world.receiver.arrivals.find(({ payload }) => payload.action === 'review_requested')
  expect(request?.payload.requested_reviewer).toMatchObject({ login: 'acme' })
})

test('a pull request is approved, refused and commented on, by others than its author', async () => {
  const { bot, owner, as } = world
  await world.listen()
  const { rest } = owner
  const approved = await rest.pulls.createReview({ ...PULL, event: 'APPROVE', body: 'Good' })
  expect(approved.data).toMatchObject({ state: 'APPROVED', body: 'Good', user: { login: 'acme' } })
  expect(approved.data.commit_id).toBe(await world.repo.head('feature'))
  await as('guest').rest.pulls.createReview({ ...PULL, event: 'REQUEST_CHANGES', body: 'Not yet' })
  await bot.rest.pulls.createReview({ ...PULL, event: 'COMMENT', body: 'My own' })
  const list = await bot.rest.pulls.listReviews({ ...PULL, per_page: 2 })
  expect(list.data.map(({ state }) => state)).toEqual(['APPROVED', 'CHANGES_REQUESTED'])
  expect(list.headers.link).toContain('rel="next"')
  const refused = async (event: 'APPROVE' | 'COMMENT') =>
    (await failure(bot.rest.pulls.createReview({ ...PULL, event }))).errors
  expect(await refused('APPROVE')).toEqual(['Can not approve your own pull request'])
  expect(await refused('COMMENT')).toEqual(['Body cannot be blank'])
  const first = { ...PULL, review_id: approved.data.id }
  expect((await rest.pulls.dismissReview({ ...first, message: 'Outdated' })).data.state).toBe('DISMISSED')
  expect((await failure(rest.pulls.dismissReview({ ...first, message: 'Again' }))).status).toBe(422)
  expect((await bot.rest.pulls.getReview(first)).data.state).toBe('DISMISSED')
  await world.github.settled()
  const submitted = Array.from({ length: 3 }, () => 'pull_request_review.submitted')
  expect(world.receiver.names()).toEqual(['ping', 'pull_request_review.dismissed', ...submitted])
  const states = world.receiver.arrivals.map(({ payload }) => payload.review?.state).filter(Boolean)
  expect(states.toSorted()).toEqual(['approved', 'changes_requested', 'commented', 'dismissed'])
})

test('a review without an event is seen by its author alone until it is submitted', async () => {
  const { owner, bot } = world
  await world.listen()
  const comments = [{ path: 'src/a.txt', line: 2, body: 'Why?' }]
  const { data: review } = await owner.rest.pulls.createReview({ ...PULL, comments })
  const mine = { ...PULL, review_id: review.id }
  expect(review).toMatchObject({ state: 'PENDING' })
  expect((await bot.rest.pulls.listReviews(PULL)).data).toEqual([])
  expect((await bot.rest.pulls.listReviewComments(PULL)).data).toEqual([])
  expect((await failure(bot.rest.pulls.getReview(mine))).status).toBe(404)
  expect((await owner.rest.pulls.listCommentsForReview(mine)).data).toHaveLength(1)
  await owner.rest.pulls.submitReview({ ...mine, event: 'REQUEST_CHANGES', body: 'See there' })
  expect((await bot.rest.pulls.getReview(mine)).data).toMatchObject({ state: 'CHANGES_REQUESTED', body: 'See there' })
  expect((await bot.rest.pulls.get(PULL)).data.review_comments).toBe(1)
  const second = (await owner.rest.pulls.createReview(PULL)).data.id
  await owner.rest.pulls.deletePendingReview({ ...PULL, review_id: second })
  expect((await failure(owner.rest.pulls.deletePendingReview(mine))).status).toBe(422)
  await world.github.settled()
  expect(world.receiver.names()).toEqual([
    'ping',
    'pull_request_review.submitted',
    'pull_request_review_comment.created',
  ])
})

test('lines of the changes are commented on, answered and reacted to, and other lines are refused', async () => {
  const { bot, owner, app, repo } = world
  const commit_id = (await repo.head('feature')) ?? ''
  const comment = (place: object) =>
    owner.rest.pulls.createReviewComment({ ...PULL, commit_id, path: 'src/a.txt', body: 'Why?', ...place } as never)
  const { data } = await comment({ line: 2 })
  expect(data).toMatchObject({
    line: 2,
    side: 'RIGHT',
    position: 3,
    diff_hunk: '@@ -1,3 +1,3 @@\n one\n-two\n+feature',
  })
  expect((await comment({ position: 2 })).data).toMatchObject({ line: 2, side: 'LEFT', position: 2 })
  expect((await comment({ line: 2, side: 'LEFT' })).data.position).toBe(2)
  const fields = async (place: object) => (await failure(comment(place))).errors?.map(({ field }) => field)
  expect(await fields({ line: 99 })).toEqual(['pull_request_review_thread.line'])
  expect(await fields({ path: 'README.md', line: 1 })).toEqual(['pull_request_review_thread.path'])
  const answer = { ...PULL, comment_id: data.id, body: 'Because' }
  expect((await bot.rest.pulls.createReplyForReviewComment(answer)).data.in_reply_to_id).toBe(data.id)
  const one = { ...app, comment_id: data.id }
  await bot.rest.reactions.createForPullRequestReviewComment({ ...one, content: 'eyes' })
  expect((await bot.rest.pulls.getReviewComment(one)).data.reactions).toMatchObject({ eyes: 1 })
  const listed = await bot.rest.pulls.listReviewComments(PULL)
  expect(listed.data.map(({ user }) => user?.login)).toEqual(['acme', 'acme', 'acme', 'bot'])
  const newest = await bot.rest.pulls.listReviewCommentsForRepo({ ...app, sort: 'created', direction: 'desc' })
  expect(newest.data[0]?.body).toBe('Because')
})

test('one wrong line refuses a whole review, and lines are those of the commit that was reviewed', async () => {
  const { owner, repo } = world
  const reviewed = (await repo.head('feature')) ?? ''
  const good = { path: 'src/a.txt', line: 2, body: 'Why?' }
  const review = (commit_id: string, ...comments: object[]) =>
    owner.rest.pulls.createReview({ ...PULL, commit_id, event: 'COMMENT', body: 'b', comments: comments as never })
  const why = async (commit_id: string, ...comments: object[]) =>
    (await failure(review(commit_id, ...comments))).errors as unknown
  const thread = 'pull_request_review_thread'
  expect(await why(reviewed, good, { ...good, line: 9 })).toEqual(['Line could not be resolved'])
  expect(await why(reviewed, { ...good, line: 2, start_line: 9 })).toEqual([
    `${thread}.start_line must be part of the same hunk as the line.`,
  ])
  expect(await why(reviewed, { ...good, start_line: 3 })).toEqual([`${thread}.start_line must precede the end line.`])
  expect(await why((await repo.head()) ?? '', good)).toEqual([`${thread}.commit_id is not part of the pull request`])
  expect((await owner.rest.pulls.listReviews(PULL)).data).toEqual([])
  await world.branch('feature', { 'src/a.txt': 'one\ntwo\nthree\n', 'b.txt': 'b\n' })
  expect(await why((await repo.head('feature')) ?? '', good)).toEqual(['Path could not be resolved'])
  expect((await review(reviewed, { ...good, start_line: 1 })).data.commit_id).toBe(reviewed)
  const [comment] = (await owner.rest.pulls.listReviewComments(PULL)).data
  expect(comment).toMatchObject({ start_line: 1, line: 2, commit_id: reviewed })
})

test('reviews and their comments are edited, and comments deleted', async () => {
  const { owner, as, app } = world
  const comments = [{ path: 'src/a.txt', line: 2, body: 'Why?' }]
  const { data: review } = await owner.rest.pulls.createReview({ ...PULL, event: 'COMMENT', body: 'One', comments })
  const [comment] = (await owner.rest.pulls.listReviewComments(PULL)).data
  await world.listen()
  const one = { ...app, comment_id: comment?.id ?? 0 }
  expect((await owner.rest.pulls.updateReviewComment({ ...one, body: 'How?' })).data.body).toBe('How?')
  const edit = { ...PULL, review_id: review.id, body: 'Two' }
  expect((await owner.rest.pulls.updateReview(edit)).data.body).toBe('Two')
  expect((await failure(as('guest').rest.pulls.updateReview(edit))).status).toBe(403)
  expect((await failure(as('guest').rest.pulls.updateReviewComment({ ...one, body: 'x' }))).status).toBe(403)
  expect((await owner.rest.pulls.deleteReviewComment(one)).status).toBe(204)
  expect((await owner.rest.pulls.listReviewComments(PULL)).data).toEqual([])
  await world.github.settled()
  expect(world.receiver.names()).toEqual([
    'ping',
    'pull_request_review.edited',
    'pull_request_review_comment.deleted',
    'pull_request_review_comment.edited',
  ])
})

test('the head of a pull request is brought up to date with its base', async () => {
  const { bot, repo } = world
  const update = (more = {}) => bot.rest.pulls.updateBranch({ ...PULL, ...more })
  expect((await failure(update())).message).toBe('There are no new commits on the base branch.')
  const base = await repo.commit({ message: 'main moves', files: { 'b.txt': 'b\n' } })
  const head = await repo.head('feature')
  expect((await failure(update({ expected_head_sha: base }))).status).toBe(422)
  expect((await update({ expected_head_sha: head })).status).toBe(202)
  const { data } = await bot.rest.repos.getCommit({ owner: 'acme', repo: 'app', ref: 'feature' })
  expect(data.parents.map(({ sha }) => sha)).toEqual([head, base])
  expect((await bot.rest.pulls.get(PULL)).data).toMatchObject({ head: { sha: data.sha }, changed_files: 1 })
  await repo.commit({ message: 'conflict', files: { 'src/a.txt': 'other\n' } })
  expect((await failure(update())).message).toBe('merge conflict between base and head')
})
