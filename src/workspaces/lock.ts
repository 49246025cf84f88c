// Locks between the processes that share a folder. A lock ends with its process.
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
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

/** Waits for a lock. `folder` is the lock's own. */
export async function lock(folder: string, kind: LockKind, signal: AbortSignal): Promise<Release> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    const release = await lockNow(folder, kind)
    if (release !== null) return release
    const longest = Math.min(MIN_PAUSE_MS * 2 ** Math.min(attempt, 10), MAX_PAUSE_MS)
    await wait(MIN_PAUSE_MS + Math.random() * longest, undefined, { signal }).catch(() => {})
  }
}

/**
 * The lock, or null when another process is in the way. A claim is made before the others are read,
 * so that of two processes at least one sees the other, and withdraws. No name is used twice, so
 * removing the claim of an ended process can never remove another's.
 */
export async function lockNow(folder: string, kind: LockKind): Promise<Release | null> {
  await mkdir(folder, { recursive: true })
  const name = [kind, process.pid, startedAt(process.pid), randomUUID(), hostname()].join('~')
  const path = join(folder, name)
  await writeFile(path, '', { flag: 'wx' })
  const others = (await readdir(folder)).filter((other) => other !== name)
  const inTheWay = others.filter((other) => kind === 'exclusive' || other.startsWith('exclusive'))
  const live = await Promise.all(inTheWay.map((other) => isLive(folder, other)))
  if (live.includes(true)) {
    await rm(path, { force: true })
    return null
  }
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, HEARTBEAT_MS).unref()
  return async () => {
    clearInterval(heartbeat)
    await rm(path, { force: true })
  }
}

/** Whether the process of a claim has it still; the claim of one that has ended is removed. */
async function isLive(folder: string, name: string): Promise<boolean> {
  const [, pid, started = '', , host] = name.split('~')
  const isHere = host === hostname()
  if (isHere ? isStillRunning(Number(pid), started) : await isFresh(join(folder, name))) return true
  await rm(join(folder, name), { force: true })
  return false
}

function isFresh(path: string): Promise<boolean> {
  return stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs < FOREIGN_MS,
    () => false,
  )
}
