// Pauses on the wire: what the API takes and answers, checked and described by one schema each.
import { z } from 'zod'
import { AppError } from '../lib/error.ts'
import { note } from '../lib/note.ts'
import { time } from '../lib/wire.ts'
import { describe, PARSING } from '../lib/zod.ts'

const kind = z.enum(['everything', 'source', 'rule', 'endpoint'])

/** Something that is paused. */
export const paused = z
  .object({
    kind,
    name: z.string().nullable().meta({ description: 'Of the source, rule or endpoint; null: everything.' }),
    id: z.uuid().nullable().meta({ description: 'Of an endpoint.' }),
    reason: z.string(),
    paused_by: z.string().nullable(),
    since: time,
    until: time.nullable().meta({ description: 'When it was resumed; null while it is paused.' }),
    effect: z.enum(['held', 'not made']).meta({
      description: '`held`: its work waits until it is resumed. `not made`: a paused rule makes no jobs.',
    }),
  })
  .meta({ id: 'Pause' })
export type Paused = z.infer<typeof paused>

const text = note(500)

/** The query of `GET /api/pauses`. */
export const pausesQuery = {
  since: z.iso.datetime({ offset: true }).optional().meta({
    description: 'Lists also what was paused until this time or later; for a year it is known.',
  }),
}

/** The body of `POST /api/pauses`. */
export const pauseRequest = z.strictObject({
  kind,
  name: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'The source or rule, or the id of the endpoint; not with `everything`.' }),
  reason: text.optional().meta({ description: 'Shown wherever something does not begin because of it.' }),
  by: text.optional().meta({ description: 'Who pauses it, for the record; not kept of an endpoint.' }),
  running: z.enum(['finish', 'stop', 'cancel']).default('finish').meta({
    description:
      'What becomes of its running jobs: they end; they are stopped, and go on after their last step once it is resumed; or they are cancelled.',
  }),
})

/** The query of `DELETE /api/pauses`. */
export const resumeQuery = { kind, name: z.string().min(1).max(200).optional() }

/** What a pause came to. */
export const pauseResult = paused
  .extend({ stopped: z.int().meta({ description: 'How many running jobs are being stopped or cancelled.' }) })
  .meta({ id: 'PauseResult' })

/** What a resumption came to. */
export const resumed = z
  .object({
    kind,
    name: z.string().nullable(),
    resumed: z.boolean().meta({ description: 'False when it was not paused.' }),
    still_paused: z.array(paused).meta({ description: 'What else is paused; while everything is, nothing begins.' }),
  })
  .meta({ id: 'Resumed' })

/**
 * Checks the body of a request to pause something.
 * @throws AppError `input_invalid` naming the field at fault.
 */
export function readPauseRequest(body: unknown): z.infer<typeof pauseRequest> {
  const { data, error } = pauseRequest.safeParse(body, PARSING)
  if (error) throw new AppError('input_invalid', describe(error, { root: 'the request' }))
  return data
}
