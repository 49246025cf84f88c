// Who owns a data directory: one living process at a time, told by a lock file.
import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync, unlinkSync } from 'node:fs'
import { link, readFile, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { AppError } from '../../lib/error.ts'

const HEARTBEAT_MS = 1000
const WATCH_MS = 3500

/** What the lock file says of its holder. */
type Owner = { pid: number; started: string; place: string; nonce: string }

/**
 * The lock on a data directory. `release` is synchronous, so that it can run while the process
 * exits.
 */
export type OwnerLock = { release(): void }

function tryRead(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

/**
 * When a process started, in clock ticks since boot (field 22 of proc_pid_stat(5)): tells a reused
 * id. Empty where there is no /proc.
 */
function startedAt(pid: number): string {
  const text = tryRead(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // The second field is the command's name, which may itself hold spaces and parentheses.
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

/** Where process ids have one meaning: this boot of this machine, and in it this container. */
function here(): string {
  const boot = tryRead(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  const namespace = tryRead(() => readlinkSync('/proc/self/ns/pid'))
  return `${boot || hostname()} ${namespace}`.trim()
}

/** Whether there is a process of this id. */
export function isRunning(pid: number): boolean {
  // 0 and below stand for groups of processes.
  if (pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function isAlive(owner: Owner, path: string, watchMs: number): Promise<boolean> {
  if (owner.place === here()) return isRunning(owner.pid) && startedAt(owner.pid) === owner.started
  // Process ids of another machine or container mean nothing here, nor does its clock: watch for a
  // heartbeat.
  const modified = async () => (await stat(path).catch(() => undefined))?.mtimeMs
  const before = await modified()
  const end = Date.now() + watchMs
  while (Date.now() < end) {
    await wait(100)
    if ((await modified()) !== before) return true
  }
  return false
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
    // Torn by a power failure; its writer is gone.
    return { pid: 0, started: '', place: here(), nonce: text }
  }
}

/** Creates the file with its content, whole, or returns false because it is there already. */
async function createWhole(path: string, content: string): Promise<boolean> {
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

/** Takes the lock file at `path`, or returns the living owner that holds it. */
async function take(path: string, me: Owner, watchMs: number): Promise<Owner | undefined> {
  for (;;) {
    if (await createWhole(path, JSON.stringify(me))) return undefined
    const owner = await readOwner(path)
    if (!owner) continue
    if (await isAlive(owner, path, watchMs)) return owner
    // Only the holder of a second lock may remove a dead owner's, and only after reading it again;
    // otherwise the slower of two takers would remove the lock the faster one has just made.
    const guard = `${path}.takeover`
    if (await take(guard, me, watchMs)) {
      await wait(10)
      continue
    }
    if ((await readOwner(path))?.nonce === owner.nonce) await unlink(path)
    await unlink(guard)
  }
}

/**
 * Makes this process the owner of a data directory, or throws `database_busy` naming the process
 * that is. A lock left by another machine or container is watched for `watchMs` before it counts as
 * abandoned.
 */
export async function lockOwner(dataDir: string, watchMs = WATCH_MS): Promise<OwnerLock> {
  const path = `${dataDir}/owner.lock`
  const me: Owner = { pid: process.pid, started: startedAt(process.pid), place: here(), nonce: randomUUID() }
  const holder = await take(path, me, watchMs)
  if (holder) {
    const where = holder.place === me.place ? '' : ' of another machine or container'
    throw new AppError('database_busy', `Process ${holder.pid}${where} is using the data directory ${dataDir}.`)
  }
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, HEARTBEAT_MS)
  heartbeat.unref()
  return {
    release() {
      clearInterval(heartbeat)
      tryRead(() => {
        unlinkSync(path)
        return ''
      })
    },
  }
}
