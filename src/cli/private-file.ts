// Files that only their owner can read.
import { randomUUID } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'

/** Writes one line to such a file, or puts it in the place of the file there is, as a whole. */
export async function writePrivately(path: string, line: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, `${line}\n`, { mode: 0o600, flag: 'wx' })
  await rename(draft, path)
}
