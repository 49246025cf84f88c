// Rules on the wire: what the API answers, checked and described by one schema each.
import { z } from 'zod'
import { jsonObject } from '../lib/wire.ts'
import { DEFAULT_MAX_ATTEMPTS, DEFAULT_PRIORITY, DEFAULT_TIME_LIMIT_MS } from './jobs.ts'
import type { Rule } from './rule.ts'

/** A configured rule as lists show it, with the defaults filled in. */
export const ruleSummary = z
  .object({
    name: z.string(),
    on: z.array(z.string()).meta({ description: 'Event types, as globs.' }),
    source: z
      .array(z.string())
      .nullable()
      .meta({ description: 'The sources it may come from, as globs; null is any.' }),
    when: jsonObject.nullable().meta({ description: 'The condition, as it is configured; null is always.' }),
    command: jsonObject.nullable().meta({ description: 'The command that the text must give; null is none.' }),
    who: jsonObject
      .or(z.literal('anyone'))
      .nullable()
      .meta({ description: 'Who may trigger it, as it is configured; null is the default.' }),
    self: z.boolean().meta({ description: 'Whether what Signalbox wrote itself may trigger it.' }),
    agent: z.string(),
    with: jsonObject.nullable().meta({ description: 'Options handed to the agent as its input.' }),
    job_type: z.string(),
    priority: z.int(),
    group: z.string().nullable(),
    max_attempts: z.int(),
    time_limit_ms: z.int(),
  })
  .meta({ id: 'RuleSummary' })
export type RuleSummary = z.infer<typeof ruleSummary>

/** One question of a rule, and its answer. */
const ruleCheck = z.object({
  part: z.string().meta({ description: 'Where in the rule: `on`, `branch`, `any.0.label`, `not.author`.' }),
  wanted: z.string(),
  actual: z.string(),
  holds: z.boolean(),
})
export type RuleCheck = z.infer<typeof ruleCheck>

/** Why a rule matched an event, or did not: it did when every part without a dot holds. */
export const ruleExplanation = z
  .object({
    rule: z.string(),
    matched: z.boolean(),
    sentence: z.string(),
    checks: z.array(ruleCheck),
  })
  .meta({ id: 'RuleExplanation' })
export type RuleExplanation = z.infer<typeof ruleExplanation>

/** A configured rule as lists show it. */
export function ruleRow(rule: Rule): RuleSummary {
  return {
    name: rule.name,
    on: [rule.on].flat(),
    source: rule.source === undefined ? null : [rule.source].flat(),
    when: (rule.when ?? null) as RuleSummary['when'],
    command: (rule.command ?? null) as RuleSummary['command'],
    who: (rule.who ?? null) as RuleSummary['who'],
    self: rule.self ?? false,
    agent: rule.agent,
    with: (rule.with ?? null) as RuleSummary['with'],
    job_type: rule.jobType ?? rule.agent,
    priority: rule.priority ?? DEFAULT_PRIORITY,
    group: rule.group ?? null,
    max_attempts: rule.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    time_limit_ms: rule.timeLimitMs ?? DEFAULT_TIME_LIMIT_MS,
  }
}
