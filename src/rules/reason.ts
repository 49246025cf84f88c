// Why nothing followed from an event: a short text stored with it, which answers "why did nothing
// happen?".
import { cut } from '../lib/cut.ts'
import { explainCompiled } from './explain.ts'
import type { CompiledRule, MatchInput } from './match.ts'
import { holds } from './match.ts'

const MAX_REASON_CHARS = 500

/**
 * The reason of an event that matched no rule and no endpoint: the rules that came closest, being
 * for its type and its source, with what kept them; else the types rules are for. At most 500
 * characters.
 */
export function ignoredReason(rules: readonly CompiledRule[], event: MatchInput): string {
  return cut(`no rule matches and no endpoint asked for it: ${whyNoRule(rules, event)}`, MAX_REASON_CHARS)
}

function whyNoRule(rules: readonly CompiledRule[], event: MatchInput): string {
  if (rules.length === 0) return 'there are no rules'
  const near = rules.filter(({ on, source }) => holds(on, event) && (source === null || holds(source, event)))
  const [first] = near
  if (first === undefined) return `no rule is for ${event.type} from ${event.source}`
  const others = near.length > 1 ? ` (and ${near.length - 1} more)` : ''
  return `rule ${explainCompiled(first, event).sentence}${others}`
}
