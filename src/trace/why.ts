// Why something or nothing happened to a thing: what reached us about it, and what followed.
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import { WAITS_FOR } from '../jobs/query.ts'
import type { Clock } from '../lib/clock.ts'
import { isUuid } from '../lib/id.ts'
import { pageLimit, readCursor } from '../lib/page.ts'
import { readAbout } from './about.ts'
import { eventsAbout } from './about-events.ts'
import { checksFor } from './nothing.ts'
import { sentencesOf } from './sentences.ts'
import type { Why, WhyEvent } from './wire.ts'

const MAX_JOBS = 20
const MAX_OUTPUTS = 20

/** What is asked: about what, and which page. */
export type WhyFilter = {
  about: string
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
}

/** What is needed to say why. */
export type WhyParts = { looking: Sql; clock: Clock; sources: ReadonlyMap<string, { secrets: readonly unknown[] }> }

/**
 * Lists what reached us about a thing, newest first, and why something or nothing followed from
 * each; where nothing did, what to check.
 * @throws AppError `input_invalid` when it names nothing.
 */
export async function whyAbout(parts: WhyParts, filter: WhyFilter): Promise<Why> {
  const limit = pageLimit(filter.limit)
  const before = readCursor(filter.cursor)
  const about = readAbout(filter.about)
  const ids = await eventsAbout(parts.looking, about, { limit: limit + 1, before })
  const shown = ids.slice(0, limit)
  return {
    about: filter.about,
    items: await readEvents(parts.looking, shown),
    next: ids.length > limit ? (shown.at(-1) ?? null) : null,
    checks: ids.length === 0 && before === null ? await checksFor(parts, about) : [],
  }
}

/** The same of one event. */
export async function whyEvent(sql: Sql, id: string): Promise<WhyEvent | null> {
  return isUuid(id) ? ((await readEvents(sql, [id]))[0] ?? null) : null
}

async function readEvents(sql: Sql, ids: readonly string[]): Promise<WhyEvent[]> {
  if (ids.length === 0) return []
  const { rows } = await sql.query<Omit<WhyEvent, 'sentences'>>(EVENTS, [ids, MAX_JOBS, MAX_OUTPUTS])
  return rows.map((row) => ({ ...row, sentences: sentencesOf(row) }))
}

const OUTPUTS = `select coalesce(json_agg(json_build_object('kind', kind, 'status', status, 'reason', reason,
    'url', receipt->>'url') order by position), '[]')
  from (select * from signalbox.outputs where job_id = jobs.id and status <> 'replaced' order by position limit $3) as o`

const PAUSES = `select coalesce(json_agg(json_build_object('kind', kind, 'name', nullif(name, ''), 'reason', reason,
    'since', ${isoTime('p.since')}, 'until', ${isoTime('p.until')}) order by p.since), '[]')
  from (
    select * from signalbox.past_pauses
    where (kind = 'everything' or kind = 'source' and name = e.source)
      and until > jobs.created_at and since < coalesce(jobs.started_at, jobs.finished_at, 'infinity')
    order by until desc limit 5
  ) as p`

const EVENTS = `select e.id, e.source, e.type, e.status, e.reason, e.subject, e.actor,
    ${isoTime('e.received_at')} as received_at, ${isoTime('e.recovered_at')} as recovered_at, e.cause_job_id as caused_by,
    (select coalesce(json_agg(json_build_object('id', id, 'rule', rule, 'agent', agent, 'status', status,
       'error', error, 'waits_for', ${WAITS_FOR}, 'superseded_by', superseded_by, 'replay', replay, 'held', (${PAUSES}),
       'outputs', (${OUTPUTS})) order by jobs.created_at, id), '[]')
     from (select * from signalbox.jobs where event_id = e.id order by created_at, id limit $2) as jobs) as jobs,
    (select coalesce(json_object_agg(status, n), '{}')
     from (select status, count(*) as n from signalbox.deliveries where event_id = e.id group by status) as d) as deliveries
  from signalbox.events e where e.id = any($1::uuid[]) order by e.id desc`
