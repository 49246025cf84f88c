// The events about a thing, newest first, by index however many there are of others.
import type { Sql } from '../db/database.ts'
import type { About } from './about.ts'

// As many characters of a commit's id are in the index.
const INDEXED_CHARS = 12

/** The ids of the newest events about a thing, before the event `before` if one is given. */
export async function eventsAbout(
  sql: Sql,
  { subjects, sha, repository }: About,
  { limit, before = null }: { limit: number; before?: string | null },
): Promise<string[]> {
  // Materialized, because PostgreSQL would look through all events for the newest of a commit.
  const { rows } = await sql.query<{ id: string }>(
    `with of_commit as materialized (
       select id from signalbox.events e
       where left(e.facts ->> 'sha', ${INDEXED_CHARS}) like $2 and e.facts ->> 'sha' like $3
         and ($4::text is null or lower(e.facts ->> 'repository') = lower($4))
     )
     select distinct id from (
       select found.id from unnest($1::text[]) as given (subject), lateral (
         select id from signalbox.events e
         where lower(e.subject) = lower(given.subject) and ($5::uuid is null or e.id < $5) order by e.id desc limit $6
       ) as found
       union all
       select id from of_commit where $5::uuid is null or id < $5
     ) as about order by id desc limit $6`,
    [subjects, beginsWith(sha?.slice(0, INDEXED_CHARS)), beginsWith(sha), repository, before, limit],
  )
  return rows.map(({ id }) => id)
}

/** A pattern for LIKE; ids of commits have no character that means something in it. */
function beginsWith(sha: string | null | undefined): string | null {
  return sha == null ? null : `${sha}%`
}
