// What is remembered of each kind: where the next run begins, and how much went so far.
import type { Sql } from '../db/database.ts'
import type { Kind } from './limits.ts'
import type { Gone } from './walk.ts'

/** A time, as PostgreSQL writes it. */
export type Place = string

const UPSERT = `
insert into signalbox.retention as r (kind, done_before, removed, bytes)
values ($1, coalesce($2::timestamptz, '-infinity'), $3, $4)
on conflict (kind) do update set done_before = greatest(r.done_before, excluded.done_before),
  removed = r.removed + excluded.removed, bytes = r.bytes + excluded.bytes`

/** The time before which only what is needed was left. */
export async function placeOf(sql: Sql, kind: Kind | 'packed'): Promise<Place> {
  const text = 'select done_before::text as place from signalbox.retention where kind = $1'
  return (await sql.query<{ place: Place }>(text, [kind])).rows[0]?.place ?? '-infinity'
}

/** Adds a batch to what is remembered. */
export function keepingPlace(kind: Kind | 'packed') {
  return async (tx: Sql, { rows, bytes, doneBefore }: Gone & { doneBefore: Place | null }): Promise<void> => {
    if (rows > 0 || doneBefore !== null)
      await tx.query(UPSERT, [kind, doneBefore, rows, Math.round(bytes)], 'keep place')
  }
}

/** Remembers that a whole run of these kinds has ended. */
export async function noteRun(sql: Sql, kinds: readonly Kind[], at: Date | null): Promise<void> {
  await sql.query(
    `insert into signalbox.retention (kind, finished_at)
     select kind, coalesce($2::timestamptz, now()) from unnest($1::text[]) as kind
     on conflict (kind) do update set finished_at = excluded.finished_at`,
    [kinds, at],
  )
}

/** Whether the last whole run, by whichever node, was so many minutes ago. */
export async function isDue(sql: Sql, kinds: readonly Kind[], minutes: number, at: Date | null): Promise<boolean> {
  const { rows } = await sql.query<{ fresh: number }>(
    `select count(*)::int as fresh from signalbox.retention
     where kind = any($1::text[]) and finished_at > coalesce($3::timestamptz, now()) - $2 * interval '1 minute'`,
    [kinds, minutes, at],
  )
  return (rows[0]?.fresh ?? 0) < kinds.length
}
