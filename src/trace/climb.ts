// From a node to what it followed from, up to where the chain began.
import type { Sql } from '../db/database.ts'
import { isUuid } from '../lib/id.ts'
import type { Ref } from './node.ts'
import { keyOf } from './node.ts'

const MAX_STEPS = 50

/** The node itself, then what it followed from, and so on; the last one is the root. */
export async function climb(sql: Sql, start: Ref): Promise<Ref[]> {
  const path = [start]
  const seen = new Set([keyOf(start)])
  while (path.length < MAX_STEPS) {
    const parent = await parentOf(sql, path.at(-1) ?? start)
    if (parent === null || seen.has(keyOf(parent))) return path
    seen.add(keyOf(parent))
    path.push(parent)
  }
  return path
}

async function parentOf(sql: Sql, { kind, id }: Ref): Promise<Ref | null> {
  const first = async (text: string, parent: Ref['kind']): Promise<Ref | null> => {
    const { rows } = await sql.query<{ id: string | null }>(text, [id])
    return rows[0]?.id ? { kind: parent, id: rows[0].id } : null
  }
  if (kind === 'deployment') return first(RECORDED_BY, 'job')
  if (kind === 'event') return causeOf(sql, id)
  if (kind === 'output') return first('select job_id as id from signalbox.outputs where id = $1', 'job')
  if (kind === 'delivery') return first('select event_id as id from signalbox.deliveries where id = $1', 'event')
  return (
    (await first('select settles as id from signalbox.jobs where id = $1', 'job')) ??
    (await first('select event_id as id from signalbox.jobs where id = $1', 'event'))
  )
}

const RECORDED_BY = `select e.cause_job_id as id from signalbox.deployments d join signalbox.events e on e.id = d.event_id
  where d.id = $1`

type EventCause = {
  job: string | null
  deployment: string | null
  delivery_id: string
  source: string
  output: string | null
}

/** A deployment is recorded with its event; the facts of that find it by an index. */
async function causeOf(sql: Sql, id: string): Promise<Ref | null> {
  const { rows } = await sql.query<EventCause>(
    `select e.cause_job_id as job, e.delivery_id, e.source,
       (select d.id from signalbox.deployments d where d.project_id = e.facts ->> 'project'
          and d.app_name = e.facts ->> 'app' and d.environment = e.facts ->> 'environment' and d.event_id = e.id
        limit 1) as deployment,
       ${OPENED_BY} as output
     from signalbox.events e where e.id = $1`,
    [id],
  )
  const [event] = rows
  if (event === undefined) return null
  if (event.deployment !== null) return { kind: 'deployment', id: event.deployment }
  const merged = event.source === 'signalbox' ? /^merged_.{36}_(.{36})$/.exec(event.delivery_id)?.[1] : undefined
  if (merged !== undefined && isUuid(merged)) return { kind: 'event', id: merged }
  if (event.job !== null) return { kind: 'job', id: event.job }
  return event.output === null ? null : { kind: 'output', id: event.output }
}

// GitHub sends what happens at once in any order.
const FIRST_EVENTS = 10

// The output that opened what an event from outside is about: of the job whose work the first
// events about it report, or of a deployment's.
const OPENED_BY = `case when e.source <> 'signalbox' and e.cause_job_id is null and e.facts ->> 'number' is not null then (
    select o.id from signalbox.outputs o
    where o.kind in ('pull_request', 'issue') and o.status = 'published' and o.receipt ->> 'created' = 'true'
      and o.receipt ->> 'number' = e.facts ->> 'number' and lower(o.repository) = lower(e.facts ->> 'repository')
      and o.job_id = any(array(
        (select first.cause_job_id from (
           select cause_job_id, id from signalbox.events where lower(subject) = lower(e.subject) order by id limit ${FIRST_EVENTS}
         ) as first where first.cause_job_id is not null order by first.id limit 1)
        union all
        (select j.id from signalbox.deployment_pull_requests p
           join signalbox.deployments d on d.id = p.deployment_id
           join signalbox.jobs j on j.event_id = d.event_id
         where p.repository = e.facts ->> 'repository' and p.number = (e.facts ->> 'number')::integer limit 100)
      ))
    limit 1) end`
