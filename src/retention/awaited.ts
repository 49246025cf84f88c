// The types of events that jobs have waited for, and none does any more.
import type { Sql } from '../db/database.ts'

/**
 * Forgets them, so that events of these types are recorded without a look at what waits. A job
 * stores its types just before its wait: those of the last day stay.
 */
export async function forgetAwaited(sql: Sql, at: Date | null): Promise<void> {
  await sql.query(
    `delete from signalbox.awaited_types
     where since < coalesce($1::timestamptz, now()) - interval '1 day' and type <> all(array(
       select json_array_elements_text(wanted->'types') from signalbox.job_waits
       where kind <> 'sleep' and (ended_at is null or kind = 'approval') and wanted is not null))`,
    [at],
  )
}
