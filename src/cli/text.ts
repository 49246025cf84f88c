// Words and tables for people. Everything shown may come from a stranger, so nothing in it may
// steer the terminal.

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** A text without control characters and direction marks; line breaks and tabs stay. */
export function plain(text: string): string {
  return text.replace(STEERING, '\ufffd')
}

/** A value on one line: text as it is, nothing as an empty text, anything else as JSON. */
export function inline(value: unknown): string {
  if (value === null || value === undefined) return ''
  return plain(typeof value === 'string' ? value : JSON.stringify(value))
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** A text of at most `width` characters, ending in … when something is missing. */
export function cut(text: string, width: number): string {
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`
}

function lengthOf(text: string): number {
  return [...text].length
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - lengthOf(text)))
}

/** A column of a table; one that `shrinks` gives way when the terminal is narrow. */
export type Column<Row> = { title: string; value(row: Row): string; shrinks?: boolean }

const GAP = '  '
const NARROWEST = 8

/**
 * An aligned table with its titles; lines are not longer than `columns` where that is possible
 * without cutting what must stay whole.
 */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width?: number): string {
  const cells = rows.map((row) => columns.map((column) => column.value(row).replaceAll(/\s+/g, ' ')))
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...cells.map((line) => lengthOf(line[at] ?? ''))),
  )
  if (width !== undefined) shrink(columns, widths, width)
  const line = (texts: readonly string[]) =>
    texts
      .map((text, at) => pad(cut(text, widths[at] ?? 0), widths[at] ?? 0))
      .join(GAP)
      .trimEnd()
  return [columns.map(({ title }) => title), ...cells].map(line).join('\n')
}

/** Takes what is too wide from the columns that may shrink, the widest first. */
function shrink(columns: readonly Column<never>[], widths: number[], width: number): void {
  const total = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1)
  for (let excess = total - width; excess > 0; excess -= 1) {
    let widest = -1
    for (const [at, column] of columns.entries()) {
      const [mine = 0, most = NARROWEST] = [widths[at], widths[widest]]
      if (column.shrinks && mine > most) widest = at
    }
    if (widest === -1) return
    widths[widest] = (widths[widest] ?? 0) - 1
  }
}

/** Names and values under each other, aligned; empty values are left out. */
export function fields(pairs: readonly (readonly [name: string, value: string])[]): string {
  const shown = pairs.filter(([, value]) => value !== '')
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${pad(name, width)}${GAP}${value}`).join('\n')
}

/** The same text with every line moved to the right. */
export function indent(text: string, by = 2): string {
  return text.replaceAll(/^(?=.)/gm, ' '.repeat(by))
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
]

/** How long ago a time is, in its largest unit: `12s`, `3m`, `2h`, `5d`; empty for no time. */
export function age(time: unknown, now = Date.now()): string {
  const at = Date.parse(inline(time))
  if (Number.isNaN(at)) return ''
  const seconds = Math.max(0, Math.floor((now - at) / 1000))
  const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? ['s', 1]
  return `${Math.floor(seconds / size)}${unit}`
}

/** A number with its noun: `1 rule`, `2 rules`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
