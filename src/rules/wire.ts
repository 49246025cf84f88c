// Rules on the wire: what the API answers, checked and described by one schema each.
import { z } from 'zod'
import { AppError } from '../lib/error.ts'
import { note } from '../lib/note.ts'
import { budget, jsonObject, time } from '../lib/wire.ts'
import { describe, PARSING } from '../lib/zod.ts'
import { labelOf } from '../models/model-ref.ts'
import { DEFAULT_MAX_ATTEMPTS, DEFAULT_PRIORITY, DEFAULT_TIME_LIMIT_MS } from './jobs.ts'
import type { InstalledRule, Rule } from './rule.ts'
import { whoOfRule } from './who.ts'

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
    who: jsonObject.or(z.literal('anyone')).nullable().meta({
      description:
        'Who may trigger it, the default included: people who may write, where anybody could cause its events; null: whoever causes them.',
    }),
    self: z.boolean().meta({ description: 'Whether what Signalbox wrote itself may trigger it.' }),
    agent: z.string(),
    with: jsonObject.nullable().meta({ description: 'Options handed to the agent as its input.' }),
    job_type: z.string(),
    priority: z.int(),
    concurrency: z
      .object({ key: z.string(), limit: z.int(), mode: z.enum(['queue', 'latest', 'next', 'skip']) })
      .nullable()
      .meta({ description: 'How many jobs of a group run at a time, and what becomes of the others.' }),
    debounce: z.object({ quiet_ms: z.int(), max_ms: z.int() }).nullable(),
    ceiling_per_hour: z
      .int()
      .nullable()
      .meta({ description: 'Jobs for one subject; 0 is any number, null is 20 for issues and pull requests.' }),
    max_attempts: z.int(),
    time_limit_ms: z.int(),
    off: z
      .string()
      .nullable()
      .meta({ description: 'What to set before it makes jobs, as the rest of a sentence; null: it is on.' }),
    paused: z
      .object({ since: time, reason: z.string() })
      .nullable()
      .meta({ description: 'While it is paused it makes no jobs; null: it does.' }),
    outputs: jsonObject
      .nullable()
      .meta({ description: 'The kinds of outputs that it may write, and how; null is the default.' }),
    repositories: z
      .array(z.string())
      .nullable()
      .meta({ description: "Where it may write, as globs; null: the event's own repository." }),
    staged: z.boolean().meta({ description: 'Whether outputs are shown and not written.' }),
    model: z.string().nullable().meta({ description: "The model it names; null: the agent's, or the default one." }),
    budget: budget.nullable().meta({ description: 'What a job may use in all its attempts together.' }),
  })
  .meta({ id: 'RuleSummary' })
export type RuleSummary = z.infer<typeof ruleSummary>

/** The body of a request to pause a rule, which may be absent. */
export const pauseRequest = z.strictObject({
  reason: note(500)
    .optional()
    .meta({ description: 'Shown with the rule, and with events that get no job because of it.' }),
})

/**
 * Reads why a rule is to be paused.
 * @throws AppError `input_invalid` naming the field at fault.
 */
export function readPause(body: unknown): { reason: string | undefined } {
  const { data, error } = pauseRequest.safeParse(body, PARSING)
  if (error) throw new AppError('input_invalid', describe(error, { root: 'the request' }))
  return { reason: data.reason }
}

/** One question of a rule, and its answer. */
const ruleCheck = z.object({
  part: z.string().meta({ description: 'Where in the rule: `on`, `branch`, `any.0.label`, `not.author`.' }),
  wanted: z.string(),
  actual: z.string(),
  holds: z.boolean(),
})
export type RuleCheck = z.infer<typeof ruleCheck>

/**
 * Why a rule matched an event, or did not: it did when every part without a dot holds, and it is
 * neither off nor paused.
 */
export const ruleExplanation = z
  .object({
    rule: z.string(),
    matched: z.boolean(),
    sentence: z.string(),
    checks: z.array(ruleCheck),
    job: z
      .object({ id: z.uuid(), status: z.string(), error: z.string().nullable() })
      .nullable()
      .meta({ description: 'The job that it made of the event when that came; null: it made none.' }),
  })
  .meta({ id: 'RuleExplanation' })
export type RuleExplanation = z.infer<typeof ruleExplanation>

/** A configured rule as lists show it, and whether it is off or paused. */
export function ruleRow(rule: InstalledRule, paused: RuleSummary['paused'] = null): RuleSummary {
  return {
    name: rule.name,
    on: [rule.on].flat(),
    source: rule.source === undefined ? null : [rule.source].flat(),
    when: (rule.when ?? null) as RuleSummary['when'],
    command: (rule.command ?? null) as RuleSummary['command'],
    who: whoOfRule(rule) as RuleSummary['who'],
    self: rule.self ?? false,
    agent: rule.agent,
    with: (rule.with ?? null) as RuleSummary['with'],
    job_type: rule.jobType ?? rule.agent,
    priority: rule.priority ?? DEFAULT_PRIORITY,
    concurrency: rule.concurrency ? { limit: 1, mode: 'queue', ...rule.concurrency } : null,
    debounce: rule.debounce ? { quiet_ms: rule.debounce.quietMs, max_ms: rule.debounce.maxMs } : null,
    ceiling_per_hour: rule.ceiling?.perHour ?? null,
    max_attempts: rule.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    time_limit_ms: rule.timeLimitMs ?? DEFAULT_TIME_LIMIT_MS,
    off: rule.off ?? null,
    paused,
    ...writingOf(rule),
    model: rule.model === undefined ? null : labelOf(rule.model),
    budget: rule.budget ?? null,
  }
}

function writingOf({
  outputs,
  repositories,
  staged = false,
}: Rule): Pick<RuleSummary, 'outputs' | 'repositories' | 'staged'> {
  return {
    outputs: (outputs ?? null) as RuleSummary['outputs'],
    repositories: repositories === undefined ? null : [...repositories],
    staged,
  }
}
