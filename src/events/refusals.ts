// How many refused requests are kept.
import type { Sql } from '../db/database.ts'

/**
 * Deletes all but the newest refused requests: nothing follows from one, and who sends them needs
 * no secret.
 */
export async function dropOldRefusals(sql: Sql, keep: number): Promise<void> {
  await sql.query(
    `delete from signalbox.events where status = 'rejected' and id <= (
       select id from signalbox.events where status = 'rejected' order by id desc offset $1 limit 1)`,
    [keep],
  )
}
