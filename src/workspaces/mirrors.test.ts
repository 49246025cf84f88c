// Mirrors and worktrees, by real git over HTTP from a fake GitHub.
import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { openTestFolder } from '../../test/folder.ts'
import { AppError } from '../lib/error.ts'
import { gitIn, openMirrorsStage } from './fixtures/stage.ts'
import { lock } from './lock.ts'
import { mirrorsUsage } from './mirrors.ts'
import { syncFailures } from './sync-failures.ts'

const NEVER = new AbortController().signal
const MIRROR = 'github/acme/shop.git'

/** Every file below a folder, with its content. */
async function contentsOf(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true })
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1').catch(() => '')))
  return texts.join('\n')
}

describe('a worktree', () => {
  test('has the files of exactly that commit, also when its branch has moved or is gone', async () => {
    const { shop, checkout } = await openMirrorsStage()
    const one = await shop.commit({ message: 'one', files: { 'a/b.txt': 'one\n' }, branch: 'topic' })
    await shop.commit({ message: 'two', files: { 'a/b.txt': 'two\n' }, branch: 'topic' })
    const first = await checkout(one)
    expect(await readFile(join(first.at, 'a/b.txt'), 'utf8')).toBe('one\n')
    expect(first).toMatchObject({ sha: one, fetched: { bytes: expect.any(Number), ms: expect.any(Number) } })
    expect(first.fetched?.bytes).toBeGreaterThan(500)
    await shop.deleteBranch('topic')
    const again = await checkout(one)
    expect(again).toMatchObject({ sha: one, fetched: null })
    expect(await gitIn(again.at, 'status', '--short')).toBe('')
    expect(await gitIn(again.at, 'log', '--format=%s')).toBe('one\nInitial commit')
  })

  test('of a branch, a tag or HEAD has what that is at now', async () => {
    const { shop, checkout } = await openMirrorsStage()
    const main = await checkout('HEAD')
    const next = await shop.commit({ message: 'next', files: { x: 'x' } })
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com']
    await gitIn(shop.dir, ...identity, 'tag', '-a', '-m', 'v1', 'v1', main.sha)
    expect((await checkout('HEAD')).sha).toBe(next)
    expect((await checkout('main')).sha).toBe(next)
    expect((await checkout('v1')).sha).toBe(main.sha)
    expect((await checkout('refs/tags/v1')).sha).toBe(main.sha)
    const unknown = checkout('--upload-pack=touch /tmp/x')
    await expect(unknown).rejects.toThrow('acme/shop has no branch or tag "--upload-pack=touch /tmp/x".')
    await expect(checkout('HEAD', undefined, 'acme/gone')).rejects.toBeInstanceOf(AppError)
    await expect(checkout('a'.repeat(40))).rejects.toThrow(/acme\/shop: git fetch failed: .*not our ref/)
  })

  test('is a repository of its own: what is done there changes nothing in the mirror', async () => {
    const { folder, checkout } = await openMirrorsStage()
    const mirror = join(folder, MIRROR)
    const { at, sha } = await checkout('HEAD')
    const before = await readdir(mirror, { recursive: true })
    await writeFile(join(at, 'new'), 'new')
    await gitIn(at, 'add', '.')
    await gitIn(at, '-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '-qm', 'own')
    await gitIn(at, 'config', 'core.sshCommand', 'evil')
    expect(await readdir(mirror, { recursive: true })).toEqual(before)
    await rm(at, { recursive: true })
    expect(await gitIn(mirror, 'fsck', '--full', '--strict')).not.toMatch(/error|missing|broken/)
    expect(await gitIn(mirror, 'rev-parse', 'main')).toBe(sha)
    expect(await gitIn(mirror, 'worktree', 'list', '--porcelain')).toBe(`worktree ${mirror}\nbare\n`)
  })

  test('of a large repository comes without the contents of other commits', async () => {
    const { shop, folder, open, checkout } = await openMirrorsStage({ big: 'old '.repeat(1000) })
    const old = (await checkout('HEAD')).sha
    await rm(join(folder, MIRROR), { recursive: true })
    await shop.commit({ message: 'next', files: { big: 'new '.repeat(1000), other: 'other' } })
    const partial = open({ largeBytes: 0 })
    const { at } = await checkout('HEAD', partial)
    expect(await readFile(join(at, 'big'), 'utf8')).toBe('new '.repeat(1000))
    expect(await gitIn(at, 'status', '--short')).toBe('')
    expect(await gitIn(at, 'log', '--format=%s')).toBe('next\nInitial commit')
    await expect(gitIn(at, 'cat-file', '-e', `${old}:big`)).rejects.toThrow()
    const before = await checkout(old, partial)
    expect(await readFile(join(before.at, 'big'), 'utf8')).toBe('old '.repeat(1000))
    expect(await gitIn(join(folder, MIRROR), 'fsck', '--full')).not.toMatch(/error|missing|broken/)
  })

  test('needs git, and says so', async () => {
    const { checkout } = await openMirrorsStage()
    vi.stubEnv('PATH', '/nonexistent')
    const failure = checkout('HEAD').finally(() => vi.unstubAllEnvs())
    await expect(failure).rejects.toThrow('acme/shop: git cannot be started: spawn git ENOENT')
  })

  test('is not made when the attempt is stopped meanwhile', async () => {
    const { mirrors } = await openMirrorsStage()
    const signal = AbortSignal.abort(new Error('cancelled'))
    const at = await openTestFolder()
    await expect(mirrors.checkout({ repository: 'acme/shop', ref: 'HEAD', folder: at, signal })).rejects.toThrow(
      'cancelled',
    )
  })
})

describe('the credential', () => {
  test('is in no file of the mirror or the worktree, and there is no remote', async () => {
    const { fake, folder, open, checkout } = await openMirrorsStage()
    const token = fake.addToken({ login: 'acme' })
    const { at } = await checkout('HEAD', open({ auth: { token }, largeBytes: 0 }))
    expect(await contentsOf(folder)).not.toContain(token)
    expect(await contentsOf(folder)).toContain(`${fake.url}/acme/shop.git`)
    expect(await contentsOf(at)).not.toContain(token)
    expect(await gitIn(at, 'remote')).toBe('')
  })

  test('is in no argument and no variable of git, or of what git starts', async () => {
    const { fake, checkout, open } = await openMirrorsStage()
    const [folder, token] = [await openTestFolder(), fake.addToken({ login: 'acme' })]
    const log = join(folder, 'log')
    const { PATH = '' } = process.env
    for (const name of ['git', 'cat']) {
      const script = `#!/bin/sh\nprintf '%s\\n' ${name} "$@" >> ${log}\nenv >> ${log}\nPATH='${PATH}' exec ${name} "$@"\n`
      await writeFile(join(folder, name), script, { mode: 0o755 })
    }
    vi.stubEnv('PATH', `${folder}:${PATH}`)
    vi.stubEnv('GITHUB_TOKEN', token)
    await checkout('HEAD', open({ auth: { token } })).finally(() => vi.unstubAllEnvs())
    const seen = await readFile(log, 'utf8')
    expect(seen).toContain('credential.')
    expect(seen).not.toContain(token)
  })

  test('that is refused says so without it', async () => {
    const { checkout, open } = await openMirrorsStage()
    const failure = checkout('HEAD', open({ auth: { token: 'ghp_wrong_token' } }))
    await expect(failure).rejects.toThrow(/^acme\/shop: git ls-remote failed: .*Authentication failed/)
    await expect(failure).rejects.not.toThrow(/ghp_wrong/)
  })
})

describe('a mirror', () => {
  test('is fetched by sync, if it is there, and a failure is noted until the next good one', async () => {
    const { fake, shop, folder, mirrors, checkout } = await openMirrorsStage()
    await mirrors.sync('acme/shop', NEVER)
    expect(await mirrorsUsage(folder)).toEqual({ mirrors: 0, bytes: 0 })
    await checkout('HEAD')
    const next = await shop.commit({ message: 'next', files: { x: 'x' } })
    await mirrors.sync('acme/shop', NEVER)
    expect(await gitIn(join(folder, MIRROR), 'rev-parse', 'main')).toBe(next)
    await fake.addRepository({ owner: 'acme', name: 'gone', files: { x: 'x' } })
    await checkout('HEAD', undefined, 'acme/gone')
    await rm(join(shop.dir, '../gone.git'), { recursive: true })
    await mirrors.syncAll(NEVER)
    expect(await syncFailures(folder)).toMatchObject(
      [{ name: 'acme/gone', problem: /git fetch failed/ }].map((one) => ({
        ...one,
        problem: expect.stringMatching(one.problem),
      })),
    )
  })

  test('of a repository that cannot be is a failure like others', async () => {
    const { mirrors } = await openMirrorsStage()
    await mirrors.sync('../../etc', NEVER)
  })

  test('heals from what a killed git has left', async () => {
    const { shop, folder, checkout } = await openMirrorsStage()
    await checkout('HEAD')
    const mirror = join(folder, MIRROR)
    const left = [
      'packed-refs.lock',
      'refs/heads/main.lock',
      'config.lock',
      'objects/pack/tmp_pack_x',
      'signalbox-unfinished',
    ]
    for (const name of left) await writeFile(join(mirror, name), '')
    const next = await shop.commit({ message: 'next', files: { x: 'x' } })
    expect((await checkout('main')).sha).toBe(next)
    const names = await readdir(mirror, { recursive: true })
    expect(left.filter((name) => names.includes(name))).toEqual([])
  })

  test('of many fetches is made one pack, with what its branches have lost', async () => {
    const { shop, folder, mirrors, checkout } = await openMirrorsStage()
    const lost = await shop.commit({ message: 'lost', files: { x: 'lost' }, branch: 'topic' })
    await checkout(lost)
    await shop.deleteBranch('topic')
    const packs = async () =>
      (await readdir(join(folder, MIRROR, 'objects/pack'))).filter((name) => name.endsWith('.pack')).length
    for (let n = 0; (await packs()) <= 30; n++) {
      await checkout(await shop.commit({ message: `${n}`, files: { x: `${n}` } }))
    }
    await mirrors.sync('acme/shop', NEVER)
    expect(await packs()).toBe(1)
    expect(await checkout(lost)).toMatchObject({ fetched: null })
    expect(await gitIn(join(folder, MIRROR), 'fsck', '--full')).not.toMatch(/error|missing|broken/)
  })

  test('obeys no setting that somebody wrote into it', async () => {
    const { shop, folder, checkout } = await openMirrorsStage()
    await checkout('HEAD')
    const mark = join(folder, 'mark')
    await writeFile(
      join(folder, MIRROR, 'config'),
      `[core]\n bare = true\n repositoryformatversion = 0\n fsmonitor = touch ${mark}\n[remote "origin"]\n url = ext::touch ${mark}\n uploadpack = touch ${mark}\n`,
    )
    const next = await shop.commit({ message: 'next', files: { x: 'x' } })
    expect((await checkout('main')).sha).toBe(next)
    await expect(stat(mark)).rejects.toThrow('ENOENT')
  })
})

describe('the space for mirrors', () => {
  /** As many repositories with a mirror, each used after the one before. */
  async function withMirrors(names: string[]) {
    const stage = await openMirrorsStage()
    for (const [at, name] of names.entries()) {
      await stage.fake.addRepository({ owner: 'acme', name, files: { x: `${name} `.repeat(10) } })
      const { release } = await stage.checkout('HEAD', undefined, `acme/${name}`)
      await release()
      const used = new Date(Date.now() - 60_000 + at * 1000)
      await utimes(join(stage.folder, `github/acme/${name}.git/signalbox-last-used`), used, used)
    }
    const left = async () => (await readdir(join(stage.folder, 'github/acme'))).sort()
    return { ...stage, left }
  }

  test('is made by removing the one that was not used for longest', async () => {
    const { folder, open, left } = await withMirrors(['a', 'b', 'c'])
    const { bytes } = await mirrorsUsage(folder)
    await open({ maxBytes: bytes - 1 }).syncAll(NEVER)
    expect(await left()).toEqual(['b.git', 'c.git'])
  })

  test('is never made by removing one in use, but as soon as it is not', async () => {
    const { open, checkout, left } = await withMirrors(['a', 'b'])
    const small = open({ maxBytes: 1 })
    const using = await checkout('HEAD', small, 'acme/a')
    expect(using.fetched).toBeNull()
    await small.syncAll(NEVER)
    expect(await left()).toEqual(['a.git'])
    expect(await gitIn(using.at, 'log', '--format=%s')).toBe('Initial commit')
    await using.release()
    expect(await left()).toEqual([])
  })

  test('waits for one that is written to', async () => {
    const { folder, open, left } = await withMirrors(['a'])
    const release = await lock(join(folder, '.locks/github/acme/a/write'), 'exclusive', NEVER)
    const small = open({ maxBytes: 1 })
    const stop = AbortSignal.timeout(200)
    await small.syncAll(stop)
    expect(await left()).toEqual(['a.git'])
    await release()
    await small.syncAll(NEVER)
    expect(await left()).toEqual([])
  })
})
