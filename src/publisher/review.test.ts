import { afterAll, expect, test } from 'vitest'
import { GiveUp } from '../lib/error.ts'
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

test('a commit that was pushed away is not reviewed', async () => {
  const { repo, output, reviews } = await openPull()
  const other = await repo.commit({ message: 'c', files: { 'c.txt': 'c' }, branch: 'other' })
  await expect(send({ ...output, commit: other })).rejects.toThrow(GiveUp)
  await expect(send({ ...output, commit: other })).rejects.toThrow(/pull request 1 has moved on from the commit/)
  expect(await reviews()).toEqual([])
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
