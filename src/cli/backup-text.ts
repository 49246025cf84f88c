// What backing up, restoring and exporting say: tables with their rows.
import type { Counts } from '../backup/format.ts'
import type { Progress } from '../backup/write-backup.ts'
import { fields } from './table.ts'
import type { Cli } from './terminal.ts'

const KNOWN = {
  events: 'event',
  jobs: 'job',
  deliveries: 'delivery',
  deployments: 'deployment',
  endpoints: 'endpoint',
}

/** Says on a terminal, and nowhere else, which table is done. */
export function linesOn(cli: Cli): Progress {
  return (table, rows) => {
    if (cli.columns !== undefined && rows > 0) cli.err(`  ${table}: ${rows.toLocaleString('en')} rows\n`)
  }
}

/** These pairs, and how many rows there are of what people know. */
export function summary(pairs: readonly (readonly [string, unknown])[], counts: Counts): string {
  const rows = Object.values(counts).reduce((sum, each) => sum + each, 0)
  const named = Object.entries(KNOWN).map(([table, one]) => {
    const n = counts[table] ?? 0
    return `${n.toLocaleString('en')} ${n === 1 ? one : table}`
  })
  return fields([...pairs, ['holds', `${named.join(', ')}; ${rows.toLocaleString('en')} rows in all`]])
}
