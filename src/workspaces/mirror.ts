// One bare mirror of a repository, from which attempts get their worktrees.
import { randomUUID } from 'node:crypto'
import { access, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { GitRemote } from '../forges/forge.ts'
import type { Login } from './git.ts'
import { GitError, runGit } from './git.ts'
import type { Release } from './lock.ts'
import { lock, lockNow } from './lock.ts'

/** A mirror on this machine, which may not be there yet. */
export type Mirror = {
  /** How it is named: `acme/shop`. */
  name: string
  folder: string
  /** The folder of its locks: `use`, shared by those who read it, and `write`. */
  locks: string
}

/** What a fetch was, for a log. */
export type Fetched = { bytes: number; ms: number }

const BRANCHES_AND_TAGS = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*']
// Beside the repository's own files, in its folder.
const LAST_USED = 'signalbox-last-used'
const MAX_PACKS = 30
const UNFINISHED = 'signalbox-unfinished'

/** Keeps a mirror from being evicted. */
export function useMirror(mirror: Mirror, signal: AbortSignal): Promise<Release> {
  return lock(join(mirror.locks, 'use'), 'shared', signal)
}

/** When a mirror was last used; null when it is not there. */
export function lastUsedMs({ folder }: Pick<Mirror, 'folder'>): Promise<number | null> {
  return stat(join(folder, LAST_USED)).then(
    ({ mtimeMs }) => mtimeMs,
    () => null,
  )
}

/** Notes that a mirror was used now. */
export async function noteUse({ folder }: Mirror): Promise<void> {
  const now = new Date()
  await utimes(join(folder, LAST_USED), now, now)
}

/** Whether a mirror has a commit, with the trees of it. */
export async function hasCommit({ folder }: Mirror, sha: string, signal: AbortSignal): Promise<boolean> {
  if ((await lastUsedMs({ folder })) === null) return false
  return runGit(['cat-file', '-e', `${sha}^{commit}`], { folder, signal }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof GitError) return false
      throw error
    },
  )
}

/**
 * Fetches branches and tags; with `sha`, only where the mirror lacks that commit, which is fetched
 * too where none of them has it. A mirror that is not there is made, without the contents of files
 * where `isLarge` says so: those of a commit come with its first worktree.
 * @throws GitError when the server refuses, or has no such commit.
 */
export async function fetchMirror(
  mirror: Mirror,
  remote: GitRemote,
  options: { signal: AbortSignal; sha?: string; isLarge: () => Promise<boolean> },
): Promise<void> {
  const { signal, sha, isLarge } = options
  const { folder } = mirror
  await writing(mirror, signal, async () => {
    if (sha !== undefined && (await hasCommit(mirror, sha, signal))) return
    const isNew = (await lastUsedMs(mirror)) === null
    const isPartial = isNew ? await isLarge() : await isPartialMirror(mirror)
    if (isNew) await makeEmpty(folder, signal)
    await writeConfig(folder, remote.url, isPartial)
    const login = await loginOf(remote)
    const fetch = (...what: string[]) =>
      runGit(['fetch', '--quiet', '--no-write-fetch-head', ...what], { folder, signal, login })
    await fetch('--prune', 'origin', ...BRANCHES_AND_TAGS)
    if (isNew) await writeFile(join(folder, LAST_USED), '')
    if (sha === undefined) await joinPacks(folder, signal)
    else if (!(await hasCommit(mirror, sha, signal))) await fetch('origin', sha)
  })
}

/** Fetches the contents of the files of a commit, where the mirror came without. */
export async function fetchContents(
  mirror: Mirror,
  remote: GitRemote,
  { sha, signal }: { sha: string; signal: AbortSignal },
): Promise<void> {
  const { folder } = mirror
  if (!(await isPartialMirror(mirror)) || (await missing(folder, sha, signal)).length === 0) return
  await writing(mirror, signal, async () => {
    const input = (await missing(folder, sha, signal)).map((id) => `${id}\n`).join('')
    if (input === '') return
    const login = await loginOf(remote)
    const options = ['--quiet', '--no-tags', '--no-write-fetch-head', '--filter=blob:none', '--stdin']
    const args = ['-c', 'fetch.negotiationAlgorithm=noop', 'fetch', ...options, 'origin']
    await runGit(args, { folder, signal, login, input })
  })
}

/**
 * The commit that a branch, a tag or a full name of a ref is at now, or that `HEAD` is; null where
 * the server has no such ref.
 */
export async function remoteCommit(
  folder: string,
  remote: GitRemote,
  { ref, signal }: { ref: string; signal: AbortSignal },
): Promise<string | null> {
  const names = /^(HEAD$|refs\/)/.test(ref) ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`]
  const wanted = names.flatMap((name) => [`${name}^{}`, name])
  const login = await loginOf(remote)
  const printed = await runGit(['ls-remote', '--', remote.url, ...wanted], { folder, signal, login })
  const found = new Map(printed.split('\n').map((line) => line.split('\t').reverse() as [string, string]))
  // A pattern of ls-remote also matches longer names that end with it.
  return wanted.map((name) => found.get(name)).find((sha) => sha !== undefined) ?? null
}

/**
 * Removes a mirror, unless somebody uses it or is writing to it; returns whether it was removed.
 */
export async function removeMirror(mirror: Mirror): Promise<boolean> {
  const write = await lockNow(join(mirror.locks, 'write'), 'exclusive')
  if (write === null) return false
  const use = await lockNow(join(mirror.locks, 'use'), 'exclusive')
  try {
    if (use === null) return false
    const removed = `${mirror.folder}.removed-${randomUUID()}`
    await rename(mirror.folder, removed)
    await rm(removed, { recursive: true, force: true, maxRetries: 3 })
    return true
  } finally {
    await use?.()
    await write()
  }
}

/** What is on disk of a folder, in bytes. */
export async function bytesOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const sizes = entries.map(async (entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return bytesOf(path)
    return stat(path).then(
      ({ size }) => size,
      () => 0,
    )
  })
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

async function loginOf(remote: GitRemote): Promise<Login> {
  return { origin: new URL(remote.url).origin, ...(await remote.credential()) }
}

/** One writer at a time. What a killed one left, which git would wait for, is removed first. */
async function writing(mirror: Mirror, signal: AbortSignal, write: () => Promise<void>): Promise<void> {
  const release = await lock(join(mirror.locks, 'write'), 'exclusive', signal)
  const mark = join(mirror.folder, UNFINISHED)
  try {
    if (await exists(mark)) await removeLeftovers(mirror.folder)
    await mkdir(mirror.folder, { recursive: true, mode: 0o700 })
    await writeFile(mark, '')
    await write()
    await rm(mark, { force: true })
  } catch (error) {
    // A part of a pack may be what fills the disk.
    await removeLeftovers(mirror.folder).catch(() => {})
    throw error
  } finally {
    await release()
  }
}

async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true })
  const left = names.filter((name) => /\.lock$|(^|\/)\.?tmp[-_][^/]*$/.test(name))
  await Promise.all(left.map((name) => rm(join(folder, name), { recursive: true, force: true })))
}

async function makeEmpty(folder: string, signal: AbortSignal): Promise<void> {
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 })
  await runGit(['init', '--quiet', '--bare', '--template=', folder], { folder: dirname(folder), signal })
}

/**
 * Each fetch leaves a pack, and git looks into all of them. Makes one of many, which loses nothing:
 * what no branch has any more stays (`-k`), and who reads an old pack finds its objects in the new.
 */
async function joinPacks(folder: string, signal: AbortSignal): Promise<void> {
  const packs = (await readdir(join(folder, 'objects/pack'))).filter((name) => name.endsWith('.pack'))
  if (packs.length > MAX_PACKS) await runGit(['repack', '-a', '-d', '-k', '-q'], { folder, signal })
}

/** Written anew before each fetch, so that git obeys nothing that anybody else wrote there. */
async function writeConfig(folder: string, url: string, isPartial: boolean): Promise<void> {
  const partial = ['\tpromisor = true', '\tpartialclonefilter = blob:none', '[extensions]', '\tpartialClone = origin']
  const lines = [
    '[core]',
    `\trepositoryformatversion = ${isPartial ? 1 : 0}`,
    '\tbare = true',
    '[remote "origin"]',
    `\turl = ${JSON.stringify(url)}`,
    ...(isPartial ? partial : []),
  ]
  const draft = join(folder, `config.${randomUUID()}.lock`)
  await writeFile(draft, `${lines.join('\n')}\n`)
  await rename(draft, join(folder, 'config'))
}

async function isPartialMirror({ folder }: Mirror): Promise<boolean> {
  return (await readFile(join(folder, 'config'), 'utf8')).includes('promisor = true')
}

async function missing(folder: string, sha: string, signal: AbortSignal): Promise<string[]> {
  const args = ['rev-list', '--objects', '--no-walk', '--missing=print', `${sha}^{tree}`]
  const lines = (await runGit(args, { folder, signal })).split('\n')
  return lines.filter((line) => line.startsWith('?')).map((line) => line.slice(1))
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
