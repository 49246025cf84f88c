// The mirrors of this machine: made and fetched when they are needed, and evicted when they take
// too much space.
import { mkdir, readdir, rm } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import type { GitRemote } from '../forges/forge.ts'
import type { Environment } from '../lib/environment.ts'
import { AppError, errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { DEFAULT_FORGE, formatRepositoryRef, parseRepositoryRef } from '../lib/repository.ts'
import { isDiskFull, isFull, untilSpace } from './full-disk.ts'
import { GitError } from './git.ts'
import type { Release } from './lock.ts'
import { lockNow } from './lock.ts'
import type { Fetched, Mirror } from './mirror.ts'
import {
  bytesOf,
  fetchContents,
  fetchMirror,
  hasCommit,
  lastUsedMs,
  noteUse,
  remoteCommit,
  removeMirror,
  useMirror,
} from './mirror.ts'
import { noteSync } from './sync-failures.ts'
import { makeWorktree } from './worktree.ts'

export type MirrorsOptions = {
  /** Where they are. */
  folder: string
  /** What they may take together. */
  maxBytes: number
  /** Where a repository is fetched from. */
  remoteOf(repository: string): GitRemote
  log: Log
  /** From which size on a mirror comes without the contents of files. Default 200 MB. */
  largeBytes?: number
}

/** What is wanted: a commit, or what a branch or a tag is at. */
export type Wanted = { repository: string; ref: string; folder: string; signal: AbortSignal }

/** A worktree that was made; `release` lets its mirror be evicted. */
export type Checkout = { sha: string; objects: string; fetched: Fetched | null; release: Release }

/** The mirrors of this machine. */
export type Mirrors = {
  /**
   * Writes the files of a commit into an empty folder. Fetches only what is missing.
   * @throws AppError `forge_failed` when the forge has no such ref, or refuses; GiveUp when it is
   * not configured; RetryAt while a disk is full.
   */
  checkout(wanted: Wanted): Promise<Checkout>
  /** Fetches a repository, if it has a mirror. Never throws: a failure is logged and noted. */
  sync(repository: string, signal: AbortSignal): Promise<void>
  /** Fetches those that were used within a day. Never throws. */
  syncAll(signal: AbortSignal): Promise<void>
}

const LARGE_BYTES = 200_000_000
const RECENT_MS = 24 * 60 * 60 * 1000
const SYNC_LIMIT_MS = 10 * 60 * 1000
const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/** Where the mirrors of an installation are, which runs in `folder`. */
export function mirrorsFolder(
  environment: Pick<Environment, 'GIT_MIRRORS_DIR' | 'SIGNALBOX_DATA_DIR'>,
  folder = process.cwd(),
): string {
  return resolve(folder, environment.GIT_MIRRORS_DIR ?? join(environment.SIGNALBOX_DATA_DIR, 'mirrors'))
}

/** Opens the mirrors; nothing is made before it is needed. */
export function openMirrors(options: MirrorsOptions): Mirrors {
  const { folder, remoteOf, log, largeBytes = LARGE_BYTES } = options
  const fetching = async (repository: string, mirror: Mirror, given: { sha?: string; signal: AbortSignal }) => {
    const remote = remoteOf(repository)
    const isLarge = async () => (await remote.bytes()) >= largeBytes
    const startedMs = performance.now()
    const before = await bytesOf(mirror.folder)
    await fetchMirror(mirror, remote, { ...given, isLarge })
    if (given.sha !== undefined) await fetchContents(mirror, remote, { sha: given.sha, signal: given.signal })
    const bytes = Math.max((await bytesOf(mirror.folder)) - before, 0)
    return { bytes, ms: performance.now() - startedMs }
  }
  let isOver = false
  const makeSpace = async () => {
    isOver = await evict(options).catch((err: unknown) => {
      log.warn({ err }, 'no mirror could be evicted')
      return true
    })
  }
  const sync = async (repository: string, stop: AbortSignal) => {
    let release: Release | undefined
    try {
      const mirror = mirrorOf(folder, repository)
      if ((await lastUsedMs(mirror)) === null) return
      const signal = AbortSignal.any([stop, AbortSignal.timeout(SYNC_LIMIT_MS)])
      release = await useMirror(mirror, signal)
      if ((await lastUsedMs(mirror)) === null) return
      const { bytes, ms } = await fetching(repository, mirror, { signal })
      log.debug({ repository, bytes, ms: Math.round(ms) }, 'a mirror was fetched')
      await noteSync(folder, repository, null)
    } catch (error) {
      if (stop.aborted) return
      const text = errorText(error)
      log.warn({ repository, error: text }, 'a mirror could not be fetched; jobs go on with what is there')
      await noteSync(folder, repository, text).catch(() => {})
    } finally {
      await release?.()
    }
  }
  return {
    async checkout({ repository, ref, folder: target, signal }) {
      const mirror = mirrorOf(folder, repository)
      let release: Release | undefined
      let writesTo = folder
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        release = await useMirror(mirror, signal)
        const sha = SHA.test(ref) ? ref : await atRemote(folder, remoteOf(repository), { repository, ref, signal })
        const isHere = await hasCommit(mirror, sha, signal)
        const fetched = isHere ? null : await fetching(repository, mirror, { sha, signal })
        if (isHere) await fetchContents(mirror, remoteOf(repository), { sha, signal })
        writesTo = target
        await makeWorktree(target, { mirror: mirror.folder, sha, signal })
        await noteUse(mirror)
        if (fetched !== null) await makeSpace()
        const end = async () => {
          await release?.()
          if (isOver) await makeSpace()
        }
        return { sha, objects: join(mirror.folder, 'objects'), fetched, release: end }
      } catch (error) {
        await release?.()
        throw await failureOf(repository, error, writesTo)
      }
    },
    sync,
    async syncAll(signal) {
      for (const mirror of await mirrorsIn(folder).catch(() => [])) {
        const usedMs = await lastUsedMs(mirror)
        if (usedMs !== null && Date.now() - usedMs < RECENT_MS && !signal.aborted) await sync(mirror.name, signal)
      }
      await makeSpace()
    },
  }
}

/** What is used of the space for mirrors. */
export async function mirrorsUsage(folder: string): Promise<{ mirrors: number; bytes: number }> {
  const mirrors = await mirrorsIn(folder)
  const sizes = await Promise.all(mirrors.map((mirror) => bytesOf(mirror.folder)))
  return { mirrors: mirrors.length, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) }
}

async function atRemote(
  folder: string,
  remote: GitRemote,
  { repository, ref, signal }: { repository: string; ref: string; signal: AbortSignal },
): Promise<string> {
  const sha = await remoteCommit(folder, remote, { ref, signal })
  if (sha === null) throw new AppError('forge_failed', `${repository} has no branch or tag ${JSON.stringify(ref)}.`)
  return sha
}

async function failureOf(repository: string, error: unknown, writesTo: string): Promise<unknown> {
  const text = `${repository}: ${errorText(error)}`
  const isOfGit = error instanceof GitError
  if (isFull(error) || (isOfGit && (await isDiskFull(writesTo).catch(() => false)))) return untilSpace(error, text)
  return isOfGit ? new AppError('forge_failed', text) : error
}

/** Forges do not tell names apart by case, and neither do some file systems. */
function mirrorOf(folder: string, repository: string): Mirror {
  const { forge, path } = parseRepositoryRef(repository)
  return mirrorAt(folder, join(forge ?? DEFAULT_FORGE, path.toLowerCase()))
}

/** The mirror at `github/acme/shop`. */
function mirrorAt(folder: string, place: string): Mirror {
  const [forge = '', ...parts] = place.split('/')
  return {
    name: formatRepositoryRef({ forge, path: parts.join('/') }),
    folder: join(folder, `${place}.git`),
    locks: join(folder, '.locks', place),
  }
}

/** All mirrors on disk, those that are being made too. */
async function mirrorsIn(folder: string): Promise<Mirror[]> {
  const found = await foldersBelow(folder)
  return found.map((path) => mirrorAt(folder, relative(folder, path).replace(/\.git$/, '')))
}

async function foldersBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const nested = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(async ({ name }) => {
      const path = join(folder, name)
      if (name.endsWith('.git')) return [path]
      // What was being removed when its process was killed.
      if (/\.git\.removed-[^/]*$/.test(name)) await rm(path, { recursive: true, force: true })
      return /\.git\./.test(name) ? [] : foldersBelow(path)
    })
  return (await Promise.all(nested)).flat()
}

/**
 * Removes mirrors, the one that was not used for longest first, until the others fit. One in use
 * stays, however large it is. Returns whether they still exceed the limit.
 */
async function evict({ folder, maxBytes, log }: MirrorsOptions): Promise<boolean> {
  if ((await mirrorsIn(folder)).length === 0) return false
  // Two at once would both remove what one of them must.
  const release = await lockNow(join(folder, '.locks', 'eviction'), 'exclusive')
  if (release === null) return true
  try {
    const mirrors = await Promise.all(
      (await mirrorsIn(folder)).map(async (mirror) => ({
        mirror,
        bytes: await bytesOf(mirror.folder),
        usedMs: (await lastUsedMs(mirror)) ?? 0,
      })),
    )
    let total = mirrors.reduce((sum, { bytes }) => sum + bytes, 0)
    for (const { mirror, bytes } of mirrors.sort((one, other) => one.usedMs - other.usedMs)) {
      if (total <= maxBytes) break
      if (!(await removeMirror(mirror))) continue
      total -= bytes
      await noteSync(folder, mirror.name, null)
      log.info({ repository: mirror.name, bytes }, `the mirror ${basename(mirror.folder)} was evicted`)
    }
    return total > maxBytes
  } finally {
    await release()
  }
}
