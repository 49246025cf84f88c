// The form of a backup: SQL that `psql` runs too, on tables that are up to date and empty. Only
// the first and the last line, which are comments, COPY and setval count here.
import { z } from 'zod'
import { AppError } from '../lib/error.ts'

/** What the first line says. `schema` are the migrations that had been applied, oldest first. */
const headerSchema = z.object({
  format: z.literal(1),
  version: z.string(),
  at: z.iso.datetime(),
  schema: z.array(z.object({ name: z.string(), sha256: z.string() })).min(1),
})
export type Header = z.infer<typeof headerSchema>

/** How many rows a backup has, by table. */
export type Counts = Record<string, number>

/** Tables of one database only: its migrations and processes, and what they count. */
export const NOT_KEPT: readonly string[] = [
  'migrations',
  'nodes',
  'event_positions',
  'routing_version',
  'retention_lease',
]

const HEADER = '-- signalbox backup '
const FOOTER = '-- end of the backup '
const COPY = /^COPY signalbox\.([a-z_]+) \(((?:"[a-z0-9_]+"(?:, )?)+)\) FROM stdin;$/
const SEQUENCE = /^SELECT pg_catalog\.setval\('(signalbox\.[a-z_]+)', (\d+), (true|false)\);$/

/** The first line. */
export function headerLine(header: Header): string {
  return `${HEADER}${JSON.stringify(header)}\n`
}

/**
 * Reads the first line.
 * @throws AppError `backup_invalid` when the file is no backup, or of an unknown form.
 */
export function readHeader(line: string): Header {
  try {
    if (line.startsWith(HEADER)) return headerSchema.parse(JSON.parse(line.slice(HEADER.length)))
  } catch (error) {
    const sentence = 'The backup was made by another version of this program, whose form is not known here.'
    throw new AppError('backup_invalid', sentence, { cause: error })
  }
  throw new AppError('backup_invalid', 'The file is not a backup: its first line says nothing of one.')
}

/** The last line: without it a backup is not whole. */
export function footerLine(counts: Counts): string {
  return `${FOOTER}${JSON.stringify(counts)}\n`
}

/**
 * The counts of the last line; null for every other line.
 * @throws AppError `backup_invalid` when it has none.
 */
export function readFooter(line: string): Counts | null {
  if (!line.startsWith(FOOTER)) return null
  try {
    return z.record(z.string(), z.number()).parse(JSON.parse(line.slice(FOOTER.length)))
  } catch (error) {
    const sentence = 'The backup is damaged: its last line cannot be read. Nothing was loaded.'
    throw new AppError('backup_invalid', sentence, { cause: error })
  }
}

/** What stands before the rows of a table, and after them. */
export function copyLines(table: string, columns: readonly string[]): { before: string; after: string } {
  const named = columns.map((column) => `"${column}"`).join(', ')
  const triggers = (state: string) => `ALTER TABLE signalbox.${table} ${state} TRIGGER USER;\n`
  return {
    before: `${triggers('DISABLE')}COPY signalbox.${table} (${named}) FROM stdin;\n`,
    after: `\\.\n${triggers('ENABLE')}`,
  }
}

/**
 * The table and the columns whose rows follow this line; null for every other line.
 * @throws AppError `backup_invalid` for a table that no backup has.
 */
export function readCopy(line: string): { table: string; columns: string } | null {
  const [, table, columns] = COPY.exec(line) ?? []
  if (table === undefined || columns === undefined) return null
  if (!NOT_KEPT.includes(table)) return { table, columns }
  throw new AppError('backup_invalid', `The backup is damaged: it has rows of ${table}. Nothing was loaded.`)
}

/** Where a sequence goes on. */
export function sequenceLine(sequence: string, { last, isCalled }: { last: string; isCalled: boolean }): string {
  return `SELECT pg_catalog.setval('${sequence}', ${last}, ${isCalled});\n`
}

/** The same, of such a line; null for every other. */
export function readSequence(line: string): [sequence: string, last: string, isCalled: string] | null {
  const match = SEQUENCE.exec(line)
  return match?.[1] && match[2] && match[3] ? [match[1], match[2], match[3]] : null
}
