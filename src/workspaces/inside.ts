// Files of a folder that programs of others have changed: no symlink they left leads out of it.
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { lstat, mkdir, open, readdir, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A path that is not used, and why, in words for whoever named it. */
export class PathProblem extends Error {
  override name = 'PathProblem'
}

/** It leads out of the folder, or is no file at all. */
export class NotInside extends PathProblem {
  override name = 'NotInside'
}

/** What is at a path. */
export type Entry = { kind: 'file' | 'folder'; bytes: number; executable: boolean }

/**
 * What is at a path of the folder (`.` is the folder itself); null when there is nothing.
 * @throws NotInside when the path leads through a symlink, or to one, or to a device.
 */
export async function entryAt(folder: string, path: string): Promise<Entry | null> {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  let at = folder
  let found: Entry = { kind: 'folder', bytes: 0, executable: false }
  for (const part of parts) {
    if (part === '..') throw new NotInside(`${path} leads out of the folder`)
    if (found.kind === 'file') return null
    at = join(at, part)
    const next = await lstat(at).catch(absent)
    if (next === null) return null
    if (next.isSymbolicLink()) throw new NotInside(`${path} is, or leads through, a symlink`)
    if (!next.isFile() && !next.isDirectory()) throw new NotInside(`${path} is no file`)
    found = { kind: next.isFile() ? 'file' : 'folder', bytes: next.size, executable: (next.mode & 0o100) !== 0 }
  }
  return found
}

/**
 * The bytes of a file, at most so many.
 * @throws PathProblem when there is no such file in the folder, or it is longer.
 */
export async function readInside(folder: string, path: string, maxBytes: number): Promise<Buffer> {
  const entry = await entryAt(folder, path)
  if (entry === null) throw new PathProblem(`there is no file ${path}`)
  if (entry.kind === 'folder') throw new PathProblem(`${path} is a folder`)
  return withFile(join(folder, path), constants.O_RDONLY, async (file) => {
    const { size } = await file.stat()
    if (size > maxBytes) throw new PathProblem(`${path} has ${size} bytes, which are more than ${maxBytes}`)
    return file.readFile()
  })
}

/**
 * Writes a file, and the folders it is in; `executable` is as the file is already where absent.
 * @throws PathProblem when a symlink, a folder or a file stands in the way.
 */
export async function writeInside(
  folder: string,
  path: string,
  { bytes, executable }: { bytes: Uint8Array; executable?: boolean | undefined },
): Promise<void> {
  const owner = await lstat(folder)
  const parents = path.split('/').slice(0, -1)
  for (const [at] of parents.entries()) {
    const parent = parents.slice(0, at + 1).join('/')
    const entry = await entryAt(folder, parent)
    if (entry?.kind === 'file') throw new PathProblem(`${parent} is a file, not a folder`)
    if (entry === null) {
      await mkdir(join(folder, parent))
      await withFile(join(folder, parent), constants.O_RDONLY, (made) => give(made, owner))
    }
  }
  if ((await entryAt(folder, path))?.kind === 'folder') throw new PathProblem(`${path} is a folder`)
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC
  await withFile(join(folder, path), flags, async (file) => {
    await file.writeFile(bytes)
    if (executable !== undefined) await file.chmod(executable ? 0o755 : 0o644)
    await give(file, owner)
  })
}

/**
 * Deletes a file, and the folders that are empty without it, as git has none.
 * @throws PathProblem when there is no such file.
 */
export async function removeInside(folder: string, path: string): Promise<void> {
  const entry = await entryAt(folder, path)
  if (entry?.kind !== 'file') throw new PathProblem(entry === null ? `there is no file ${path}` : `${path} is a folder`)
  await unlink(join(folder, path))
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    if ((await readdir(join(folder, parent))).length > 0) return
    await rmdir(join(folder, parent))
  }
}

/** The service may be root's, and the folder be given to the account of its programs. */
async function give(file: FileHandle, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  if (process.getuid?.() === 0) await file.chown(uid, gid)
}

async function withFile<T>(path: string, flags: number, use: (file: FileHandle) => Promise<T>): Promise<T> {
  // A pipe in its place would keep the opening waiting.
  const file = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o644)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
  if (error.code === 'ENAMETOOLONG') throw new PathProblem('the path is too long')
  throw error
}
