// What a trace shows of each kind of row.
import { isoTime } from '../db/time.ts'
import { deploymentIdOf } from '../deployments/deployment.ts'
import { WAITS_FOR } from '../jobs/query.ts'
import type { TraceKind, TraceNode } from './wire.ts'

/** A row as it is read, with what its children are found by. */
export type Row = Pick<TraceNode, 'id' | 'title' | 'status' | 'reason' | 'about' | 'url' | 'at' | 'took_ms'> & {
  /** Of an output what it opened or wrote to, of an event what it is about. */
  repository: string | null
  number: string | null
  sha: string | null
  /** Of a job its event, of a deployment too. */
  event_id: string | null
}

/** The kind and id of a node; ids of deployments are those of their rows. */
export type Ref = { kind: TraceKind; id: string }

/** One text for a node. */
export function keyOf({ kind, id }: Ref): string {
  return `${kind}:${id}`
}

/** As people see it. */
export function publicId({ kind, id }: Ref): string {
  return kind === 'deployment' ? deploymentIdOf(id) : id
}

function took(from: string, to: string): string {
  return `round(extract(epoch from ${to} - ${from}) * 1000)::float8`
}

/** The tables, and what selects a `Row` of each. */
export const KINDS: Readonly<Record<TraceKind, { from: string; alias: string; columns: string }>> = {
  deployment: {
    from: 'signalbox.deployments d',
    alias: 'd',
    columns: `d.id, d.app_name || ' to ' || d.environment as title, 'recorded' as status, d.commit_message as reason,
      d.app_name || '@' || d.environment as about, null as url, ${isoTime('d.created_at')} as at,
      null::float8 as took_ms, null as repository, null as number, null as sha, d.event_id`,
  },
  event: {
    from: 'signalbox.events e',
    alias: 'e',
    columns: `e.id, e.type || ' from ' || e.source || coalesce(', by ' || e.actor, '') as title, e.status, e.reason,
      e.subject as about, null as url, ${isoTime('e.received_at')} as at, null::float8 as took_ms,
      -- What Signalbox reports of itself is not what a forge reports of an output.
      case when e.source <> 'signalbox' then e.facts ->> 'repository' end as repository,
      e.facts ->> 'number' as number, e.facts ->> 'sha' as sha, null::uuid as event_id`,
  },
  job: {
    from: 'signalbox.jobs jobs',
    alias: 'jobs',
    columns: `jobs.id, jobs.agent || ', by the rule "' || jobs.rule || '"'
        || case when jobs.replay is null then '' else ', of a replay' || coalesce(' by ' || jobs.replayed_by, '') end as title,
      jobs.status, coalesce(${WAITS_FOR}, jobs.error) as reason, null as about, null as url,
      ${isoTime('jobs.created_at')} as at, ${took('jobs.started_at', 'jobs.finished_at')} as took_ms,
      null as repository, null as number, null as sha, jobs.event_id`,
  },
  output: {
    from: 'signalbox.outputs o',
    alias: 'o',
    columns: `o.id, replace(o.kind, '_', ' ') as title, o.status, o.reason, o.repository as about,
      o.receipt ->> 'url' as url, ${isoTime('coalesce(o.published_at, o.created_at)')} as at, null::float8 as took_ms,
      o.repository, o.receipt ->> 'number' as number, o.receipt ->> 'sha' as sha, null::uuid as event_id`,
  },
  delivery: {
    from: 'signalbox.deliveries d join signalbox.endpoints p on p.id = d.endpoint_id',
    alias: 'd',
    columns: `d.id, 'to ' || p.name as title, d.status, d.error as reason, null as about, null as url,
      ${isoTime('d.created_at')} as at, ${took('d.created_at', 'd.finished_at')} as took_ms, null as repository,
      null as number, null as sha, d.event_id`,
  },
}
