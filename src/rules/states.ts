// What is known of rules besides their configuration: which are paused, by a person or because of
// what their jobs came to.
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import type { Draft } from '../events/event.ts'
import type { Facts } from '../events/facts.ts'
import type { Clock } from '../lib/clock.ts'
import { cut } from '../lib/cut.ts'
import { newId } from '../lib/id.ts'
import type { Log } from '../lib/log.ts'
import { firstLine, oneLine } from '../lib/one-line.ts'
import { ownEvent } from '../lib/own-event.ts'
import { DEFAULT_CEILING_PER_HOUR, MANUAL_RULE } from './jobs.ts'
import type { Rule } from './rule.ts'

/** A rule with so many jobs in a row that failed for good is paused. */
const MAX_FAILURES = 3
const MAX_REASON_CHARS = 500
const NOW = 'coalesce($1::timestamptz, now())'

/** Since when a rule is paused, and why. */
export type Paused = { since: string; reason: string }

/** The paused rules, by name. */
export async function loadPaused(sql: Sql): Promise<ReadonlyMap<string, Paused>> {
  const { rows } = await sql.query<Paused & { rule: string }>(
    `select rule, reason, ${isoTime('paused_at')} as since from signalbox.rule_states
     where paused_at is not null order by rule`,
  )
  return new Map(rows.map(({ rule, ...paused }) => [rule, paused]))
}

/** Pauses those of these rules that are not paused, each for its own reason; returns those. */
async function pauseRules(sql: Sql, clock: Clock, reasons: ReadonlyMap<string, string>): Promise<string[]> {
  const names = [...reasons.keys()].sort()
  if (names.length === 0) return []
  const { rows } = await sql.query<{ rule: string }>(
    `insert into signalbox.rule_states as state (rule, paused_at, reason)
     select rule, ${NOW}, reason from unnest($2::text[], $3::text[]) as n (rule, reason)
     on conflict (rule) do update set paused_at = excluded.paused_at, reason = excluded.reason
     where state.paused_at is null
     returning rule`,
    [clock.sqlNow(), names, names.map((name) => reasonOf(reasons, name))],
  )
  return rows.map(({ rule }) => rule)
}

/**
 * Pauses a rule by hand. One that is paused stays so since then, and for the new reason if there is
 * one.
 */
export async function pauseRule(
  sql: Sql,
  clock: Clock,
  name: string,
  { reason, by }: { reason?: string | undefined; by?: string | undefined } = {},
): Promise<void> {
  const shown = (text: string | undefined) => (text === undefined ? null : oneLine(text))
  await sql.query(
    `insert into signalbox.rule_states as state (rule, paused_at, reason, paused_by)
     values ($2, ${NOW}, coalesce($3, 'By hand.'), $4)
     on conflict (rule) do update set paused_at = coalesce(state.paused_at, excluded.paused_at),
       reason = coalesce($3, state.reason, excluded.reason), paused_by = coalesce($4, state.paused_by)`,
    [clock.sqlNow(), name, shown(reason), shown(by)],
  )
}

/** A reason is shown in lines of lists and logs. */
function reasonOf(reasons: ReadonlyMap<string, string>, rule: string): string {
  return cut(oneLine(reasons.get(rule) ?? ''), MAX_REASON_CHARS)
}

/** Lets a rule make jobs again; what it made and failed before does not count any more. */
export async function resumeRule(sql: Sql, clock: Clock, name: string): Promise<void> {
  await sql.query(
    `update signalbox.rule_states set paused_at = null, reason = null, paused_by = null, failures = 0, counted_from = ${NOW}
     where rule = $2`,
    [clock.sqlNow(), name],
  )
}

/** A job that has ended for good, as far as its rule is concerned. */
export type EndedJob = {
  id: string
  rule: string
  outcome: 'completed' | 'failed' | 'cancelled'
  error: string | null
  /** What the jobs of its rule are counted by; null: they are not. */
  ceilingSubject: string | null
  /** Of the event that made it. */
  depth: number
  facts: Facts
}

/** What noting the ends of jobs needs. */
export type NotingParts = { clock: Clock; log: Log; rules: readonly Rule[] }

/**
 * Notes with their rules how jobs ended, in the transaction that ends them, and pauses a rule whose
 * jobs fail or of which a subject has too many; returns the events that say so.
 */
export async function noteEnded(tx: Sql, parts: NotingParts, ended: readonly EndedJob[]): Promise<Draft[]> {
  // What a person asks for by hand says nothing of a rule.
  const ofRules = ended.filter(({ rule }) => rule !== MANUAL_RULE)
  const busy = await tooManyJobs(tx, parts, ofRules)
  const failing = await countFailures(tx, ofRules, [...busy.keys()])
  const last = new Map(ofRules.map((job) => [job.rule, job]))
  const reasons = new Map<string, string>()
  for (const rule of failing) {
    const { error } = ofRules.findLast((job) => job.rule === rule && job.outcome === 'failed') ?? {}
    reasons.set(
      rule,
      `${MAX_FAILURES} of its jobs failed in a row. The last one's error: ${firstLine(error ?? '', MAX_REASON_CHARS)}`,
    )
  }
  for (const [rule, reason] of busy) reasons.set(rule, reason)
  const paused = await pauseRules(tx, parts.clock, reasons)
  return paused.flatMap((rule) => {
    const job = last.get(rule)
    if (job === undefined) return []
    const reason = reasonOf(reasons, rule)
    const about = { rule, reason, job: job.id }
    parts.log.warn({ about }, `rule "${rule}" is paused: ${reason} (signalbox rules resume ${rule})`)
    return [pausedEvent(job, reason, parts.clock.now())]
  })
}

/**
 * Counts the failures in a row; returns the rules that have reached the limit. The rows of
 * `others`, which are about to be paused, are made and locked with theirs, in one order: two
 * transactions that lock them in different orders would wait for each other.
 */
async function countFailures(tx: Sql, ended: readonly EndedJob[], others: readonly string[]): Promise<string[]> {
  const counted = ended.filter(({ outcome }) => outcome !== 'cancelled')
  const named = new Set([...counted.map(({ rule }) => rule), ...others])
  if (named.size === 0) return []
  const rules = [...named].sort().map((name) => {
    const outcomes = counted.filter(({ rule }) => rule === name).map(({ outcome }) => outcome)
    return { name, failed: outcomes.length - 1 - outcomes.lastIndexOf('completed'), all: outcomes.length }
  })
  const { rows } = await tx.query<{ rule: string }>(
    `with ended as (
       select * from unnest($1::text[], $2::integer[], $3::boolean[]) as n (rule, failed, has_completed)
     ), counted as (
       insert into signalbox.rule_states as state (rule, failures)
       select rule, failed from ended
       where failed > 0 or rule = any($5) or rule in (select rule from signalbox.rule_states where failures > 0)
       order by rule
       on conflict (rule) do update set failures = excluded.failures
         + case when (select has_completed from ended where ended.rule = state.rule) then 0 else state.failures end
       returning rule, failures
     )
     select rule from counted where failures >= $4`,
    [
      rules.map(({ name }) => name),
      rules.map(({ failed }) => failed),
      rules.map(({ failed, all }) => failed < all),
      MAX_FAILURES,
      others,
    ],
  )
  return rows.map(({ rule }) => rule)
}

/** A job that is about to begin. */
type Beginning = { id: string; rule: string; ceilingSubject: string | null }

/**
 * Why a job must not begin: its rule had made as many for its subject, within the hour before it,
 * as its ceiling allows; null when it may. The rows alone decide, so that a burst does not begin
 * whoever claims it.
 */
export async function overCeiling(
  sql: Sql,
  { rules }: Pick<NotingParts, 'rules'>,
  { id, rule, ceilingSubject }: Beginning,
): Promise<string | null> {
  const perHour = ceilingsOf(rules).get(rule) ?? 0
  if (ceilingSubject === null || perHour === 0) return null
  const { rows } = await sql.query<{ place: number }>(
    `select count(other.id)::integer as place
     from signalbox.jobs as job
       left join signalbox.rule_states as state on state.rule = job.rule
       join signalbox.jobs as other on other.rule = job.rule and other.ceiling_subject = job.ceiling_subject
         and other.created_at > greatest(job.created_at - interval '1 hour', state.counted_from)
         and (other.created_at, other.id) <= (job.created_at, job.id)
     where job.id = $1`,
    [id],
  )
  const place = rows[0]?.place ?? 0
  if (place <= perHour) return null
  return `it is job ${place} of rule "${rule}" for ${ceilingSubject} within an hour, and its ceiling is ${perHour}`
}

function ceilingsOf(rules: readonly Rule[]): ReadonlyMap<string, number> {
  return new Map(rules.map(({ name, ceiling }) => [name, ceiling?.perHour ?? DEFAULT_CEILING_PER_HOUR]))
}

/** The rules that have made more jobs for a subject in the last hour than they may, and why. */
async function tooManyJobs(
  tx: Sql,
  { clock, rules }: NotingParts,
  ended: readonly EndedJob[],
): Promise<ReadonlyMap<string, string>> {
  const counted = ended.filter(({ ceilingSubject }) => ceilingSubject !== null)
  if (counted.length === 0) return new Map()
  const ceilings = ceilingsOf(rules)
  const { rows } = await tx.query<{ rule: string; subject: string; made: number }>(
    `select n.rule, n.subject, made
     from (select distinct * from unnest($2::text[], $3::text[]) as given (rule, subject)) as n
       left join signalbox.rule_states as state on state.rule = n.rule,
     lateral (
       select count(*)::integer as made from signalbox.jobs
       where jobs.rule = n.rule and ceiling_subject = n.subject
         and created_at > greatest(${NOW} - interval '1 hour', state.counted_from)
     ) as counted`,
    [clock.sqlNow(), counted.map(({ rule }) => rule), counted.map(({ ceilingSubject }) => ceilingSubject)],
  )
  return new Map(
    rows.flatMap(({ rule, subject, made }): [string, string][] => {
      const perHour = ceilings.get(rule) ?? 0
      if (perHour === 0 || made <= perHour) return []
      return [[rule, `It made ${made} jobs for ${subject} within an hour, and its ceiling is ${perHour}.`]]
    }),
  )
}

/** Its depth grows with that of the job's event, so that rules for it cannot go on for ever. */
function pausedEvent({ id: jobId, rule, error, depth, facts }: EndedJob, reason: string, now: Date): Draft {
  const id = newId(now)
  return ownEvent(
    {
      id,
      type: 'rule.paused',
      deliveryId: `rule_paused_${id}`,
      subject: `rule:${rule}`,
      actor: null,
      facts,
      projectId: null,
      data: { rule, reason, job_id: jobId, error },
      depth: depth + 1,
      causeJobId: jobId,
    },
    now,
  )
}
