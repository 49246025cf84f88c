// Why nothing followed from an event: a short text stored with it, which answers "why did nothing
// happen?".
import { cut } from '../lib/cut.ts'
import { explainCompiled } from './explain.ts'
import type { CompiledRule, MatchInput } from './match.ts'
import { holds, matchRules } from './match.ts'
import type { Paused } from './states.ts'

const MAX_REASON_CHARS = 500
const OWN_WRITE = 'Signalbox wrote it itself, and no rule for it says self: true'
const NO_ENDPOINT = '; no endpoint asked for it'

/**
 * The reason of an event that matched no rule and no endpoint, or only rules that are paused: the
 * paused one, else the rule that came closest, being for its type and its source, with what kept
 * it; else that there is none. It begins with what tells one event from another. At most 500
 * characters.
 */
export function ignoredReason(
  rules: readonly CompiledRule[],
  event: MatchInput,
  paused: ReadonlyMap<string, Paused> = new Map(),
): string {
  const why = event.facts.self === true ? OWN_WRITE : whyNoRule(rules, event, paused)
  return `${cut(why, MAX_REASON_CHARS - NO_ENDPOINT.length)}${NO_ENDPOINT}`
}

function whyNoRule(rules: readonly CompiledRule[], event: MatchInput, paused: ReadonlyMap<string, Paused>): string {
  if (rules.length === 0) return 'there are no rules'
  // The others that match have made jobs.
  const [stopped] = matchRules(rules, event)
  if (stopped !== undefined) return `rule "${stopped.name}" is paused: ${paused.get(stopped.name)?.reason ?? ''}`
  const near = rules.filter(({ on, source }) => holds(on, event) && (source === null || holds(source, event)))
  const [first] = near
  if (first === undefined) return `no rule is for ${event.type} from ${event.source}`
  const others = near.length > 1 ? ` (and ${near.length - 1} more)` : ''
  const { rule, sentence } = explainCompiled(first, event)
  const why = sentence.replace(`"${rule}" does not match: `, '').replace(/\.$/, '')
  return `rule "${rule}": ${why}${others}`
}
