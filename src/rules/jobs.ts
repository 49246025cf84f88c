// From a matching rule, or a request by hand, to the job that must exist.
import { isDeepStrictEqual } from 'node:util'
import type { NewJob } from '../events/event.ts'
import type { Facts } from '../events/facts.ts'
import { cut } from '../lib/cut.ts'
import { AppError } from '../lib/error.ts'
import { idFor } from '../lib/id.ts'
import { givenArguments } from './given-command.ts'
import { groupKey } from './group.ts'
import { policyOf } from './job-policy.ts'
import type { CompiledRule, MatchInput } from './match.ts'
import { matchRules } from './match.ts'
import type { InstalledRule, Rule } from './rule.ts'
import { standingOf } from './who.ts'

export const DEFAULT_PRIORITY = 5
export const DEFAULT_MAX_ATTEMPTS = 5
export const DEFAULT_TIME_LIMIT_MS = 15 * 60 * 1000
export const DEFAULT_CEILING_PER_HOUR = 20

/** What a job made by hand has in place of a rule's name; no rule may be called so. */
export const MANUAL_RULE = 'manual'

/** What jobs are made of: an event, and what it is about. */
type Cause = MatchInput & { id: string; subject?: string | null }

/**
 * The jobs an event makes, one for each rule it matches. Their ids are computed from the event and
 * the rule, so that no repeat can make a second one. Each keeps its rule's policy, whatever becomes
 * of the rule until the job runs.
 */
export function jobsFor(rules: readonly CompiledRule[], event: Cause): NewJob[] {
  return matchRules(rules, event).map((rule) => {
    const standing = standingOf(rule.who, event)
    const job = jobOf(rule, event.id, event)
    const input = { ...givenArguments(rule, event), ...rule.with }
    return { ...job, input, who: 'question' in standing ? standing.question : null }
  })
}

/** How many jobs a rule may make in an hour for the subject of an event; 0 is any number. */
function ceilingOf({ ceiling }: Pick<Rule, 'ceiling'>, { number }: Pick<Facts, 'number'>): number {
  return ceiling?.perHour ?? (number === undefined ? 0 : DEFAULT_CEILING_PER_HOUR)
}

/** Who does a type of job; `rule` is there when one of the rules makes such jobs. */
export type JobType = { agent: string; rule?: InstalledRule }

/**
 * The types of job that can be asked for by hand: each rule's, the first of a name winning, and
 * each agent's own name.
 */
export function jobTypes(rules: readonly InstalledRule[], agentNames: readonly string[]): ReadonlyMap<string, JobType> {
  const types = new Map<string, JobType>()
  for (const rule of rules) {
    const type = rule.jobType ?? rule.agent
    if (!types.has(type)) types.set(type, { agent: rule.agent, rule })
  }
  for (const agent of agentNames) if (!types.has(agent)) types.set(agent, { agent })
  return types
}

/**
 * The job a manual trigger asks for. An object as input joins the rule's `with`, whose fields are
 * the operator's: it cannot have others. The rule's policy is the job's too. A manual job has no
 * facts, so it is in no group that names one; in one that names none it waits for its turn, and is
 * neither skipped nor superseded.
 * @throws AppError `job_type_unknown`, naming the known types; `input_invalid` for an input that
 * would change the rule's `with`.
 */
export function manualJob(
  types: ReadonlyMap<string, JobType>,
  trigger: { eventId: string; jobType: string; input: unknown },
): NewJob {
  const known = types.get(trigger.jobType)
  if (known === undefined) {
    const names = [...types.keys()].sort().join(', ')
    throw new AppError('job_type_unknown', `There is no job type "${trigger.jobType}"; known: ${names}.`)
  }
  const rule: InstalledRule = {
    ...(known.rule ?? { on: '*', agent: known.agent }),
    name: MANUAL_RULE,
    jobType: trigger.jobType,
  }
  const asked = { mode: 'queue', debounce: null } as const
  return { ...jobOf(rule, trigger.eventId, { facts: {} }), ...asked, input: manualInput(known.rule, trigger.input) }
}

function jobOf(rule: InstalledRule, eventId: string, { facts, subject }: Pick<Cause, 'facts' | 'subject'>): NewJob {
  const { limit = 1, mode = 'queue', key } = rule.concurrency ?? {}
  const group = groupKey(key, facts)
  return {
    id: idFor('job', eventId, rule.name),
    rule: rule.name,
    type: rule.jobType ?? rule.agent,
    agent: rule.agent,
    input: rule.with ?? {},
    policy: policyOf(rule, facts),
    // Whoever asks for a job by hand has the token.
    who: null,
    model: rule.model ?? null,
    budget: rule.budget ?? null,
    priority: rule.priority ?? DEFAULT_PRIORITY,
    groupKey: group,
    groupLimit: limit,
    // Jobs that merely share an absence have nothing in common.
    mode: group === null ? 'queue' : mode,
    debounce: group === null ? null : (rule.debounce ?? null),
    ceilingSubject: ceilingOf(rule, facts) > 0 ? (subject ?? null) : null,
    maxAttempts: rule.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    timeLimitMs: rule.timeLimitMs ?? DEFAULT_TIME_LIMIT_MS,
  }
}

/**
 * The input of a job by hand: what was given, with the rule's options.
 * @throws AppError `input_invalid` for an input that would change these.
 */
export function manualInput(rule: InstalledRule | undefined, input: unknown): unknown {
  const options = rule?.with ?? {}
  const fixed = Object.entries(options)
  if (input === undefined) return options
  if (fixed.length === 0) return input
  const setBy = `the rule ${JSON.stringify(rule?.name)} sets`
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new AppError('input_invalid', `payload: must be an object, because ${setBy} fields of it`)
  }
  const given = new Map(Object.entries(input))
  const changed = fixed.filter(([name, value]) => given.has(name) && !isDeepStrictEqual(given.get(name), value))
  if (changed.length > 0) {
    const lines = changed.map(([name, value]) => `payload.${name}: ${setBy} it, to ${cut(JSON.stringify(value), 100)}`)
    throw new AppError('input_invalid', lines.join('\n'))
  }
  return { ...input, ...options }
}
