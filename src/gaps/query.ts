// Reading gaps: the lists that people look at, and what is reported of each.
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import type { Page } from '../lib/page.ts'
import { pageLimit, pageOf, readCursor } from '../lib/page.ts'
import type { GapDetail, GapSummary, HookState } from './wire.ts'

const MAX_SHOWN = 1000

/** What a webhook is answered whose signature is not by a secret of this server. */
const REFUSED = 401

/** Which gaps to list; all of them if nothing is given. */
export type GapFilter = {
  hook?: string | undefined
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
}

const HAS_JOBS = 'exists (select from signalbox.jobs where jobs.event_id = d.event_id)'

const GAP = `g.id, g.hook, ${isoTime('g.began_at')} as began_at, ${isoTime('g.ended_at')} as ended_at,
  ${isoTime('g.found_at')} as found_at, g.reason, counts.*`

const COUNTS = `lateral (
  select count(*)::int as deliveries,
    count(*) filter (where status = ${REFUSED})::int as refused,
    count(*) filter (where outcome = 'recovered')::int as recovered,
    count(*) filter (where outcome = 'recovered' and ${HAS_JOBS})::int as matched,
    count(*) filter (where outcome = 'arrived')::int as arrived,
    count(*) filter (where outcome = 'lost')::int as lost,
    count(*) filter (where outcome = 'pending')::int as pending
  from signalbox.gap_deliveries as d where d.gap_id = g.id
) as counts`

/**
 * Lists gaps, those found last first.
 * @throws AppError `input_invalid` when the cursor is not one.
 */
export async function listGaps(sql: Sql, filter: GapFilter = {}): Promise<Page<GapSummary>> {
  const limit = pageLimit(filter.limit)
  const { rows } = await sql.query<GapSummary>(
    `select ${GAP} from (
       select * from signalbox.gaps
       where ($1::text is null or hook = $1)
         and ($2::uuid is null or (found_at, id) < (select found_at, id from signalbox.gaps where id = $2))
       order by found_at desc, id desc limit $3
     ) as g, ${COUNTS} order by g.found_at desc, g.id desc`,
    [filter.hook ?? null, readCursor(filter.cursor), limit + 1],
  )
  return pageOf(rows, limit)
}

/** Gaps by their ids. */
export async function gapsById(sql: Sql, ids: readonly string[]): Promise<GapSummary[]> {
  const { rows } = await sql.query<GapSummary>(
    `select ${GAP} from signalbox.gaps as g, ${COUNTS} where g.id = any($1) order by g.began_at, g.id`,
    [ids],
  )
  return rows
}

/**
 * One gap, with what was missed in it.
 * @throws AppError `not_found` when there is no such gap.
 */
export async function getGap(sql: Sql, id: string): Promise<GapDetail> {
  const [found] = isUuid(id) ? await gapsById(sql, [id]) : []
  if (found === undefined) throw new AppError('not_found', `There is no gap ${JSON.stringify(id)}.`)
  const { rows } = await sql.query<GapDetail['events'][number]>(
    `select guid, type, ${isoTime('sent_at')} as sent_at, status, outcome, reason, event_id,
       (select count(*)::int from signalbox.jobs where jobs.event_id = d.event_id) as jobs
     from signalbox.gap_deliveries as d where gap_id = $1 order by d.sent_at, guid limit $2`,
    [id, MAX_SHOWN],
  )
  return { ...found, events: rows }
}

/** The webhooks that are looked at, and where none was found. */
export async function listHooks(sql: Sql): Promise<HookState[]> {
  const { rows } = await sql.query<HookState>(
    `select hook, ${isoTime('looked_at')} as looked_at, ${isoTime('seen_until')} as seen_until, problem
     from signalbox.hook_cursors order by hook`,
  )
  return rows
}
