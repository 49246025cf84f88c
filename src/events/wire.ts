// Events on the wire: what the API answers, checked and described by one schema each.
import { z } from 'zod'
import { json, time } from '../lib/wire.ts'

/** What became of an event. */
export const eventStatus = z.enum(['routed', 'ignored', 'rejected'])

const facts = z
  .object({
    repository: z.string().optional(),
    branch: z.string().optional(),
    tag: z.string().optional(),
    label: z.string().optional(),
    labels: z.array(z.string()).optional(),
    action: z.string().optional(),
    author: z.string().optional(),
    sender: z.string().optional(),
    senderType: z.string().optional(),
    textAuthor: z.string().optional(),
    association: z.string().optional(),
    isPullRequest: z.boolean().optional(),
    fromFork: z.boolean().optional(),
    prerelease: z.boolean().optional(),
    isDraft: z.boolean().optional(),
    onDefaultBranch: z.boolean().optional(),
    originator: z.string().optional(),
    self: z.boolean().optional(),
    command: z.string().optional(),
    arguments: z.array(z.string()).optional(),
    environment: z.string().optional(),
    app: z.string().optional(),
    project: z.string().optional(),
    sha: z.string().optional(),
    number: z.int().optional(),
  })
  .meta({ id: 'Facts', description: 'What rules and endpoints match on; a fact that is unknown is absent.' })

const fields = z.object({
  id: z.uuid(),
  source: z.string(),
  delivery_id: z.string().meta({ description: "The sender's id: a repeat of it is the same event." }),
  type: z.string(),
  status: eventStatus,
  reason: z
    .string()
    .nullable()
    .meta({ description: 'Why nothing followed; of a routed event, what kept another rule for it, if anything.' }),
  subject: z.string().nullable(),
  actor: z.string().nullable(),
  facts,
  content_type: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
  depth: z.int().meta({ description: 'Internal events between this one and one from outside.' }),
  received_at: time,
  recovered_at: time.nullable().meta({
    description: 'When a check for gaps recorded it, because it had not arrived; null when it came by itself.',
  }),
  body_pruned_at: time.nullable().meta({
    description: 'When its body and payload were deleted, because they were old; null when they were not.',
  }),
})

/** An event without what it says: what lists show. */
export const eventSummary = fields
  .extend({
    body_bytes: z
      .int()
      .nullable()
      .meta({ description: 'Null for a rejected event, whose body is not kept, and for one whose body was deleted.' }),
  })
  .meta({ id: 'EventSummary' })
export type EventSummary = z.infer<typeof eventSummary>

const cursor = z.string().meta({ description: 'Pass it as `after` to go on after this event.' })

/** An event as it is read by a cursor. */
export const feedEvent = eventSummary.extend({ cursor }).meta({ id: 'FeedEvent' })
export type FeedEvent = z.infer<typeof feedEvent>

/** An event as endpoints are sent it. */
export const feedEnvelope = z
  .object({
    id: z.uuid(),
    type: z.string(),
    cursor,
    body: z.string().nullable().meta({
      description: 'The JSON that deliveries send, to the byte; null without one, and when that was deleted.',
    }),
  })
  .meta({ id: 'FeedEnvelope' })
export type FeedEnvelope = z.infer<typeof feedEnvelope>

/** One event with what it says. */
export const eventDetail = fields
  .extend({ payload: json.meta({ description: 'What it says; null when there is nothing, as in a rejected event.' }) })
  .meta({ id: 'EventDetail' })
export type EventDetail = z.infer<typeof eventDetail>
