// Whether jobs of old events would be done at all: of a group that wants the latest, only that of
// the newest event is.
import type { Sql } from '../db/database.ts'
import type { NewJob } from '../events/event.ts'
import { exactTime } from './stored.ts'

/** A job of an event that happened at a time, to the microsecond. */
export type Timed = { job: NewJob; eventId: string; at: string }

/** For each job that is superseded as soon as it is claimed: the newest one of its group, by id. */
export async function newerJobs(sql: Sql, planned: readonly Timed[]): Promise<ReadonlyMap<string, string>> {
  const asked = planned.filter(({ job }) => job.groupKey !== null && (job.mode === 'latest' || job.mode === 'next'))
  if (asked.length === 0) return new Map()
  const newest = new Map<string, Newest>()
  for (const { job, eventId, at } of asked) keepNewer(newest, groupOf(job), { id: job.id, eventId, at })
  for (const row of await storedNewest(sql, asked)) keepNewer(newest, row.name, row)
  return new Map(
    asked.flatMap(({ job, eventId, at }): [string, string][] => {
      const found = newest.get(groupOf(job))
      return found !== undefined && isNewer(found, { eventId, at }, job.mode) ? [[job.id, found.id]] : []
    }),
  )
}

type Newest = { id: string; eventId: string; at: string }

/** Of the mode `next` whatever the rule, as `jobs/supersede.ts` has it. */
function groupOf({ mode, rule, groupKey }: NewJob): string {
  return JSON.stringify([mode, mode === 'latest' ? rule : null, groupKey])
}

function keepNewer(newest: Map<string, Newest>, group: string, job: Newest): void {
  const found = newest.get(group)
  if (found === undefined || isNewer(job, found, modeOf(group))) newest.set(group, job)
}

function modeOf(group: string): string {
  return String((JSON.parse(group) as unknown[])[0])
}

/** As `jobs/supersede.ts` compares them: those of `next` by whole seconds. */
function isNewer(one: Omit<Newest, 'id'>, other: Omit<Newest, 'id'>, mode: string): boolean {
  const of = ({ at, eventId }: Omit<Newest, 'id'>) => `${mode === 'next' ? at.slice(0, 19) : at} ${eventId}`
  return of(one) > of(other)
}

async function storedNewest(sql: Sql, asked: readonly Timed[]): Promise<(Newest & { name: string })[]> {
  const groups = new Map(asked.map(({ job }) => [groupOf(job), job]))
  const newest = (mode: string, same: string, order: string) => `
    select n.name, found.id, found.event_id as "eventId", ${exactTime('found.event_at')} as at from named as n,
    unnest(array[true, false]) as is_open, lateral (
      select id, event_id, event_at from signalbox.jobs as other
      where other.mode = '${mode}' and ${same} and (other.finished_at is null) = is_open
      order by ${order} desc, event_id desc limit 1
    ) as found
    where n.mode = '${mode}'`
  const { rows } = await sql.query<Newest & { name: string }>(
    `with named as (select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n (name, mode, rule, group_key))
     ${newest('latest', 'other.rule = n.rule and other.group_key = n.group_key', 'event_at')}
     union all
     ${newest('next', 'other.group_key = n.group_key', `date_bin('1 second', event_at, '1970-01-01 00:00:00+00')`)}`,
    [
      [...groups.keys()],
      [...groups.values()].map(({ mode }) => mode),
      [...groups.values()].map(({ rule }) => rule),
      [...groups.values()].map(({ groupKey }) => groupKey),
    ],
  )
  return rows
}
