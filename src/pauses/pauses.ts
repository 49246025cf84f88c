// What a person has paused, so that nothing of it is begun: everything, or what follows from the
// events of one source. All of it is recorded meanwhile, and goes on when it is resumed.
import type { Database, Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { cut } from '../lib/cut.ts'
import { oneLine } from '../lib/one-line.ts'
import { holdRows } from './held.ts'

/** What is paused: everything, whose name is empty, or a source. */
export type Pausable = { kind: 'everything' | 'source'; name: string }

/** All of it, in place of a source. */
export const EVERYTHING: Pausable = { kind: 'everything', name: '' }

const MAX_REASON_CHARS = 500

/** The sources whose work is held. */
export async function loadHeldSources(sql: Sql): Promise<ReadonlySet<string>> {
  const { rows } = await sql.query<{ name: string }>(`select name from signalbox.pauses where kind = 'source'`)
  return new Set(rows.map(({ name }) => name))
}

/**
 * Pauses; nothing of it is begun any more when this resolves. What is paused stays so since then,
 * with the new reason if there is one.
 */
export async function pause(
  database: Database,
  clock: Clock,
  what: Pausable,
  { reason, by }: { reason?: string | undefined; by?: string | undefined } = {},
): Promise<void> {
  await change(database, what, (tx) =>
    tx.query(
      `insert into signalbox.pauses as p (kind, name, reason, paused_by, since)
       values ($1, $2, coalesce($3, 'By hand.'), $4, coalesce($5::timestamptz, now()))
       on conflict (kind, name) do update set reason = coalesce($3, p.reason), paused_by = coalesce($4, p.paused_by)`,
      [what.kind, what.name, shown(reason), shown(by), clock.sqlNow()],
    ),
  )
}

/** Resumes what is paused. The caller notifies the workers. */
export async function resume(database: Database, what: Pausable): Promise<void> {
  await change(database, what, (tx) =>
    tx.query('delete from signalbox.pauses where kind = $1 and name = $2', [what.kind, what.name]),
  )
}

/**
 * Ends the running jobs of what is paused: `stop` puts them back, to go on after their last step
 * once it is resumed. Their workers are notified; returns how many there are.
 */
export async function endRunning(
  sql: Sql,
  what: Pausable | { kind: 'rule'; name: string },
  how: 'stop' | 'cancel',
): Promise<number> {
  // Of a source, those that were just marked. What this means for a running row is in the trigger.
  const { rowCount } = await sql.query(
    `update signalbox.jobs set status = $3, error = $4
     where id = any(array(select id from signalbox.jobs where status = 'running' order by id))
       and case $1 when 'source' then held and event_id in (select id from signalbox.events where source = $2)
         when 'rule' then rule = $2 else true end
       and status = 'running' and ends_as is null`,
    [
      what.kind,
      what.name,
      how === 'stop' ? 'pending' : 'cancelled',
      how === 'stop' ? 'Stopped, because it was paused.' : 'Cancelled, because it was paused.',
    ],
  )
  return rowCount
}

// The first lock is for those who pause and resume at once, and they wait for it with no other. The
// second is the one that claims share (of everything), or those who insert events (of a source):
// what they began before is committed then, and seen by what follows.
async function change(database: Database, { kind }: Pausable, write: (tx: Sql) => Promise<unknown>): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query('lock table signalbox.pauses in share row exclusive mode')
    await tx.query('select pg_advisory_xact_lock(1463897429, $1)', [kind === 'everything' ? 1 : 0])
    await write(tx)
  })
  if (kind === 'source') await holdRows(database)
}

function shown(text: string | undefined): string | null {
  return text === undefined ? null : cut(oneLine(text), MAX_REASON_CHARS)
}
