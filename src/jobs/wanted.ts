// What a job waits for: which events end its wait (pure).
import { z } from 'zod'
import type { Facts } from '../events/facts.ts'
import { conditionObjection, conditions } from '../lib/conditions.ts'
import { GiveUp } from '../lib/error.ts'
import { compileGlobs, isGlob, NAME } from '../lib/glob.ts'
import type { Json } from '../lib/json.ts'
import { describe, PARSING } from '../lib/zod.ts'

/** The type that stands for every text which gives a command, as in rules. */
export const COMMAND = 'command'

const DEFAULT_MS = 30 * 24 * 60 * 60 * 1000
const MAX_MS = 366 * 24 * 60 * 60 * 1000

const globs = z
  .union([z.string().max(200), z.array(z.string().max(200)).min(1).max(20)])
  .refine((given) => [given].flat().every((each) => each !== '' && isGlob(each)), 'must be types as globs: issues.*')
const match = z.strictObject({
  about: z.enum(['same', 'repository', 'anything']).optional(),
  source: globs.optional(),
  facts: conditions.optional(),
  payload: conditions.optional(),
})

/** How long a wait may last. */
export const timeout = z.number().int().min(0).max(MAX_MS).default(DEFAULT_MS)

const waitOptions = z.strictObject({ event: globs, match: match.optional(), timeoutMs: timeout })

/**
 * What to wait for: an event of one of these types. `about` says whether it must be of the same
 * repository and number as the job's own event (the default), of the same repository, or of
 * anything; `facts` and `payload` are conditions on what it says. The time-out is 30 days by
 * default, and 366 at most.
 */
export type WaitOptions = z.input<typeof waitOptions>

/** What a wait wants, as it is stored. */
export type Wanted = {
  types: string[]
  sources: string[] | null
  facts: z.infer<typeof conditions> | null
  payload: z.infer<typeof conditions> | null
}

/** Where it is looked for: of this repository and number; null is any. */
export type Place = { repository: string | null; number: number | null }

/** What an event is matched by; what it says is read when a condition asks. */
export type Arriving = { type: string; source: string; facts: Facts; says(): Json | undefined }

/**
 * Reads what an agent asked to wait for.
 * @throws GiveUp naming the field at fault: the same agent would ask it again.
 */
export function readWait(options: unknown, own: Facts): { wanted: Wanted; place: Place; timeoutMs: number } {
  const { event, match: given = {}, timeoutMs } = readOptions(waitOptions, options, 'waitFor')
  const { about = 'same', source, facts = null, payload = null } = given
  const place = {
    repository: about === 'anything' ? null : (own.repository ?? null),
    number: about === 'same' ? (own.number ?? null) : null,
  }
  const sources = source === undefined ? null : [source].flat()
  return { wanted: { types: [event].flat(), sources, facts, payload }, place, timeoutMs }
}

/**
 * The options that an agent gave.
 * @throws GiveUp naming the field at fault.
 */
export function readOptions<Schema extends z.ZodType>(schema: Schema, given: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(given, PARSING)
  if (parsed.success) return parsed.data
  throw new GiveUp(describe(parsed.error, { root: `the options of ${what}` }))
}

/** Whether one of these types, as globs, is this event's; `command` is any that gives one. */
export function isOfType(types: readonly string[], { type, facts }: Pick<Arriving, 'type' | 'facts'>): boolean {
  const isCommand = types.includes(COMMAND) && facts.command !== undefined
  return isCommand || compileGlobs(types, NAME)(type)
}

/** Whether an event is of a place. */
export function isAt({ repository, number }: Place, { facts }: Pick<Arriving, 'facts'>): boolean {
  return (repository === null || repository === facts.repository) && (number === null || number === facts.number)
}

/** Whether an event is one that is waited for. */
export function isWanted({ types, sources, facts, payload }: Wanted, event: Arriving): boolean {
  return (
    isOfType(types, event) &&
    (sources === null || compileGlobs(sources, NAME)(event.source)) &&
    (facts === null || conditionObjection(facts, event.facts as Json) === null) &&
    // Last, because it may parse the payload.
    (payload === null || conditionObjection(payload, event.says()) === null)
  )
}
