// Rules as a configuration file has them: checked field by field.
import { z } from 'zod'
import { argumentNames, commandSchema, requiredArguments } from '../lib/command.ts'
import { AppError, errorText } from '../lib/error.ts'
import { entryLabel, PARSING, problemLines } from '../lib/zod.ts'
import { budgetSchema } from '../models/budget.ts'
import { modelRef } from '../models/model-ref.ts'
import { GROUP_FACTS, INPUT, inputNames } from './group.ts'
import { MANUAL_RULE } from './jobs.ts'
import { compileRule } from './match.ts'
import type { Condition, Rule } from './rule.ts'
import { GLOB_PARTS } from './rule.ts'
import { whoSchema } from './who.ts'

// As the table has it.
const MAX_LIMIT = 100
const MAX_TIME_LIMIT_MS = 24 * 60 * 60 * 1000

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$/, 'must be 1 to 100 letters, digits, or any of _ . : / -')

const glob = z.string().min(1, 'must not be empty').max(256, 'must not be longer than 256 characters')
const globs = z.union([glob, z.array(glob).min(1, 'must not be empty').max(100)], 'must be a glob or a list of globs')

const conditionShape = {
  ...Object.fromEntries(Object.keys(GLOB_PARTS).map((part) => [part, globs.optional()])),
  get all() {
    return z.array(someCondition).min(1, 'must not be empty').optional()
  },
  get any() {
    return z.array(someCondition).min(1, 'must not be empty').optional()
  },
  get not() {
    return someCondition.optional()
  },
}

const condition: z.ZodType<Condition> = z.strictObject(conditionShape) as z.ZodType<Condition>

// An empty condition always holds: inside `any` or `not` that is a slip.
const someCondition: z.ZodType<Condition> = condition.refine(
  (given) => Object.keys(given).length > 0,
  'must not be empty',
)

const key = z
  .string()
  .min(1)
  .max(200)
  .superRefine((template, context) => {
    for (const [, fact] of template.matchAll(/\{([^{}]*)\}/g)) {
      if (GROUP_FACTS.some((known) => known === fact) || fact?.startsWith(INPUT)) continue
      context.addIssue({
        code: 'custom',
        message: `names the unknown fact {${fact}}; known: ${GROUP_FACTS.join(', ')}, and {${INPUT}NAME}`,
      })
    }
  })

const concurrency = z
  .strictObject({
    key,
    limit: z.int().min(1).max(MAX_LIMIT).optional(),
    mode: z
      .enum(
        ['queue', 'latest', 'next', 'skip'],
        'must be queue, latest, next or skip; latest cancels what waits or runs, and next what waits',
      )
      .optional(),
  })
  .refine(({ limit = 1, mode = 'queue' }) => limit === 1 || mode === 'queue', {
    path: ['limit'],
    message: 'must be 1, or left out, with a mode other than queue',
  })

const debounce = z
  .strictObject({ quietMs: z.int().min(1).max(MAX_TIME_LIMIT_MS), maxMs: z.int().max(MAX_TIME_LIMIT_MS) })
  .refine(({ quietMs, maxMs }) => maxMs >= quietMs, { path: ['maxMs'], message: 'must not be less than quietMs' })

const ruleSchema = z.strictObject({
  name: name.refine((given) => given !== MANUAL_RULE, `"${MANUAL_RULE}" is the name of jobs started by hand`),
  on: globs,
  source: globs.optional(),
  when: condition.optional(),
  command: commandSchema.optional(),
  who: whoSchema.optional(),
  self: z.boolean().optional(),
  agent: name,
  with: z.record(z.string(), z.json()).optional(),
  jobType: name.optional(),
  priority: z.int().min(1).max(10).optional(),
  concurrency: concurrency.optional(),
  debounce: debounce.optional(),
  ceiling: z.strictObject({ perHour: z.int().min(0).max(100_000) }).optional(),
  maxAttempts: z.int().min(1).max(100).optional(),
  timeLimitMs: z.int().min(1000).max(MAX_TIME_LIMIT_MS).optional(),
  // The publisher's to check, whose policy they are.
  outputs: z.unknown().optional(),
  repositories: z.unknown().optional(),
  staged: z.unknown().optional(),
  model: modelRef.optional(),
  budget: budgetSchema.optional(),
})

/**
 * Checks rules from a configuration file.
 * @throws AppError `config_invalid`, naming each rule and field at fault, for unknown keys,
 * repeated names and agents that do not exist too.
 */
export function parseRules(given: unknown, agentNames: readonly string[]): Rule[] {
  if (!Array.isArray(given)) throw new AppError('config_invalid', 'rules: must be a list.')
  const problems: string[] = []
  const rules: Rule[] = []
  const positions = new Map<string, number>()
  for (const [index, each] of given.entries()) {
    const found = problemsOf(each, agentNames)
    const ownName = z.object({ name: z.string() }).safeParse(each).data?.name
    const first = ownName === undefined ? undefined : positions.get(ownName)
    if (first !== undefined) found.push(`name: rules[${first}] has it too; every rule needs its own`)
    else if (ownName !== undefined) positions.set(ownName, index)
    problems.push(...found.map((problem) => `${entryLabel('rules', index, each)}: ${problem}`))
    if (found.length === 0) rules.push(each)
  }
  if (problems.length > 0) throw new AppError('config_invalid', problems.join('\n'))
  return rules
}

function problemsOf(rule: unknown, agentNames: readonly string[]): string[] {
  const parsed = ruleSchema.safeParse(rule, PARSING)
  if (!parsed.success) return problemLines(parsed.error)
  const { agent, debounce: waits, concurrency: { mode, key: template = '' } = {} } = parsed.data
  if (waits !== undefined && mode !== 'latest') {
    return ['debounce: needs a concurrency of the mode "latest", because only the newest event has a job then']
  }
  if (!agentNames.includes(agent)) {
    return [`agent: there is no agent "${agent}"; known: ${[...agentNames].sort().join(', ')}`]
  }
  const { command, with: options = {} } = parsed.data
  const twice = command === undefined ? [] : requiredArguments(command).filter((each) => Object.hasOwn(options, each))
  if (twice.length > 0)
    return twice.map((each) => `with.${each}: is an argument of the command too; choose another name`)
  const given = new Set([...Object.keys(options), ...(command === undefined ? [] : argumentNames(command))])
  const unknown = inputNames(template).filter((each) => !given.has(each))
  if (unknown.length > 0)
    return unknown.map((each) => `concurrency.key: names {${INPUT}${each}}, which neither with nor the command has`)
  try {
    compileRule(rule as Rule)
    return []
  } catch (error) {
    return [`a glob cannot be read: ${errorText(error)}`]
  }
}
