// The past for back-tests: events with what rules match on and the jobs that they made, page by
// page, and what jobs have cost.
import { z } from 'zod'
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import type { StoredEvent } from '../decide.ts'
import { eventSummary } from '../events/wire.ts'
import type { Page } from '../lib/page.ts'
import type { Span } from './stored.ts'
import { inSpan, spanValues } from './stored.ts'

/** The most events of one page. */
export const MAX_PAST_PAGE = 2000

// Means of the newest jobs are what the next ones are likely to cost.
const MAX_COSTED_JOBS = 5000

/** An event as back-tests read it. */
export const pastEvent = eventSummary
  .pick({
    id: true,
    source: true,
    type: true,
    status: true,
    subject: true,
    facts: true,
    depth: true,
    received_at: true,
  })
  .extend({
    made: z
      .array(z.object({ rule: z.string(), id: z.uuid() }))
      .meta({ description: 'The jobs that rules made of it when it came.' }),
  })
  .meta({ id: 'PastEvent' })
export type PastEvent = StoredEvent & Pick<z.infer<typeof pastEvent>, 'received_at' | 'made'>

/** What the newest completed jobs of a rule have used. */
export const ruleCost = z
  .object({
    rule: z.string(),
    agent: z.string(),
    jobs: z.int().meta({ description: `How many were looked at, of the newest ${MAX_COSTED_JOBS} of all rules.` }),
    tokens: z.number(),
    usd: z.number().nullable().meta({ description: 'Of the calls whose price is known; null when none is.' }),
    seconds: z.number().meta({ description: 'How long their attempts took, all together.' }),
  })
  .meta({ id: 'RuleCost' })
export type RuleCost = z.infer<typeof ruleCost>

/** One page of a span of time, the oldest event first; requests by hand and tests are left out. */
export async function pastEvents(sql: Sql, span: Span): Promise<Page<PastEvent>> {
  const { rows } = await sql.query<PastEvent>(
    `select e.id, e.source, e.type, e.status, e.subject, e.facts, e.depth, ${isoTime('e.received_at')} as received_at,
       (select coalesce(json_agg(json_build_object('rule', rule, 'id', id)), '[]') from signalbox.jobs j
        where j.event_id = e.id and settles is null and replay is null) as made
     from signalbox.events e
     where ${inSpan('e')} and e.status <> 'rejected' and e.source not in ('manual', 'test')
     order by e.received_at, e.id limit $7`,
    await spanValues(sql, span),
  )
  return { items: rows, next: rows.length === span.limit ? (rows.at(-1)?.id ?? null) : null }
}

/** What jobs have used, for each rule. */
export async function ruleCosts(sql: Sql): Promise<RuleCost[]> {
  const { rows } = await sql.query<RuleCost>(
    `select rule, agent, count(*)::integer as jobs, coalesce(sum(tokens), 0)::float8 as tokens, sum(usd) as usd,
       coalesce(sum(seconds), 0)::float8 as seconds
     from (
       select id, rule, agent from signalbox.jobs
       where status = 'completed' and settles is null and rule <> 'manual'
       order by created_at desc, id desc limit ${MAX_COSTED_JOBS}
     ) as job, lateral (
       select sum(input_tokens + output_tokens) as tokens, sum(usd) as usd from signalbox.job_model_calls
       where job_id = job.id
     ) as used, lateral (
       select sum(extract(epoch from finished_at - started_at)) as seconds from signalbox.job_attempts
       where job_id = job.id
     ) as took
     group by rule, agent order by rule, agent`,
  )
  return rows
}
