// What the checker knows: rows of the database, the senders' log, what is at GitHub, and what
// agents recorded. Nothing of the service is imported here, so that no mistake is made twice.
import { readFileSync } from 'node:fs'
import type { Entry } from '../journal.ts'
import type { Effect, Sent } from '../senders-log.ts'

/** Runs a statement on the database that is looked at. */
export type Query = (text: string) => Promise<{ rows: unknown[] }>

export type EventRow = {
  id: string
  type: string
  status: string
  /** What the sender calls it, in its body. */
  delivery: string | null
  causeJob: string | null
}
export type JobRow = {
  id: string
  event: string
  delivery: string | null
  rule: string
  status: string
  attempt: number
  failures: number
  losses: number
  deferrals: number
  group: string | null
}
/** Times are milliseconds by the database's clock. */
export type AttemptRow = {
  job: string
  attempt: number
  owner: string
  outcome: string
  from: number
  to: number
}
/** Something that an attempt of a job wrote; null is what the row does not say. */
export type WrittenRow = { what: string; job: string; attempt: number | null; at: number | null }
export type OutputRow = { job: string; position: number; status: string; writes: number }
export type DeliveryRow = {
  id: string
  event: string
  endpoint: string
  status: string
  attempts: { attempt: number; outcome: string }[]
}
/** What exists at GitHub for a webhook. */
export type EffectFound = { delivery: string; effect: Effect; at: string; commits: number }

/** Everything that the checker judges by. */
export type Evidence = {
  events: EventRow[]
  jobs: JobRow[]
  attempts: AttemptRow[]
  written: WrittenRow[]
  outputs: OutputRow[]
  /** Process ids of nodes, by their ids. */
  nodes: ReadonlyMap<string, number>
  deliveries: DeliveryRow[]
  effects: EffectFound[]
  log: Sent[]
  /** Null where nothing was recorded. */
  journal: Entry[] | null
}

function milliseconds(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::float8`
}

const STATEMENTS = {
  events: `select id, type, status, cause_job_id as "causeJob",
      case when source = 'github' then coalesce(said->>'delivery', said->'issue'->>'title') end as delivery
    from signalbox.events, lateral (
      select case when source = 'github' and body is not null then convert_from(body, 'UTF8')::json end as said) as read
    order by id`,
  jobs: `select id, event_id as event, rule, status, attempt, failures, losses, deferrals, group_key as group
    from signalbox.jobs order by created_at, id`,
  attempts: `select job_id as job, attempt, owner, outcome, ${milliseconds('started_at')} as from, ${milliseconds('finished_at')} as to
    from signalbox.job_attempts order by job_id, attempt`,
  written: `select 'step ' || name as what, job_id as job, attempt, ${milliseconds('finished_at')} as at from signalbox.job_steps
    union all select 'write ' || position, job_id, attempt, ${milliseconds('written_at')} from signalbox.writes
    union all select 'output ' || position, job_id, null, ${milliseconds('created_at')} from signalbox.outputs
    union all select 'receipt ' || position, job_id, null, ${milliseconds('published_at')} from signalbox.outputs
      where published_at is not null
    -- A line of a log has the time of the host that it comes from.
    union all select 'log', job_id, attempt, null from signalbox.job_log group by 2, 3`,
  outputs: `select job_id as job, position, status, (select count(*)::int from signalbox.writes w
      where w.job_id = o.job_id and w.position = o.position) as writes
    from signalbox.outputs o order by job_id, position`,
  nodes: 'select id, pid from signalbox.nodes',
  deliveries: `select d.id, d.event_id as event, e.name as endpoint, d.status,
      coalesce((select json_agg(json_build_object('attempt', a.attempt, 'outcome', a.outcome) order by a.attempt)
        from signalbox.delivery_attempts a where a.delivery_id = d.id), '[]') as attempts
    from signalbox.deliveries d join signalbox.endpoints e on e.id = d.endpoint_id order by d.event_id`,
}

/** Reads the rows. */
export async function readDatabase(query: Query) {
  const read = async <T>(name: keyof typeof STATEMENTS) => (await query(STATEMENTS[name])).rows as T[]
  const events = await read<EventRow>('events')
  const deliveryOf = new Map(events.map(({ id, delivery }) => [id, delivery]))
  return {
    events,
    jobs: (await read<JobRow>('jobs')).map((job) => ({ ...job, delivery: deliveryOf.get(job.event) ?? null })),
    attempts: await read<AttemptRow>('attempts'),
    written: await read<WrittenRow>('written'),
    outputs: await read<OutputRow>('outputs'),
    nodes: new Map((await read<{ id: string; pid: number }>('nodes')).map(({ id, pid }) => [id, pid])),
    deliveries: await read<DeliveryRow>('deliveries'),
  }
}

/** Reads a file of one JSON object in each line. */
export function readLines<T extends { at: number }>(path: string): T[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  const parsed = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T)
  return parsed.sort((a, b) => a.at - b.at)
}
