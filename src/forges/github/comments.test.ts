import { afterAll, expect, test } from 'vitest'
import { RetryAt } from '../../lib/error.ts'
import { failure, openGithubStage } from './fixtures/stage.ts'

const stage = await openGithubStage()
const { fake, repo, forge } = stage
afterAll(() => stage.close())

test('comments go on issues, on pull requests and on commits', async () => {
  const issue = await repo.openIssue({ title: 'z' })
  await repo.commit({ message: 'm', files: { a: 'b' }, branch: 'feature' })
  const pull = await repo.openPullRequest({ title: 'p', head: 'feature' })
  const commit = (await repo.head()) ?? ''
  for (const target of [{ issue: issue.number }, { pullRequest: pull.number }, { commit }]) {
    expect(await forge().comments('acme/shop', target)).toEqual([])
    const { id, url } = await forge().createComment('acme/shop', target, 'hi')
    expect(url).toContain('/acme/shop/')
    const written = { id, url, body: 'hi', author: 'acme', authorAssociation: 'OWNER' }
    const times = { createdAt: expect.any(Date), updatedAt: expect.any(Date) }
    expect(await forge().comments('acme/shop', target)).toEqual([{ ...written, ...times }])
  }
})

test('an issue or a commit that does not exist is a refusal', async () => {
  for (const target of [{ issue: 999 }, { pullRequest: 999 }, { commit: 'a'.repeat(40) }])
    expect(await failure(forge().createComment('acme/shop', target, 'hi'))).toMatchObject({ code: 'forge_failed' })
})

test('the comments of several pages are all read, oldest first', async () => {
  const target = { commit: await repo.commit({ message: 'm', files: { a: 'c' } }) }
  for (let number = 1; number <= 101; number += 1) await repo.commentOnCommit(target.commit, `${number}`)
  const found = await forge().comments('acme/shop', target)
  expect(found.map(({ body }) => body)).toEqual(Array.from({ length: 101 }, (_, at) => `${at + 1}`))
})

test('of a busy issue only those since a time are read, however many there were before', async () => {
  const { number: issue } = await repo.openIssue({ title: 'endless' })
  for (let number = 1; number <= 201; number += 1) await repo.comment(issue, `${number}`)
  const before = fake.requests.length
  const hour = 60 * 60_000
  // An hour's margin, because GitHub's clock may differ.
  expect(await forge().comments('acme/shop', { issue }, { since: new Date(Date.now() + 2 * hour) })).toEqual([])
  expect(fake.requests.length - before).toBe(1)
  expect(await forge().comments('acme/shop', { issue }, { since: new Date() })).toHaveLength(201)
})

test('a comment without an answer is to be looked for a while later', async () => {
  const { number: issue } = await repo.openIssue({ title: 'lost' })
  const route = '/repos/{owner}/{repo}/issues/{issue_number}/comments'
  for (const fault of [{ kind: 'lostResponse' }, { kind: 'status', status: 502 }] as const) {
    fake.faults.add({ method: 'POST', route, ...fault })
    const before = Date.now()
    const error = await failure(forge().createComment('acme/shop', { issue }, 'hi'))
    expect(error).toBeInstanceOf(RetryAt)
    expect((error as RetryAt).when.getTime() - before).toBeGreaterThanOrEqual(15_000)
  }
  fake.faults.add({ method: 'POST', route, kind: 'status', status: 500 })
  const answered = forge().createComment('acme/shop', { issue }, 'hi')
  await expect(answered).rejects.toThrow(/^GitHub answered 500/)
})
