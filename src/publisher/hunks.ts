// Where in a file's patch a comment can stand: only lines that the patch shows have a place.
import type { LineComment, Side } from '../forges/reviews.ts'

/** A line of a patch by its number on each side; null where it is not on that side. */
type PatchLine = { left: number | null; right: number | null }

/** The lines of each hunk of a patch, as in a unified diff, in their order. */
export function parseHunks(patch: string): PatchLine[][] {
  const hunks: PatchLine[][] = []
  let [left, right] = [0, 0]
  for (const text of patch.split('\n')) {
    const header = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(text)
    const kind = text.charAt(0)
    if (header) {
      ;[left, right] = [Number(header[1]), Number(header[2])]
      hunks.push([])
    } else if (kind === '-') hunks.at(-1)?.push({ left: left++, right: null })
    else if (kind === '+') hunks.at(-1)?.push({ left: null, right: right++ })
    else if (kind === ' ') hunks.at(-1)?.push({ left: left++, right: right++ })
  }
  return hunks
}

/**
 * Whether the patch shows the comment's line, and above it in the same hunk the line it starts at.
 */
export function isAnchored(patch: string, comment: LineComment): boolean {
  const { line, side, startLine, startSide = side } = comment
  return parseHunks(patch).some((hunk) => {
    const end = indexOf(hunk, line, side)
    if (end === -1) return false
    if (startLine === undefined) return true
    const start = indexOf(hunk, startLine, startSide)
    return start !== -1 && start < end
  })
}

function indexOf(hunk: readonly PatchLine[], line: number, side: Side): number {
  return hunk.findIndex(({ left, right }) => (side === 'LEFT' ? left : right) === line)
}
