// The mirrors of this machine: made and fetched when they are needed, and evicted when they take
// too much space.
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { GitRemote } from '../forges/forge.ts'
import type { Environment } from '../lib/environment.ts'
import { AppError, errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { evictAbove, evictFor } from './eviction.ts'
import { isDiskFull, isFull, NoSpace } from './full-disk.ts'
import { GitError } from './git.ts'
import type { Release } from './lock.ts'
import type { Fetched, Mirror } from './mirror.ts'
import {
  bytesOf,
  fetchContents,
  fetchMirror,
  hasCommit,
  lastUsedMs,
  noteUse,
  remoteCommit,
  useMirror,
} from './mirror.ts'
import { mirrorOf, mirrorsIn } from './mirror-folders.ts'
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
  const { folder, remoteOf, log } = options
  let isOver = false
  const makeSpace = async () => {
    isOver = await evictAbove(options.maxBytes, options)
  }
  const fetchUsed = async (repository: string, signal: AbortSignal) => {
    const mirror = mirrorOf(folder, repository)
    if ((await lastUsedMs(mirror)) === null) return
    const release = await useMirror(mirror, signal)
    try {
      if ((await lastUsedMs(mirror)) === null) return
      const { bytes, ms } = await fetchCounting(options, mirror, { repository, signal })
      log.debug({ repository, bytes, ms: Math.round(ms) }, 'a mirror was fetched')
      await noteSync(folder, repository, null)
    } finally {
      await release()
    }
  }
  const sync = async (repository: string, stop: AbortSignal) => {
    try {
      await fetchUsed(repository, AbortSignal.any([stop, AbortSignal.timeout(SYNC_LIMIT_MS)]))
    } catch (error) {
      if (stop.aborted) return
      const text = errorText(error)
      log.warn({ repository, error: text }, 'a mirror could not be fetched; jobs go on with what is there')
      await noteSync(folder, repository, text).catch(() => {})
    }
  }
  /** `isRepeated`: space was made for it. */
  const checkout = async (wanted: Wanted, isRepeated = false): Promise<Checkout> => {
    const { repository, ref, folder: target, signal } = wanted
    const mirror = mirrorOf(folder, repository)
    let release: Release | undefined
    let writesTo = folder
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      release = await useMirror(mirror, signal)
      const sha = SHA.test(ref) ? ref : await atRemote(folder, remoteOf(repository), { repository, ref, signal })
      const isHere = await hasCommit(mirror, sha, signal)
      const fetched = isHere ? null : await fetchCounting(options, mirror, { repository, sha, signal })
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
      const failure = await failureOf(repository, error, writesTo)
      // While this mirror is still in use, so that it is not the one that goes.
      const isThereSpace =
        !isRepeated && failure instanceof NoSpace && failure.isOfDisk && (await evictFor(writesTo, options))
      await release?.()
      if (!isThereSpace) throw failure
    }
    await removeContents(target)
    return checkout(wanted, true)
  }
  return {
    checkout: (wanted) => checkout(wanted),
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

async function fetchCounting(
  { remoteOf, largeBytes = LARGE_BYTES }: MirrorsOptions,
  mirror: Mirror,
  { repository, ...given }: { repository: string; sha?: string; signal: AbortSignal },
): Promise<Fetched> {
  const remote = remoteOf(repository)
  const isLarge = async () => (await remote.bytes()) >= largeBytes
  const startedMs = performance.now()
  const before = await bytesOf(mirror.folder)
  await fetchMirror(mirror, remote, { ...given, isLarge })
  if (given.sha !== undefined) await fetchContents(mirror, remote, { sha: given.sha, signal: given.signal })
  const bytes = Math.max((await bytesOf(mirror.folder)) - before, 0)
  return { bytes, ms: performance.now() - startedMs }
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
  if (isFull(error) || (isOfGit && (await isDiskFull(writesTo).catch(() => false)))) return new NoSpace(error, text)
  return isOfGit ? new AppError('forge_failed', text) : error
}

async function removeContents(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true })
}
