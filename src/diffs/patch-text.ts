// A diff as text for readers who are to name lines by their numbers.
import type { DiffLine, Hunk } from './diff.ts'

const MAX_LINE_CHARS = 1000

/**
 * The hunks with each line's number on the old side and on the new one. A longer line than
 * `maxLineChars` is cut, and says so.
 */
export function patchText(hunks: readonly Hunk[], { maxLineChars = MAX_LINE_CHARS } = {}): string {
  const last = Math.max(
    0,
    ...hunks.map((hunk) => Math.max(hunk.oldStart + hunk.oldLines, hunk.newStart + hunk.newLines)),
  )
  const width = String(last).length
  const number = (value: number | null) => String(value ?? '').padStart(width)
  const lineText = ({ left, right, text, endsWithNewline }: DiffLine) => {
    const sign = left === null ? '+' : right === null ? '-' : ' '
    const cut = text.length > maxLineChars ? `${text.slice(0, maxLineChars)} [cut: ${text.length} characters]` : text
    return `${number(left)} ${number(right)} ${sign}${cut}${endsWithNewline ? '' : ' [no newline at the end]'}`
  }
  return hunks.map((hunk) => [headerOf(hunk), ...hunk.lines.map(lineText)].join('\n')).join('\n')
}

function headerOf({ oldStart, oldLines, newStart, newLines, section }: Hunk): string {
  return `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@${section === '' ? '' : ` ${section}`}`
}
