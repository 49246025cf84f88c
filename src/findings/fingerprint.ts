// What a finding is known by in later reviews: the code it is about, and not where that stands.
import { createHash } from 'node:crypto'
import type { Diff, DiffFile, DiffLine } from '../diffs/diff.ts'
import type { Finding, Found } from './finding.ts'

/**
 * The findings with their fingerprints: a hash of who found what kind of mistake in which file and
 * code, which stays the same when lines move or are indented. Code that stands in the file's
 * difference more than once counts with the lines around it.
 */
export function fingerprinted(findings: readonly Finding[], diff: Pick<Diff, 'files'>): Found[] {
  const files = new Map(diff.files.map((file) => [file.path, sidesOf(file)]))
  const counts = new Map<string, number>()
  return findings.map((finding) => {
    const { reviewer, category, path } = finding
    const subject = codeOf(finding, files.get(path)) ?? `title:${normalised(finding.title)}`
    const known = [reviewer, category, path, subject]
    const before = counts.get(hash(known)) ?? 0
    counts.set(hash(known), before + 1)
    // One reviewer may find two mistakes of a kind in the same line.
    return { ...finding, fingerprint: hash(before === 0 ? known : [...known, String(before)]) }
  })
}

/** The key under which a review remembers a file: what it was, what it is, and who read it. */
export function reviewKey(file: Pick<DiffFile, 'path' | 'oldBlob' | 'newBlob' | 'newMode'>, readBy: string): string {
  return hash([file.path, file.oldBlob ?? '', file.newBlob ?? '', file.newMode ?? '', readBy])
}

/** The code of a finding; null where the difference does not show it. */
function codeOf({ side, line, startLine }: Finding, sides: Sides | undefined): string | null {
  if (sides === undefined || line === null) return null
  const { numbers, texts, places } = sides(side)
  const from = numbers.indexOf(startLine ?? line)
  const to = numbers.indexOf(line)
  if (from === -1 || to < from) return null
  const own = texts.slice(from, to + 1)
  const others = (places.get(own[0] ?? '') ?? []).filter((at) => at !== from)
  const isUnique = !others.some((at) => own.every((text, index) => texts[at + index] === text))
  const around = isUnique ? [] : [lastOf(texts.slice(0, from)), firstOf(texts.slice(to + 1))]
  return ['code', ...own, ...around].join('\n')
}

/** Lines with their numbers, and where each text stands. */
type Lines = { numbers: (number | null)[]; texts: string[]; places: ReadonlyMap<string, number[]> }
type Sides = (side: Finding['side']) => Lines

/** The lines of each side of a file, read once for all its findings. */
function sidesOf({ hunks }: DiffFile): Sides {
  const read = new Map<Finding['side'], Lines>()
  return (side) => {
    const known = read.get(side)
    if (known !== undefined) return known
    const lines = hunks.flatMap((hunk) => hunk.lines.filter((each) => numberOn(each, side) !== null))
    const texts = lines.map(({ text }) => normalised(text))
    const places = Map.groupBy(texts.keys(), (at) => texts[at] ?? '')
    const found = { numbers: lines.map((each) => numberOn(each, side)), texts, places }
    read.set(side, found)
    return found
  }
}

function numberOn(line: DiffLine, side: Finding['side']): number | null {
  return side === 'LEFT' ? line.left : line.right
}

function lastOf(texts: readonly string[]): string {
  return texts.findLast((text) => text !== '') ?? ''
}

function firstOf(texts: readonly string[]): string {
  return texts.find((text) => text !== '') ?? ''
}

function normalised(text: string): string {
  return text.normalize('NFC').replace(/\s+/g, ' ').trim()
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
