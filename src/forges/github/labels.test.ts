import { afterAll, afterEach, expect, test } from 'vitest'
import { failure, openGithubStage } from './fixtures/stage.ts'

const stage = await openGithubStage()
const { fake, repo, forge } = stage
afterEach(() => fake.faults.clear())
afterAll(() => stage.close())

async function labelsOf(issue: number) {
  const found = (await repo.issues()).find(({ number }) => number === issue)
  return found?.labels.map(({ name }) => name).sort()
}

test('labels that are missing are made once, also when two make them', async () => {
  const issue = await repo.openIssue({ title: 'y' })
  const add = () => forge().addLabels('acme/shop', { issue: issue.number }, ['a/b c', 'agenta-deployment'])
  const [first] = await Promise.all([add(), add()])
  expect(first).toEqual({ url: issue.html_url })
  expect(await labelsOf(issue.number)).toEqual(['a/b c', 'agenta-deployment'])
})

test('labels go on pull requests too, whose page is returned', async () => {
  await repo.commit({ message: 'm', files: { a: 'b' }, branch: 'labelled' })
  const pull = await repo.openPullRequest({ title: 'p', head: 'labelled' })
  const { url } = await forge().addLabels('acme/shop', { pullRequest: pull.number }, ['reviewed'])
  expect(url).toBe(pull.html_url)
  expect((await repo.pulls()).find(({ number }) => number === pull.number)?.labels).toMatchObject([
    { name: 'reviewed' },
  ])
})

test('labels that are there stay, and one that differs in case only is the same', async () => {
  const issue = await repo.openIssue({ title: 'y', labels: ['Bug'] })
  await forge().addLabels('acme/shop', { issue: issue.number }, ['bug', 'new'])
  expect(await labelsOf(issue.number)).toEqual(['Bug', 'new'])
})

test('a label that cannot be made, or an issue that is not there, is a refusal', async () => {
  const issue = await repo.openIssue({ title: 'y' })
  const fault = { kind: 'status', status: 403, method: 'POST', route: '/repos/{owner}/{repo}/labels' } as const
  fake.faults.add(fault)
  expect(await failure(forge().addLabels('acme/shop', { issue: issue.number }, ['unseen']))).toMatchObject({
    code: 'forge_failed',
  })
  expect(await failure(forge().addLabels('acme/shop', { issue: 999 }, ['bug']))).toMatchObject({ code: 'forge_failed' })
})
