// Reading nodes: which there are, and what one of them runs.
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import { pageLimit, pageOf, readCursor } from '../lib/page.ts'
import { isAlive } from './alive.ts'
import { differencesNow } from './differences.ts'
import type { NodeDetail, NodeList, NodeSummary } from './wire.ts'

/** Which nodes to list. */
export type NodeFilter = {
  /** Those that have stopped, too. Default: only those that have not. */
  all?: boolean | undefined
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
}

function ownRows(table: 'jobs' | 'deliveries'): string {
  return `(select count(*)::int from signalbox.${table} where ${table}.status = 'running' and ${table}.owner = n.id)`
}

const SUMMARY = `n.id, n.host, n.pid, n.roles, n.slots, n.version, n.schema_version, n.config_sha256,
  case when n.status = 'stopped' or ${isAlive('n')} then n.status else 'dead' end as status,
  ${ownRows('jobs')} as jobs, ${ownRows('deliveries')} as deliveries, ${isoTime('n.drain_at')} as drain_at,
  ${isoTime('n.started_at')} as started_at, ${isoTime('n.heartbeat_at')} as heartbeat_at`

const WORK = `select 'job' as kind, id, rule as name, attempt, ${isoTime('attempt_started_at')} as since,
    ${isoTime('available_at')} as lease_until from signalbox.jobs where status = 'running' and owner = $1
  union all
  select 'delivery', d.id, e.name, d.attempt, ${isoTime('d.attempt_started_at')}, ${isoTime('d.available_at')}
  from signalbox.deliveries d join signalbox.endpoints e on e.id = d.endpoint_id
  where d.status = 'running' and d.owner = $1
  order by since, id limit 200`

/**
 * Lists nodes, the newest first.
 * @throws AppError `input_invalid` when the cursor is not one.
 */
export async function listNodes(sql: Sql, { all = false, ...page }: NodeFilter = {}): Promise<NodeList> {
  const limit = pageLimit(page.limit)
  const { rows } = await sql.query<NodeSummary>(
    `select ${SUMMARY} from signalbox.nodes n
     where ($1 or n.status <> 'stopped') and ($2::uuid is null or n.id < $2)
     order by n.id desc limit $3`,
    [all, readCursor(page.cursor), limit + 1],
  )
  return { ...pageOf(rows, limit), differences: await differencesNow(sql) }
}

/**
 * One node, with the jobs and deliveries that are its own: those of a dead one until their leases
 * end.
 * @throws AppError `not_found` when there is no such node.
 */
export async function getNode(sql: Sql, id: string): Promise<NodeDetail> {
  const { rows } = isUuid(id)
    ? await sql.query<Omit<NodeDetail, 'work'>>(
        `select ${SUMMARY}, n.agents, n.lease_ms from signalbox.nodes n where n.id = $1`,
        [id],
      )
    : { rows: [] }
  if (rows[0] === undefined) throw new AppError('not_found', `There is no node ${JSON.stringify(id)}.`)
  return { ...rows[0], work: (await sql.query<NodeDetail['work'][number]>(WORK, [id])).rows }
}
