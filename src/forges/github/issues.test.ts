import { afterAll, expect, test } from 'vitest'
import { openGithubStage } from './fixtures/stage.ts'

const stage = await openGithubStage()
const { fake, repo, forge } = stage
afterAll(() => stage.close())

test('an issue is shown as it is, a pull request is one, and what is not there is null', async () => {
  const { number } = await repo.openIssue({ title: 'Broken', body: 'Look' }, 'jane')
  await repo.labelIssue(number, 'bug')
  const lock = await fetch(`${fake.apiUrl}/repos/acme/shop/issues/${number}/lock`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${fake.addToken({ login: 'acme' })}` },
  })
  expect(lock.status).toBe(204)
  await forge().addAssignees('acme/shop', number, ['acme'])
  expect(await forge().issue('acme/shop', number)).toEqual({
    number,
    url: `${repo.htmlUrl}/issues/${number}`,
    state: 'open',
    title: 'Broken',
    body: 'Look',
    author: 'jane',
    labels: ['bug'],
    assignees: ['acme'],
    isLocked: true,
    isPullRequest: false,
  })
  await repo.commit({ message: 'm', files: { a: 'b' }, branch: 'feature' })
  const pull = await repo.openPullRequest({ title: 'p', head: 'feature' })
  expect(await forge().issue('acme/shop', pull.number)).toMatchObject({ isPullRequest: true, isLocked: false })
  expect(await forge().issue('acme/shop', 999)).toBeNull()
})
