// Tells whether two diffs make the same change, wherever their lines are.
import { createHash } from 'node:crypto'
import type { Diff, DiffFile } from './diff.ts'

/**
 * The same for the same change to the same files on another base: numbers of lines do not count,
 * all that the diff shows does. A diff that lacks files is like no other head's.
 */
export function patchId({ files, omitted, head }: Diff): string {
  const hash = createHash('sha256')
  const known = new Set(files.map(({ path }) => path))
  if (omitted.some(({ path }) => !known.has(path))) hash.update(head)
  const unread = new Set(omitted.map(({ path }) => path))
  const ordered = files.toSorted((one, other) => (one.path < other.path ? -1 : 1))
  for (const file of ordered) hash.update(`${JSON.stringify(contentOf(file, unread.has(file.path)))}\n`)
  return hash.digest('hex')
}

function contentOf({ path, oldPath, status, oldMode, newMode, ...file }: DiffFile, isUnread: boolean): unknown[] {
  const what = [path, oldPath, status, oldMode, newMode]
  // Without lines only the whole content says what changed.
  if (file.isBinary || isUnread) return [...what, file.oldBlob, file.newBlob]
  return [...what, file.hunks.map(({ lines }) => lines.map(({ left, right, ...line }) => [signOf(left, right), line]))]
}

function signOf(left: number | null, right: number | null): string {
  if (left === null) return '+'
  return right === null ? '-' : ' '
}
