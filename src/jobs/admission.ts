// Who may is asked before a job counts for anything: until then it is in no group, so that nobody
// who may not start a job can supersede, delay or use up those of others.
import type { Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { untilStopped } from '../lib/until-stopped.ts'
import type { Handled, Settled } from '../queue/table.ts'
import { redactor } from '../untrusted/redact.ts'
import type { JobRow, RunDetail } from './job.ts'
import { requirePermission } from './permission.ts'
import { outcomeOf, withoutSecrets } from './retry-policy.ts'
import type { RunOptions } from './run.ts'

const NOW = 'coalesce($1::timestamptz, now())'
const byForm = redactor()

/**
 * The first attempt of a job of which it is not known whether those who caused it may: asks, and
 * nothing else. It is asked once more when the job runs, which may be much later. Never throws.
 */
export async function askWho(
  { permitted, clock, random, redactor: secrets = byForm }: RunOptions,
  { who, failures }: JobRow,
  stop: AbortSignal,
): Promise<Handled<RunDetail>> {
  try {
    if (who !== null) await untilStopped(stop, 0, requirePermission(permitted, who))
    return { outcome: { kind: 'waiting', delayMs: 0 }, detail: { mayJoin: true } }
  } catch (error) {
    const outcome = outcomeOf(error, { failures, now: clock.now(), random })
    return { outcome: withoutSecrets(outcome, secrets), detail: null }
  }
}

/**
 * Lets jobs join their groups, in the transaction that ends the attempts which asked: what they
 * supersede, wait for or are skipped for is as if they had just been made. Returns whether any did.
 */
export async function joinGroups(
  tx: Sql,
  clock: Clock,
  settled: readonly Settled<JobRow, RunDetail>[],
): Promise<boolean> {
  const ids = settled.flatMap(({ row, status, detail }) => (status === 'waiting' && detail?.mayJoin ? [row.id] : []))
  if (ids.length > 0) await tx.query(JOIN, [clock.sqlNow(), ids], 'join groups')
  return ids.length > 0
}

// Where another transaction makes a job at the same moment that lets this one be skipped, the
// unique index refuses the statement; the attempt is settled again, and the other is seen then.
const JOIN = `
with joining as materialized (
  select job.id, job.rule, job.created_at, n.*,
    first_value(job.id) over (partition by job.rule, n.group_key order by job.event_at, job.event_id) as first_id
  from signalbox.jobs as job, json_to_record(joins) as n (group_key text, group_limit smallint, mode text,
    quiet_ms integer, max_ms integer, ceiling_subject text)
  where job.id = any($2::uuid[])
), placed as materialized (
  select joining.*, since,
    case when joining.mode = 'skip' then coalesce(open.id, nullif(first_id, joining.id)) end as kept_by
  from joining
    left join signalbox.jobs as open on open.mode = 'skip' and open.finished_at is null
      and open.rule = joining.rule and open.group_key = joining.group_key,
  lateral (
    -- The first event of those that a job has waited for which has not begun.
    select case when quiet_ms is not null then least(joining.created_at, (
      select min(debounced_since) from signalbox.jobs as other
      where other.mode = 'latest' and other.rule = joining.rule and other.group_key = joining.group_key
        and other.status = 'pending' and other.started_at is null
    )) end as since
  ) as waiting
)
update signalbox.jobs as job
set joins = null, started_at = null, group_key = placed.group_key, group_limit = placed.group_limit,
  mode = placed.mode, ceiling_subject = placed.ceiling_subject, debounced_since = since,
  available_at = case when since is null then job.created_at
    else least(job.created_at + quiet_ms * interval '1 ms', since + max_ms * interval '1 ms') end,
  status = case when kept_by is null then 'pending' else 'cancelled' end,
  error = 'skipped: job ' || kept_by || ' of "' || placed.group_key || '" has not ended',
  finished_at = case when kept_by is not null then ${NOW} end
from placed
where job.id = placed.id`
