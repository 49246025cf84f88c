// Finds files that do not belong in a repository: large ones, and what a tool makes again.
import type { Diff, DiffFile } from '../../../diffs/diff.ts'
import { isLockFile } from '../../../lib/lock-files.ts'
import { extensionOf, isTestPath } from './paths.ts'
import type { Head, Remark, Reviewer } from './reviewer.ts'
import { quoted, remarkAt } from './reviewer.ts'

const MAX_BYTES = 1_000_000
// Of files that run or configure something, and are no text only by a zero byte in them.
const TEXTS = new Set(
  'js jsx ts tsx mjs cjs mts cts vue svelte py rb php go rs java kt cs c h cc cpp hpp swift sh bash json yml yaml toml env tf html css'.split(
    ' ',
  ),
)

/** What a tool makes, and how its paths are known; the first group is what is named. */
const MADE: readonly { pattern: RegExp; what: string }[] = [
  { pattern: /^((?:.*\/)?node_modules)\//, what: 'installed packages' },
  { pattern: /^((?:.*\/)?(?:\.venv|venv|site-packages))\//, what: 'installed packages' },
  { pattern: /^((?:.*\/)?__pycache__)\/|^(.*\.py[co])$/, what: 'compiled Python' },
  {
    pattern:
      /^((?:.*\/)?(?:\.next|\.nuxt|\.svelte-kit|\.turbo|\.parcel-cache|\.pytest_cache|\.mypy_cache|\.gradle|\.terraform))\//,
    what: 'what a build keeps for itself',
  },
  { pattern: /^((?:.*\/)?coverage)\/(?:lcov|coverage-final|clover|index\.html)/, what: 'a report of coverage' },
  { pattern: /^(.*\.(?:class|o|obj|pdb|pyd))$/, what: 'a compiled file' },
  { pattern: /^((?:.*\/)?(?:\.DS_Store|Thumbs\.db|desktop\.ini))$/, what: "a file of somebody's desktop" },
  { pattern: /^((?:.*\/)?[^/]+\.(?:swp|swo|orig|rej))$/, what: 'what an editor or a merge left' },
  { pattern: /^((?:.*\/)?(?:npm-debug|yarn-error|yarn-debug)\.log)$/, what: 'a log' },
  { pattern: /^(.*\.tsbuildinfo)$/, what: 'what a build keeps for itself' },
]

/** The reviewer of files. */
export const files: Reviewer = { name: 'files', review }

async function review(diff: Diff, head: Head): Promise<Remark[]> {
  const made = madeFiles(diff)
  const others = diff.files.filter(({ path, status }) => isNew(status) && madeOf(path) === null && !isLockFile(path))
  return [...made, ...hiddenTexts(diff), ...(await largeFiles(diff, others, head))]
}

function isNew(status: DiffFile['status']): boolean {
  return status === 'added' || status === 'copied'
}

function madeOf(path: string): { name: string; what: string } | null {
  for (const { pattern, what } of MADE) {
    const match = pattern.exec(path)
    const name = match?.slice(1).find((each) => each !== undefined)
    if (name !== undefined) return { name, what }
  }
  return null
}

/** One finding for a folder, however many files it has. */
function madeFiles({ files: changed }: Diff): Remark[] {
  const kept = new Set(changed.flatMap(({ path, status }) => (isNew(status) ? [] : [madeOf(path)?.name ?? ''])))
  const groups = new Map<string, DiffFile[]>()
  for (const file of changed) {
    const name = madeOf(file.path)?.name
    // A repository that changes such files keeps them on purpose.
    if (name === undefined || kept.has(name) || !isNew(file.status) || isTestPath(file.path)) continue
    groups.set(name, [...(groups.get(name) ?? []), file])
  }
  return [...groups].flatMap(([name, group]) => {
    const [first] = group
    const made = madeOf(first?.path ?? '')
    if (first === undefined || made === null) return []
    const where = group.length === 1 ? quoted(name) : `${group.length} files below ${quoted(name)}`
    return [
      remarkAt(first.path, null, {
        category: 'generated-file',
        severity: 'medium',
        title: `${name.split('/').at(-1) ?? name} is committed`,
        body: `The change adds ${where}, which is ${made.what}. Remove it from the commit and name it in \`.gitignore\`.`,
      }),
    ]
  })
}

/** One zero byte in a comment, and git shows of a program nothing that anybody could review. */
function hiddenTexts({ files: changed, omitted }: Diff): Remark[] {
  const large = new Set(omitted.map(({ path }) => path))
  const hidden = changed.filter(
    ({ path, status, isBinary }) =>
      isBinary && status !== 'deleted' && !large.has(path) && !isTestPath(path) && TEXTS.has(extensionOf(path)),
  )
  return hidden.map(({ path }) =>
    remarkAt(path, null, {
      category: 'hidden-text',
      severity: 'high',
      confidence: 0.8,
      title: 'The change of a text file is not shown',
      body: 'Git takes the file for binary, so no review shows what it says. Remove the zero bytes, or save it as UTF-8.',
    }),
  )
}

async function largeFiles(diff: Diff, added: readonly DiffFile[], head: Head): Promise<Remark[]> {
  const sized = await Promise.all(added.map(async (file) => ({ file, bytes: await bytesOf(file, diff, head) })))
  return sized.flatMap(({ file: { path, isBinary }, bytes }) =>
    bytes === null || bytes <= MAX_BYTES
      ? []
      : [
          remarkAt(path, null, {
            category: 'large-file',
            severity: isBinary ? 'medium' : 'low',
            confidence: isBinary ? 0.8 : 0.7,
            title: `A file of ${(bytes / 1_000_000).toFixed(1)} MB is added`,
            body: 'Everybody who clones the repository downloads it, also after it is removed. Keep it in Git LFS or in a store for such files.',
          }),
        ],
  )
}

/** Its size; of what the difference left out as too large, at least that. */
async function bytesOf(file: DiffFile, { omitted }: Diff, head: Head): Promise<number | null> {
  if (file.isSubmodule) return null
  const known = (await head.size?.(file.path)) ?? null
  if (known !== null) return known
  const least = omitted.find(({ path }) => path === file.path)?.largerThanBytes
  if (least !== undefined) return least
  if (file.isBinary) return null
  return file.hunks.reduce(
    (sum, { lines }) => lines.reduce((more, { text }) => more + Buffer.byteLength(text) + 1, sum),
    0,
  )
}
