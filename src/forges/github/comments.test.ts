import { afterAll, expect, test } from 'vitest'
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
    expect(await forge().comments('acme/shop', target)).toEqual([{ id, url, body: 'hi' }])
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

test('of more than a thousand, the oldest hundred and the newest are read', async () => {
  const { number: issue } = await repo.openIssue({ title: 'endless' })
  for (let number = 1; number <= 1250; number += 1) await repo.comment(issue, `${number}`)
  const before = fake.requests.length
  const bodies = (await forge().comments('acme/shop', { issue })).map(({ body }) => Number(body))
  expect(fake.requests.length - before).toBe(10)
  expect(bodies.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1))
  // The thirteenth page is the last and has fifty.
  expect(bodies.slice(100)).toEqual(Array.from({ length: 850 }, (_, at) => at + 401))
})
