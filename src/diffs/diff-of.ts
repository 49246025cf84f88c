// Has git compare two commits of a checkout.
import { GiveUp } from '../lib/error.ts'
import { runGit } from '../workspaces/git.ts'
import type { Diff, DiffFile, Omission } from './diff.ts'
import { parseDiff } from './parse-diff.ts'

/** The tree without files: what a first commit is compared with. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

/** How much of a diff is read; what is above is named in `omitted`. */
export type DiffLimits = {
  /** Ends git. */
  signal?: AbortSignal
  /** Of what git prints in all. */
  maxBytes?: number
  /** Of one version of a file. */
  maxFileBytes?: number
  maxFiles?: number
  /** Of all files together. */
  maxLines?: number
}

const MB = 1_000_000
const LIMITS = { maxBytes: 32 * MB, maxFileBytes: 2 * MB, maxFiles: 3000, maxLines: 200_000 }

// As GitHub compares: renames from half the content on, three lines around each change. Settings do
// not count, nor do attributes, by which a repository could hide files: a checkout overrules them.
const COMPARE = [
  'diff-tree -r --raw --patch --full-index --find-renames=50% -l1000 --unified=3 --inter-hunk-context=0',
  '--diff-algorithm=myers --indent-heuristic --no-ext-diff --no-textconv --no-color --no-relative',
  '--src-prefix=a/ --dst-prefix=b/ --submodule=short --ignore-submodules=none',
]
  .join(' ')
  .split(' ')

/**
 * The commit that two others have in common; null where there is none. `folder` is a checkout.
 * @throws GitError when it does not have one of them.
 */
export async function mergeBase(
  folder: string,
  a: string,
  b: string,
  { signal = new AbortController().signal }: { signal?: AbortSignal } = {},
): Promise<string | null> {
  requireShas(a, b)
  // `merge-base` says by its exit code alone that there is none.
  const printed = await runGit(['rev-parse', `${a}...${b}`, '--'], { folder, signal })
  return /^\^([0-9a-f]+)$/m.exec(printed)?.[1] ?? null
}

/**
 * What changed from `base` to `head`: whole shas of commits that the checkout in `folder` has.
 * @throws GitError when it does not have them.
 */
export async function diffOf(folder: string, base: string, head: string, limits: DiffLimits = {}): Promise<Diff> {
  requireShas(base, head)
  const { signal = new AbortController().signal, ...most } = { ...LIMITS, ...limits }
  const git = (args: readonly string[], more: { input?: string; maxBytes?: number } = {}) =>
    runGit(args, { folder, signal, ...more })
  const settings = ['-c', 'core.quotePath=true', '-c', `core.bigFileThreshold=${most.maxFileBytes}`]
  const printed = await git([...settings, ...COMPARE, base, head, '--'], { maxBytes: most.maxBytes })
  const isCut = Buffer.byteLength(printed) > most.maxBytes
  const { files, omitted } = parseDiff(isCut ? wholeSections(printed) : printed)
  const { maxFileBytes: largerThanBytes } = most
  const large = await largeBlobs(files, largerThanBytes, git)
  for (const file of files) {
    const isLarge = [file.oldBlob, file.newBlob].some((blob) => blob !== null && large.has(blob))
    if (!isLarge || !file.isBinary) continue
    omitted.push({ path: file.path, reason: `larger than ${largerThanBytes} bytes`, largerThanBytes })
  }
  // Only a list of files that is cut itself has no section at all.
  if (isCut && !printed.includes('\ndiff --git ')) omitted.push({ path: '**', reason: 'more files than git may list' })
  return { base, head, ...bounded(files, omitted, most) }
}

/** Leaves the lines of files out that are too many, and files. */
function bounded(files: DiffFile[], omitted: Omission[], { maxFiles, maxLines }: typeof LIMITS) {
  let left = maxLines
  for (const file of files.slice(0, maxFiles)) {
    const lines = file.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0)
    if (lines <= left) left -= lines
    else {
      file.hunks = []
      omitted.push({ path: file.path, reason: `the diff has more than ${maxLines} lines` })
    }
  }
  const reason = `the diff has more than ${maxFiles} files`
  const beyond = files.slice(maxFiles).map(({ path }) => ({ path, reason }))
  const unseen = new Set(beyond.map(({ path }) => path))
  const shown = omitted.filter(({ path }) => !unseen.has(path))
  return { files: files.slice(0, maxFiles), omitted: [...shown, ...beyond] }
}

/** What of a text that was cut is certainly whole. */
function wholeSections(printed: string): string {
  const section = printed.lastIndexOf('\ndiff --git ')
  return printed.slice(0, section === -1 ? printed.lastIndexOf('\n') + 1 : section + 1)
}

/** Git takes what is above `core.bigFileThreshold` for binary, so only such files are asked for. */
async function largeBlobs(
  files: readonly DiffFile[],
  maxFileBytes: number,
  git: (args: readonly string[], more: { input: string }) => Promise<string>,
): Promise<Set<string>> {
  const blobs = files.filter(({ isBinary }) => isBinary).flatMap(({ oldBlob, newBlob }) => [oldBlob, newBlob])
  const input = blobs.flatMap((blob) => (blob === null ? [] : [`${blob}\n`])).join('')
  if (input === '') return new Set()
  const answers = (await git(['cat-file', '--batch-check=%(objectname) %(objectsize)'], { input })).split('\n')
  const sized = answers.map((line) => line.split(' '))
  return new Set(sized.filter(([, size]) => Number(size) > maxFileBytes).map(([blob = '']) => blob))
}

function requireShas(...shas: string[]): void {
  for (const sha of shas) {
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(sha)) throw new GiveUp(`A diff is of whole shas, which ${sha} is not.`)
  }
}
