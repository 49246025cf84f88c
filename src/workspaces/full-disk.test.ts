// Checkouts on disks that are full, of bytes or of files.
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { AppError, RetryAt } from '../lib/error.ts'
import type { SmallDisk } from './fixtures/small-disk.ts'
import { openSmallDisk } from './fixtures/small-disk.ts'
import { openMirrorsStage } from './fixtures/stage.ts'
import { isDiskFull, isFull } from './full-disk.ts'
import { GitError } from './git.ts'
import type { Mirrors } from './mirrors.ts'

const ROOT_ONLY = 'only root may mount a disk'

function random(bytes: number): string {
  return randomBytes(bytes).toString('base64')
}

test.each([
  'git fetch failed: fatal: write error: No space left on device',
  'git read-tree failed: error: unable to write file d/f5',
  "git update-ref failed: fatal: cannot update ref 'HEAD': couldn't write '/tmp/x/.git/HEAD.lock'",
  'git init failed: Disk quota exceeded',
])('"%s" says that a disk is full', (text) => {
  expect(isFull(new GitError(text))).toBe(true)
})

test('what a server says, or another error, does not', () => {
  expect(isFull(new GitError('git fetch failed: fatal: remote error: upload-pack: not our ref'))).toBe(false)
  expect(isFull(new Error('No space left on device'))).toBe(false)
  expect(isFull(Object.assign(new Error('x'), { code: 'ENOSPC' }))).toBe(true)
})

describe('a full disk defers the job', () => {
  let disk: SmallDisk
  beforeEach(async ({ skip }) => {
    disk = (await openSmallDisk()) ?? skip(ROOT_ONLY)
  })

  async function failure(mirrors: Mirrors, ref: string, folder: string): Promise<unknown> {
    const { signal } = new AbortController()
    return mirrors.checkout({ repository: 'acme/shop', ref, folder, signal }).catch((error: unknown) => error)
  }

  test('of mirrors, at the first checkout, at a new commit, and where no file is left', async () => {
    const { open, checkout, shop } = await openMirrorsStage()
    const mirrors = open({ folder: join(disk.folder, 'm') })
    const { sha } = await checkout('HEAD', mirrors)
    await disk.fill(0)
    const small = await shop.commit({ message: 'small', files: { y: 'y' } })
    await expect(checkout(small, mirrors)).rejects.toThrow(RetryAt)
    await expect(checkout('HEAD', open({ folder: join(disk.folder, 'n') }))).rejects.toThrow(RetryAt)
    await disk.empty()
    expect((await checkout(small, mirrors)).sha).toBe(small)
    await disk.fillFiles()
    await expect(checkout(sha, mirrors)).rejects.toThrow(RetryAt)
  })

  test('of worktrees, wherever git noticed it', async () => {
    const { mirrors } = await openMirrorsStage(
      Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`d/f${at}`, random(150_000)])),
    )
    const folder = () => mkdtemp(join(disk.folder, 'w-'))
    expect(await failure(mirrors, 'HEAD', await folder())).toBeInstanceOf(RetryAt)
    for (const leave of [0, 16_384, 65_536]) {
      const at = await folder()
      await disk.fill(leave)
      expect(await failure(mirrors, 'HEAD', at)).toBeInstanceOf(RetryAt)
      await disk.empty()
    }
  })

  test('which is one without bytes or without files', async () => {
    expect(await isDiskFull(disk.folder)).toBe(false)
    await disk.fill(100_000)
    expect(await isDiskFull(disk.folder)).toBe(true)
    await disk.empty()
    expect(await isDiskFull(disk.folder)).toBe(false)
    await disk.fillFiles()
    expect(await isDiskFull(disk.folder)).toBe(true)
  })

  test('but not where there is no such ref', async () => {
    const { open, checkout } = await openMirrorsStage()
    const mirrors = open({ folder: join(disk.folder, 'm') })
    await checkout('HEAD', mirrors)
    await disk.fill(65_536)
    await expect(checkout('no-such-branch', mirrors)).rejects.toThrow(AppError)
  })
})

describe('a full disk of mirrors', () => {
  /** A repository for each number of bytes, with mirrors on one small disk. */
  async function withDisk(disk: SmallDisk, sizes: Record<string, number>) {
    const { fake, open, checkout } = await openMirrorsStage()
    for (const [name, bytes] of Object.entries(sizes)) {
      await fake.addRepository({ owner: 'acme', name, files: { a: random(bytes) } })
    }
    const folder = join(disk.folder, 'm')
    const mirrors = open({ folder })
    return {
      checkout: (name: string) => checkout('HEAD', mirrors, `acme/${name}`),
      names: async () => (await readdir(join(folder, 'github/acme'))).sort(),
      files: () => readdir(folder, { recursive: true }),
    }
  }

  test('is made space on: the mirror that was not used for longest goes, and the checkout goes on', async ({
    skip,
  }) => {
    const { checkout, names } = await withDisk((await openSmallDisk()) ?? skip(ROOT_ONLY), {
      a: 1_400_000,
      b: 1_400_000,
      c: 1_600_000,
    })
    for (const name of ['a', 'b']) await (await checkout(name)).release()
    expect((await checkout('c')).fetched).not.toBeNull()
    expect(await names()).toEqual(['b.git', 'c.git'])
  })

  test('keeps those in use, and nothing of the fetch that did not fit', async ({ skip }) => {
    const { checkout, names, files } = await withDisk((await openSmallDisk()) ?? skip(ROOT_ONLY), {
      a: 2_200_000,
      b: 2_200_000,
    })
    const using = await checkout('a')
    await expect(checkout('b')).rejects.toThrow(RetryAt)
    expect(await names()).toContain('a.git')
    expect((await files()).filter((name) => /tmp_|\.lock$/.test(name))).toEqual([])
    await using.release()
    expect((await checkout('b')).fetched).not.toBeNull()
  })
})
