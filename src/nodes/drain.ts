// Asking nodes to end what they run, and then themselves.
import type { Sql } from '../db/database.ts'
import { ENDED_CHANNEL } from '../db/listening.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { isAlive } from './alive.ts'
import { getNode } from './query.ts'
import type { NodeDetail } from './wire.ts'

/**
 * Asks a node to drain: it is notified, and sees it at its next heartbeat otherwise. Asking again
 * changes nothing.
 * @throws AppError `not_found` when there is no such node; `conflict` when it is not alive.
 */
export async function drainNode(sql: Sql, clock: Clock, id: string): Promise<NodeDetail> {
  const { status } = await getNode(sql, id)
  if (status === 'stopped' || status === 'dead') {
    throw new AppError('conflict', `The node is ${status}; there is nothing to drain.`)
  }
  await ask(sql, clock, [id])
  return getNode(sql, id)
}

// A version as numbers, which SQL compares one after the other; what is no version is older.
const NUMBERS = `string_to_array(substring(version from '^\\d{1,9}(?:\\.\\d{1,9})*'), '.')::integer[]`
// 1.0.0-rc.1 is before 1.0.0.
const NEWEST = `${NUMBERS} desc nulls last, version like '%-%', schema_version desc nulls last, started_at desc, id desc`

/**
 * Asks all live nodes to drain that differ from the newest in program, tables or configuration;
 * returns them. The newest has the newest program, then the newest tables. Of configurations none
 * is newer by itself: of nodes that are alike in both, that counts which started last.
 */
export async function drainOlder(sql: Sql, clock: Clock): Promise<NodeDetail[]> {
  const { rows } = await sql.query<{ id: string }>(
    `with live as (select * from signalbox.nodes n where ${isAlive('n')} and drain_at is null),
       newest as (select * from live order by ${NEWEST} limit 1)
     select live.id from live, newest
     where (live.version, live.schema_version, live.config_sha256)
       is distinct from (newest.version, newest.schema_version, newest.config_sha256)
     order by live.started_at, live.id`,
  )
  const ids = rows.map(({ id }) => id)
  await ask(sql, clock, ids)
  return Promise.all(ids.map((id) => getNode(sql, id)))
}

async function ask(sql: Sql, clock: Clock, ids: readonly string[]): Promise<void> {
  await sql.query(
    `update signalbox.nodes set drain_at = coalesce(drain_at, $1::timestamptz, now()) where id = any($2::uuid[])`,
    [clock.sqlNow(), ids],
  )
  await sql.query(`select pg_notify($1, '')`, [ENDED_CHANNEL])
}
