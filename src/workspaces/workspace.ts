// Empty folders for the work of one attempt.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRunning } from '../lib/running-process.ts'
import { isFull, NoSpace } from './full-disk.ts'

// Containers may share the temporary folder, and their process ids mean nothing to each other.
const PREFIX = `signalbox-job-${hostname()}-`

/** What a folder was filled from, which must stay as long as the folder does. */
type Filled = { release(): Promise<void> }

/** The folders of one attempt. */
export type Workspaces = {
  /**
   * Makes an empty folder.
   * @throws the signal's reason once the attempt is over; RetryAt while the machine has no space or
   * no file left, which is no fault of the agent's.
   */
  make(): Promise<string>
  /** Removes all of them, and then releases what they were filled from. */
  remove(): Promise<void>
  /** Makes one and fills it. It is removed only when `fill` has ended, however that ended. */
  makeFilled<Content extends Filled>(fill: (folder: string) => Promise<Content>): Promise<Content & { folder: string }>
}

/** Opens the folders of one attempt. `stop` ends it: no folder is made after that. */
export function openWorkspaces(stop: AbortSignal): Workspaces {
  const folders: Promise<string>[] = []
  const sources: Promise<Filled>[] = []
  const make = async (): Promise<string> => {
    stop.throwIfAborted()
    const folder = mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`)).catch((error: unknown) => {
      throw isFull(error) ? new NoSpace(error) : error
    })
    folders.push(folder)
    return folder
  }
  return {
    make,
    async makeFilled(fill) {
      const folder = make()
      const filled = folder.then(fill)
      sources.push(filled)
      return { ...(await filled), folder: await folder }
    },
    async remove() {
      const filled = await Promise.allSettled(sources.splice(0))
      const made = await Promise.allSettled(folders)
      const paths = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      // A process the agent left running may still write there.
      try {
        await Promise.all(paths.map((path) => rm(path, { recursive: true, force: true, maxRetries: 3 })))
      } finally {
        await Promise.all(filled.map(async (one) => one.status === 'fulfilled' && one.value.release()))
      }
    },
  }
}

/**
 * Removes the folders that processes of this machine left which were killed. Returns how many there
 * were.
 */
export async function sweepWorkspaces(): Promise<number> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX))
  const left = await Promise.all(names.map(async (name) => ((await isLeft(name)) ? [join(tmpdir(), name)] : [])))
  const paths = left.flat()
  await Promise.all(paths.map((path) => rm(path, { recursive: true, force: true, maxRetries: 3 })))
  return paths.length
}

async function isLeft(name: string): Promise<boolean> {
  const pid = Number.parseInt(name.slice(PREFIX.length), 10)
  if (!Number.isInteger(pid) || pid <= 0) return false
  if (pid !== process.pid) return !isRunning(pid)
  // One before this process had its id, as in a container that starts again.
  const begunAt = Date.now() - process.uptime() * 1000
  return stat(join(tmpdir(), name)).then(
    ({ birthtimeMs }) => birthtimeMs < begunAt,
    () => false,
  )
}
