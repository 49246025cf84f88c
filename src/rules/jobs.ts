// From a matching rule, or a request by hand, to the job that must exist.
import { isDeepStrictEqual } from 'node:util'
import type { NewJob } from '../events/event.ts'
import type { Facts } from '../events/facts.ts'
import { argumentNames } from '../lib/command.ts'
import { cut } from '../lib/cut.ts'
import { AppError } from '../lib/error.ts'
import { idFor } from '../lib/id.ts'
import { isObject } from '../lib/json.ts'
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
    // What has the name of an argument that may be absent is its default.
    const input = { ...rule.with, ...givenArguments(rule, event) }
    const group = groupKey(rule.concurrency?.key, event.facts, input)
    return {
      ...jobOf(rule, event.id, { ...event, input, group }),
      who: 'question' in standing ? standing.question : null,
    }
  })
}

/** How many jobs a rule may make in an hour for the subject of an event; 0 is any number. */
function ceilingOf({ ceiling }: Pick<Rule, 'ceiling'>, { number }: Pick<Facts, 'number'>): number {
  return ceiling?.perHour ?? (number === undefined ? 0 : DEFAULT_CEILING_PER_HOUR)
}

/** An agent as far as jobs by hand are concerned. */
export type AskedAgent = { name: string; jobTypes?: readonly string[]; repositories?: readonly string[] }

/**
 * The types of job that can be asked for by hand, and what each is made by: that of each rule, the
 * first of a name winning, and the names of each agent. What is asked of an agent by its name needs
 * no rule: it may write the default outputs, in `home` and in the repositories that the agent's own
 * options name.
 */
export function jobTypes(
  rules: readonly InstalledRule[],
  agents: readonly AskedAgent[],
  home: readonly string[] = [],
): ReadonlyMap<string, InstalledRule> {
  const types = new Map<string, InstalledRule>()
  const add = (type: string, rule: InstalledRule) => types.has(type) || types.set(type, rule)
  for (const rule of rules) add(rule.jobType ?? rule.agent, rule)
  const ofAgent = ({ name, repositories = [] }: AskedAgent): InstalledRule => ({
    name: MANUAL_RULE,
    on: MANUAL_RULE,
    agent: name,
    home: [...new Set([...home, ...repositories])],
  })
  for (const agent of agents) add(agent.name, ofAgent(agent))
  for (const agent of agents) for (const type of agent.jobTypes ?? []) add(type, ofAgent(agent))
  return types
}

/**
 * The job a manual trigger asks for. An object as input joins the rule's `with`, whose fields are
 * the operator's: it cannot have others, but for what is a default of the rule's command. The
 * rule's policy is the job's too. A manual job has no facts but the repository that its input
 * names, or the only one that the rule has, so it is in no group that names another; in its group
 * it waits for its turn, and is neither skipped nor superseded.
 * @throws AppError `job_type_unknown`, naming the known types; `input_invalid` for an input that
 * would change the rule's `with`.
 */
export function manualJob(
  types: ReadonlyMap<string, InstalledRule>,
  trigger: { eventId: string; jobType: string; input: unknown },
): NewJob {
  const known = types.get(trigger.jobType)
  if (known === undefined) {
    const names = [...types.keys()].sort().join(', ')
    throw new AppError('job_type_unknown', `There is no job type "${trigger.jobType}"; known: ${names}.`)
  }
  const rule: InstalledRule = { ...known, name: MANUAL_RULE, jobType: trigger.jobType }
  const asked = { mode: 'queue', debounce: null } as const
  const input = manualInput(known, trigger.input)
  const group = groupKey(rule.concurrency?.key, repositoryFact(rule, input), input)
  return { ...jobOf(rule, trigger.eventId, { facts: {}, input, group }), ...asked }
}

function jobOf(
  rule: InstalledRule,
  eventId: string,
  { facts, subject, input, group }: Pick<Cause, 'facts' | 'subject'> & { input: unknown; group: string | null },
): NewJob {
  const { limit = 1, mode = 'queue' } = rule.concurrency ?? {}
  return {
    id: idFor('job', eventId, rule.name),
    rule: rule.name,
    type: rule.jobType ?? rule.agent,
    agent: rule.agent,
    input,
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

/** The repository of a job by hand, for its group. */
function repositoryFact({ home = [] }: InstalledRule, input: unknown): Facts {
  const named = isObject(input) && typeof input.repository === 'string' ? input.repository : undefined
  const repository = named ?? (home.length === 1 ? home[0] : undefined)
  return repository === undefined ? {} : { repository }
}

/**
 * The input of a job by hand: what was given, with the rule's options.
 * @throws AppError `input_invalid` for an input that would change these.
 */
export function manualInput(rule: InstalledRule | undefined, input: unknown): unknown {
  const options = rule?.with ?? {}
  const defaults = rule?.command === undefined ? [] : argumentNames(rule.command)
  const fixed = Object.entries(options).filter(([name]) => !defaults.includes(name))
  if (input === undefined) return options
  if (Object.keys(options).length === 0) return input
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
  return { ...options, ...input }
}
