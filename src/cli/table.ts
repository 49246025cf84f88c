// Aligned tables and fields, as wide as their characters are shown.
import { inline } from './text.ts'
import { columnsOf, cut } from './width.ts'

/**
 * A column of a table. Its values are shown by `inline`, so that nothing in them can break the
 * table. When the terminal is too narrow, first the `short` forms of values are shown; then
 * columns that `shrinks` give way, down to that many characters (true: 8).
 */
export type Column<Row> = {
  title: string
  value(row: Row): unknown
  short?(text: string): string
  shrinks?: boolean | number
}

const GAP = '  '
const NARROWEST = 8

/**
 * An aligned table with its titles; lines are not longer than `width` where that is possible
 * without cutting what must stay whole.
 */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width?: number): string {
  const titles = columns.map(({ title }) => title)
  const whole = rows.map((row) => columns.map((column) => inline(column.value(row))))
  const fits = width === undefined || widthOf(widthsOf([titles, ...whole])) <= width
  const cells = fits ? whole : whole.map((line) => line.map((text, at) => columns[at]?.short?.(text) ?? text))
  const lines = [titles, ...cells]
  const widths = widthsOf(lines)
  if (width !== undefined) shrink(columns, widths, width)
  const text = (line: readonly string[]) => line.map((cell, at) => pad(cut(cell, widths[at] ?? 0), widths[at] ?? 0))
  return lines.map((line) => text(line).join(GAP).trimEnd()).join('\n')
}

/**
 * Names and values under each other, aligned; empty values are left out. Values are shown by
 * `inline`.
 */
export function fields(pairs: readonly (readonly [name: string, value: unknown])[]): string {
  const shown = pairs.map(([name, value]) => [name, inline(value)] as const).filter(([, text]) => text !== '')
  const width = Math.max(0, ...shown.map(([name]) => columnsOf(name)))
  return shown.map(([name, text]) => `${pad(name, width)}${GAP}${text}`).join('\n')
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columnsOf(text)))
}

function widthsOf(lines: readonly (readonly string[])[]): number[] {
  return (lines[0] ?? []).map((_, at) => Math.max(...lines.map((line) => columnsOf(line[at] ?? ''))))
}

function widthOf(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1)
}

/** Takes what is too wide from the columns that may shrink, the widest first. */
function shrink(columns: readonly Column<never>[], widths: number[], width: number): void {
  for (let excess = widthOf(widths) - width; excess > 0; excess -= 1) {
    let widest = -1
    for (const [at, { shrinks = false }] of columns.entries()) {
      const [mine = 0, most = 0] = [widths[at], widths[widest]]
      if (shrinks !== false && mine > narrowest(shrinks) && mine > most) widest = at
    }
    if (widest === -1) return
    widths[widest] = (widths[widest] ?? 0) - 1
  }
}

function narrowest(shrinks: number | true): number {
  return shrinks === true ? NARROWEST : shrinks
}
