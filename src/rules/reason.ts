// Why nothing followed from an event: a short text stored with it, which answers "why did nothing
// happen?".
import { cut } from '../lib/cut.ts'
import { explainCompiled } from './explain.ts'
import type { CompiledRule, MatchInput } from './match.ts'
import { holds } from './match.ts'

const MAX_REASON_CHARS = 500
const OWN_WRITE = 'Signalbox wrote it itself, and no rule for it says self: true'
const NO_ENDPOINT = '; no endpoint asked for it'

/**
 * The reason of an event that matched no rule and no endpoint: the rule that came closest, being
 * for its type and its source, with what kept it; else that there is none. It begins with what
 * tells one event from another. At most 500 characters.
 */
export function ignoredReason(rules: readonly CompiledRule[], event: MatchInput): string {
  const why = event.facts.self === true ? OWN_WRITE : whyNoRule(rules, event)
  return `${cut(why, MAX_REASON_CHARS - NO_ENDPOINT.length)}${NO_ENDPOINT}`
}

function whyNoRule(rules: readonly CompiledRule[], event: MatchInput): string {
  if (rules.length === 0) return 'there are no rules'
  const near = rules.filter(({ on, source }) => holds(on, event) && (source === null || holds(source, event)))
  const [first] = near
  if (first === undefined) return `no rule is for ${event.type} from ${event.source}`
  const others = near.length > 1 ? ` (and ${near.length - 1} more)` : ''
  const { rule, sentence } = explainCompiled(first, event)
  const why = sentence.replace(`"${rule}" does not match: `, '').replace(/\.$/, '')
  return `rule "${rule}": ${why}${others}`
}
