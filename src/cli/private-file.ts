// Files that only their owner can read.
import { randomUUID } from 'node:crypto'
import { link, mkdir, rename, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes one line to such a file, or puts it in the place of the file there is, as a whole. */
export async function writePrivately(path: string, line: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, `${line}\n`, { mode: 0o600, flag: 'wx' })
  await rename(draft, path)
}

/** The same, but leaves a file that is there already as it is. */
export async function writePrivatelyOnce(path: string, line: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeFile(draft, `${line}\n`, { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await unlink(draft)
  }
}
