// Which rules an event matches. Pure; globs are compiled once.
import type { Facts } from '../events/facts.ts'
import type { Globs, Matcher } from '../lib/glob.ts'
import { compileGlobs, NAME } from '../lib/glob.ts'
import { commandProblem } from './given-command.ts'
import type { Condition, GlobPart, InstalledRule } from './rule.ts'
import { GLOB_PARTS } from './rule.ts'
import { standingOf } from './who.ts'

/** The parts of an event that rules match on. */
export type MatchInput = { source: string; type: string; facts: Facts }

/**
 * One question about an event; `actual` is what the event has to say, nothing when the fact is
 * absent.
 */
export type Check = {
  part: string
  wanted: Globs
  actual(event: MatchInput): readonly string[]
  matches: Matcher
}

/** A condition, ready to be asked: every check, every `all`, one of `any`, and not `not`. */
export type CompiledCondition = {
  checks: readonly Check[]
  all: readonly CompiledCondition[]
  any: readonly CompiledCondition[] | null
  not: CompiledCondition | null
}

/** A rule, ready to be asked. */
export type CompiledRule = { rule: InstalledRule; on: Check; source: Check | null; when: CompiledCondition }

/**
 * Compiles rules once, in their order.
 * @throws TypeError when a glob is empty.
 */
export function compileRules(rules: readonly InstalledRule[]): CompiledRule[] {
  return rules.map(compileRule)
}

/** Compiles one rule. */
export function compileRule(rule: InstalledRule): CompiledRule {
  return {
    rule,
    on: nameCheck('on', rule.on, typesOf),
    source: rule.source === undefined ? null : nameCheck('source', rule.source, (event) => [event.source]),
    when: compileCondition(rule.when ?? {}),
  }
}

/** The rules an event matches, in their order; each makes one job. */
export function matchRules(rules: readonly CompiledRule[], event: MatchInput): InstalledRule[] {
  const matched: InstalledRule[] = []
  for (const compiled of rules) if (matchesRule(compiled, event)) matched.push(compiled.rule)
  return matched
}

/** Whether an event matches one rule. */
function matchesRule({ rule, on, source, when }: CompiledRule, event: MatchInput): boolean {
  return (
    holds(on, event) &&
    (source === null || holds(source, event)) &&
    conditionHolds(when, event) &&
    (event.facts.self !== true || rule.self === true) &&
    commandProblem(rule, event) === null &&
    'question' in standingOf(rule.who, event)
  )
}

/**
 * Whether any of the event's values is one that was asked for. An absent fact has none, so no check
 * of it holds.
 */
export function holds(check: Check, event: MatchInput): boolean {
  return check.actual(event).some(check.matches)
}

/**
 * Whether a condition holds. `not` of a check of an absent fact therefore holds: an event without a
 * branch is "not main".
 */
export function conditionHolds({ checks, all, any, not }: CompiledCondition, event: MatchInput): boolean {
  return (
    checks.every((check) => holds(check, event)) &&
    all.every((each) => conditionHolds(each, event)) &&
    (any === null || any.some((each) => conditionHolds(each, event))) &&
    (not === null || !conditionHolds(not, event))
  )
}

function nameCheck(part: string, wanted: Globs, actual: Check['actual']): Check {
  return { part, wanted, actual, matches: compileGlobs(wanted, NAME) }
}

/** A text with a command is an event of two types: its own, and `command`. */
function typesOf({ type, facts }: MatchInput): readonly string[] {
  return facts.command === undefined ? [type] : [type, 'command']
}

function compileCondition(condition: Condition): CompiledCondition {
  return {
    checks: (Object.keys(GLOB_PARTS) as GlobPart[]).flatMap((part) => {
      const wanted = condition[part]
      return wanted === undefined ? [] : [globCheck(part, wanted)]
    }),
    all: (condition.all ?? []).map(compileCondition),
    any: condition.any === undefined ? null : condition.any.map(compileCondition),
    not: condition.not === undefined ? null : compileCondition(condition.not),
  }
}

function globCheck(part: GlobPart, wanted: Globs): Check {
  return {
    part,
    wanted,
    actual: part === 'label' ? labelsOf : ({ facts }) => (facts[part] === undefined ? [] : [String(facts[part])]),
    matches: compileGlobs(wanted, GLOB_PARTS[part]),
  }
}

/**
 * An event about one label (`issues.labeled`) has only that one to say: were the others asked too,
 * each further label on an issue labelled `agent-task` would start the task again. Any other event
 * has all the labels its issue carries.
 */
function labelsOf({ facts }: MatchInput): readonly string[] {
  return facts.label === undefined ? (facts.labels ?? []) : [facts.label]
}
