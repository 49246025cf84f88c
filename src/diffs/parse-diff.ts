// Reads what `git diff-tree -r --raw --patch --full-index` prints.
import type { DiffFile, Omission } from './diff.ts'
import { readHunks } from './hunks.ts'

const SECTION = 'diff --git '
const STATUSES = {
  A: 'added',
  D: 'deleted',
  M: 'modified',
  R: 'renamed',
  C: 'copied',
  T: 'type_changed',
} as const

/**
 * The files, from the lines of `--raw`, with the hunks from the sections of `--patch`, which stand
 * in the same order. Without `-z` git quotes every path with a character that could be mistaken, so
 * no name of a file can look like a line of the output. Files without their section are named in
 * `omitted`.
 */
export function parseDiff(printed: string): { files: DiffFile[]; omitted: Omission[] } {
  const lines = printed.split('\n')
  const files: DiffFile[] = []
  let at = 0
  for (; lines[at]?.startsWith(':'); at++) files.push(readRecord(lines[at] ?? ''))
  const sections = findSections(lines, at)
  const omitted: Omission[] = []
  let next = 0
  for (const file of files) {
    // What became another kind of thing is deleted in one section, and added in the next.
    const own = sections.slice(next, next + (file.status === 'type_changed' ? 2 : 1))
    next += file.status === 'type_changed' ? 2 : 1
    if (sections.length < next) omitted.push({ path: file.path, reason: 'the diff is longer than what is read of it' })
    else for (const { from, to } of own) addSection(file, lines, from, to)
  }
  return { files, omitted }
}

/** `:100644 100644 OLD NEW R086<tab>old<tab>new` */
function readRecord(record: string): DiffFile {
  const [fields = '', first = '', second] = record.slice(1).split('\t')
  const [oldMode = '', newMode = '', oldBlob = '', newBlob = '', letter = ''] = fields.split(' ')
  const status = STATUSES[letter.charAt(0) as keyof typeof STATUSES] ?? 'modified'
  return {
    path: unquote(second ?? first),
    oldPath: second === undefined ? null : unquote(first),
    status,
    oldMode: status === 'added' ? null : oldMode,
    newMode: status === 'deleted' ? null : newMode,
    oldBlob: status === 'added' ? null : oldBlob,
    newBlob: status === 'deleted' ? null : newBlob,
    isBinary: false,
    isSubmodule: [oldMode, newMode].includes('160000'),
    hunks: [],
  }
}

// Each line of a file has a sign in front of it, so none of them begins like a section.
function findSections(lines: readonly string[], from: number): { from: number; to: number }[] {
  const starts: number[] = []
  for (let at = from; at < lines.length; at++) if (lines[at]?.startsWith(SECTION)) starts.push(at)
  return starts.map((start, index) => ({ from: start, to: starts[index + 1] ?? lines.length }))
}

function addSection(file: DiffFile, lines: readonly string[], from: number, to: number): void {
  let body = from + 1
  while (body < to && !lines[body]?.startsWith('@@ ')) {
    if (lines[body]?.startsWith('Binary files ')) file.isBinary = true
    body += 1
  }
  file.hunks = file.hunks.concat(readHunks(lines, body, to))
}

const ESCAPES: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 }

/** A path as git quotes it: in quotes, with the bytes that are not plain ASCII as `\303`. */
function unquote(path: string): string {
  if (!path.startsWith('"')) return path
  const bytes = [...path.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|([^\\])/gs)].map(([, octal, letter = '', plain]) =>
    octal === undefined ? (ESCAPES[letter] ?? plain?.charCodeAt(0) ?? 0) : Number.parseInt(octal, 8),
  )
  return Buffer.from(bytes).toString()
}
