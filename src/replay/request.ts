// Replays on the wire: what is asked for, and what came of it.
import { z } from 'zod'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import { note } from '../lib/note.ts'
import { time } from '../lib/wire.ts'
import { describe, PARSING } from '../lib/zod.ts'

/** How many events one call replays at most; the next call goes on. */
export const MAX_REPLAYED = 500

const when = z.iso.datetime({ offset: true })

/** The body of `POST /api/replays`. */
export const replayRequest = z.strictObject({
  event_id: z.string().optional().meta({ description: 'One event; else those of a span of time.' }),
  since: when.optional().meta({ description: 'Events received at this time or later.' }),
  until: when.optional().meta({ description: 'And before this time. Default: now.' }),
  type: z.string().optional().meta({ description: 'Only of this type, or glob such as `issues.*`.' }),
  source: z.string().optional().meta({
    description: 'Only from this source. What Signalbox recorded itself is left out unless this is `signalbox`.',
  }),
  rule: z.string().optional().meta({ description: 'Only the jobs of this rule.' }),
  staged: z.boolean().default(false).meta({ description: 'Outputs are shown and not written.' }),
  as_new: z.boolean().default(false).meta({
    description: 'Counts the events as the newest of their groups, in place of what came after them.',
  }),
  dry_run: z.boolean().default(false).meta({ description: 'Make no jobs.' }),
  replay_id: z.string().refine(isUuid, 'must be a UUID').optional().meta({
    description: 'What repeats the call safely: the same replay makes no job twice. Default: a new one.',
  }),
  by: note(200).optional().meta({ description: 'Who asks for it, for the record.' }),
  after: z.string().optional().meta({ description: 'The `next` of the call before.' }),
})

/** A checked request to replay events. */
export type ReplayRequest = z.infer<typeof replayRequest>

/**
 * Checks the body of a request to replay events.
 * @throws AppError `input_invalid` naming the field at fault.
 */
export function readReplay(body: unknown): ReplayRequest {
  const { data, error } = replayRequest.safeParse(body, PARSING)
  if (error) throw new AppError('input_invalid', describe(error, { root: 'the request' }))
  if ((data.event_id === undefined) === (data.since === undefined)) {
    throw new AppError('input_invalid', 'event_id: give it, or since, and not both')
  }
  return data
}

const about = {
  event_id: z.uuid(),
  event_type: z.string(),
  subject: z.string().nullable(),
  received_at: time,
}

const replayedJob = z
  .object({
    id: z.uuid(),
    ...about,
    rule: z.string(),
    agent: z.string(),
    outcome: z.enum(['made', 'repeated', 'skipped']).meta({
      description:
        '`repeated`: this replay had made it before. `skipped`: another job of its group has not ended. Of a dry run what would be.',
    }),
    superseded_by: z.uuid().nullable().meta({
      description: 'The job of a newer event of its group: this one is cancelled and not done. `as_new` does it.',
    }),
    asks: z
      .array(z.string())
      .meta({ description: 'Accounts of which the forge is asked, before it runs, whether they may.' }),
  })
  .meta({ id: 'ReplayedJob' })

/** What a call came to. */
export const replayed = z
  .object({
    replay_id: z.uuid(),
    dry_run: z.boolean(),
    staged: z.boolean(),
    as_new: z.boolean(),
    events: z.int().meta({ description: `How many events were looked at, at most ${MAX_REPLAYED} in a call.` }),
    jobs: z.array(replayedJob),
    kept: z
      .array(z.object({ ...about, reason: z.string() }))
      .meta({ description: 'Events that made no job, or not those of every rule for them, and why.' }),
    warnings: z.array(z.string()),
    next: z
      .string()
      .nullable()
      .meta({ description: 'Pass it as `after`, with the same `replay_id`; null at the end.' }),
  })
  .meta({ id: 'Replayed' })
export type Replayed = z.infer<typeof replayed>
export type ReplayedJob = z.infer<typeof replayedJob>
