// Where the comments of a review stand: at the lines they are about, as far as the forge accepts
// them there, which depends on what its own diff shows.
import { findAnchor, numberOn } from '../diffs/anchors.ts'
import type { DiffLine, Hunk } from '../diffs/diff.ts'
import { parseHunks } from '../diffs/hunks.ts'
import type { ChangedFile, LineComment, Side } from '../forges/reviews.ts'

/** Comments that have a line of the diff, and those that have none, which are left as they were. */
export type Placed = { inline: LineComment[]; others: LineComment[] }

// What is further away is more likely another line with the same text.
const MAX_LINES_MOVED = 200

/** Puts comments on the lines of the diff of the commit that they are about. */
export function place(comments: readonly LineComment[], files: readonly ChangedFile[]): Placed {
  return placeBy(comments, (comment) => {
    const file = findFile(files, comment.path)
    const lines = findAnchor({ hunks: hunksOf(file) }, comment)
    return file && lines && at(lines, comment, file.path)
  })
}

/**
 * Puts comments on the lines of the diff `now`, whose commit is not the one that they are about:
 * with the number they had in a file that is the same, else at the nearest lines of the same text.
 */
export function placeAgain(
  comments: readonly LineComment[],
  before: readonly ChangedFile[],
  now: readonly ChangedFile[],
): Placed {
  return placeBy(comments, (comment) => {
    const [old, file] = [findFile(before, comment.path), findFile(now, comment.path)]
    const lines = findAnchor({ hunks: hunksOf(old) }, comment)
    if (!lines || !file) return null
    const isSame = old?.blob === file.blob && comment.side === 'RIGHT'
    const found = isSame ? findAnchor({ hunks: hunksOf(file) }, comment) : findNearest(hunksOf(file), lines, comment)
    return found && at(found, comment, file.path)
  })
}

function placeBy(
  comments: readonly LineComment[],
  placeOf: (comment: LineComment) => LineComment | null | undefined,
): Placed {
  const placed: Placed = { inline: [], others: [] }
  for (const comment of comments) {
    const inline = placeOf(comment)
    if (inline) placed.inline.push(inline)
    else placed.others.push(comment)
  }
  return placed
}

/** Of a renamed file a forge knows the new path only, on both sides. */
function findFile(files: readonly ChangedFile[], path: string): ChangedFile | undefined {
  return files.find((file) => file.path === path) ?? files.find((file) => file.previousPath === path)
}

function hunksOf(file: ChangedFile | undefined): Hunk[] {
  return parseHunks(file?.patch ?? '')
}

/** The comment with the lines' own numbers; `LEFT` is for those that only the old side has. */
function at(lines: readonly DiffLine[], { body, startLine }: LineComment, path: string): LineComment {
  const [start, end] = [spotOf(lines[0]), spotOf(lines.at(-1))]
  return { path, body, ...end, ...(startLine === undefined ? {} : { startLine: start.line, startSide: start.side }) }
}

function spotOf(line: DiffLine | undefined): { line: number; side: Side } {
  if (line?.right == null) return { line: line?.left ?? 0, side: 'LEFT' }
  return { line: line.right, side: 'RIGHT' }
}

/** The lines with the same text, on the comment's side, that are the nearest to where they were. */
function findNearest(hunks: readonly Hunk[], lines: readonly DiffLine[], comment: LineComment): DiffLine[] | null {
  const { line, side, startSide = side } = comment
  // A bracket or a blank line is everywhere.
  if (!lines.some(({ text }) => /[\p{L}\p{N}]/u.test(text))) return null
  const distance = (found: readonly DiffLine[]) => Math.abs((numberOf(found.at(-1), side) ?? Infinity) - line)
  const [nearest] = hunks
    .flatMap((hunk) => hunk.lines.map((_, from) => hunk.lines.slice(from, from + lines.length)))
    .filter((found) => lines.every(({ text }, index) => found[index]?.text === text))
    .filter((found) => numberOf(found[0], startSide) !== null && distance(found) <= MAX_LINES_MOVED)
    .toSorted((one, other) => distance(one) - distance(other))
  return nearest ?? null
}

function numberOf(line: DiffLine | undefined, side: Side): number | null {
  return line === undefined ? null : numberOn(line, side)
}
