// What reviews a difference without a model, and what such reviewers have in common.
import type { Diff, DiffFile, Hunk } from '../../../diffs/diff.ts'
import type { Finding } from '../../../findings/finding.ts'

/** The files at the head of what is reviewed, as far as somebody can read them. */
export type Head = {
  /** The text of a file; null where there is none. */
  read?(path: string): Promise<string | null>
  /** Its size in bytes; null where it is not known. */
  size?(path: string): Promise<number | null>
}

/** A finding before the name of its reviewer is added to it. */
export type Remark = Omit<Finding, 'reviewer'>

/** Finds mistakes of some categories; the same difference has the same remarks. */
export type Reviewer = { name: string; review(diff: Diff, head: Head): Remark[] | Promise<Remark[]> }

/** A line that the change adds; `above` returns the nearest lines of its hunk above it. */
export type AddedLine = { line: number; text: string; above(): readonly string[] }

// For every line of a long hunk all others would be copied.
const MAX_ABOVE = 300

/** The lines that a file gets. */
export function addedLines({ hunks }: Pick<DiffFile, 'hunks'>): AddedLine[] {
  return hunks.flatMap(addedIn)
}

/**
 * The lines that a file gets where such files are read: all of them where it was moved from a path
 * that is not, because a move alone shows no line.
 */
export async function newLines(
  file: DiffFile,
  { read }: Head,
  isRead: (path: string) => boolean,
): Promise<AddedLine[]> {
  const cameFrom = file.oldPath
  const text = cameFrom === null || isRead(cameFrom) ? null : ((await read?.(file.path)) ?? null)
  if (text === null) return addedLines(file)
  const texts = text.split('\n')
  return texts.map((line, at) => ({
    line: at + 1,
    text: line,
    above: () => texts.slice(Math.max(0, at - MAX_ABOVE), at),
  }))
}

function addedIn({ lines }: Hunk): AddedLine[] {
  const right = lines.filter((line) => line.right !== null)
  const texts = right.map(({ text }) => text)
  return right.flatMap(({ left, right: line, text }, at) =>
    left === null && line !== null ? [{ line, text, above: () => texts.slice(Math.max(0, at - MAX_ABOVE), at) }] : [],
  )
}

/** The texts of the lines that a file loses. */
export function removedTexts({ hunks }: Pick<DiffFile, 'hunks'>): string[] {
  return hunks.flatMap(({ lines }) => lines.flatMap(({ right, text }) => (right === null ? [text] : [])))
}

/** A remark, which is certain and quick to check where its reviewer does not say otherwise. */
export function remarkAt(
  path: string,
  line: number | null,
  rest: Pick<Remark, 'category' | 'severity' | 'title' | 'body'> & Partial<Remark>,
): Remark {
  return { confidence: 0.9, cost: 'low', side: 'RIGHT', path, line, ...rest }
}

/** A name of the change, short and on one line. */
export function quoted(name: string): string {
  const text = name.replace(/[\s`]+/g, ' ').trim()
  return `\`${text.length > 80 ? `${text.slice(0, 79)}…` : text}\``
}
