// Deletes what is older than it is kept for.
import type { Sql } from '../db/database.ts'
import { forgetAwaited } from './awaited.ts'
import type { Kind } from './limits.ts'
import { keepingPlace, placeOf } from './places.ts'
import { STEPS } from './steps.ts'
import type { Gone, Walked, WalkOptions } from './walk.ts'
import { walk } from './walk.ts'

/** What is to be deleted: rows of this kind that are so many days old. */
export type Wish = { kind: Kind; days: number }

/** What went of each kind, and how it ended. */
export type Pruned = { kinds: (Gone & { kind: Kind; days: number })[]; end: Walked['end'] }

export type PruneOptions = Omit<WalkOptions, 'needed' | 'onBatch'> & {
  onBatch?: (kind: Kind, done: Gone) => void
}

// Of these, rows stay when what they had is gone, so that every run would look at them again.
const WITH_PLACE: ReadonlySet<Kind> = new Set(['bodies', 'attempts', 'deliveries'])

/** Deletes what is too old, kind by kind in the order given, until it is aborted. */
export async function prune(wishes: readonly Wish[], options: PruneOptions): Promise<Pruned> {
  const { database, at, dryRun = false } = options
  const needed = await eventsOfLive(database)
  const kinds: Pruned['kinds'] = []
  for (const { kind, days } of wishes) {
    const before = await timeBefore(database, at, days)
    const done: Pruned['kinds'][number] = { kind, days, rows: 0, bytes: 0 }
    kinds.push(done)
    for (const step of STEPS[kind]) {
      const from = WITH_PLACE.has(kind) ? await placeOf(database, kind) : '-infinity'
      const onBatch = ({ rows, bytes }: Gone) =>
        options.onBatch?.(kind, { rows: done.rows + rows, bytes: done.bytes + bytes })
      const { rows, bytes, end } = await walk(
        step,
        { before, from },
        { ...options, needed, onBatch },
        keeping(kind, dryRun),
      )
      done.rows += rows
      done.bytes += bytes
      if (end !== 'done') return { kinds, end }
    }
  }
  if (!dryRun) await forgetAwaited(database, at)
  return { kinds, end: 'done' }
}

/**
 * Deletes the bodies of the oldest events, whatever their age, until so many bytes have gone; not
 * those that are needed.
 */
export async function pruneBytes(bytes: number, options: Omit<WalkOptions, 'needed'>): Promise<Walked> {
  const { database } = options
  const [step] = STEPS.bodies
  if (step === undefined) throw new Error('There is no way to delete bodies.')
  const needed = await eventsOfLive(database)
  const range = {
    before: await timeBefore(database, options.at, 0),
    from: await placeOf(database, 'bodies'),
    maxBytes: bytes,
  }
  return walk(step, range, { ...options, needed }, keeping('bodies', false))
}

function keeping(kind: Kind, dryRun: boolean) {
  if (dryRun) return undefined
  const keep = keepingPlace(kind)
  return WITH_PLACE.has(kind) ? keep : (tx: Sql, batch: Gone) => keep(tx, { ...batch, doneBefore: null })
}

async function timeBefore(sql: Sql, at: Date | null, days: number): Promise<string> {
  const text = `select (coalesce($1::timestamptz, now()) - $2 * interval '1 day')::text as before`
  return (await sql.query<{ before: string }>(text, [at, days])).rows[0]?.before ?? '-infinity'
}

/** The events of what is live in each environment: a pull request may still be made of them. */
async function eventsOfLive(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ event: string }>(
    `select distinct on (project_id, app_name, environment) event_id as event from signalbox.deployments
     order by project_id, app_name, environment, sequence desc`,
  )
  return rows.map(({ event }) => event)
}
