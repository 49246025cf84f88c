// What changed in a configuration, for a message: a line for each parameter.
import { cut } from '../../lib/cut.ts'
import { isObject } from '../../lib/json.ts'

const MAX_LINES = 15
const MAX_VALUE_CHARS = 60

/** The lines of a `config_diff`; one that says so when nothing changed, none when it is no diff. */
export function changeLines(diff: unknown): string[] {
  if (!isObject(diff)) return []
  const lines = [
    ...entriesOf(diff.added).map(([name, value]) => `+ ${name}: ${shown(value)}`),
    ...entriesOf(diff.modified).map(([name, value]) => `${name}: ${sides(value)}`),
    ...entriesOf(diff.removed).map(([name]) => `− ${name}`),
  ]
  if (lines.length === 0) return ['No parameter changed.']
  const more = lines.length - MAX_LINES
  return more > 0 ? [...lines.slice(0, MAX_LINES), `… and ${more} more`] : lines
}

function entriesOf(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : []
}

function sides(change: unknown): string {
  return isObject(change) ? `${shown(change.old)} → ${shown(change.new)}` : shown(change)
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : JSON.stringify(value ?? null)
  return cut(text, MAX_VALUE_CHARS)
}
