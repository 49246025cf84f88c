// The PostgreSQL server that runs in a directory, whichever process started it.
import { readlinkSync, realpathSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { platform } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { AppError } from '../../lib/error.ts'
import { isRunning } from '../../lib/running-process.ts'

const POLL_MS = 10
const STOP_LIMIT_MS = 15_000

/**
 * What PostgreSQL itself writes about a running server (`postmaster.pid`); undefined without that
 * file.
 */
export async function readPostmaster(dir: string): Promise<{ pid: number; port: number; ready: boolean } | undefined> {
  const text = await readFile(join(dir, 'postmaster.pid'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const lines = text.split('\n')
  return { pid: Number(lines[0]), port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' }
}

/**
 * Whether the process is the server of this directory, and not another one that reused its id. A
 * server's working directory is its data directory.
 */
export function isPostmaster(pid: number, dir: string): boolean {
  if (platform() !== 'linux') return isRunning(pid)
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dir)
  } catch {
    return false
  }
}

async function endsAfter(signal: NodeJS.Signals, pid: number, dir: string): Promise<boolean> {
  const limit = performance.now() + STOP_LIMIT_MS
  // It may end between the check and the signal.
  while (isPostmaster(pid, dir)) {
    if (performance.now() > limit) return false
    try {
      process.kill(pid, signal)
    } catch {}
    await wait(POLL_MS)
  }
  return true
}

/**
 * Stops a server left running by a Signalbox that was killed; its commits are safe in the files. It
 * is not reused, so that the new server has the current programs and settings.
 * @throws AppError `database_failed` when it does not stop.
 */
export async function stopOrphan(dir: string): Promise<void> {
  const left = await readPostmaster(dir)
  if (!left || !isRunning(left.pid)) return
  if (!isPostmaster(left.pid, dir)) {
    // PostgreSQL would take the unrelated process of that id for a running server and not start.
    await rm(join(dir, 'postmaster.pid'), { force: true })
    return
  }
  const ended = (await endsAfter('SIGINT', left.pid, dir)) || (await endsAfter('SIGQUIT', left.pid, dir))
  if (!ended) {
    throw new AppError(
      'database_failed',
      `PostgreSQL of an earlier run does not stop; end process ${left.pid}, then start Signalbox again.`,
    )
  }
}
