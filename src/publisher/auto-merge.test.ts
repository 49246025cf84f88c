import type { RepositoryOptions } from '@signalbox/fake-github'
import { afterAll, expect, test } from 'vitest'
import { openKindsStage } from './fixtures/kinds-stage.ts'
import type { PullRequestOutput } from './pull-request-output.ts'

const stage = await openKindsStage()
afterAll(() => stage.close())
let counter = 0

async function openRepository(options: Partial<RepositoryOptions>) {
  const name = `merged-${++counter}`
  const repo = await stage.fake.addRepository({ owner: 'acme', name, files: { 'README.md': 'x' }, ...options })
  const output: PullRequestOutput = {
    kind: 'pull_request',
    repository: repo.fullName,
    branch: 'signalbox/x',
    title: 'T',
    body: 'B',
    commitMessage: 'C',
    changes: [{ path: 'a.txt', content: 'a' }],
    autoMerge: 'rebase',
    key: 'k',
  }
  const merging = async () => {
    const { data } = await stage.owner.pulls.get({ owner: 'acme', repo: name, pull_number: 1 })
    return data.auto_merge?.merge_method ?? null
  }
  return { repo, output, merging }
}

test.each([
  ['the repository does not allow it', { requiredChecks: ['ci'] }, false, 'Auto merge is not allowed for this'],
  ['there is nothing to wait for', { allowAutoMerge: true }, false, 'Pull request is in clean status'],
  ['it is a draft', { allowAutoMerge: true, requiredChecks: ['ci'] }, true, 'Pull request is in draft status'],
])(
  'where %s, the pull request is opened, and the receipt says what the forge refused',
  async (_, options, draft, why) => {
    const { repo, output, merging } = await openRepository(options)
    const receipt = await stage.send({ ...output, draft })
    expect(receipt).toMatchObject({ number: 1, created: true, note: expect.stringContaining(why) })
    expect(receipt?.note).toMatch(/^It does not merge by itself: /)
    expect(await repo.pulls()).toHaveLength(1)
    expect(await merging()).toBeNull()
  },
)

test('one that merges by itself already stays as it is', async () => {
  const { output, merging } = await openRepository({ allowAutoMerge: true, requiredChecks: ['ci'] })
  expect(await stage.send(output)).not.toHaveProperty('note')
  expect(await stage.send({ ...output, autoMerge: 'squash' })).not.toHaveProperty('note')
  expect(await merging()).toBe('rebase')
})

test('a later change set that is to be merged by people is not merged with an earlier one', async () => {
  const { output, merging } = await openRepository({ allowAutoMerge: true, requiredChecks: ['ci'] })
  const first = { ...output, series: 's', onOpenPullRequest: 'update' as const }
  await stage.send(first)
  const second = { ...first, key: 'k2', branch: 'signalbox/y', changes: [{ path: 'a.txt', content: 'b' }] }
  await stage.send(second)
  expect(await merging()).toBe('rebase')
  const { autoMerge, ...third } = { ...second, key: 'k3', changes: [{ path: 'a.txt', content: 'not valid' }] }
  expect(await stage.send(third)).toMatchObject({ number: 1 })
  expect(await merging()).toBeNull()
})

test('what somebody else pushed on it is not merged by itself', async () => {
  const { repo, output, merging } = await openRepository({ allowAutoMerge: true, requiredChecks: ['ci'] })
  const { autoMerge, ...plain } = { ...output, series: 's', onOpenPullRequest: 'update' as const }
  await stage.send(plain)
  await repo.commit({ message: 'mine', files: { 'b.txt': 'b' }, branch: 'signalbox/x', author: 'jane' })
  const refused = { note: expect.stringContaining("somebody else's") }
  expect(await stage.send({ ...plain, autoMerge })).toMatchObject(refused)
  const joined = { key: 'k2', branch: 'signalbox/y', changes: [{ path: 'a.txt', content: 'b' }] }
  await stage.send({ ...plain, ...joined })
  expect(await stage.send({ ...plain, autoMerge })).toMatchObject(refused)
  expect(await merging()).toBeNull()
})
