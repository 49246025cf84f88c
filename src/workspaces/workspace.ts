// Empty folders for the work of one attempt.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The folders of one attempt. */
export type Workspaces = {
  /**
   * Makes an empty folder.
   * @throws the signal's reason once the attempt is over.
   */
  make(): Promise<string>
  /** Removes all of them. */
  remove(): Promise<void>
}

/** Opens the folders of one attempt. `stop` ends it: no folder is made after that. */
export function openWorkspaces(stop: AbortSignal): Workspaces {
  const folders: Promise<string>[] = []
  return {
    async make() {
      stop.throwIfAborted()
      const folder = mkdtemp(join(tmpdir(), 'signalbox-job-'))
      folders.push(folder)
      return folder
    },
    async remove() {
      const made = await Promise.allSettled(folders)
      const paths = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      // A process the agent left running may still write there.
      await Promise.all(paths.map((path) => rm(path, { recursive: true, force: true, maxRetries: 3 })))
    },
  }
}
