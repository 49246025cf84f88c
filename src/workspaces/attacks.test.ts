// Repositories made to run something or to lead out of their worktree: what they contain is written
// as it is, or refused, and nothing of it is run or followed.
import { lstat, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { openTestFolder } from '../../test/folder.ts'
import type { MirrorsStage } from './fixtures/stage.ts'
import { gitIn, openMirrorsStage } from './fixtures/stage.ts'

type Entry = { mode: string; path: string; content?: string; id?: string }

async function objectOf(dir: string, args: string[], input: string): Promise<string> {
  const env = { GIT_AUTHOR_NAME: 'm', GIT_AUTHOR_EMAIL: 'm@x', GIT_COMMITTER_NAME: 'm', GIT_COMMITTER_EMAIL: 'm@x' }
  const { stdout } = await execa('git', ['--git-dir', dir, ...args], { input, env })
  return stdout
}

/** A tree with one entry for each path, made without git's checks of names. */
async function treeOf(dir: string, entries: readonly Entry[]): Promise<string> {
  const names = [...new Set(entries.map(({ path }) => path.split('/')[0] ?? ''))].sort()
  const parts = await Promise.all(
    names.map(async (name) => {
      const whole = entries.find(({ path }) => path === name)
      const below = entries.filter(({ path }) => path.startsWith(`${name}/`))
      const nested = below.map((entry) => ({ ...entry, path: entry.path.slice(name.length + 1) }))
      const id = whole
        ? (whole.id ?? (await objectOf(dir, ['hash-object', '-w', '--stdin'], whole.content ?? '')))
        : await treeOf(dir, nested)
      return Buffer.concat([Buffer.from(`${whole?.mode ?? '40000'} ${name}\0`), Buffer.from(id, 'hex')])
    }),
  )
  const file = join(await openTestFolder(), 'tree')
  await writeFile(file, Buffer.concat(parts))
  return objectOf(dir, ['hash-object', '-t', 'tree', '-w', '--literally', file], '')
}

/** A commit of these entries on the branch `evil`. */
async function commitOf({ shop }: MirrorsStage, ...entries: Entry[]): Promise<string> {
  const sha = await objectOf(shop.dir, ['commit-tree', '-m', 'evil', await treeOf(shop.dir, entries)], '')
  await gitIn(shop.dir, 'update-ref', 'refs/heads/evil', sha)
  return sha
}

const FILE = '100644'

test('hooks in the repository are files like others', async () => {
  const stage = await openMirrorsStage()
  const mark = join(stage.folder, 'mark')
  const content = `#!/bin/sh\ntouch ${mark}\n`
  const names = ['post-checkout', 'post-index-change', 'reference-transaction', 'fsmonitor-watchman']
  const sha = await commitOf(stage, ...names.map((name) => ({ mode: '100755', path: `hooks/${name}`, content })))
  const { at } = await stage.checkout(sha)
  expect(await readdir(join(at, 'hooks'))).toHaveLength(names.length)
  await gitIn(at, 'status')
  await expect(stat(mark)).rejects.toThrow('ENOENT')
  expect(await gitIn(at, 'config', 'core.hooksPath')).toBe('/dev/null')
  expect(await readdir(join(at, '.git'))).not.toContain('hooks')
})

test('hooks, filters and helpers that this machine or its user has set up are not run', async () => {
  const stage = await openMirrorsStage()
  const [mark, home] = [join(stage.folder, 'mark'), await openTestFolder()]
  await writeFile(join(home, 'post-checkout'), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 })
  const evil = `touch ${mark}; cat`
  await writeFile(
    join(home, '.gitconfig'),
    `[core]\n hooksPath = ${home}\n fsmonitor = ${evil}\n sshCommand = ${evil}\n attributesFile = ${home}/attributes\n` +
      `[credential]\n helper = "!touch ${mark}"\n[filter "evil"]\n smudge = ${evil}\n required = true\n` +
      `[url "ext::${evil}"]\n insteadOf = http\n`,
  )
  await writeFile(join(home, 'attributes'), '* filter=evil\n')
  const before = process.env.HOME
  process.env.HOME = home
  try {
    const { at } = await stage.checkout('HEAD')
    expect(await readFile(join(at, 'README.md'), 'utf8')).toBe('shop\n')
  } finally {
    process.env.HOME = before
  }
  await expect(stat(mark)).rejects.toThrow('ENOENT')
})

test('attributes change nothing: no filter, no line ends, no encoding, no expansion', async () => {
  const stage = await openMirrorsStage()
  const attributes = '[attr]odd filter=evil\n* filter=evil odd text eol=crlf ident working-tree-encoding=UTF-16LE\n'
  const content = 'one\n$Id$\n'
  const sha = await commitOf(
    stage,
    { mode: FILE, path: '.gitattributes', content: attributes },
    { mode: FILE, path: 'a/.gitattributes', content: attributes },
    { mode: FILE, path: 'a/b.txt', content },
  )
  const { at } = await stage.checkout(sha)
  expect(await readFile(join(at, 'a/b.txt'), 'utf8')).toBe(content)
  const evil = join(stage.folder, 'mark')
  await gitIn(at, '-c', `filter.evil.smudge=touch ${evil}`, '-c', `filter.evil.clean=touch ${evil}`, 'status')
  await expect(stat(evil)).rejects.toThrow('ENOENT')
  expect(await gitIn(at, 'status', '--short')).toBe('')
})

test('a pointer of Git LFS stays a pointer', async () => {
  const stage = await openMirrorsStage()
  const content = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12\n`
  const sha = await commitOf(
    stage,
    { mode: FILE, path: '.gitattributes', content: '*.bin filter=lfs diff=lfs merge=lfs -text\n' },
    { mode: FILE, path: '.lfsconfig', content: '[lfs]\n url = http://169.254.169.254/\n' },
    { mode: FILE, path: 'a.bin', content },
  )
  const { at } = await stage.checkout(sha)
  expect(await readFile(join(at, 'a.bin'), 'utf8')).toBe(content)
})

test.each(['file:///etc', 'ext::sh -c "touch mark"', '../other', '-u./evil', 'https://example.com/x.git'])(
  'the submodule %s is an empty folder',
  async (url) => {
    const stage = await openMirrorsStage()
    const content = `[submodule "sub"]\n path = sub\n url = ${JSON.stringify(url)}\n update = !touch mark\n`
    const sha = await commitOf(
      stage,
      { mode: FILE, path: '.gitmodules', content },
      { mode: '160000', path: 'sub', id: 'b'.repeat(40) },
    )
    const { at } = await stage.checkout(sha)
    expect(await readdir(join(at, 'sub'))).toEqual([])
    expect(await readdir(at)).not.toContain('mark')
    expect(await gitIn(at, 'config', '--list', '--local')).not.toContain('submodule.sub')
  },
)

test('a symlink is a file with the path that it would lead to', async () => {
  const stage = await openMirrorsStage()
  const sha = await commitOf(
    stage,
    { mode: '120000', path: 'passwd', content: '/etc/passwd' },
    { mode: '120000', path: 'up', content: '../../..' },
    { mode: '120000', path: 'git', content: '.git' },
    { mode: '120000', path: 'inside', content: 'readme' },
    { mode: FILE, path: 'readme', content: 'x' },
  )
  const { at } = await stage.checkout(sha)
  for (const [name, target] of Object.entries({
    passwd: '/etc/passwd',
    up: '../../..',
    git: '.git',
    inside: 'readme',
  })) {
    expect((await lstat(join(at, name))).isFile()).toBe(true)
    expect(await readFile(join(at, name), 'utf8')).toBe(target)
  }
  expect(await gitIn(at, 'status', '--short')).toBe('')
})

test('a file below a symlink of the same name is refused, and nothing is written through it', async () => {
  const stage = await openMirrorsStage()
  const outside = await openTestFolder()
  const { dir } = stage.shop
  const tree = await treeOf(dir, [{ mode: FILE, path: 'x', content: 'x' }])
  const link = await objectOf(dir, ['hash-object', '-w', '--stdin'], outside)
  const file = join(await openTestFolder(), 'tree')
  const entry = (mode: string, id: string) => Buffer.concat([Buffer.from(`${mode} a\0`), Buffer.from(id, 'hex')])
  await writeFile(file, Buffer.concat([entry('120000', link), entry('40000', tree)]))
  const both = await objectOf(dir, ['hash-object', '-t', 'tree', '-w', '--literally', file], '')
  const sha = await objectOf(dir, ['commit-tree', '-m', 'evil', both], '')
  await gitIn(dir, 'update-ref', 'refs/heads/evil', sha)
  await stage.checkout(sha).catch(() => {})
  expect(await readdir(outside)).toEqual([])
})

test.each([
  '.git/config',
  '.git/hooks/post-checkout',
  '.GIT/config',
  'a/.git/config',
  '.g\u200cit/config',
  'git~1/config',
  '../x',
  '.git',
])('the path %s is refused', async (path) => {
  const stage = await openMirrorsStage()
  const sha = await commitOf(stage, { mode: FILE, path, content: '[core]\n fsmonitor = touch mark\n' })
  await expect(stage.checkout(sha)).rejects.toThrow(/^acme\/shop: git (read-tree|fetch) failed: /)
})

test('odd names of refs are names, and no options or paths', async () => {
  const stage = await openMirrorsStage()
  const sha = await commitOf(stage, { mode: FILE, path: 'x', content: 'x' })
  const names = ['--upload-pack=mark', '-x', 'a;b', '$(touch)', 'HEAD', 'é\u202e']
  for (const name of names) await gitIn(stage.shop.dir, 'update-ref', `refs/heads/${name}`, sha)
  for (const name of names.filter((one) => one !== 'HEAD')) expect((await stage.checkout(name)).sha).toBe(sha)
  expect((await stage.checkout('refs/heads/HEAD')).sha).toBe(sha)
  await expect(stage.checkout('../../../etc/passwd')).rejects.toThrow(/has no branch or tag/)
  await expect(stage.checkout('refs/heads/*')).rejects.toThrow(/has no branch or tag/)
  const mirror = join(stage.folder, 'github/acme/shop.git')
  expect(await readdir(mirror, { recursive: true })).not.toContain('mark')
})

test('git speaks to the forge only, and by no other protocol', async () => {
  const stage = await openMirrorsStage()
  const mark = join(stage.folder, 'mark')
  for (const url of [`ext::touch ${mark}`, `file://${stage.shop.dir}`, `${stage.fake.url.replace('http', 'ftp')}/x`]) {
    const remote = { url, credential: async () => ({ username: 'u', password: 'p' }), bytes: async () => 0 }
    await expect(stage.checkout('HEAD', stage.open({ remoteOf: () => remote }))).rejects.toThrow()
  }
  await expect(stat(mark)).rejects.toThrow('ENOENT')
})
