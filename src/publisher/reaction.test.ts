// Reactions, labels that are taken off, and who is asked to review.
import { afterAll, expect, test } from 'vitest'
import { openKindsStage } from './fixtures/kinds-stage.ts'
import type { Output } from './output.ts'

const stage = await openKindsStage()
const { send, owner } = stage
const repo = await stage.makeRepository()
const { fullName: repository } = repo
const at = { owner: 'acme', repo: repo.name }
await repo.commit({ message: 'c', files: { 'src/a.txt': 'a' }, branch: 'feature' })
await repo.openPullRequest({ title: 'p', head: 'feature' })
afterAll(() => stage.close())

test('issues, pull requests and comments of both kinds are reacted to', async () => {
  const comment = await repo.comment(1, 'c')
  const place = { path: 'src/a.txt', line: 1, commit_id: (await repo.head('feature')) ?? '' }
  const { data: line } = await owner.pulls.createReviewComment({ ...at, ...place, pull_number: 1, body: 'l' })
  const { number: issue } = await repo.openIssue({ title: 'i' })
  const react = (target: object) => send({ kind: 'reaction', repository, target, reaction: 'rocket' } as Output)
  const targets = [
    [{ pullRequest: 1 }, `${repo.htmlUrl}/pull/1`],
    [{ issue }, `${repo.htmlUrl}/issues/${issue}`],
    [{ comment: comment.id }, comment.html_url],
    [{ reviewComment: line.id }, line.html_url],
  ] as const
  for (const [target, url] of targets) {
    expect(await react(target)).toEqual({ url, created: true })
    expect(await react(target)).toEqual({ url, created: false })
  }
  await expect(react({ comment: 99_999 })).rejects.toMatchObject({ code: 'forge_failed' })
})

test('labels are taken off, and those that are not there are no mistake', async () => {
  const { number: issue } = await repo.openIssue({ title: 'i', labels: ['a', 'b'] })
  const output: Output = { kind: 'labels', repository, target: { issue }, labels: ['c'], remove: ['A', 'never'] }
  expect(await send(output)).toMatchObject({ number: issue, created: false })
  expect((await repo.issues()).at(-1)?.labels.map(({ name }) => name)).toEqual(['b', 'c'])
  await send({ kind: 'labels', repository, target: { issue }, remove: ['b'] })
  expect((await repo.issues()).at(-1)?.labels.map(({ name }) => name)).toEqual(['c'])
  const nowhere: Output = { kind: 'labels', repository, target: { issue: 999 }, remove: ['b'] }
  await expect(send(nowhere)).rejects.toMatchObject({ code: 'forge_failed' })
})

test('who has reviewed a pull request is not asked again', async () => {
  const output: Output = {
    kind: 'pull_request',
    repository,
    branch: 'signalbox/x',
    title: 'P',
    body: '',
    commitMessage: 'x',
    changes: [{ path: 'x', content: 'x' }],
    reviewers: ['jane', stage.bot],
    key: 'x',
  }
  const { number = 0 } = (await send(output)) ?? {}
  const asked = async () => {
    const { data } = await owner.pulls.listRequestedReviewers({ ...at, pull_number: number })
    return data.users.map(({ login }) => login)
  }
  expect(await asked()).toEqual(['jane'])
  const jane = stage.clientOf('jane').rest
  await jane.pulls.createReview({ ...at, pull_number: number, event: 'APPROVE' })
  await send(output)
  expect(await asked()).toEqual([])
})
