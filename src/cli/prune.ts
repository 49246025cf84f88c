// `signalbox prune`: deletes what is old now, as the service does by itself.

import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { Argument, InvalidArgumentError } from 'commander'
import type { Database } from '../db/database.ts'
import { openStore } from '../db/store.ts'
import { bytesText } from '../lib/bytes-text.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { holdLease, releaseLease, takeLease } from '../retention/lease.ts'
import type { Kind } from '../retention/limits.ts'
import { KINDS, limitsOf, MIN_EVENT_DAYS } from '../retention/limits.ts'
import type { Pruned, Wish } from '../retention/prune.ts'
import { prune } from '../retention/prune.ts'
import { environmentOf, quietLog } from './environment.ts'
import { CliError } from './failure.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'
import type { Cli } from './terminal.ts'

type Options = { olderThan?: number; fast?: boolean; dryRun?: boolean }
type Row = Pruned['kinds'][number]

const COLUMNS: readonly Column<Row>[] = [
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'OLDER THAN', value: ({ days }) => `${days}d` },
  { title: 'ROWS', value: ({ rows }) => rows },
  { title: 'BYTES', value: ({ bytes }) => bytesText(bytes) },
]
const PROGRESS_MS = 2000
const LEASE_LOOK_MS = 1000

function parseDays(value: string): number {
  const days = /^(\d{1,5})d?$/.exec(value)?.[1]
  if (days !== undefined && Number(days) > 0) return Number(days)
  throw new InvalidArgumentError('It must be a number of days, such as 90d.')
}

/** Completes `prune`. */
export function addPrune(command: Command, cli: Cli): void {
  command
    .addArgument(new Argument('[kinds...]', 'only these').choices(KINDS))
    .option(
      '--older-than <days>',
      'what is older, such as 90d (default: as RETENTION_DAYS and its like say)',
      parseDays,
    )
    .option('--fast', 'at once and without rests: webhooks are answered later meanwhile')
    .option('--dry-run', 'only count it')
    .addHelpText(
      'after',
      `
What work that has not ended needs stays, and so does the event of what is live in an environment.

Examples:
  $ signalbox prune --dry-run
  $ signalbox prune bodies logs --older-than 14d`,
    )
    .action(async (kinds: Kind[], { olderThan, fast = false, dryRun = false }: Options) => {
      const environment = environmentOf(cli)
      const { days } = limitsOf(environment)
      const chosen = KINDS.filter((kind) => kinds.length === 0 || kinds.includes(kind))
      const wishes = chosen
        .map((kind): Wish => ({ kind, days: olderThan === undefined ? days[kind] : atLeast(kind, olderThan) }))
        .filter((wish) => wish.days > 0)
      const store = await openStore({ environment, log: quietLog(environment), share: true })
      try {
        const pruned = await pruneNow(cli, store.database, wishes, { fast, dryRun })
        cli.print({ dry_run: dryRun, kinds: pruned.kinds, end: pruned.end }, () => text(cli, pruned.kinds, dryRun))
        if (pruned.end === 'busy')
          throw new CliError(
            'prune_taken_over',
            'Another process has begun to delete what is old, so this one has ended before all of it was deleted.',
            'Run it again when that one has ended.',
          )
      } finally {
        await store.close()
      }
    })
}

function atLeast(kind: Kind, days: number): number {
  return kind === 'events' ? Math.max(days, MIN_EVENT_DAYS) : days
}

async function pruneNow(
  cli: Cli,
  database: Database,
  wishes: readonly Wish[],
  { fast, dryRun }: { fast: boolean; dryRun: boolean },
): Promise<Pruned> {
  const owner = newId()
  if (!dryRun) await (fast ? takeLease(database, owner) : waitForLease(cli, database, owner))
  let shownAt = performance.now()
  try {
    return await prune(wishes, {
      database,
      owner,
      dryRun,
      rest: fast ? async () => {} : undefined,
      at: systemClock.sqlNow(),
      onBatch(kind, { rows, bytes }) {
        if (cli.columns === undefined || cli.json() || performance.now() - shownAt < PROGRESS_MS) return
        shownAt = performance.now()
        cli.err(`${kind}: ${rows} rows, ${bytesText(bytes)}\n`)
      },
    })
  } finally {
    if (!dryRun) await releaseLease(database, owner)
  }
}

async function waitForLease(cli: Cli, database: Database, owner: string): Promise<void> {
  for (let looks = 0; !(await holdLease(database, owner)); looks++) {
    if (looks === 0) cli.err('A running node is deleting what is old; waiting until it is done.\n')
    await wait(LEASE_LOOK_MS)
  }
}

function text(cli: Cli, kinds: readonly Row[], dryRun: boolean): string {
  if (kinds.length === 0) return 'Nothing is to be deleted: all of it is kept for ever.'
  const rows = kinds.reduce((sum, each) => sum + each.rows, 0)
  const end = dryRun
    ? `${rows} rows would be deleted.`
    : `${rows} rows were deleted. Their place is used again by what comes.`
  return `${table(COLUMNS, kinds, cli.columns)}\n\n${end}`
}
