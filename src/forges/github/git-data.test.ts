import { execFileSync } from 'node:child_process'
import type { RepositoryHandle } from '@signalbox/fake-github'
import { afterAll, afterEach, expect, test } from 'vitest'
import { GiveUp } from '../../lib/error.ts'
import type { Change, Commit } from '../forge.ts'
import { failure, openGithubStage } from './fixtures/stage.ts'

const FILES = { 'README.md': 'shop\n', 'docs/a.md': 'a\n', 'docs/b.md': 'b\n', 'bin/run': '#!/bin/sh\n' }

const stage = await openGithubStage()
const { fake, forge } = stage
afterEach(() => fake.faults.clear())
afterAll(() => stage.close())

let counter = 0
async function makeRepository(files: Record<string, string> = FILES) {
  counter += 1
  return fake.addRepository({ owner: 'acme', name: `data-${counter}`, files })
}

async function commitFiles(repo: RepositoryHandle, changes: Change[], more: Partial<Commit> = {}) {
  const parent = (await repo.head()) ?? ''
  return forge().commitFiles(repo.fullName, { branch: 'agenta/x', parent, isNew: true, message: 'M', changes, ...more })
}

function git(repo: RepositoryHandle, ...args: string[]) {
  return execFileSync('git', ['--git-dir', repo.dir, ...args])
}

/** `mode path` of each file, as git has it. */
function filesOf(repo: RepositoryHandle, ref: string) {
  const lines = git(repo, 'ls-tree', '-r', ref).toString().trim().split('\n')
  return lines.map((line) => line.replace(/^(\d+) blob \w+\t/, '$1 '))
}

test('one commit is made on the parent, by the owner of the token', async () => {
  const repo = await makeRepository()
  const parent = await repo.head()
  const done = await commitFiles(repo, [{ path: 'new/file.txt', content: 'héllo\n' }], { message: 'Subject\n\nBody\n' })
  expect(done).toEqual({ kind: 'committed', sha: await repo.head('agenta/x') })
  expect(await repo.readFile('agenta/x', 'new/file.txt')).toBe('héllo\n')
  expect(git(repo, 'log', '-1', '--format=%P %an %B', 'agenta/x').toString().trim()).toBe(
    `${parent} acme Subject\n\nBody`,
  )
  expect(await repo.head()).toBe(parent)
})

test('a branch that exists moves forward', async () => {
  const repo = await makeRepository()
  const first = await repo.commit({ message: 'First', files: { a: '1' }, branch: 'agenta/x' })
  const done = await commitFiles(repo, [{ path: 'b', content: '2' }], { parent: first, isNew: false })
  expect(done).toEqual({ kind: 'committed', sha: await repo.head('agenta/x') })
  expect(git(repo, 'rev-list', '--count', 'main..agenta/x').toString().trim()).toBe('2')
})

test('an empty branch moves to a commit on the newer base', async () => {
  const repo = await makeRepository()
  git(repo, 'branch', 'agenta/x', 'main')
  const parent = await repo.commit({ message: 'Meanwhile', files: { other: 'x' } })
  expect(await commitFiles(repo, [{ path: 'a', content: 'b' }], { isNew: false })).toMatchObject({ kind: 'committed' })
  expect(git(repo, 'rev-parse', 'agenta/x^').toString().trim()).toBe(parent)
})

test('bytes that are not text are stored as they are', async () => {
  const repo = await makeRepository()
  const bytes = Uint8Array.from({ length: 1000 }, (_, at) => at % 256)
  await commitFiles(repo, [
    { path: 'logo.png', content: bytes },
    { path: 'empty', content: new Uint8Array() },
  ])
  expect(new Uint8Array(git(repo, 'cat-file', 'blob', 'agenta/x:logo.png'))).toEqual(bytes)
  expect(git(repo, 'cat-file', 'blob', 'agenta/x:empty')).toHaveLength(0)
})

test('a part of a larger array is stored as that part only', async () => {
  const repo = await makeRepository()
  const whole = new TextEncoder().encode('secret shown secret')
  await commitFiles(repo, [{ path: 'part', content: whole.subarray(7, 12) }])
  expect(await repo.readFile('agenta/x', 'part')).toBe('shown')
})

test('files are made executable, stay so when nothing is said, and stop being so', async () => {
  const repo = await makeRepository({ 'README.md': 'x\n' })
  const write = async (changes: Change[]) => {
    const parent = (await repo.head('agenta/x')) ?? (await repo.head()) ?? ''
    await commitFiles(repo, changes, { parent, isNew: (await repo.head('agenta/x')) === null })
    return filesOf(repo, 'agenta/x')
  }
  const first = { path: 'bin/run', content: '1' }
  expect(await write([{ ...first, executable: true }])).toEqual(['100644 README.md', '100755 bin/run'])
  expect(await write([{ ...first, content: '2' }])).toEqual(['100644 README.md', '100755 bin/run'])
  expect(await write([{ ...first, content: new Uint8Array([3]), executable: false }])).toEqual([
    '100644 README.md',
    '100644 bin/run',
  ])
})

test('files are deleted, with the directory that is empty then', async () => {
  const repo = await makeRepository()
  await commitFiles(repo, [
    { path: 'bin/run', deleted: true },
    { path: 'docs/a.md', deleted: true },
    { path: 'docs/c.md', content: 'c\n' },
  ])
  expect(filesOf(repo, 'agenta/x')).toEqual(['100644 README.md', '100644 docs/b.md', '100644 docs/c.md'])
})

test('deleting what is not there does nothing', async () => {
  const repo = await makeRepository()
  const gone: Change[] = [
    { path: 'none', deleted: true },
    { path: 'no/such/file', deleted: true },
  ]
  const writes = fake.requests.length
  expect(await commitFiles(repo, gone)).toEqual({ kind: 'unchanged', sha: await repo.head() })
  expect(fake.requests.slice(writes).filter(({ method }) => method !== 'GET')).toEqual([])
  expect(await commitFiles(repo, [...gone, { path: 'a', content: 'b' }])).toMatchObject({ kind: 'committed' })
})

test('files that are as they should be make no commit and no branch', async () => {
  const repo = await makeRepository()
  const changes: Change[] = [
    { path: 'README.md', content: 'shop\n' },
    { path: 'docs/a.md', content: new TextEncoder().encode('a\n') },
  ]
  expect(await commitFiles(repo, changes)).toEqual({ kind: 'unchanged', sha: await repo.head() })
  expect(await repo.branches()).toEqual(['main'])
})

test.each<[string, Change]>([
  ['a directory by a file', { path: 'docs', content: 'x' }],
  ['a directory by nothing', { path: 'docs', deleted: true }],
  ['a file by a directory', { path: 'README.md/x', content: 'x' }],
  ['a file by a deep directory', { path: 'bin/run/a/b', content: 'x' }],
])('%s is not replaced, and nothing is written', async (_, change) => {
  const repo = await makeRepository()
  const writes = fake.requests.length
  const error = await failure(commitFiles(repo, [{ path: 'other', content: new Uint8Array([1]) }, change]))
  expect(error).toBeInstanceOf(GiveUp)
  expect(String(error)).toContain(change.path)
  expect(
    fake.requests.slice(writes).filter(({ route }) => /trees|commits|refs/.test(route ?? '')).length,
  ).toBeGreaterThan(0)
  expect(await repo.branches()).toEqual(['main'])
})

test('a symbolic link becomes a file when it is written, and is not followed', async () => {
  const repo = await makeRepository({ 'README.md': 'x\n' })
  const blob = execFileSync('git', ['--git-dir', repo.dir, 'hash-object', '-w', '--stdin'], { input: 'README.md' })
  const tree = execFileSync('git', ['--git-dir', repo.dir, 'mktree'], {
    input: `120000 blob ${blob.toString().trim()}\tlink\n`,
  })
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
  const parent = git(repo, ...who, 'commit-tree', tree.toString().trim(), '-m', 'Link')
    .toString()
    .trim()
  expect(await failure(commitFiles(repo, [{ path: 'link/x', content: 'x' }], { parent }))).toBeInstanceOf(GiveUp)
  await commitFiles(repo, [{ path: 'link', content: 'x' }], { parent })
  expect(filesOf(repo, 'agenta/x')).toEqual(['100644 link'])
})

test.each<[string, (repo: RepositoryHandle) => unknown, boolean]>([
  ['made', (repo) => git(repo, 'branch', 'agenta/x', 'main'), true],
  ['moved', (repo) => repo.commit({ message: 'By hand', files: { n: 'n' }, branch: 'agenta/x' }), false],
  ['deleted', (repo) => repo.deleteBranch('agenta/x'), false],
])('a branch that somebody else %s meanwhile has moved', async (_, interfere, exists) => {
  const repo = await makeRepository()
  if (!exists) git(repo, 'branch', 'agenta/x', 'main')
  fake.faults.add({ method: 'POST', route: '/repos/{owner}/{repo}/git/commits', after: () => interfere(repo) })
  expect(await commitFiles(repo, [{ path: 'a', content: 'b' }], { isNew: exists })).toEqual({ kind: 'moved' })
})

test('any other refusal of the branch is a failure', async () => {
  const repo = await makeRepository()
  const error = await failure(commitFiles(repo, [{ path: 'a', content: 'b' }], { branch: 'a..b' }))
  expect(error).toMatchObject({ code: 'forge_failed' })
  const unknown = await failure(commitFiles(repo, [{ path: 'a', content: 'b' }], { parent: 'a'.repeat(40) }))
  expect(unknown).toMatchObject({ code: 'forge_failed' })
})

test('each directory on the way is read once', async () => {
  const repo = await makeRepository()
  const before = fake.requests.length
  await commitFiles(repo, [
    { path: 'docs/a.md', content: '1' },
    { path: 'docs/b.md', content: '2' },
    { path: 'docs/new/c.md', content: '3' },
  ])
  const trees = fake.requests
    .slice(before)
    .filter(({ method, path }) => method === 'GET' && path.includes('/git/trees/'))
  expect(trees).toHaveLength(2)
})

test.each([1, 2, 3, 4])('dying after write number %s leaves the branch as it was, or finished', async (last) => {
  const repo = await makeRepository()
  let writes = 0
  const dying: typeof fetch = async (url, init) => {
    if (writes >= last) throw new Error('the process is dead')
    if (init?.method !== 'GET') writes += 1
    const response = await fetch(url, init)
    if (writes === last) throw new Error('the process is dead')
    return response
  }
  const commit: Commit = {
    branch: 'agenta/x',
    parent: (await repo.head()) ?? '',
    isNew: true,
    message: 'M',
    changes: [{ path: 'logo.png', content: new Uint8Array([1, 2]) }],
  }
  const first = await failure(forge({ fetch: dying }).commitFiles(repo.fullName, commit))
  expect(first).toBeInstanceOf(Error)
  // Blob, tree and commit are unused objects; the last write makes the branch.
  const isFinished = last === 4
  expect(await repo.branches()).toEqual(isFinished ? ['agenta/x', 'main'] : ['main'])
  expect((await forge().commitFiles(repo.fullName, commit)).kind).toBe(isFinished ? 'moved' : 'committed')
  expect(git(repo, 'rev-list', '--count', 'main..agenta/x').toString().trim()).toBe('1')
})
