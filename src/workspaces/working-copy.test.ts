import { execFileSync } from 'node:child_process'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openTestFolder } from '../../test/folder.ts'
import { commitFiles } from './fixtures/commit-files.ts'
import { entryAt, NotInside, readInside, removeInside, writeInside } from './inside.ts'
import { changesOf, openWorkingCopy } from './working-copy.ts'

const { signal } = new AbortController()

async function checkout(files: Record<string, string | Buffer> = {}) {
  const checkedOut = await commitFiles({ 'a.txt': 'a\n', 'src/b.ts': 'b\n', 'src/c.ts': 'c\n', ...files })
  const options = async () => ({ ...checkedOut, own: await openTestFolder(), signal })
  return { ...checkedOut, options, changed: async () => changesOf(await options()) }
}

test('an untouched checkout has no changes', async () => {
  const { changed } = await checkout()
  expect(await changed()).toEqual({ changes: [], leftOut: [] })
})

test('added, changed, deleted, binary and executable files are changes', async () => {
  const { folder, changed } = await checkout({ 'run.sh': '#!/bin/sh\n', 'crlf.txt': 'one\r\ntwo\r\n' })
  await writeFile(join(folder, 'a.txt'), 'a\nmore\n')
  await rm(join(folder, 'src/b.ts'))
  await mkdir(join(folder, 'new/deep'), { recursive: true })
  await writeFile(join(folder, 'new/deep/ü n.txt'), 'new')
  await writeFile(join(folder, 'new/run.sh'), '#!/bin/sh\n', { mode: 0o755 })
  await writeFile(join(folder, 'logo.png'), Buffer.from([0, 0xff, 7]))
  await writeFile(join(folder, 'crlf.txt'), 'one\r\n2\r\n')
  await chmod(join(folder, 'run.sh'), 0o755)
  const { changes, leftOut } = await changed()
  expect(leftOut).toEqual([])
  expect(changes).toEqual([
    { path: 'a.txt', content: 'a\nmore\n' },
    { path: 'crlf.txt', content: 'one\r\n2\r\n' },
    { path: 'run.sh', content: '#!/bin/sh\n', executable: true },
    { path: 'src/b.ts', deleted: true },
    { path: 'logo.png', content: { base64: 'AP8H' } },
    { path: 'new/deep/ü n.txt', content: 'new' },
    { path: 'new/run.sh', content: '#!/bin/sh\n', executable: true },
  ])
})

test('what .gitignore names is no change and no file, unless it is in the commit', async () => {
  const { folder, options } = await checkout({ '.gitignore': 'out/\n*.log\n', 'kept.log': 'x\n' })
  await mkdir(join(folder, 'out'))
  await writeFile(join(folder, 'out/build.js'), '1')
  await writeFile(join(folder, 'debug.log'), '1')
  await writeFile(join(folder, 'kept.log'), 'y\n')
  await rm(join(folder, 'a.txt'))
  await writeFile(join(folder, 'z.txt'), '1')
  const copy = await openWorkingCopy(await options())
  expect((await copy.changed()).changes.map(({ path }) => path)).toEqual(['a.txt', 'kept.log', 'z.txt'])
  expect(await copy.files()).toEqual(['.gitignore', 'kept.log', 'src/b.ts', 'src/c.ts', 'z.txt'])
})

test.each(['.gitignore', '.gitattributes', 'src/.gitignore'])(
  'a pipe that a program leaves as %s does not keep the reading waiting',
  async (name) => {
    const { folder, options } = await checkout()
    execFileSync('mkfifo', [join(folder, name)])
    await writeFile(join(folder, 'a.txt'), 'changed\n')
    const reading = changesOf({ ...(await options()), maxMs: 1_000 })
    await expect(reading).rejects.toThrow('could not be read in 1 s: a program may have left a pipe in it')
  },
)

test('symlinks and repositories inside are left out, and nothing is read through them', async () => {
  const outside = await openTestFolder()
  await writeFile(join(outside, 'b.ts'), 'SECRET')
  const { folder, changed } = await checkout()
  await symlink(join(outside, 'b.ts'), join(folder, 'link'))
  await rm(join(folder, 'a.txt'))
  await symlink(join(outside, 'b.ts'), join(folder, 'a.txt'))
  // All files of the folder are gone then, and what the link leads to does not count.
  await rm(join(folder, 'src'), { recursive: true })
  await symlink(outside, join(folder, 'src'))
  await mkdir(join(folder, 'inner/.git'), { recursive: true })
  await commitFiles({ 'x.txt': 'x' }, join(folder, 'nested'))
  const { changes, leftOut } = await changed()
  expect(JSON.stringify(changes)).not.toContain('SECRET')
  expect(changes).toEqual([
    { path: 'src/b.ts', deleted: true },
    { path: 'src/c.ts', deleted: true },
  ])
  expect(leftOut.map(({ path, reason }) => [path, reason])).toEqual([
    ['a.txt', 'a.txt is a symlink'],
    ['link', 'link is, or leads through, a symlink'],
    ['nested/', 'nested/ is a repository of its own'],
    ['src', 'src is, or leads through, a symlink'],
  ])
})

test('nothing that a program has put into the repository of the folder is obeyed', async () => {
  const { folder, changed } = await checkout({ '.gitattributes': '*.txt filter=evil diff=evil\n' })
  const run = `sh -c 'touch ${folder}/../ran-${Date.now()}; echo ran > ${folder}/RAN'`
  await writeFile(
    join(folder, '.git/config'),
    `[core]\nfsmonitor = ${run}\nhooksPath = ${folder}/.git/hooks\n[filter "evil"]\nclean = ${run}\nsmudge = ${run}\nrequired = true\n[diff "evil"]\ncommand = ${run}\ntextconv = ${run}\n`,
  )
  await writeFile(join(folder, '.git/info/attributes'), '* filter=evil\n')
  await writeFile(join(folder, 'a.txt'), 'changed\n')
  expect(await changed()).toEqual({ changes: [{ path: 'a.txt', content: 'changed\n' }], leftOut: [] })
  expect(await entryAt(folder, 'RAN')).toBeNull()
})

test('files are bytes, whatever attributes say of their line ends', async () => {
  const { folder, changed } = await checkout({ '.gitattributes': '* text=auto\n', 'crlf.txt': 'one\r\n' })
  expect(await changed()).toEqual({ changes: [], leftOut: [] })
  await writeFile(join(folder, 'a.txt'), 'a\r\n')
  expect((await changed()).changes).toEqual([{ path: 'a.txt', content: 'a\r\n' }])
})

test('what is too much, or refused, is left out with a reason', async () => {
  const { folder, options } = await checkout()
  await writeFile(join(folder, 'a.txt'), 'x'.repeat(60))
  await writeFile(join(folder, 'b.txt'), 'x'.repeat(60))
  await writeFile(join(folder, 'c.txt'), 'x')
  await writeFile(join(folder, 'd.txt'), 'x')
  await writeFile(join(folder, 'e.txt'), 'x')
  const refuse = (path: string) => (path === 'c.txt' ? 'c.txt is protected' : null)
  const { changes, leftOut } = await changesOf({ ...(await options()), maxFiles: 2, maxBytes: 100, refuse })
  expect(changes.map(({ path }) => path)).toEqual(['a.txt', 'd.txt'])
  expect(leftOut).toEqual([
    { path: 'b.txt', reason: 'b.txt has 60 bytes, which are more than 40' },
    { path: 'c.txt', reason: 'c.txt is protected' },
    { path: 'e.txt', reason: 'more than 2 files are changed' },
  ])
})

describe('a path', () => {
  test.each(['link', 'link/file', 'a/../../x', '..', 'a/link/x'])(
    '%s that leads out is neither read nor written',
    async (path) => {
      const outside = await openTestFolder()
      await writeFile(join(outside, 'file'), 'SECRET')
      const folder = await openTestFolder()
      await mkdir(join(folder, 'a'))
      await symlink(outside, join(folder, 'link'))
      await symlink(outside, join(folder, 'a/link'))
      await expect(entryAt(folder, path)).rejects.toThrow(NotInside)
      await expect(readInside(folder, path, 100)).rejects.toThrow(NotInside)
      await expect(writeInside(folder, path, { bytes: Buffer.from('x') })).rejects.toThrow(NotInside)
      await expect(removeInside(folder, path)).rejects.toThrow(NotInside)
      expect((await readInside(outside, 'file', 100)).toString()).toBe('SECRET')
    },
  )

  test('inside is written with its folders, read, and removed with what is empty then', async () => {
    const folder = await openTestFolder()
    await writeInside(folder, 'a/b/c.sh', { bytes: Buffer.from('one'), executable: true })
    await writeInside(folder, 'a/b/c.sh', { bytes: Buffer.from('two') })
    expect(await entryAt(folder, 'a/b/c.sh')).toEqual({ kind: 'file', bytes: 3, executable: true })
    expect((await readInside(folder, 'a/b/c.sh', 3)).toString()).toBe('two')
    await expect(readInside(folder, 'a/b/c.sh', 2)).rejects.toThrow('a/b/c.sh has 3 bytes, which are more than 2')
    await expect(readInside(folder, 'a/b', 9)).rejects.toThrow('a/b is a folder')
    await expect(writeInside(folder, 'a/b', { bytes: Buffer.from('') })).rejects.toThrow('a/b is a folder')
    await expect(writeInside(folder, 'a/b/c.sh/d', { bytes: Buffer.from('') })).rejects.toThrow('is a file, not')
    await removeInside(folder, 'a/b/c.sh')
    expect(await entryAt(folder, 'a')).toBeNull()
    expect(await entryAt(folder, 'a/b/c.sh')).toBeNull()
    await expect(removeInside(folder, 'a/b/c.sh')).rejects.toThrow('there is no file a/b/c.sh')
  })
})
