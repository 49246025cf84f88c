// Why a rule matched an event, or did not: the same questions as matching asks, all of them, with
// their answers.
import { usageOf } from '../lib/command.ts'
import type { Globs } from '../lib/glob.ts'
import { commandProblem } from './given-command.ts'
import type { Check, CompiledCondition, CompiledRule, MatchInput } from './match.ts'
import { compileRule, conditionHolds, holds } from './match.ts'
import type { Rule } from './rule.ts'
import type { Paused } from './states.ts'
import type { Who } from './who.ts'
import { standingOf, whoOf } from './who.ts'
import type { RuleCheck, RuleExplanation } from './wire.ts'

/**
 * Asks a rule everything about an event. `matched` is what `matchRules` would say; `sentence` is
 * for people.
 */
export function explain(rule: Rule, event: MatchInput): RuleExplanation {
  return explainCompiled(compileRule(rule), event)
}

/** The same for a compiled rule, which makes no job while it is off or paused. */
export function explainCompiled(compiled: CompiledRule, event: MatchInput, paused?: Paused): RuleExplanation {
  const explained = explainActive(compiled, event)
  const { off } = compiled.rule
  if (off === undefined && paused === undefined) return explained
  const why = off === undefined ? `Paused since ${paused?.since} (${paused?.reason})` : `Off (${off})`
  const sentence = `${why}, so it makes no job. ${explained.sentence}`
  return { ...explained, matched: false, sentence }
}

function explainActive({ rule, on, source, when }: CompiledRule, event: MatchInput): RuleExplanation {
  const named = (source === null ? [on] : [on, source]).map((check) => answer(check, event))
  const answers = [
    ...named,
    ...answersOf(when, event),
    ...commandAnswers(rule, event),
    ...selfAnswers(rule, event),
    ...whoAnswers(rule, event),
  ]
  const failed = answers.filter((each) => !each.holds)
  const matched = failed.length === 0
  return {
    rule: rule.name,
    matched,
    checks: answers.flatMap((each) => flatten(each)),
    sentence: matched
      ? `"${rule.name}" matches: ${answers.map((each) => each.reason).join('; ')}.`
      : `"${rule.name}" does not match: ${failed.map((each) => each.reason).join('; ')}.`,
    job: null,
  }
}

/** An answer, the answers it is made of, and both in words. */
type Answer = RuleCheck & { reason: string; parts: Answer[] }

function answer(check: Check, event: MatchInput): Answer {
  const actual = check.actual(event)
  const isMet = holds(check, event)
  const name = check.part === 'on' ? 'type' : check.part
  const wanted = inWords(check.wanted)
  const reason =
    actual.length === 0
      ? `the event has no ${name}, wanted ${wanted}`
      : `the ${name} is ${actual.join(', ')}${isMet ? '' : `, wanted ${wanted}`}`
  return { part: check.part, wanted, actual: actual.join(', ') || 'none', holds: isMet, reason, parts: [] }
}

function answersOf(condition: CompiledCondition, event: MatchInput): Answer[] {
  const answers = condition.checks.map((check) => answer(check, event))
  if (condition.all.length > 0) answers.push(allAnswer(condition.all, event))
  if (condition.any !== null) answers.push(anyAnswer(condition.any, event))
  if (condition.not !== null) answers.push(notAnswer(condition.not, event))
  return answers
}

function allAnswer(conditions: readonly CompiledCondition[], event: MatchInput): Answer {
  const { parts, met } = eachAnswer('all', conditions, event)
  const failed = parts.filter((each) => !each.holds)
  const reasons = (failed.length > 0 ? failed : parts).map((each) => each.reason)
  const wanted = `all ${parts.length}`
  const actual = `${met} of ${parts.length}`
  return { part: 'all', wanted, actual, holds: failed.length === 0, reason: reasons.join('; '), parts }
}

function anyAnswer(conditions: readonly CompiledCondition[], event: MatchInput): Answer {
  const { parts, met } = eachAnswer('any', conditions, event)
  const reasons =
    met > 0
      ? parts.filter((each) => each.holds).map((each) => each.reason)
      : [`none of these holds: ${parts.map((each) => `(${each.reason})`).join(', ')}`]
  const wanted = `any of ${parts.length}`
  const actual = `${met} of ${parts.length}`
  return { part: 'any', wanted, actual, holds: met > 0, reason: reasons.join('; '), parts }
}

function notAnswer(condition: CompiledCondition, event: MatchInput): Answer {
  const inner = answersOf(condition, event)
  const excluded = conditionHolds(condition, event)
  const because = inner.filter((each) => each.holds === excluded).map((each) => each.reason)
  const reason = excluded
    ? `the rule excludes it, because ${because.join(' and ')}`
    : `not excluded, because ${because.join('; ')}`
  const actual = excluded ? 'match' : 'no match'
  return { part: 'not', wanted: 'no match', actual, holds: !excluded, reason, parts: under('not', inner) }
}

/** The answers to a list of conditions, each as one. */
function eachAnswer(part: string, conditions: readonly CompiledCondition[], event: MatchInput) {
  const parts = conditions.map((condition, index) => {
    const inner = answersOf(condition, event)
    const failed = inner.filter((each) => !each.holds)
    const reason = (failed.length > 0 ? failed : inner).map((each) => each.reason).join(' and ')
    const name = `${part}.${index}`
    const wanted = `all ${inner.length}`
    const actual = `${inner.length - failed.length} of ${inner.length}`
    return { part: name, wanted, actual, holds: failed.length === 0, reason, parts: under(name, inner) }
  })
  return { parts, met: parts.filter((each) => each.holds).length }
}

/** The same answers, named as parts of a group. */
function under(name: string, answers: readonly Answer[]): Answer[] {
  return answers.map((each) => ({ ...each, part: `${name}.${each.part}`, parts: under(name, each.parts) }))
}

function flatten({ reason: _, parts, ...check }: Answer): RuleCheck[] {
  return [check, ...parts.flatMap(flatten)]
}

function commandAnswers(rule: Rule, event: MatchInput): Answer[] {
  const { command } = rule
  if (command === undefined) return []
  const problem = commandProblem(rule, event)
  const { command: name, arguments: words = [] } = event.facts
  const actual = name === undefined ? 'none' : [`/${name}`, ...words].join(' ')
  const reason = problem ?? `the command is ${actual}`
  return [{ part: 'command', wanted: usageOf(command), actual, holds: problem === null, reason, parts: [] }]
}

function selfAnswers({ self = false }: Rule, event: MatchInput): Answer[] {
  if (event.facts.self !== true) return []
  const reason = `Signalbox wrote it itself, and the rule ${self ? 'says' : 'does not say'} self: true`
  return [{ part: 'self', wanted: String(self), actual: 'true', holds: self, reason, parts: [] }]
}

/** How an explanation begins what the forge has not been asked yet. */
export const IS_ASKED = 'the forge is asked before the job runs whether'

/** None where the rule is for anyone; what is left to ask the forge is said, and taken as a yes. */
function whoAnswers(rule: Rule, event: MatchInput): Answer[] {
  const allowed = whoOf(rule.who, event)
  if (allowed === null) return []
  const standing = standingOf(rule.who, event)
  const wanted = wantedOf(allowed)
  const actual = event.facts.sender ?? 'none'
  if ('refusal' in standing) {
    return [{ part: 'who', wanted, actual, holds: false, reason: standing.refusal, parts: [] }]
  }
  const { question } = standing
  const people = question?.people.map((login) => `\`${login}\``).join(' and ')
  const reason = people ? `${IS_ASKED} ${people} may: ${wanted}` : `\`${actual}\` may trigger it`
  return [{ part: 'who', wanted, actual, holds: true, reason, parts: [] }]
}

function wantedOf(who: Who): string {
  return Object.entries(who)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' or ') : value}`)
    .join(', ')
}

function inWords(globs: Globs): string {
  return typeof globs === 'string' ? globs : globs.join(' or ')
}
