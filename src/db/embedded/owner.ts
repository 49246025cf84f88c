// Who owns a data directory: one running process at a time, recorded in a lock file.
import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync, unlinkSync } from 'node:fs'
import { link, readFile, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { AppError } from '../../lib/error.ts'
import { isStillRunning, startedAt } from '../../lib/running-process.ts'

const HEARTBEAT_MS = 1000
const WATCH_MS = 3500

/** The content of the lock file: the process that owns the data directory. */
type Owner = { pid: number; started: string; host: string; nonce: string }

/** The lock on a data directory. `release` is synchronous: it can run while the process exits. */
export type OwnerLock = { release(): void }

/**
 * Makes this process the owner of a data directory. A lock of another machine or container counts
 * as abandoned after `watchMs` without a heartbeat.
 * @throws AppError `database_busy` when another process is the owner, naming that process.
 */
export async function lockOwner(dataDir: string, watchMs = WATCH_MS): Promise<OwnerLock> {
  const path = `${dataDir}/owner.lock`
  const me: Owner = { pid: process.pid, started: startedAt(process.pid), host: currentHost(), nonce: randomUUID() }
  const owner = await acquire(path, me, watchMs)
  if (owner) {
    const where = owner.host === me.host ? '' : ' of another machine or container'
    throw new AppError('database_busy', `Process ${owner.pid}${where} is using the data directory ${dataDir}.`)
  }
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, HEARTBEAT_MS)
  heartbeat.unref()
  return {
    release() {
      clearInterval(heartbeat)
      try {
        unlinkSync(path)
      } catch {
        // It is gone already, with its directory.
      }
    },
  }
}

/** Creates the lock file at `path`, or returns the running process that owns it. */
async function acquire(path: string, me: Owner, watchMs: number): Promise<Owner | undefined> {
  for (;;) {
    if (await createExclusively(path, JSON.stringify(me))) return undefined
    const owner = await readOwner(path)
    if (!owner) continue
    if (await isAlive(owner, path, watchMs)) return owner
    // A second lock protects the removal of a dead owner's file, which is read again under it.
    // Otherwise the slower of two processes would remove the lock that the faster one just made.
    const removalLock = `${path}.removal`
    if (await acquire(removalLock, me, watchMs)) {
      await wait(10)
      continue
    }
    if ((await readOwner(path))?.nonce === owner.nonce) await unlink(path)
    await unlink(removalLock)
  }
}

/** Creates the file with all its content at once; false when it exists already. */
async function createExclusively(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, content, { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await unlink(draft)
  }
}

async function readOwner(path: string): Promise<Owner | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Owner
  } catch {
    // A power failure cut it short; the process that wrote it is gone.
    return { pid: 0, started: '', host: currentHost(), nonce: text }
  }
}

async function isAlive(owner: Owner, path: string, watchMs: number): Promise<boolean> {
  if (owner.host === currentHost()) return isStillRunning(owner.pid, owner.started)
  // Process ids and clocks of another machine or container mean nothing here, so wait for a
  // heartbeat.
  const modified = async () => (await stat(path).catch(() => undefined))?.mtimeMs
  const before = await modified()
  const end = performance.now() + watchMs
  while (performance.now() < end) {
    await wait(100)
    if ((await modified()) !== before) return true
  }
  return false
}

/** The scope in which process ids are unique: this boot of this machine, and this container. */
function currentHost(): string {
  const boot = tryRead(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  const namespace = tryRead(() => readlinkSync('/proc/self/ns/pid'))
  return `${boot || hostname()} ${namespace}`.trim()
}

function tryRead(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
