// The "Changes" section: every parameter on a line, long ones as a diff of their lines.
import { structuredPatch } from 'diff'
import { cut } from '../lib/cut.ts'
import { sortedKeys } from '../lib/json.ts'
import { codeSpan, fenced, inline, visible } from '../untrusted/inert.ts'
import type { ConfigChanges } from './deployment-event.ts'

const MAX_INLINE_CHARS = 200
const MAX_BLOCK_LINES = 400
const MAX_LINE_CHARS = 2000
const MAX_BLOCK_CHARS = 20_000
// Past this many changed lines a diff says no more than both texts, and costs its square.
const MAX_EDIT_LENGTH = 500

/** One parameter in Markdown, the heading it belongs under, and whether some of it is missing. */
export type ChangeEntry = { heading: string; entry: string; isShortened: boolean }

type Shown = Omit<ChangeEntry, 'heading'>

/** How many parameters changed. */
export function changeCount({ modified, added, removed }: ConfigChanges): number {
  return modified.length + added.length + removed.length
}

/** The parameters in the order they are shown; those that nobody asks for are not rendered. */
export function* changeEntries(changes: ConfigChanges): Generator<ChangeEntry> {
  for (const change of changes.modified) yield { heading: '### Modified Parameters', ...modified(change) }
  for (const change of changes.added) yield { heading: '### Added Parameters', ...single(change, '+') }
  for (const change of changes.removed) yield { heading: '### Removed Parameters', ...single(change, '-') }
}

const MAX_NAMES = 3

/** The names of what changed, for a title. */
export function changedNames({ modified, added, removed }: ConfigChanges): string {
  const names = [...modified, ...added, ...removed].map(({ key }) => key)
  if (names.length === 0) return 'no changes'
  const more = names.length > MAX_NAMES ? [`${names.length - MAX_NAMES} more`] : []
  return [...names.slice(0, MAX_NAMES), ...more].join(', ')
}

function modified(change: { key: string; old: unknown; new: unknown }): Shown {
  if (change.old === undefined) return single({ key: change.key, value: change.new }, '+')
  const [before, after] = [change.old, change.new]
  const [shownBefore, shownAfter] = showApart(before, after)
  const name = `- **${inline(change.key)}**:`
  if (isShort(shownBefore) && isShort(shownAfter)) {
    return whole(`${name} ${codeSpan(shownBefore)} → ${codeSpan(shownAfter)}`)
  }
  return block(name, lineDiff(longText(before), longText(after)))
}

function single(change: { key: string; value: unknown }, sign: '+' | '-'): Shown {
  const { value } = change
  const text = show(value)
  const name = `- **${inline(change.key)}**:`
  if (isShort(text)) return whole(`${name} ${codeSpan(text)}`)
  return block(
    name,
    longText(value)
      .split('\n')
      .map((line) => sign + line),
  )
}

function whole(entry: string): Shown {
  return { entry, isShortened: false }
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

function block(name: string, lines: string[]): Shown {
  const shown = shortened(lines)
  const entry = [name, '', ...fenced(shown, 'diff').map((line) => `  ${line}`)].join('\n')
  return { entry, isShortened: shown.length !== lines.length || lines.some((line, at) => line !== shown[at]) }
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
