// Jobs that were not made with their event, because another of their rule and group has not ended.
import type { Sql } from '../db/database.ts'
import type { NewEvent, NewJob } from './event.ts'

/**
 * Takes the jobs that were skipped out of new events, and stores with an event from which nothing
 * else followed that it was ignored, and why. `ids` are the new events, `jobIds` their jobs.
 */
export async function withoutSkipped(
  sql: Sql,
  events: readonly NewEvent[],
  { ids, jobIds }: { ids: ReadonlySet<string>; jobIds: ReadonlySet<string> },
): Promise<readonly NewEvent[]> {
  const ignored: { event: NewEvent; job: NewJob }[] = []
  const left = events.map((event) => {
    if (!ids.has(event.id)) return event
    const jobs = event.jobs.filter(({ id }) => jobIds.has(id))
    const skipped = event.jobs.find(({ id }) => !jobIds.has(id))
    if (skipped === undefined) return event
    if (jobs.length + event.deliveries.length === 0) ignored.push({ event, job: skipped })
    return { ...event, jobs }
  })
  if (ignored.length === 0) return left
  const reasons = await ignore(sql, ignored)
  return left.map((event) => {
    const reason = reasons.get(event.id)
    return reason === undefined ? event : { ...event, status: 'ignored', reason }
  })
}

async function ignore(
  sql: Sql,
  ignored: readonly { event: NewEvent; job: NewJob }[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql.query<{ id: string; reason: string }>(
    `update signalbox.events as event
     set status = 'ignored', reason = 'rule "' || n.rule || '": skipped, because '
       || coalesce('job ' || open.id, 'another job') || ' of "' || n.group_key || '" has not ended'
       || '; no endpoint asked for it'
     from unnest($1::uuid[], $2::text[], $3::text[]) as n (id, rule, group_key)
       left join signalbox.jobs as open on open.mode = 'skip' and open.finished_at is null
         and open.rule = n.rule and open.group_key = n.group_key
     where event.id = n.id
     returning event.id, event.reason`,
    [ignored.map(({ event }) => event.id), ignored.map(({ job }) => job.rule), ignored.map(({ job }) => job.groupKey)],
  )
  return new Map(rows.map(({ id, reason }) => [id, reason]))
}
