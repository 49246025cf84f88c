// Every line of the golden diffs is where git has it, and where GitHub would accept a comment.
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { diffFiles } from '../../fake-github/src/git-diff.ts'
import { patchLines } from '../../fake-github/src/patch.ts'
import { openTestFolder } from '../../test/folder.ts'
import { isAnchored, numberOn } from './anchors.ts'
import type { DiffFile } from './diff.ts'
import { diffOf } from './diff-of.ts'
import { kinds } from './fixtures/golden/kinds.ts'
import { lines } from './fixtures/golden/lines.ts'
import { paths } from './fixtures/golden/paths.ts'
import { renames } from './fixtures/golden/renames.ts'
import type { Entry, ExpectedFile } from './fixtures/golden-diff.ts'
import { commitAll, ranges } from './fixtures/golden-diff.ts'

// Git is started some 300 times.
const LOADED_MS = 90_000
const GOLDEN = { ...renames, ...lines, ...paths, ...kinds }

async function openRepository() {
  const folder = await openTestFolder()
  await execa('git', ['init', '--quiet'], { cwd: folder })
  return { folder, commits: await commitAll(folder, GOLDEN) }
}

function shown({ hunks }: DiffFile, side: 'LEFT' | 'RIGHT'): number[] {
  const all = hunks.flatMap((hunk) => hunk.lines.map((line) => numberOn(line, side)))
  return all.filter((number) => number !== null)
}

function summary(file: DiffFile): ExpectedFile {
  const [left, right] = [ranges(shown(file, 'LEFT')), ranges(shown(file, 'RIGHT'))]
  return {
    status: file.status as ExpectedFile['status'],
    ...(file.oldPath === null ? {} : { from: file.oldPath }),
    ...(left === '' ? {} : { left }),
    ...(right === '' ? {} : { right }),
    ...(file.isBinary ? { isBinary: true } : {}),
    ...(file.isSubmodule ? { isSubmodule: true } : {}),
  }
}

/** As written down, but for sides without a line. */
function written({ left, right, ...file }: ExpectedFile): ExpectedFile {
  return { ...file, ...(left ? { left } : {}), ...(right ? { right } : {}) }
}

test(
  'each file of the golden diffs has the status and the lines that are written down',
  async () => {
    expect(Object.keys(GOLDEN).length).toBeGreaterThanOrEqual(40)
    const { folder, commits } = await openRepository()
    for (const [name, { expected }] of Object.entries(GOLDEN)) {
      const { base = '', head = '' } = commits[name] ?? {}
      const { files, omitted } = await diffOf(folder, base, head)
      expect
        .soft(Object.fromEntries(files.map((file) => [file.path, summary(file)])), name)
        .toEqual(Object.fromEntries(Object.entries(expected).map(([path, file]) => [path, written(file)])))
      expect.soft(omitted, name).toEqual([])
    }
  },
  LOADED_MS,
)

test(
  'what is a place for a comment is one for GitHub, and nothing else is',
  async () => {
    const { folder, commits } = await openRepository()
    for (const [name, { base, head }] of Object.entries(commits)) {
      const { files } = await diffOf(folder, base, head)
      const theirs = await diffFiles(join(folder, '.git'), base, head)
      expect
        .soft(
          files.map(({ path, oldPath }) => [path, oldPath]),
          name,
        )
        .toEqual(theirs.map(({ path, previousPath }) => [path, previousPath]))
      for (const [index, file] of files.entries()) {
        const accepted = patchLines(theirs[index]?.patch ?? '').filter(({ position }) => position > 0)
        const last = Math.max(0, ...accepted.map(({ left, right }) => Math.max(left ?? 0, right ?? 0)))
        const all = Array.from({ length: last + 3 }, (_, line) => line)
        for (const side of ['LEFT', 'RIGHT'] as const) {
          const ours = all.filter((line) => isAnchored(file, { line, side }))
          const numbers = accepted.map(({ left, right }) => (side === 'LEFT' ? left : right))
          expect
            .soft(ranges(ours), `${name}: ${file.path} ${side}`)
            .toBe(ranges(numbers.filter((number) => number !== null)))
        }
      }
    }
  },
  LOADED_MS,
)

test(
  'each line has the text that the file has at its number',
  async () => {
    const { folder, commits } = await openRepository()
    for (const [name, { before, after }] of Object.entries(GOLDEN)) {
      const { base = '', head = '' } = commits[name] ?? {}
      for (const file of (await diffOf(folder, base, head)).files) {
        const [old, now] = [linesOf(before[file.oldPath ?? file.path]), linesOf(after[file.path])]
        for (const line of file.hunks.flatMap((hunk) => hunk.lines)) {
          const text = `${line.text}${line.endsWithNewline ? '\n' : ''}`
          const expected = [line.left && text, line.right && text]
          expect.soft([numbered(old, line.left), numbered(now, line.right)], name).toEqual(expected)
        }
      }
    }
  },
  LOADED_MS,
)

function numbered(all: readonly string[], number: number | null): string | null | undefined {
  return number === null ? null : all[number - 1]
}

function linesOf(entry: Entry | undefined): string[] {
  return contentOf(entry).match(/[^\n]*\n|[^\n]+/g) ?? []
}

function contentOf(entry: Entry = ''): string {
  if (typeof entry === 'string') return entry
  if ('bytes' in entry) return Buffer.from(entry.bytes).toString()
  if ('submodule' in entry) return `Subproject commit ${entry.submodule}\n`
  return 'executable' in entry ? entry.executable : entry.symlink
}
