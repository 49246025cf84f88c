// Locks between the processes that share a folder. A lock ends with its process.
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { RetryAt } from '../lib/error.ts'
import { isStillRunning, startedAt } from '../lib/running-process.ts'

/** Any number of processes may have a shared lock; an exclusive one excludes all others. */
export type LockKind = 'shared' | 'exclusive'

/** Ends the lock. */
export type Release = () => Promise<void>

const MIN_PAUSE_MS = 10
const MAX_PAUSE_MS = 250
const HEARTBEAT_MS = 20_000
// A process of another machine or container cannot be asked; its claims are believed for so long
// after their last heartbeat.
const FOREIGN_MS = 120_000
// After three heartbeats that did not come, nobody waits any longer.
const SILENT_MS = 60_000
const SILENT_PAUSE_MS = 30_000

/**
 * Waits for a lock. `folder` is the lock's own.
 * @throws RetryAt when a process has it that shows no sign of life: it may be stopped, or its
 * machine, and would still write when it goes on, so its lock is not taken away.
 */
export async function lock(folder: string, kind: LockKind, signal: AbortSignal): Promise<Release> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    const claimed = await claim(folder, kind)
    if (claimed.release !== null) return claimed.release
    for (const name of claimed.inTheWay) await requireSign(folder, name)
    const longest = Math.min(MIN_PAUSE_MS * 2 ** Math.min(attempt, 10), MAX_PAUSE_MS)
    await wait(MIN_PAUSE_MS + Math.random() * longest, undefined, { signal }).catch(() => {})
  }
}

/** The lock, or null when another process is in the way. */
export async function lockNow(folder: string, kind: LockKind): Promise<Release | null> {
  return (await claim(folder, kind)).release
}

type Claimed = { release: Release; inTheWay?: never } | { release: null; inTheWay: string[] }

/**
 * The lock, or the claims that are in the way. A claim is made before the others are read, so that
 * of two processes at least one sees the other, and withdraws. No name is used twice, so removing
 * the claim of an ended process can never remove another's.
 */
async function claim(folder: string, kind: LockKind): Promise<Claimed> {
  await mkdir(folder, { recursive: true })
  const name = [kind, process.pid, startedAt(process.pid), randomUUID(), hostname()].join('~')
  const path = join(folder, name)
  await writeFile(path, '', { flag: 'wx' })
  const others = (await readdir(folder)).filter((other) => other !== name)
  const excluding = others.filter((other) => kind === 'exclusive' || other.startsWith('exclusive'))
  const live = await Promise.all(excluding.map((other) => isLive(folder, other)))
  const inTheWay = excluding.filter((_, at) => live[at])
  if (inTheWay.length > 0) {
    await remove(path)
    return { release: null, inTheWay }
  }
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, HEARTBEAT_MS).unref()
  const release = async () => {
    clearInterval(heartbeat)
    await remove(path)
  }
  return { release }
}

/** A claim whose folder is gone, or a file now, is gone with it. */
async function remove(path: string): Promise<void> {
  await rm(path, { force: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTDIR') throw error
  })
}

/** @throws RetryAt when the process of a claim has missed three heartbeats. */
async function requireSign(folder: string, name: string): Promise<void> {
  const silentMs = await silenceOf(join(folder, name))
  if (silentMs === null || silentMs < SILENT_MS) return
  const [, pid, , , host] = name.split('~')
  const seconds = Math.round(silentMs / 1000)
  throw new RetryAt(
    new Date(Date.now() + SILENT_PAUSE_MS),
    `The process ${pid} on ${host} has the lock ${folder} and shows no sign of life for ${seconds} s. ` +
      'If it is stopped, let it go on or end it.',
  )
}

/** Whether the process of a claim has it still; the claim of one that has ended is removed. */
async function isLive(folder: string, name: string): Promise<boolean> {
  const [, pid, started = '', , host] = name.split('~')
  const silentMs = (await silenceOf(join(folder, name))) ?? Number.POSITIVE_INFINITY
  if (host === hostname() ? isStillRunning(Number(pid), started) : silentMs < FOREIGN_MS) return true
  await remove(join(folder, name))
  return false
}

/** For how long a claim has had no heartbeat; null when it is gone. */
function silenceOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => null,
  )
}
