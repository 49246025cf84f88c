import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { openTestFolder } from '../../test/folder.ts'
import { GiveUp } from '../lib/error.ts'
import { openMirrorsStage } from '../workspaces/fixtures/stage.ts'
import { GitError } from '../workspaces/git.ts'
import { diffOf, EMPTY_TREE, mergeBase } from './diff-of.ts'
import type { Entry } from './fixtures/golden-diff.ts'
import { commitAll, numbered } from './fixtures/golden-diff.ts'
import { patchId } from './patch-id.ts'
import { patchText } from './patch-text.ts'

type Files = Record<string, Entry>

/** A repository with these versions, and their commits. */
async function openVersions(...versions: [before: Files, after: Files][]) {
  const folder = await openTestFolder()
  await execa('git', ['init', '--quiet'], { cwd: folder })
  const named = versions.map(([before, after], at) => [`${at}`, { before, after }] as const)
  const commits = await commitAll(folder, Object.fromEntries(named))
  return { folder, commits: versions.map((_, at) => commits[at] ?? { base: '', head: '' }) }
}

async function openDiff(before: Files, after: Files, limits?: Parameters<typeof diffOf>[3]) {
  const { folder, commits } = await openVersions([before, after])
  const [{ base, head } = { base: '', head: '' }] = commits
  return { folder, base, head, diff: await diffOf(folder, base, head, limits) }
}

test('a file has its modes and whole object ids on both sides', async () => {
  const { diff, base, head } = await openDiff({ a: 'one\n', gone: 'x\n' }, { a: { executable: 'two\n' }, made: 'yy\n' })
  expect([diff.base, diff.head]).toEqual([base, head])
  const id = expect.stringMatching(/^[0-9a-f]{40}$/)
  expect(diff.files).toMatchObject([
    { path: 'a', oldMode: '100644', newMode: '100755', oldBlob: id, newBlob: id },
    { path: 'gone', oldMode: '100644', newMode: null, oldBlob: id, newBlob: null },
    { path: 'made', oldMode: null, newMode: '100644', oldBlob: null, newBlob: id },
  ])
  expect(diff.files[0]?.oldBlob).toBe('5626abf0f72e58d7a153368ba57db4c673c0e171')
})

test('no setting of the repository changes how it is compared', async () => {
  const { folder, base, head } = await openDiff({ 'src/a.js': 'one\n' }, { 'src/a.js': 'two\n' })
  await writeFile(join(folder, '.git/info/attributes'), '*.js diff=evil\n')
  const settings = ['diff.evil.textconv=false', 'diff.noprefix=true', 'diff.renames=false', 'color.ui=always']
  for (const setting of [...settings, 'diff.context=0', 'diff.external=false', 'core.quotePath=false']) {
    await execa('git', ['config', ...setting.split('=')], { cwd: folder })
  }
  const { files } = await diffOf(folder, base, head)
  expect(files).toMatchObject([
    { path: 'src/a.js', isBinary: false, hunks: [{ lines: [{ text: 'one' }, { text: 'two' }] }] },
  ])
})

test('a file that is too large is there without its lines, and named', async () => {
  const { diff } = await openDiff({ a: 'a\n', b: 'b\n' }, { a: 'x\n'.repeat(600), b: 'B\n' }, { maxFileBytes: 1000 })
  expect(diff.files.map(({ path, hunks }) => [path, hunks.length])).toEqual([
    ['a', 0],
    ['b', 1],
  ])
  expect(diff.omitted).toEqual([{ path: 'a', reason: 'larger than 1000 bytes', largerThanBytes: 1000 }])
})

test('files beyond a limit are named, and those that are within are whole', async () => {
  const names = ['a', 'b', 'c', 'd']
  const all = (text: string) => Object.fromEntries(names.map((name) => [name, text]))
  const before = { ...all('one\n'), b: numbered(50) }
  const { folder, base, head, diff } = await openDiff(before, { ...all('two\n'), b: numbered(40, { 3: 'x' }) })
  const shown = async (limits: object) => {
    const { files, omitted } = await diffOf(folder, base, head, limits)
    const lines = files.map(({ path, hunks }) => `${path} ${hunks.flatMap((hunk) => hunk.lines).length}`)
    return [...lines, ...omitted.map(({ path, reason }) => `${path}: ${reason}`)]
  }
  expect(diff.omitted).toEqual([])
  expect(await shown({ maxLines: 6 })).toEqual(['a 2', 'b 0', 'c 2', 'd 2', 'b: the diff has more than 6 lines'])
  const beyond = ['c', 'd'].map((path) => `${path}: the diff has more than 2 files`)
  expect(await shown({ maxFiles: 2 })).toEqual(['a 2', 'b 20', ...beyond])
  const cut = await shown({ maxBytes: 900 })
  expect(cut).toEqual(['a 2', ...['b', 'c', 'd'].map((name) => `${name} 0`), ...['b', 'c', 'd'].map(unread)])
  expect(await shown({ maxBytes: 150 })).toContain('**: more files than git may list')
})

function unread(path: string): string {
  return `${path}: the diff is longer than what is read of it`
}

test('a checkout is compared with any commit of its mirror, whatever its attributes say', async () => {
  const { shop, checkout } = await openMirrorsStage({ '.gitattributes': '* -diff binary\n', 'a.js': 'one\n' })
  const base = (await shop.head()) ?? ''
  const head = await shop.commit({ message: 'c', files: { 'a.js': 'two\n' } })
  const { at } = await checkout(head)
  expect(await mergeBase(at, base, head)).toBe(base)
  const { files } = await diffOf(at, base, head)
  expect(files).toMatchObject([{ path: 'a.js', isBinary: false, hunks: [{ oldLines: 1, newLines: 1 }] }])
})

test('a first commit is compared with no files at all', async () => {
  const { folder, base } = await openDiff({ a: 'one\n' }, {})
  expect((await diffOf(folder, EMPTY_TREE, base)).files).toMatchObject([{ path: 'a', status: 'added' }])
})

test('the merge base is the commit that both have, if there is one', async () => {
  const { folder, commits } = await openVersions([{ a: 'one\n' }, { a: 'two\n' }], [{ b: 'one\n' }, { b: 'two\n' }])
  const [one, other] = commits
  expect(await mergeBase(folder, one?.head ?? '', one?.base ?? '')).toBe(one?.base)
  expect(await mergeBase(folder, one?.head ?? '', other?.head ?? '')).toBe(null)
})

test('only whole shas of commits that are there are compared', async () => {
  const { folder, base } = await openDiff({ a: 'one\n' }, {})
  await expect(diffOf(folder, '--output=x', base)).rejects.toThrow(GiveUp)
  await expect(mergeBase(folder, 'main', base)).rejects.toThrow('A diff is of whole shas, which main is not.')
  await expect(diffOf(folder, base, '1'.repeat(40))).rejects.toThrow(GitError)
  await expect(mergeBase(folder, base, '1'.repeat(40))).rejects.toThrow(GitError)
})

test('the same change on another base has the same id, and another change has another', async () => {
  const moved = (changed: Record<number, string>) => ({ a: `new\n${numbered(30, changed)}`, b: 'other\n' })
  const { folder, commits } = await openVersions(
    [{ a: numbered(30) }, { a: numbered(30, { 20: 'x' }) }],
    [moved({}), moved({ 20: 'x' })],
    [moved({}), moved({ 20: 'x ' })],
    [moved({}), { ...moved({ 20: 'x' }), b: { executable: 'other\n' } }],
  )
  const ids = await Promise.all(commits.map(async ({ base, head }) => patchId(await diffOf(folder, base, head))))
  expect(ids[1]).toBe(ids[0])
  expect(new Set(ids).size).toBe(3)
})

test('files without lines are the same change only with the same content', async () => {
  const png = (last: number) => ({ p: { bytes: Uint8Array.from([0, last]) } })
  const { folder, commits } = await openVersions([png(1), png(2)], [png(1), png(2)], [png(1), png(3)])
  const diffs = await Promise.all(commits.map(({ base, head }) => diffOf(folder, base, head)))
  expect(new Set(diffs.map(patchId)).size).toBe(2)
  const lacking = diffs.map((diff, at) => ({
    ...diff,
    head: `${at}`,
    files: [],
    omitted: [{ path: 'p', reason: 'r' }],
  }))
  expect(new Set(lacking.map(patchId)).size).toBe(3)
})

test('a diff is written for readers with the numbers of both sides', async () => {
  const { diff } = await openDiff({ a: numbered(12) }, { a: `${numbered(12, { 12: `${'x'.repeat(30)}` }).trimEnd()}` })
  expect(patchText(diff.files[0]?.hunks ?? [], { maxLineChars: 10 }).split('\n')).toEqual([
    '@@ -9,4 +9,4 @@ line 8',
    ' 9  9  line 9',
    '10 10  line 10',
    '11 11  line 11',
    '12    -line 12',
    '   12 +xxxxxxxxxx [cut: 30 characters] [no newline at the end]',
  ])
})

test('a change of very many files is read soon', async () => {
  const folder = await openTestFolder()
  const git = async (input: string, ...args: string[]) => (await execa('git', args, { cwd: folder, input })).stdout
  await git('', 'init', '--quiet')
  const commitOf = async (content: string) => {
    const blob = await git(content, 'hash-object', '-w', '--stdin')
    const tree = await git(
      Array.from({ length: 60_000 }, (_, at) => `100644 blob ${blob}\tf${at}\n`).join(''),
      'mktree',
    )
    return git('', '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit-tree', tree, '-m', 'x')
  }
  const [base, head] = [await commitOf('x\n'), await commitOf('y\n')]
  const begin = performance.now()
  const { files, omitted } = await diffOf(folder, base, head, { maxBytes: 7_000_000 })
  expect(performance.now() - begin).toBeLessThan(8_000)
  expect([files.length, omitted.length]).toEqual([3000, 57_000])
})
