// The "Changes" section: every parameter on a line, long ones as a diff of their lines.
import { structuredPatch } from 'diff'
import { cut } from '../../lib/cut.ts'
import { sortedKeys } from '../../lib/json.ts'
import { codeSpan, fenced, inline, visible } from '../../untrusted/inert.ts'
import type { ConfigChanges } from './deployment-event.ts'

const MAX_INLINE_CHARS = 200
const MAX_BLOCK_LINES = 400
const MAX_LINE_CHARS = 2000
const MAX_BLOCK_CHARS = 20_000
// Past this many changed lines a diff says no more than both texts, and costs its square.
const MAX_EDIT_LENGTH = 500

/** One parameter in Markdown, and the heading it belongs under. */
export type ChangeEntry = { heading: string; entry: string }

/** The parameters in the order they are shown. */
export function changeEntries(changes: ConfigChanges): ChangeEntry[] {
  return [
    ...changes.modified.map((change) => ({ heading: '### Modified Parameters', entry: modified(change) })),
    ...changes.added.map((change) => ({ heading: '### Added Parameters', entry: single(change, '+') })),
    ...changes.removed.map((change) => ({ heading: '### Removed Parameters', entry: single(change, '-') })),
  ]
}

function modified(change: { key: string; old: unknown; new: unknown }): string {
  if (change.old === undefined) return single({ key: change.key, value: change.new }, '+')
  const [before, after] = [change.old, change.new]
  const [shownBefore, shownAfter] = showApart(before, after)
  const name = `- **${inline(change.key)}**:`
  if (isShort(shownBefore) && isShort(shownAfter)) {
    return `${name} ${codeSpan(shownBefore)} → ${codeSpan(shownAfter)}`
  }
  return block(name, lineDiff(longText(before), longText(after)))
}

function single(change: { key: string; value: unknown }, sign: '+' | '-'): string {
  const { value } = change
  const text = show(value)
  const name = `- **${inline(change.key)}**:`
  if (isShort(text)) return `${name} ${codeSpan(text)}`
  return block(
    name,
    longText(value)
      .split('\n')
      .map((line) => sign + line),
  )
}

function isShort(text: string): boolean {
  return text.length <= MAX_INLINE_CHARS && !/[\n\t]/.test(text)
}

/**
 * A string as itself, unless that would pass for another value or hide a space at its ends;
 * anything else as JSON.
 */
function show(value: unknown): string {
  if (typeof value !== 'string') return visible(json(value))
  return value === '' || value !== value.trim() || isJson(value) ? visible(json(value)) : visible(value)
}

/** Both as shown; as JSON when they would look the same (`0.7` and `"0.7"`, or line ends). */
function showApart(before: unknown, after: unknown): [string, string] {
  const pair: [string, string] = [show(before), show(after)]
  return pair[0] === pair[1] ? [visible(json(before)), visible(json(after))] : pair
}

function json(value: unknown): string {
  return JSON.stringify(sortedKeys(value)) ?? 'null'
}

function longText(value: unknown): string {
  return visible(typeof value === 'string' ? value : (JSON.stringify(sortedKeys(value), null, 2) ?? 'null'))
}

function isJson(text: string): boolean {
  if (!/^(?:[\d"[{-]|true$|false$|null$)/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function lineDiff(before: string, after: string): string[] {
  const options = { context: 3, maxEditLength: MAX_EDIT_LENGTH }
  // With a line end each, "\ No newline at end of file" does not come up.
  const patch = structuredPatch('', '', `${before}\n`, `${after}\n`, '', '', options)
  if (patch === undefined || patch.hunks.length === 0) {
    return [...before.split('\n').map((line) => `-${line}`), ...after.split('\n').map((line) => `+${line}`)]
  }
  return patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...lines,
  ])
}

function block(name: string, lines: string[]): string {
  const fence = fenced(shortened(lines), 'diff')
  return [name, '', ...fence.map((line) => `  ${line}`)].join('\n')
}

/** Whether lines of the parameter's values are missing. */
export function isShortened({ entry }: ChangeEntry): boolean {
  return /^ {2}… \d+ more lines$/m.test(entry)
}

function shortened(lines: string[]): string[] {
  const kept = within(lines, 1)
  if (kept.length === lines.length) return kept
  // A text that was rewritten is all of the old one, then all of the new one: each gets half.
  const firstNew = lines.findIndex((line) => line.startsWith('+'))
  if (firstNew < kept.length) return withRest(kept, lines)
  const [before, after] = [lines.slice(0, firstNew), lines.slice(firstNew)]
  return [...withRest(within(before, 2), before), ...withRest(within(after, 2), after)]
}

/** The first lines, as many as fit into this part of a block. */
function within(lines: string[], parts: number): string[] {
  const kept: string[] = []
  let chars = 0
  for (const line of lines) {
    chars += Math.min(line.length, MAX_LINE_CHARS)
    if (kept.length >= MAX_BLOCK_LINES / parts || chars > MAX_BLOCK_CHARS / parts) break
    kept.push(cut(line, MAX_LINE_CHARS))
  }
  return kept
}

function withRest(kept: string[], lines: string[]): string[] {
  const missing = lines.length - kept.length
  return missing > 0 ? [...kept, `… ${missing} more lines`] : kept
}
