// What an agent returned: its form, its result, and its outputs before they are checked.
import { z } from 'zod'
import type { AgentResult } from '../agents/agent.ts'
import type { Review } from '../findings/finding.ts'
import { reviewSchema } from '../findings/finding.ts'
import { requireResultSize } from '../lib/agent-limits.ts'
import { GiveUp } from '../lib/error.ts'
import { describe, PARSING } from '../lib/zod.ts'
import type { Redactor } from '../untrusted/redact.ts'
import { toJson } from './steps.ts'

const agentResult = z.strictObject({
  outputs: z.unknown().optional(),
  result: z.unknown().optional(),
  findings: reviewSchema.optional(),
})

/**
 * What an agent returned, its result as JSON and without secrets; nothing means no outputs.
 * @throws GiveUp when it is something else, or the result is too large: the same agent would return
 * it again.
 */
export function readReturned(
  returned: unknown,
  secrets: Redactor,
): Pick<AgentResult, 'result'> & { unchecked: unknown; findings: Review | null } {
  const parsed = agentResult.safeParse(returned ?? {}, PARSING)
  if (!parsed.success) {
    const intro = 'The agent must return { outputs: […], result: … } or nothing:'
    throw new GiveUp(describe(parsed.error, { root: 'what it returned', intro }))
  }
  const { outputs: unchecked = [], result, findings } = parsed.data
  return {
    result: withoutSecretsIn(result, secrets),
    unchecked,
    findings: findings === undefined ? null : withoutSecretsOf(findings, secrets),
  }
}

/** What people read of findings has no secret of the code they are about. */
function withoutSecretsOf({ found, changes, reviewed, ...review }: Review, { text }: Redactor): Review {
  const hide = (all: Review['found']) =>
    all.map((each) => ({
      ...each,
      title: text(each.title),
      body: text(each.body),
      ...(each.suggestion === undefined ? {} : { suggestion: text(each.suggestion) }),
    }))
  const kept = Object.entries(reviewed ?? {}).map(([key, all]) => [key, hide(all)])
  return {
    ...review,
    found: hide(found),
    changes: changes.map(({ reason, ...change }) => ({
      ...change,
      ...(reason === undefined ? {} : { reason: text(reason) }),
    })),
    ...(reviewed === undefined ? {} : { reviewed: Object.fromEntries(kept) }),
  }
}

/** A copy as JSON, which is how it is stored. */
function withoutSecretsIn(result: unknown, secrets: Redactor): unknown {
  const json = toJson(result, 'The result')
  if (json === null) return undefined
  requireResultSize(json)
  return secrets.value(JSON.parse(json))
}
