// All that is paused, by whatever mechanism: what is held, and what is not made.
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import type { Paused } from './wire.ts'

const MAX_PAST = 1000

/**
 * Everything that is paused: all of it first, then sources, rules and endpoints; with `since` also
 * what was paused until then or later, the last of it first.
 */
export async function listPaused(sql: Sql, { since }: { since?: string | undefined } = {}): Promise<Paused[]> {
  const { rows } = await sql.query<Paused>(
    `select kind, name, id, reason, paused_by, ${isoTime('paused.since')} as since, ${isoTime('paused.until')} as until,
       effect
     from (
       select 1 as place, kind, nullif(name, '') as name, null::uuid as id, reason, paused_by, since,
         null::timestamptz as until, 'held' as effect
       from signalbox.pauses where kind = 'everything'
       union all
       select 2, kind, name, null, reason, paused_by, since, null, 'held' from signalbox.pauses where kind = 'source'
       union all
       select 3, 'rule', rule, null, reason, paused_by, paused_at, null, 'not made'
       from signalbox.rule_states where paused_at is not null
       union all
       select 4, 'endpoint', name, id, coalesce(status_reason, 'By hand.'), null, status_since, null, 'held'
       from signalbox.endpoints where status = 'paused'
       union all
       (select 5, kind, nullif(name, ''), endpoint_id, reason, paused_by, since, until,
          case kind when 'rule' then 'not made' else 'held' end
        from signalbox.past_pauses where until >= $1::timestamptz order by until desc limit ${MAX_PAST})
     ) as paused order by place, paused.until desc, name`,
    [since === undefined ? null : new Date(since)],
  )
  return rows
}
