// What followed from the nodes of one level of a trace, a few of each, in one query for each kind.
import type { Sql } from '../db/database.ts'
import type { Ref, Row } from './node.ts'
import { KINDS } from './node.ts'
import type { TraceKind } from './wire.ts'

/** As many children of a node are shown, and counted. */
const MAX_CHILDREN = 20
const MAX_COUNTED = 1000

/** What followed from a node, of one kind: the oldest, and how many there are. */
export type Children = { parent: Ref; rows: (Row & Ref)[]; total: number }

/** A node whose children are wanted. */
export type Parent = Ref & Pick<Row, 'repository' | 'number' | 'event_id'>

type Link = {
  parents: TraceKind
  children: TraceKind
  /** On `parent.id`, `parent.repository`, `parent.number` and `parent.event_id`. */
  where: string
  joins?: string
  order: string
}

const LINKS: readonly Link[] = [
  { parents: 'deployment', children: 'event', where: 'e.id = parent.event_id', order: 'e.id' },
  {
    parents: 'event',
    children: 'job',
    where: 'jobs.event_id = parent.id and jobs.settles is null',
    order: 'jobs.created_at, jobs.id',
  },
  { parents: 'event', children: 'delivery', where: 'd.event_id = parent.id', order: 'd.endpoint_id' },
  // That a pull request was merged, of each environment (deployments/pull-requests.ts).
  {
    parents: 'event',
    children: 'event',
    joins: 'join signalbox.deployment_pull_requests merged on true',
    where: `merged.repository = parent.repository and merged.number = parent.number::integer and e.source = 'signalbox'
      and e.delivery_id = 'merged_' || merged.deployment_id || '_' || parent.id`,
    order: 'e.id',
  },
  { parents: 'job', children: 'output', where: 'o.job_id = parent.id', order: 'o.position' },
  {
    parents: 'job',
    children: 'event',
    where: `e.cause_job_id = parent.id and e.source <> 'deployments'`,
    order: 'e.id',
  },
  // The event of a deployment is below that.
  {
    parents: 'job',
    children: 'deployment',
    joins: `join signalbox.events recorded on recorded.cause_job_id = parent.id and recorded.source = 'deployments'`,
    where: `d.project_id = recorded.facts ->> 'project' and d.app_name = recorded.facts ->> 'app'
      and d.environment = recorded.facts ->> 'environment' and d.event_id = recorded.id`,
    order: 'd.sequence',
  },
  {
    parents: 'job',
    children: 'job',
    where: 'jobs.settles = parent.id',
    order: 'jobs.created_at, jobs.id',
  },
  // What came later about what it opened, and is not the work of a job.
  {
    parents: 'output',
    children: 'event',
    where: `lower(e.subject) = lower(parent.repository || '#' || parent.number) and e.cause_job_id is null and e.source <> 'signalbox'
      and exists (select from signalbox.outputs o where o.id = parent.id and o.kind in ('pull_request', 'issue')
        and o.status = 'published' and o.receipt ->> 'created' = 'true')`,
    order: 'e.id',
  },
]

/** The children of these nodes, each parent's oldest first. */
export async function childrenOf(sql: Sql, parents: readonly Parent[]): Promise<Children[]> {
  const found: Children[] = []
  for (const link of LINKS) {
    const wanted = parents.filter(
      ({ kind, number }) => kind === link.parents && (number !== null || !needsNumber(link)),
    )
    if (wanted.length > 0) found.push(...(await followed(sql, link, wanted)))
  }
  return found
}

function needsNumber({ where }: Link): boolean {
  return where.includes('parent.number')
}

async function followed(sql: Sql, link: Link, parents: readonly Parent[]): Promise<Children[]> {
  const { from, columns } = KINDS[link.children]
  const { rows } = await sql.query<Row & { parent_id: string; total: number }>(
    `select * from (
       select parent.id as parent_id, found.*, row_number() over (partition by parent.id order by nth) as place,
         (count(*) over (partition by parent.id))::integer as total
       from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) as parent (id, repository, number, event_id),
       lateral (
         select ${columns}, row_number() over (order by ${link.order}) as nth
         from (select 1) as one ${link.joins ?? ''} join ${from} on true where ${link.where}
         order by ${link.order} limit ${MAX_COUNTED}
       ) as found
     ) as children where place <= ${MAX_CHILDREN} order by place`,
    [
      parents.map(({ id }) => id),
      parents.map(({ repository }) => repository),
      parents.map(({ number }) => number),
      parents.map(({ event_id }) => event_id),
    ],
  )
  return parents.flatMap((parent) => {
    const own = rows.filter(({ parent_id }) => parent_id === parent.id)
    const [first] = own
    if (first === undefined) return []
    return [{ parent, total: first.total, rows: own.map((row) => ({ ...row, kind: link.children })) }]
  })
}
