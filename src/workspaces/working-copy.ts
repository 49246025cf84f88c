// What was changed in a checkout, whatever programs have done to it and to its own repository.
import { isUtf8 } from 'node:buffer'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GiveUp } from '../lib/error.ts'
import { contentSize } from '../lib/file-content.ts'
import { isPlainPath } from '../lib/git-names.ts'
import type { FileChange } from '../publisher/output-fields.ts'
import { runGit } from './git.ts'
import { entryAt, PathProblem, readInside } from './inside.ts'
import { ATTRIBUTES } from './worktree.ts'

/** A checkout that may be changed. */
export type WorkingCopyOptions = {
  folder: string
  /** The commit that was checked out, and the folder with its objects. */
  sha: string
  objects: string
  /** An empty folder that no program of the attempt sees. */
  own: string
  signal: AbortSignal
  maxFiles?: number
  maxBytes?: number
  /** What reading it may take each time. Default 2 minutes. */
  maxMs?: number
  /** Why a path is not to be among the changes; null when it may be. */
  refuse?(path: string): string | null
}

/** What differs from the commit, and what of it is left out, with a reason for each path. */
export type Changed = { changes: FileChange[]; leftOut: { path: string; reason: string }[] }

/** The checkout. */
export type WorkingCopy = {
  folder: string
  /** All files but those that .gitignore names, sorted. */
  files(): Promise<string[]>
  /**
   * What differs from the commit: added, changed and deleted files, but for those that .gitignore
   * names. Symlinks, repositories inside, and what is too much are left out.
   */
  changed(): Promise<Changed>
}

// What the publisher takes where a rule says nothing.
const MAX_FILES = 100
const MAX_BYTES = 10_000_000
const MAX_MS = 120_000
// Of the names of its files.
const MAX_LIST_BYTES = 64_000_000
const SYMLINK = '120000'
const EXECUTABLE = '100755'

/**
 * Opens a checkout. Git reads it through a repository of its own: a program may have changed the
 * settings of the one in the folder, and git would obey them with the rights of the service.
 */
export async function openWorkingCopy(options: WorkingCopyOptions): Promise<WorkingCopy> {
  const { folder, sha, objects, own, signal } = options
  await runGit(['init', '--quiet', '--bare', '--template=', own], { folder: own, signal })
  await mkdir(join(own, 'info'), { recursive: true })
  await writeFile(join(own, 'info/attributes'), ATTRIBUTES)
  await mkdir(join(own, 'objects/info'), { recursive: true })
  await writeFile(join(own, 'objects/info/alternates'), `${objects}\n`)
  const fixed = [`--git-dir=${own}`, `--work-tree=${folder}`, '-c', 'core.bare=false', '-c', 'core.fileMode=true']
  const list = async (...args: string[]) => {
    const printed = await withinTime(options, (limit) =>
      runGit([...fixed, ...args], { folder, signal: limit, maxBytes: MAX_LIST_BYTES }),
    )
    if (Buffer.byteLength(printed) > MAX_LIST_BYTES) throw new GiveUp('The checkout has more files than can be listed.')
    return printed.split('\0').filter((part) => part !== '')
  }
  await list('read-tree', sha)
  return {
    folder,
    async files() {
      const [known, gone, added] = [
        await list('ls-files', '-z'),
        new Set(await list('ls-files', '-z', '--deleted')),
        await list('ls-files', '-z', '--others', '--exclude-standard'),
      ]
      return [...known.filter((path) => !gone.has(path)), ...added].sort()
    },
    async changed() {
      const flags = ['--raw', '-z', '--no-renames', '--no-ext-diff', '--ignore-submodules=all', '--abbrev=40']
      const known = differencesIn(await list('diff', ...flags))
      const added = await list('ls-files', '-z', '--others', '--exclude-standard')
      return read(options, [...known, ...added.sort().map((path) => ({ path, before: null, after: null }))])
    },
  }
}

/**
 * Git waits without end for what a program has put in the place of a file that git reads, such as a
 * pipe called .gitignore.
 */
async function withinTime<T>(
  { signal, maxMs = MAX_MS }: WorkingCopyOptions,
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.timeout(maxMs)
  try {
    return await work(AbortSignal.any([signal, limit]))
  } catch (error) {
    if (error !== limit.reason) throw error
    throw new GiveUp(`The checkout could not be read in ${maxMs / 1000} s: a program may have left a pipe in it.`)
  }
}

/** The changes of a checkout, read once. */
export async function changesOf(options: WorkingCopyOptions): Promise<Changed> {
  return (await openWorkingCopy(options)).changed()
}

/** The modes of one file in the commit and now; null where it is new. */
type Difference = { path: string; before: string | null; after: string | null }

/** `:100644 100755 <sha> <sha> M` and the path, in turn. */
function differencesIn(parts: readonly string[]): Difference[] {
  return parts.flatMap((part, at) => {
    const [, before = '', after = ''] = /^:(\d{6}) (\d{6}) [0-9a-f]+ [0-9a-f]+ [A-Z]$/.exec(part) ?? []
    return before === '' || at % 2 === 1 ? [] : [{ path: parts[at + 1] ?? '', before, after }]
  })
}

async function read(options: WorkingCopyOptions, differences: readonly Difference[]): Promise<Changed> {
  const { maxFiles = MAX_FILES, maxBytes = MAX_BYTES } = options
  const changed: Changed = { changes: [], leftOut: [] }
  let left = maxBytes
  for (const difference of differences) {
    const { path } = difference
    try {
      if (changed.changes.length >= maxFiles) throw new PathProblem(`more than ${maxFiles} files are changed`)
      const { change, bytes } = await changeOf(options, difference, left)
      left -= bytes
      changed.changes.push(change)
    } catch (error) {
      if (!(error instanceof PathProblem)) throw error
      changed.leftOut.push({ path, reason: error.message })
    }
  }
  return changed
}

async function changeOf(
  { folder, refuse }: WorkingCopyOptions,
  { path, before, after }: Difference,
  maxBytes: number,
): Promise<{ change: FileChange; bytes: number }> {
  if (path.endsWith('/')) throw new PathProblem(`${path} is a repository of its own`)
  if (!isPlainPath(path)) throw new PathProblem('its name is not one that every system can have')
  const reason = refuse?.(path) ?? null
  if (reason !== null) throw new PathProblem(reason)
  if (after === '000000') return { change: { path, deleted: true }, bytes: 0 }
  if (after === SYMLINK) throw new PathProblem(`${path} is a symlink`)
  const change = await contentAt(folder, path, maxBytes)
  const { content, executable } = change
  const bytes = contentSize(content)
  const isAsBefore = executable === (before === EXECUTABLE)
  return { change: isAsBefore ? { path, content } : { path, content, executable }, bytes }
}

/** A file as it is, as a change. */
export async function contentAt(folder: string, path: string, maxBytes = MAX_BYTES) {
  const entry = await entryAt(folder, path)
  const bytes = await readInside(folder, path, maxBytes)
  const isText = isUtf8(bytes) && !bytes.includes(0)
  const content = isText ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
  return { path, content, executable: entry?.executable === true }
}
