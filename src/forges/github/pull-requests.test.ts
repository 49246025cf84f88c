import { afterAll, afterEach, expect, test } from 'vitest'
import { failure, openGithubStage } from './fixtures/stage.ts'

const stage = await openGithubStage()
const { fake, forge } = stage
afterEach(() => fake.faults.clear())
afterAll(() => stage.close())

let counter = 0
async function makeRepository() {
  counter += 1
  return fake.addRepository({ owner: 'acme', name: `pulls-${counter}`, files: { 'README.md': 'x\n' } })
}

test('a pull request is opened, read, changed, and never opened twice for one branch', async () => {
  const repo = await makeRepository()
  const headSha = await repo.commit({ message: 'm', files: { a: 'b' }, branch: 'agenta/x' })
  const asked = { head: 'agenta/x', base: 'main', title: 'Title', body: 'Body' }
  const opened = await forge().createPullRequest(repo.fullName, asked)
  expect(opened).toEqual({
    number: 1,
    url: `${repo.htmlUrl}/pull/1`,
    state: 'open',
    author: 'acme',
    head: 'agenta/x',
    headSha,
    fromFork: false,
    base: 'main',
    baseSha: await repo.head(),
    title: 'Title',
    body: 'Body',
    labels: [],
    assignees: [],
    reviewers: [],
    teamReviewers: [],
    autoMergeBy: null,
  })
  expect(await forge().createPullRequest(repo.fullName, asked)).toBeNull()
  await forge().addLabels(repo.fullName, { pullRequest: 1 }, ['bug'])
  const changed = await forge().updatePullRequest(repo.fullName, 1, { title: 'New' })
  expect(changed).toEqual({ ...opened, title: 'New', labels: ['bug'] })
  expect(await forge().pullRequests(repo.fullName, {})).toEqual([changed])
})

test('a branch without commits, or an unknown base, is a refusal and not a pull request', async () => {
  const repo = await makeRepository()
  for (const pull of [
    { head: 'main', base: 'main' },
    { head: 'none', base: 'main' },
  ]) {
    const error = await failure(forge().createPullRequest(repo.fullName, { ...pull, title: 't', body: '' }))
    expect(error).toMatchObject({ code: 'forge_failed' })
  }
})

test('open ones are found unless all are asked for; merged and closed are two states', async () => {
  const repo = await makeRepository()
  for (const branch of ['a', 'b', 'c']) {
    await repo.commit({ message: branch, files: { [branch]: 'x' }, branch })
    await repo.openPullRequest({ title: branch, head: branch })
  }
  await repo.mergePullRequest(1)
  await repo.closePullRequest(2)
  const numbers = async (options: Parameters<ReturnType<typeof forge>['pullRequests']>[1]) =>
    (await forge().pullRequests(repo.fullName, options)).map(({ number, state }) => `${number} ${state}`)
  expect(await numbers({})).toEqual(['3 open'])
  expect(await numbers({ state: 'all' })).toEqual(['3 open', '2 closed', '1 merged'])
  expect(await numbers({ state: 'all', head: 'a' })).toEqual(['1 merged'])
  expect(await numbers({ head: 'a' })).toEqual([])
  expect(await numbers({ state: 'all', head: 'none' })).toEqual([])
})

test('of more than a page the open ones are all read, of all only the newest hundred', async () => {
  const repo = await makeRepository()
  for (let number = 1; number <= 103; number += 1) {
    await repo.commit({ message: 'm', files: { x: `${number}` }, branch: `b${number}` })
    await repo.openPullRequest({ title: 'p', head: `b${number}` })
  }
  const open = await forge().pullRequests(repo.fullName, { state: 'open' })
  expect(open.map(({ number }) => number)).toEqual(Array.from({ length: 103 }, (_, at) => 103 - at))
  const all = await forge().pullRequests(repo.fullName, { state: 'all' })
  expect(all.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, at) => 103 - at))
  // Each of the 103 starts git several times.
})
