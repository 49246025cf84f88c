import { execFileSync } from 'node:child_process'
import { afterAll, expect, test } from 'vitest'
import { openApiGuard } from '../../fake-github/openapi.ts'
import { GiveUp } from '../lib/error.ts'
import { openStage } from './fixtures/stage.ts'

const guard = openApiGuard()
const stage = await openStage({ onExchange: guard.onExchange })
const { fake, makeRepository, send, commitsOn, expectExactlyOne, expectUpdated } = stage

afterAll(async () => {
  await fake.close()
  expect(guard.violations).toEqual([])
  expect(guard.checked).toBeGreaterThan(100)
})

test('a pull request is opened with one commit, its labels and one hidden marker', async () => {
  const repo = await makeRepository()
  const receipt = await send(repo, 1)
  await expectExactlyOne(repo, 1)
  const sha = await repo.head('agenta/deploy-bot-1')
  expect(receipt).toEqual({
    url: `${repo.htmlUrl}/pull/1`,
    number: 1,
    branch: 'agenta/deploy-bot-1',
    sha,
    created: true,
  })
  expect(await send(repo, 1)).toEqual({ ...receipt, created: false })
  await expectExactlyOne(repo, 1)
})

test('a second deployment while the first is open goes on the same pull request', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  const receipt = await send(repo, 2)
  expect(receipt).toMatchObject({ number: 1, created: false, sha: await repo.head('agenta/deploy-bot-1') })
  await expectUpdated(repo)
  expect(await send(repo, 1)).toMatchObject({ number: 1, created: false })
  expect(await send(repo, 2)).toEqual(receipt)
  await expectUpdated(repo)
})

test('a late older deployment does not overwrite a newer one, and is remembered', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  await send(repo, 3)
  expect(await send(repo, 2)).toMatchObject({ number: 1, created: false })
  expect(await commitsOn(repo, 'agenta/deploy-bot-1')).toEqual(['Deploy v1 to production', 'Deploy v3 to production'])
  const [pull] = await repo.pulls()
  expect(pull).toMatchObject({ title: 'Deploy bot 3' })
  expect(pull?.body).toBe(
    'Deployment 3\n\n<!-- signalbox:key=deployment=1 key=deployment=3 key=deployment=2 series=deploy:bot:production order=3 -->',
  )
  await repo.mergePullRequest(1)
  expect(await send(repo, 2)).toMatchObject({ number: 1, created: false })
  expect(await repo.pulls()).toHaveLength(1)
})

test('a late older deployment opens nothing after a newer one was merged', async () => {
  const repo = await makeRepository()
  await send(repo, 2)
  await repo.mergePullRequest(1)
  await repo.deleteBranch('agenta/deploy-bot-2')
  expect(await send(repo, 1)).toMatchObject({ number: 1, created: false })
  expect(await repo.branches()).toEqual(['main'])
  expect(await send(repo, 3)).toMatchObject({ number: 2, created: true })
})

test("a newer deployment whose pull request was closed without merging stands in nobody's way", async () => {
  const repo = await makeRepository()
  await send(repo, 2)
  await repo.closePullRequest(1)
  expect(await send(repo, 1)).toMatchObject({ number: 2, created: true })
})

test('deployments of different apps never share a pull request', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  expect(await send(repo, 2, { series: 'deploy:other:production' })).toMatchObject({ number: 2, created: true })
})

test.each(['merge', 'squash'] as const)(
  'after a %s with the branch deleted, a repeat finds the merged pull request',
  async (merge_method) => {
    const repo = await makeRepository()
    await send(repo, 1)
    await send(repo, 2)
    await repo.mergePullRequest(1, 'acme', { merge_method })
    await repo.deleteBranch('agenta/deploy-bot-1')
    expect(await send(repo, 1)).toMatchObject({ number: 1, created: false })
    expect(await send(repo, 2)).toMatchObject({ number: 1, created: false })
    expect(await repo.branches()).toEqual(['main'])
    expect(await send(repo, 3)).toMatchObject({ number: 2, created: true })
  },
)

test('a pull request that was closed stays closed: there is never a second', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  await repo.closePullRequest(1)
  expect(await send(repo, 1)).toMatchObject({ number: 1, created: false })
  expect(await repo.pulls()).toMatchObject([{ state: 'closed' }])
  expect(await send(repo, 2)).toMatchObject({ number: 2, created: true })
})

test('a branch begins at the commit that its changes were made for', async () => {
  const repo = await makeRepository()
  const parent = (await repo.head()) ?? ''
  await repo.commit({ message: 'Meanwhile', files: { 'deployments/bot/production.json': 'theirs' } })
  await send(repo, 1, { parent })
  expect(await commitsOn(repo, 'agenta/deploy-bot-1')).toEqual(['Deploy v1 to production'])
  await expect(repo.mergePullRequest(1)).rejects.toThrow()
})

test('what others changed since the commit that changes were made for is not overwritten', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  const branch = 'agenta/deploy-bot-1'
  const parent = (await repo.head(branch)) ?? ''
  await repo.commit({ message: 'Meanwhile', branch, files: { 'README.md': 'theirs' } })
  expect(await send(repo, 2, { parent })).toMatchObject({ number: 1 })
  await repo.commit({ message: 'By hand', branch, files: { 'deployments/bot/production.json': 'theirs' } })
  await expect(send(repo, 3, { parent })).rejects.toThrow(
    /The file deployments\/bot\/production\.json changed on agenta/,
  )
  expect(await repo.readFile(branch, 'deployments/bot/production.json')).toBe('theirs')
})

test('files that are as they should be need no pull request', async () => {
  const repo = await makeRepository()
  const files = { 'deployments/bot/production.json': '{"deployment": 1}\n' }
  await repo.commit({ message: 'By hand', files })
  expect(await send(repo, 1)).toBeNull()
  expect(await repo.branches()).toEqual(['main'])
})

test('bytes, executable files and deletions are in the one commit', async () => {
  const repo = await makeRepository()
  await repo.commit({ message: 'Old', files: { 'old.txt': 'x' } })
  const receipt = await send(repo, 1, {
    changes: [
      { path: 'bin/run', content: '#!/bin/sh\n', executable: true },
      { path: 'logo.png', content: { base64: Buffer.from([0, 255, 10]).toString('base64') } },
      { path: 'old.txt', deleted: true },
    ],
  })
  const git = (...args: string[]) => execFileSync('git', ['--git-dir', repo.dir, ...args])
  expect(git('diff-tree', '-r', '--no-commit-id', `${receipt?.sha}`).toString().trim().split('\n').map(change)).toEqual(
    ['A 100755 bin/run', 'A 100644 logo.png', 'D 000000 old.txt'],
  )
  expect([...git('cat-file', 'blob', 'agenta/deploy-bot-1:logo.png')]).toEqual([0, 255, 10])
})

/** `:000000 100755 … A\tbin/run` as `A 100755 bin/run`. */
function change(line: string) {
  return line.replace(/^:\d+ (\d+) \w+ \w+ (\w)\t/, '$2 $1 ')
}

test('a directory is not replaced by a file, which is not worth a retry', async () => {
  const repo = await makeRepository()
  await repo.commit({ message: 'Docs', files: { 'docs/CODEOWNERS': '* @acme' } })
  await expect(send(repo, 1, { changes: [{ path: 'docs', content: 'x' }] })).rejects.toThrow(GiveUp)
  expect(await repo.branches()).toEqual(['main'])
})

test("somebody else's branch of that name is left alone", async () => {
  const repo = await makeRepository()
  await repo.commit({ message: 'Mine', files: { a: 'b' }, branch: 'agenta/deploy-bot-1' })
  await expect(send(repo, 1)).rejects.toThrow(GiveUp)
  expect(await commitsOn(repo, 'agenta/deploy-bot-1')).toEqual(['Mine'])
})

test('an empty branch of that name is used', async () => {
  const repo = await makeRepository()
  execFileSync('git', ['--git-dir', repo.dir, 'branch', 'agenta/deploy-bot-1', 'main'])
  await repo.commit({ message: 'Meanwhile', files: { a: 'b' } })
  await send(repo, 1)
  await expectExactlyOne(repo, 1)
})

test('a forged marker on a branch that is not ours attracts nothing', async () => {
  const repo = await makeRepository()
  await repo.commit({ message: 'Forged', files: { a: 'b' }, branch: 'feature' })
  await repo.openPullRequest({
    title: 'x',
    head: 'feature',
    body: '<!-- signalbox:key=deployment=1 series=deploy:bot:production -->',
  })
  expect(await send(repo, 1)).toMatchObject({ number: 2, created: true })
  expect(await commitsOn(repo, 'feature')).toEqual(['Forged'])
})

const forged = '<!-- signalbox:key=deployment=1 key=deployment=9 series=deploy:bot:production order=99 -->'

test.each(['open', 'merged'] as const)(
  'a forged marker on a branch that could be our own attracts nothing, %s or not',
  async (state) => {
    const repo = await makeRepository()
    await repo.commit({ message: 'Forged', files: { 'deploy.sh': 'x' }, branch: 'agenta/mine', author: 'mallory' })
    const { number } = await repo.openPullRequest({ title: 'x', head: 'agenta/mine', body: forged }, 'mallory')
    if (state === 'merged') await repo.mergePullRequest(number)
    expect(await send(repo, 1)).toMatchObject({ number: 2, created: true })
    expect(await repo.pulls('all')).toMatchObject([{ title: 'x', body: forged }, { title: 'Deploy bot 1' }])
  },
)

test("somebody's commit with our trailer, on a branch of that name, is not taken for ours", async () => {
  const repo = await makeRepository()
  const message = 'Forged\n\nSignalbox-Key: deployment=1\nSignalbox-Order: 1\n'
  const branch = 'agenta/deploy-bot-1'
  await repo.commit({ message, files: { 'deploy.sh': 'x' }, branch, author: 'mallory' })
  await expect(send(repo, 1)).rejects.toThrow("has somebody else's commits")
  expect(await repo.pulls('all')).toEqual([])
})

test("somebody's pull request of their commits, on a branch of that name, is left alone", async () => {
  const repo = await makeRepository()
  const branch = 'agenta/deploy-bot-1'
  await repo.commit({ message: 'Mine', files: { 'deploy.sh': 'x' }, branch, author: 'mallory' })
  await repo.openPullRequest({ title: 'Mine', head: branch }, 'mallory')
  await expect(send(repo, 1)).rejects.toThrow("has somebody else's pull request")
  expect(await repo.pulls('all')).toMatchObject([{ title: 'Mine', labels: [] }])
})

test('a pull request of our own whose branch somebody has replaced is left alone', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  const branch = 'agenta/deploy-bot-1'
  const trailer = 'Forged\n\nSignalbox-Key: deployment=1\nSignalbox-Order: 1\n'
  await repo.commit({ message: trailer, files: { 'deploy.sh': 'x' }, branch: 'theirs', author: 'mallory' })
  execFileSync('git', ['--git-dir', repo.dir, 'update-ref', `refs/heads/${branch}`, 'theirs'])
  expect(await send(repo, 2)).toMatchObject({ number: 2, created: true })
})

test('what people put on top of our commits stays', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  await repo.commit({ message: 'By hand', files: { 'notes.md': 'x' }, branch: 'agenta/deploy-bot-1', author: 'jane' })
  expect(await send(repo, 2)).toMatchObject({ number: 1, created: false })
  expect(await commitsOn(repo, 'agenta/deploy-bot-1')).toEqual([
    'Deploy v1 to production',
    'By hand',
    'Deploy v2 to production',
  ])
})

test('another base branch is respected, a missing one is not worth a retry', async () => {
  const repo = await makeRepository()
  await repo.commit({ message: 'Release', files: { a: 'b' }, branch: 'release' })
  await send(repo, 1, { base: 'release' })
  expect(await repo.pulls()).toMatchObject([{ base: { ref: 'release' } }])
  await expect(send(repo, 2, { base: 'gone' })).rejects.toThrow(/no branch gone/)
})

test('an empty repository is not worth a retry', async () => {
  const repo = await fake.addRepository({ owner: 'acme', name: 'empty' })
  await expect(send(repo, 1)).rejects.toThrow(GiveUp)
})
