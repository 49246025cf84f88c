// A back-test: what rules would have made of past events, beside what was made of them (pure).
import { z } from 'zod'
import type { StoredEvent } from '../decide.ts'
import { whyNoneIsAsked } from '../decide.ts'
import { time } from '../lib/wire.ts'
import type { CompiledRule } from '../rules/match.ts'
import { compileRules, matchRules } from '../rules/match.ts'
import type { InstalledRule } from '../rules/rule.ts'
import { standingOf } from '../rules/who.ts'
import type { PastEvent } from './history.ts'

const MAX_EXAMPLES = 3

const example = z.object({
  event_id: z.uuid(),
  event_type: z.string(),
  subject: z.string().nullable(),
  received_at: time,
  job_id: z.uuid().nullable().meta({ description: 'The job that was made.' }),
})
export type Example = z.infer<typeof example>

const examples = z.array(example).meta({ description: `The newest, at most ${MAX_EXAMPLES}.` })

const ruleTally = z
  .object({
    rule: z.string(),
    fires: z.int().meta({ description: 'How many events it matches.' }),
    same: z.int().meta({ description: 'Of these, those of which it made a job when they came.' }),
    new: z.int().meta({ description: 'And those of which it did not.' }),
    gone: z.int().meta({ description: 'Events of which it made a job, and would not now.' }),
    asks: z.int().meta({ description: 'Of `fires`, those where the forge would be asked first who may.' }),
    examples: z.object({ same: examples, new: examples, gone: examples }),
  })
  .meta({ id: 'RuleTally' })
export type RuleTally = z.infer<typeof ruleTally>

/** What a back-test has counted so far. */
export const tally = z.object({ events: z.int(), rules: z.array(ruleTally) }).meta({ id: 'Tally' })
export type Tally = z.infer<typeof tally>

/** Rules for a back-test: one that is off is tested as if it were on. */
export function rulesToTest(rules: readonly InstalledRule[], name?: string): CompiledRule[] {
  const tested = rules.filter((rule) => name === undefined || rule.name === name)
  return compileRules(tested.map(({ off: _, ...rule }) => rule))
}

/** Counts a page of events; with `only`, one rule of them. */
export function tallyOf(rules: readonly CompiledRule[], events: readonly PastEvent[], only?: string): Tally {
  const counted = new Map<string, RuleTally>(rules.map(({ rule }) => [rule.name, emptyTally(rule.name)]))
  const of = (rule: string) => {
    const found = counted.get(rule) ?? emptyTally(rule)
    counted.set(rule, found)
    return found
  }
  for (const event of events) {
    const made = new Map(event.made.map(({ rule, id }) => [rule, id]))
    for (const { name: rule, who } of matching(rules, event)) {
      const before = made.get(rule) ?? null
      count(of(rule), before === null ? 'new' : 'same', exampleOf(event, before))
      if (isAsked(who, event)) of(rule).asks++
      made.delete(rule)
    }
    const gone = [...made].filter(([rule]) => only === undefined || rule === only)
    for (const [rule, id] of gone) count(of(rule), 'gone', exampleOf(event, id))
  }
  return { events: events.length, rules: [...counted.values()] }
}

/** Two tallies as one; the second is of later events. */
export function addTallies(one: Tally, other: Tally): Tally {
  const added = new Map(one.rules.map((each) => [each.rule, each]))
  for (const each of other.rules) {
    const before = added.get(each.rule)
    added.set(each.rule, before === undefined ? each : addRules(before, each))
  }
  return { events: one.events + other.events, rules: [...added.values()] }
}

/** The rules that make a job of it. To make the jobs themselves takes ten times as long. */
function matching(rules: readonly CompiledRule[], event: StoredEvent): InstalledRule[] {
  return whyNoneIsAsked(event) === null ? matchRules(rules, event) : []
}

function isAsked(who: InstalledRule['who'], event: StoredEvent): boolean {
  const standing = standingOf(who, event)
  return 'question' in standing && standing.question !== null
}

function emptyTally(rule: string): RuleTally {
  return { rule, fires: 0, same: 0, new: 0, gone: 0, asks: 0, examples: { same: [], new: [], gone: [] } }
}

function count(into: RuleTally, kind: 'same' | 'new' | 'gone', found: Example): void {
  if (kind !== 'gone') into.fires++
  into[kind]++
  const kept = into.examples[kind]
  kept.push(found)
  if (kept.length > MAX_EXAMPLES) kept.shift()
}

function addRules(one: RuleTally, other: RuleTally): RuleTally {
  const newest = (kind: keyof RuleTally['examples']) =>
    [...one.examples[kind], ...other.examples[kind]].slice(-MAX_EXAMPLES)
  return {
    rule: one.rule,
    fires: one.fires + other.fires,
    same: one.same + other.same,
    new: one.new + other.new,
    gone: one.gone + other.gone,
    asks: one.asks + other.asks,
    examples: { same: newest('same'), new: newest('new'), gone: newest('gone') },
  }
}

function exampleOf({ id, type, subject, received_at }: PastEvent, jobId: string | null): Example {
  return { event_id: id, event_type: type, subject, received_at, job_id: jobId }
}
