// What the forge says of those who caused an event, for an explanation.
import type { AskPermission } from '../jobs/permission.ts'
import { errorText } from '../lib/error.ts'
import { IS_ASKED } from './explain.ts'
import type { MatchInput } from './match.ts'
import type { Rule } from './rule.ts'
import { standingOf } from './who.ts'
import type { RuleExplanation } from './wire.ts'

/** The explanation with what the forge says, where a rule matches and the forge can be asked. */
export async function withPermission(
  explained: RuleExplanation,
  rule: Rule | undefined,
  event: MatchInput,
  permitted: AskPermission | undefined,
): Promise<RuleExplanation> {
  const standing = rule && explained.matched ? standingOf(rule.who, event) : { question: null }
  if (permitted === undefined || 'refusal' in standing || standing.question === null) return explained
  const answer = await permitted(standing.question).then(
    (refusal) => ({ refusal }),
    (error: unknown) => ({ trouble: errorText(error) }),
  )
  if ('trouble' in answer)
    return { ...explained, sentence: `${explained.sentence} It did not answer: ${answer.trouble}` }
  if (answer.refusal === null)
    return { ...explained, sentence: explained.sentence.replace(IS_ASKED, 'the forge says that') }
  const checks = explained.checks.map((check) => (check.part === 'who' ? { ...check, holds: false } : check))
  return { ...explained, matched: false, checks, sentence: `Skipped: ${answer.refusal}.` }
}
