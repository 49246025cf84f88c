// Gaps on the wire: what the API answers, checked and described by one schema each.
import { z } from 'zod'
import { time } from '../lib/wire.ts'

const gapOutcome = z.enum(['recovered', 'arrived', 'lost', 'pending'])

const HOOK = 'The path of the webhook in the API of the forge: `repos/acme/shop/hooks/42`.'

/** A time in which webhooks did not arrive. */
export const gap = z
  .object({
    id: z.uuid(),
    hook: z.string().meta({ description: HOOK }),
    began_at: time.meta({ description: 'When the first was sent that was not acknowledged.' }),
    ended_at: time.meta({ description: 'When the last was.' }),
    found_at: time,
    reason: z.string().nullable().meta({ description: 'Why nothing is known of what was sent then.' }),
    deliveries: z.int().meta({ description: 'Webhooks that were not acknowledged.' }),
    refused: z.int().meta({
      description: 'Those of them that did arrive and were answered 401: the webhook has another secret.',
    }),
    recovered: z.int().meta({ description: 'Those that were fetched and recorded since.' }),
    matched: z.int().meta({ description: 'Those of the recovered that rules made jobs for.' }),
    arrived: z.int().meta({ description: 'Those that were redelivered before they were fetched.' }),
    lost: z.int().meta({ description: 'Those that could not be recovered; each has its reason.' }),
    pending: z.int().meta({ description: 'Those that the next look fetches.' }),
  })
  .meta({ id: 'Gap' })
export type GapSummary = z.infer<typeof gap>

/** A gap with what was missed in it. */
export const gapDetail = gap
  .extend({
    events: z
      .array(
        z.object({
          guid: z.string().meta({ description: 'The `X-GitHub-Delivery` of all attempts.' }),
          type: z.string(),
          sent_at: time,
          status: z.int().meta({ description: 'What the forge was answered; its own error where nobody answered.' }),
          outcome: gapOutcome,
          reason: z.string().nullable(),
          event_id: z.uuid().nullable(),
          jobs: z.int(),
        }),
      )
      .meta({ description: 'The first 1000, oldest first.' }),
  })
  .meta({ id: 'GapDetail' })
export type GapDetail = z.infer<typeof gapDetail>

/** A webhook, or where none was found, and how far it was looked at. */
export const hookState = z
  .object({
    hook: z.string().meta({ description: `${HOOK} Without a number: where none was found.` }),
    looked_at: time.nullable().meta({ description: 'When the last complete look was.' }),
    seen_until: time.nullable().meta({ description: 'The newest delivery it saw.' }),
    problem: z.string().nullable().meta({ description: 'Why the last look was not complete.' }),
  })
  .meta({ id: 'HookState' })
export type HookState = z.infer<typeof hookState>

/** What a look at one webhook came to. */
export const hookLook = z
  .object({
    hook: z.string().meta({ description: HOOK }),
    since: time.nullable().meta({ description: 'From when on; null where another process looks.' }),
    attempts: z.int().meta({ description: 'Deliveries in the list of the forge since then.' }),
    missed: z.int().meta({ description: 'Those of them that never arrived, and were not known to be missing.' }),
    recovered: z.int(),
    arrived: z.int(),
    lost: z.int(),
    pending: z.int(),
    gaps: z.array(z.uuid()),
    problem: z.string().nullable().meta({ description: 'Why it was not complete.' }),
  })
  .meta({ id: 'HookLook' })
export type HookLook = z.infer<typeof hookLook>

/** What a check came to. */
export const gapCheck = z
  .object({
    dry_run: z.boolean(),
    complete: z.boolean().meta({ description: 'Whether everything was looked at; if not, check again.' }),
    hooks: z.array(hookLook),
    problems: z.array(z.object({ place: z.string(), problem: z.string() })),
  })
  .meta({ id: 'GapCheck' })
export type GapCheck = z.infer<typeof gapCheck>

/** What stands open and lacks a job. */
export const lacking = z
  .object({
    kind: z.enum(['pull_request', 'issue', 'deployment']),
    subject: z.string().meta({ description: '`acme/shop#12`, or an app and its environment.' }),
    type: z.string().meta({ description: 'The event that would have made the jobs.' }),
    actor: z.string().nullable().meta({ description: 'Whose permission counts.' }),
    rules: z.array(z.string()).meta({ description: 'The rules that would make a job of it now.' }),
    jobs: z.array(z.string()).meta({ description: 'The jobs that were made.' }),
  })
  .meta({ id: 'Lacking' })
export type Lacking = z.infer<typeof lacking>

/** What a check of everything that stands open came to. */
export const levelCheck = z.object({ fixed: z.boolean(), items: z.array(lacking) }).meta({ id: 'LevelCheck' })
export type LevelCheck = z.infer<typeof levelCheck>
