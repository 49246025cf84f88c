import { execFileSync } from 'node:child_process'
import { afterAll, expect, test } from 'vitest'
import { openGithubStage } from './fixtures/stage.ts'

const stage = await openGithubStage({ 'a/b.txt': 'héllo\n' })
const { fake, repo, forge } = stage
afterAll(() => stage.close())

test('the default branch and the heads of branches are read; what is not there is null', async () => {
  expect(await forge().defaultBranch('acme/shop')).toBe('main')
  expect(await forge().branchSha('acme/shop', 'main')).toBe(await repo.head())
  expect(await forge().branchSha('acme/shop', 'no/such')).toBeNull()
  const sha = await repo.commit({ message: 'm', files: { x: 'y' }, branch: 'agenta/deploy-a-1' })
  expect(await forge().branchSha('acme/shop', 'agenta/deploy-a-1')).toBe(sha)
  // The beginning of a branch's name is no branch.
  expect(await forge().branchSha('acme/shop', 'agenta/deploy-a')).toBeNull()
})

test('a repository without a commit has no branch yet', async () => {
  await fake.addRepository({ owner: 'acme', name: 'empty' })
  expect(await forge().branchSha('acme/empty', 'main')).toBeNull()
})

test('a file is read at a branch or a commit; a directory and nothing are null', async () => {
  const first = (await repo.head()) ?? ''
  await repo.commit({ message: 'm', files: { 'a/b.txt': 'new\n' } })
  expect(await forge().readFile('acme/shop', 'a/b.txt', 'main')).toBe('new\n')
  expect(await forge().readFile('acme/shop', 'a/b.txt', first)).toBe('héllo\n')
  expect(await forge().readFile('acme/shop', 'a', 'main')).toBeNull()
  expect(await forge().readFile('acme/shop', 'none', 'main')).toBeNull()
  expect(await forge().readFile('acme/shop', 'a/b.txt', 'no-such-branch')).toBeNull()
})

test('a file above one megabyte is read as a whole', async () => {
  const text = 'é'.repeat(800_000)
  await repo.commit({ message: 'm', files: { 'large.txt': text } })
  expect(await forge().readFile('acme/shop', 'large.txt', 'main')).toBe(text)
})

test('the commits between two points are complete and oldest first, over several pages', async () => {
  const base = (await repo.head()) ?? ''
  const git = (...args: string[]) => execFileSync('git', ['--git-dir', repo.dir, ...args], { encoding: 'utf8' }).trim()
  const tree = git('rev-parse', 'main^{tree}')
  let head = base
  for (let number = 1; number <= 120; number += 1) {
    const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
    head = git(...who, 'commit-tree', tree, '-p', head, '-m', `Number ${number}`)
  }
  const commits = await forge().commitsBetween('acme/shop', base, head)
  expect(commits.map(({ message }) => message.trim())).toEqual(
    Array.from({ length: 120 }, (_, at) => `Number ${at + 1}`),
  )
  expect(commits.at(-1)?.sha).toBe(head)
  expect(await forge().commitsBetween('acme/shop', head, base)).toEqual([])
})
