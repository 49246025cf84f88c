// Jobs that were not made with their event, because another of their rule and group has not ended.
import type { Sql } from '../db/database.ts'
import type { NewEvent, NewJob } from './event.ts'

/**
 * Takes the jobs that were skipped out of new events, and stores with each why, and that it was
 * ignored if nothing else followed from it. `ids` are the new events, `jobIds` their jobs.
 */
export async function withoutSkipped(
  sql: Sql,
  events: readonly NewEvent[],
  { ids, jobIds }: { ids: ReadonlySet<string>; jobIds: ReadonlySet<string> },
): Promise<readonly NewEvent[]> {
  const kept: Skipped[] = []
  const left = events.map((event) => {
    if (!ids.has(event.id)) return event
    const jobs = event.jobs.filter(({ id }) => jobIds.has(id))
    const skipped = event.jobs.find(({ id }) => !jobIds.has(id))
    if (skipped === undefined) return event
    kept.push({ event, job: skipped, status: jobs.length + event.deliveries.length === 0 ? 'ignored' : 'routed' })
    return { ...event, jobs }
  })
  if (kept.length === 0) return left
  const found = await storeReasons(sql, kept)
  return left.map((event) => ({ ...event, ...found.get(event.id) }))
}

type Skipped = { event: NewEvent; job: NewJob; status: NewEvent['status'] }

async function storeReasons(
  sql: Sql,
  kept: readonly Skipped[],
): Promise<ReadonlyMap<string, Pick<NewEvent, 'status' | 'reason'>>> {
  const { rows } = await sql.query<Pick<NewEvent, 'id' | 'status' | 'reason'>>(
    `update signalbox.events as event
     set status = n.status, reason = coalesce(event.reason || '; ', '') || 'rule "' || n.rule || '": skipped, because '
       || coalesce('job ' || open.id, 'another job') || ' of "' || n.group_key || '" has not ended'
       || case when n.status = 'ignored' then '; no endpoint asked for it' else '' end
     from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as n (id, rule, group_key, status)
       left join signalbox.jobs as open on open.mode = 'skip' and open.finished_at is null
         and open.rule = n.rule and open.group_key = n.group_key
     where event.id = n.id
     returning event.id, event.status, event.reason`,
    [
      kept.map(({ event }) => event.id),
      kept.map(({ job }) => job.rule),
      kept.map(({ job }) => job.groupKey),
      kept.map(({ status }) => status),
    ],
  )
  return new Map(rows.map(({ id, ...found }) => [id, found]))
}
