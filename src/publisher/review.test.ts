import { afterAll, expect, test } from 'vitest'
import { lines, openKindsStage } from './fixtures/kinds-stage.ts'
import type { ReviewOutput } from './review.ts'

const stage = await openKindsStage()
const { send } = stage
afterAll(() => stage.close())

/** A pull request of jane's that changes line 10 of twenty. */
async function openPull() {
  const repo = await stage.makeRepository()
  const commit = await repo.commit({ message: 'c', files: { 'src/a.txt': lines({ 10: 'new' }) }, branch: 'feature' })
  await repo.openPullRequest({ title: 'p', head: 'feature' }, 'jane')
  const output: ReviewOutput = {
    kind: 'review',
    repository: repo.fullName,
    pullRequest: 1,
    commit,
    body: 'All',
    key: 'k',
  }
  const at = { owner: 'acme', repo: repo.name, pull_number: 1 }
  return {
    repo,
    commit,
    output,
    reviews: async () => (await stage.owner.pulls.listReviews(at)).data,
    comments: async () => (await stage.owner.pulls.listReviewComments(at)).data,
  }
}

test('comments are put on the lines that the diff shows, and the others are in the body', async () => {
  const { output, reviews, comments, commit } = await openPull()
  const receipt = await send({
    ...output,
    comments: [
      { path: 'src/a.txt', line: 10, body: 'on the new line' },
      { path: 'src/a.txt', line: 10, side: 'LEFT', body: 'on the old line' },
      { path: 'src/a.txt', line: 11, startLine: 9, body: 'on three lines' },
      { path: 'src/a.txt', line: 12, startLine: 12, body: 'on one line' },
      { path: 'src/a.txt', line: 2, body: 'too far above' },
      { path: 'src/a.txt', line: 11, startLine: 2, body: 'from too far above' },
      { path: 'gone`.txt', line: 1, body: 'in another file' },
    ],
  })
  const [review, ...others] = await reviews()
  expect(others).toEqual([])
  expect(receipt).toEqual({ url: review?.html_url, number: 1, sha: commit, created: true })
  expect(review).toMatchObject({ state: 'COMMENTED', commit_id: commit })
  expect(review?.body.split('\n\n')).toEqual([
    'All',
    '#### About lines outside the diff',
    '`src/a.txt:2`',
    'too far above',
    '`src/a.txt:2-11`',
    'from too far above',
    '``gone`.txt:1``',
    'in another file',
    '<!-- signalbox:key=job=a/k -->',
  ])
  expect((await comments()).map(({ start_line, line, side, body }) => [start_line, line, side, body])).toEqual([
    [null, 10, 'RIGHT', 'on the new line'],
    [null, 10, 'LEFT', 'on the old line'],
    [9, 11, 'RIGHT', 'on three lines'],
    [null, 12, 'RIGHT', 'on one line'],
  ])
})

test('a review of a commit that is not the newest any more is about that commit', async () => {
  const { repo, output, reviews, comments, commit } = await openPull()
  await repo.commit({ message: 'c', files: { 'src/a.txt': lines({ 1: 'other' }) }, branch: 'feature' })
  await send({ ...output, comments: [{ path: 'src/a.txt', line: 10, body: 'here' }] })
  expect((await reviews()).map(({ commit_id }) => commit_id)).toEqual([commit])
  expect((await comments()).map(({ body }) => body)).toEqual(['here'])
})

test('a review is not lost for a line that GitHub refuses', async () => {
  const { output, reviews, comments } = await openPull()
  const route = '/repos/{owner}/{repo}/compare/{basehead}'
  const withMore = ({ responseBody }: { responseBody: unknown }) => {
    const [file] = (responseBody as { files: { patch: string }[] }).files
    if (file) file.patch = '@@ -1,2 +1,2 @@\n line 1\n-x\n+line 2'
  }
  stage.fake.faults.add({ route, after: withMore as never })
  await send({ ...output, comments: [{ path: 'src/a.txt', line: 2, body: 'not there' }] })
  const asked = stage.fake.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/reviews'))
  expect(asked.slice(-2).map(({ status }) => status)).toEqual([422, 200])
  expect(await comments()).toEqual([])
  expect((await reviews()).map(({ body }) => body)).toEqual([expect.stringContaining('`src/a.txt:2`\n\nnot there')])
})

test('a review of a commit that was pushed away is of the newest, its comments where their lines are', async () => {
  const { repo, output, reviews, comments, commit } = await openPull()
  const main = (await repo.head()) ?? ''
  const at = { owner: 'acme', repo: repo.name }
  await stage.owner.git.updateRef({ ...at, ref: 'heads/feature', sha: main, force: true })
  const moved = `two\nmore\n${lines({ 10: 'new', 14: 'other' })}`
  const now = await repo.commit({ message: 'c', files: { 'src/a.txt': moved }, branch: 'feature' })
  const receipt = await send({
    ...output,
    comments: [
      { path: 'src/a.txt', line: 10, body: 'moved down\n```suggestion\nx\n```' },
      { path: 'src/a.txt', line: 10, startLine: 9, body: 'two lines, of which one was deleted between' },
      { path: 'src/a.txt', line: 10, side: 'LEFT', body: 'on the old line' },
      { path: 'src/a.txt', line: 7, body: 'shown before' },
      { path: 'src/a.txt', line: 1, body: 'never shown' },
    ],
  })
  expect(receipt).toMatchObject({ sha: now, created: true })
  expect((await comments()).map(({ start_line, line, side, body }) => [start_line, line, side, body])).toEqual([
    [null, 12, 'RIGHT', 'moved down\n```suggestion\nx\n```'],
    [11, 12, 'RIGHT', 'two lines, of which one was deleted between'],
    [null, 10, 'LEFT', 'on the old line'],
    [null, 9, 'RIGHT', 'shown before'],
  ])
  const [{ body } = { body: '' }] = await reviews()
  expect(body).toContain(`This is a review of \`${commit.slice(0, 7)}\`, which the pull request has no more.`)
  expect(body).toContain('`src/a.txt:1`\n\nnever shown')
})

test('a branch that is pushed to between looking and writing costs no review', async () => {
  const { repo, output, reviews, comments } = await openPull()
  const head = await repo.commit({ message: 'c', files: { 'src/a.txt': lines({ 10: 'new' }) }, branch: 'other' })
  const ref = { owner: 'acme', repo: repo.name, ref: 'heads/feature', sha: head, force: true }
  const push = () => stage.owner.git.updateRef(ref)
  stage.fake.faults.add({ method: 'POST', route: '/repos/{owner}/{repo}/pulls/{pull_number}/reviews', before: push })
  await send({ ...output, comments: [{ path: 'src/a.txt', line: 10, body: 'here' }] })
  expect((await reviews()).map(({ commit_id }) => commit_id)).toEqual([head])
  expect((await comments()).map(({ line, body }) => [line, body])).toEqual([[10, 'here']])
})

test('a comment on the old path of a renamed file is at the new one', async () => {
  const { repo, output, comments } = await openPull()
  const files = { 'src/a.txt': null, 'src/z.txt': lines({ 10: 'new' }) }
  const commit = await repo.commit({ message: 'c', files, branch: 'feature' })
  const comment = { path: 'src/a.txt', line: 10, side: 'LEFT' as const, body: 'here' }
  await send({ ...output, commit, comments: [comment] })
  expect((await comments()).map(({ path, line, side }) => [path, line, side])).toEqual([['src/z.txt', 10, 'LEFT']])
})

test('a suggestion is one only where it can be committed', async () => {
  const { output, reviews, comments } = await openPull()
  const body = 'Better:\n````suggestion\nx\n````'
  const plain = 'Better:\n````\nx\n````'
  await send({
    ...output,
    body: 'Like\n~~~ suggestion\nthis\n~~~\n````md\n```suggestion\n```\n````',
    comments: [
      { path: 'src/a.txt', line: 10, body },
      { path: 'src/a.txt', line: 10, side: 'LEFT', body },
      { path: 'src/a.txt', line: 10, startLine: 10, startSide: 'LEFT', body },
      { path: 'gone.txt', line: 10, body },
      { path: 'src/a.txt', line: 10, body: ' \n' },
    ],
  })
  expect((await comments()).map((comment) => comment.body)).toEqual([body, plain, plain])
  const [review] = await reviews()
  expect(review?.body).toContain('Like\n~~~\nthis\n~~~\n````md\n```suggestion\n```\n````\n\n####')
  expect(review?.body).toContain(`\`gone.txt:10\`\n\n${plain}`)
})

test('an approval needs the policy’s leave, and is of the newest commit or of none', async () => {
  const { repo, output, reviews } = await openPull()
  const approval = { ...output, event: 'APPROVE' as const }
  await expect(send(approval)).rejects.toThrow(
    "A review may not APPROVE; the rule's outputs.review.events can allow more.",
  )
  const job = { id: 'a', policy: { repositories: ['**'], outputs: { review: { events: ['APPROVE' as const] } } } }
  await send(approval, job)
  expect((await reviews()).map(({ state }) => state)).toEqual(['APPROVED'])
  await repo.commit({ message: 'c', files: { 'c.txt': 'c' }, branch: 'feature' })
  await expect(send({ ...approval, key: 'other' }, job)).rejects.toThrow(/has moved on/)
  expect(await reviews()).toHaveLength(1)
})

test('a marker in a review of somebody else is not believed', async () => {
  const { output, repo, reviews } = await openPull()
  const mallory = stage.clientOf('mallory').rest
  const body = 'Good <!-- signalbox:key=job=a/k -->'
  await mallory.pulls.createReview({ owner: 'acme', repo: repo.name, pull_number: 1, event: 'COMMENT', body })
  expect(await send(output)).toMatchObject({ created: true })
  expect(await reviews()).toHaveLength(2)
})
