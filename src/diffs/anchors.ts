// Where in a file's hunks a comment can stand: only lines that a diff shows have a place.
import type { LineComment, Side } from '../forges/reviews.ts'
import type { DiffFile, DiffLine } from './diff.ts'

/** Where a comment is to stand; without a side on the new one. */
export type Anchor = Pick<LineComment, 'line' | 'startLine' | 'startSide'> & { side?: Side | undefined }

/** Whether the file has the comment's line, and above it in the same hunk the line it starts at. */
export function isAnchored(file: Pick<DiffFile, 'hunks'>, comment: Anchor): boolean {
  return findAnchor(file, comment) !== null
}

/** The lines of the diff from where the comment starts to its end; null where it has no place. */
export function findAnchor(
  { hunks }: Pick<DiffFile, 'hunks'>,
  { line, side = 'RIGHT', startLine, startSide = side }: Anchor,
): DiffLine[] | null {
  for (const { lines } of hunks) {
    const end = lines.findIndex((each) => numberOn(each, side) === line)
    if (end === -1) continue
    const start = startLine === undefined ? end : lines.findIndex((each) => numberOn(each, startSide) === startLine)
    const isPlace = startLine === undefined || (start !== -1 && start < end)
    return isPlace ? lines.slice(start, end + 1) : null
  }
  return null
}

/** A line's number on a side. */
export function numberOn({ left, right }: DiffLine, side: Side): number | null {
  return side === 'LEFT' ? left : right
}
