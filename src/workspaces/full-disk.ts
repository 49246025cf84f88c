// A machine without space, which is no fault of a job's: the job waits until there is some.
import { statfs } from 'node:fs/promises'
import { errorText, RetryAt } from '../lib/error.ts'
import { GitError } from './git.ts'

// Between two looks whether there is space again.
const PAUSE_MS = 30_000
const DISK_FULL = ['ENOSPC', 'EDQUOT']
const FULL = [...DISK_FULL, 'EMFILE', 'ENFILE', 'ENOMEM']
// Git names the reason of some failed writes only.
const FULL_TEXT = /No space left|quota exceeded|unable to write file|couldn't write/i
const MIN_BYTES = 1_000_000
const MIN_FILES = 10

/** Whether something failed because the machine has no space or no file left. */
export function isFull(error: unknown): boolean {
  if (error instanceof GitError) return FULL_TEXT.test(error.message)
  return FULL.includes(codeOf(error))
}

/** Whether the disk of a folder has next to nothing left, of bytes or of files. */
export async function isDiskFull(folder: string): Promise<boolean> {
  const { bavail, bsize, files, ffree } = await statfs(folder)
  // Some file systems have no limit to their files, and say 0.
  return bavail * bsize < MIN_BYTES || (files > 0 && ffree < MIN_FILES)
}

/** Puts a job off until there may be space. */
export class NoSpace extends RetryAt {
  /** Whether space on the disk would help, and not less work. */
  readonly isOfDisk: boolean

  constructor(error: unknown, text = errorText(error)) {
    super(new Date(Date.now() + PAUSE_MS), text)
    this.isOfDisk = error instanceof GitError || DISK_FULL.includes(codeOf(error))
  }
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code)
}
