// Files that only their owner can read.
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { link, mkdir, rename, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes one line to such a file, or puts it in the place of the file there is, as a whole. */
export async function writePrivately(path: string, line: string): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}`
  await writeFile(draft, `${line}\n`, { mode: 0o600, flag: 'wx' })
  await rename(draft, path)
}

/** The same, but leaves a file that is there already as it is. */
export async function writePrivatelyOnce(path: string, line: string): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}`
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

// Windows has no such modes.
const OTHERS = process.platform === 'win32' ? 0 : 0o077

/** The line of such a file; undefined without one of this form that is ours alone. */
export function readPrivately(path: string, form: RegExp): string | undefined {
  try {
    const file = openSync(path, 'r')
    try {
      const line = readFileSync(file, 'utf8').replace(/\n$/, '')
      return (fstatSync(file).mode & OTHERS) === 0 && form.test(line) ? line : undefined
    } finally {
      closeSync(file)
    }
  } catch {
    return undefined
  }
}
