// Reads the hunks of one file, as git and forges write them.
import type { Hunk } from './diff.ts'

const HEADER = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/s

/** The hunks of a file's patch. What does not belong to a hunk is passed over. */
export function parseHunks(patch: string): Hunk[] {
  return readHunks(patch.split('\n'), 0, Number.POSITIVE_INFINITY)
}

/**
 * The hunks in `lines` from index `from` up to `to`. How long a hunk is, its header says: a deleted
 * line `-- a/b` looks like a header itself.
 */
export function readHunks(lines: readonly string[], from: number, to: number): Hunk[] {
  const hunks: Hunk[] = []
  let at = from
  while (at < Math.min(to, lines.length)) {
    const header = HEADER.exec(lines[at] ?? '')
    at += 1
    if (header === null) continue
    const hunk = toHunk(header)
    at = readLines(lines, at, hunk)
    hunks.push(hunk)
  }
  return hunks
}

function toHunk([, oldStart, oldLines = '1', newStart, newLines = '1', section = '']: RegExpExecArray): Hunk {
  return {
    oldStart: Number(oldStart),
    oldLines: Number(oldLines),
    newStart: Number(newStart),
    newLines: Number(newLines),
    section,
    lines: [],
  }
}

// By how much a line moves on each side. An empty one lost its only space on the way.
const STEPS: Record<string, [old: number, now: number]> = { '-': [1, 0], '+': [0, 1], ' ': [1, 1], '': [1, 1] }
const NO_LINE = [Number.POSITIVE_INFINITY, 0] as const

/** Adds the lines of a hunk to it, and returns the index of what follows. */
function readLines(lines: readonly string[], from: number, hunk: Hunk): number {
  let [left, right] = [hunk.oldStart, hunk.newStart]
  const [leftEnd, rightEnd] = [left + hunk.oldLines, right + hunk.newLines]
  for (let at = from; at < lines.length; at++) {
    const line = lines[at] ?? ''
    if (line.startsWith('\\')) {
      endWithoutNewline(hunk)
      continue
    }
    const [old, now] = STEPS[line.charAt(0)] ?? NO_LINE
    if (left + old > leftEnd || right + now > rightEnd) return at
    const numbers = { left: old === 0 ? null : left, right: now === 0 ? null : right }
    hunk.lines.push({ ...numbers, text: line.slice(1), endsWithNewline: true })
    left += old
    right += now
  }
  return lines.length
}

function endWithoutNewline({ lines }: Hunk): void {
  const last = lines.at(-1)
  if (last) last.endsWithNewline = false
}
