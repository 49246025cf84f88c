// Only one node deletes and packs at a time.
import type { Sql } from '../db/database.ts'
import { isDead } from '../nodes/alive.ts'

const LEASE = `interval '1 minute'`

/** Takes the lease, or keeps it, for another minute; false: another node has it, and lives. */
export async function holdLease(sql: Sql, owner: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update signalbox.retention_lease set owner = $1, until = now() + ${LEASE}
     where owner = $1 or until < now() or ${isDead('retention_lease.owner')}`,
    [owner],
  )
  return rowCount > 0
}

/** Takes the lease, whoever has it: that one ends after its batch. */
export async function takeLease(sql: Sql, owner: string): Promise<void> {
  await sql.query(`update signalbox.retention_lease set owner = $1, until = now() + ${LEASE}`, [owner])
}

/** Gives the lease back. */
export async function releaseLease(sql: Sql, owner: string): Promise<void> {
  await sql.query(`update signalbox.retention_lease set until = '-infinity' where owner = $1`, [owner])
}
