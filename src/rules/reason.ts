// Why nothing followed from an event: a short text stored with it, which answers "why did nothing
// happen?".
import { isNamed } from '../lib/command.ts'
import { cut } from '../lib/cut.ts'
import { explainCompiled } from './explain.ts'
import type { CompiledRule, MatchInput } from './match.ts'
import { holds, matchRules } from './match.ts'
import type { InstalledRule } from './rule.ts'
import type { Paused } from './states.ts'
import { standingOf } from './who.ts'

const MAX_REASON_CHARS = 500
const OWN_WRITE = 'Signalbox wrote it itself, and no rule for it says self: true'
const NO_ENDPOINT = '; no endpoint asked for it'

/**
 * The reason of an event that matched no rule and no endpoint, or only rules that are off or
 * paused: the first of these, else the rule that came closest, being for its type and its source,
 * with what kept it; else that there is none. It begins with what tells one event from another. At
 * most 500 characters.
 */
export function ignoredReason(
  rules: readonly CompiledRule[],
  event: MatchInput,
  paused: ReadonlyMap<string, Paused> = new Map(),
): string {
  return `${cut(noJobReason(rules, event, paused), MAX_REASON_CHARS - NO_ENDPOINT.length)}${NO_ENDPOINT}`
}

/** The same of the rules alone, as long as it is. */
export function noJobReason(
  rules: readonly CompiledRule[],
  event: MatchInput,
  paused: ReadonlyMap<string, Paused> = new Map(),
): string {
  return event.facts.self === true ? OWN_WRITE : whyNoRule(rules, event, paused)
}

/**
 * What kept the rules that an event is for while others made jobs of it: that they are off or
 * paused, or who may trigger them; and of a command, whatever kept those that take it. Null when
 * nothing did. At most 500 characters.
 */
export function keptReason(
  rules: readonly CompiledRule[],
  event: MatchInput,
  paused: ReadonlyMap<string, Paused> = new Map(),
): string | null {
  const kept = rules.flatMap((compiled) => keptBy(compiled, event, paused) ?? [])
  return kept.length === 0 ? null : cut(kept.join('; '), MAX_REASON_CHARS)
}

function keptBy(compiled: CompiledRule, event: MatchInput, paused: ReadonlyMap<string, Paused>): string | null {
  const { rule } = compiled
  if (!isNear(compiled, event)) return null
  if (matchRules([compiled], event).length > 0) return stoppedText(rule, paused)
  const isTheirs = rule.command !== undefined && isNamed(rule.command, event.facts.command ?? '')
  // Explained only where it may be said, because this is asked of every event.
  if (!isTheirs && 'question' in standingOf(rule.who, event)) return null
  const { checks, sentence } = explainCompiled(compiled, event)
  const failed = checks.filter(({ part, holds: isMet }) => !isMet && !part.includes('.'))
  return isTheirs || failed.every(({ part }) => part === 'who') ? whyNot(rule.name, sentence) : null
}

/** Why a rule makes no jobs whatever it matches; null when it does. */
function stoppedText({ name, off }: InstalledRule, paused: ReadonlyMap<string, Paused>): string | null {
  if (off !== undefined) return `rule "${name}" is off: ${off}`
  const pause = paused.get(name)
  return pause === undefined ? null : `rule "${name}" is paused: ${pause.reason}`
}

function whyNot(name: string, sentence: string): string {
  return `rule "${name}": ${sentence.replace(`"${name}" does not match: `, '').replace(/\.$/, '')}`
}

function isNear({ on, source }: CompiledRule, event: MatchInput): boolean {
  return holds(on, event) && (source === null || holds(source, event))
}

function whyNoRule(rules: readonly CompiledRule[], event: MatchInput, paused: ReadonlyMap<string, Paused>): string {
  if (rules.length === 0) return 'there are no rules'
  // The others that match have made jobs.
  const [stopped] = matchRules(rules, event)
  const stop = stopped && stoppedText(stopped, paused)
  if (stop != null) return stop
  const near = rules.filter((each) => isNear(each, event))
  const [first] = near
  if (first === undefined) return `no rule is for ${event.type} from ${event.source}`
  const others = near.length > 1 ? ` (and ${near.length - 1} more)` : ''
  const { rule, sentence } = explainCompiled(first, event)
  return `${whyNot(rule, sentence)}${others}`
}
