// Traces, and why something followed, on the wire.
import { z } from 'zod'
import { eventStatus } from '../events/wire.ts'
import { jobStatus } from '../jobs/wire.ts'
import { time } from '../lib/wire.ts'

/** What a trace is made of. */
export const traceKind = z.enum(['deployment', 'event', 'job', 'output', 'delivery'])
export type TraceKind = z.infer<typeof traceKind>

const traceNode = z
  .object({
    kind: traceKind,
    id: z.string(),
    parent: z.string().nullable().meta({ description: 'The id of what it followed from; null at the top.' }),
    depth: z.int().meta({ description: 'How many are above it.' }),
    asked: z.boolean().meta({ description: 'Whether it is what was asked for.' }),
    title: z.string(),
    status: z.string(),
    reason: z.string().nullable(),
    about: z.string().nullable(),
    url: z.string().nullable(),
    at: time,
    took_ms: z.number().nullable().meta({ description: 'From its start to its end, once it has ended.' }),
    more: z.int().meta({ description: 'What else followed from it and is not shown; at least so many.' }),
  })
  .meta({ id: 'TraceNode' })
export type TraceNode = z.infer<typeof traceNode>

/** What followed from what, as a list: each node after its parent, in the order of time. */
export const trace = z
  .object({
    nodes: z.array(traceNode),
    cut: z.boolean().meta({ description: 'Whether the trees are larger than what is shown.' }),
  })
  .meta({ id: 'Trace' })
export type Trace = z.infer<typeof trace>

const whyOutput = z.object({
  kind: z.string(),
  status: z.string(),
  reason: z.string().nullable(),
  url: z.string().nullable(),
})

const whyPause = z.object({
  kind: z.string(),
  name: z.string().nullable(),
  reason: z.string(),
  since: time,
  until: time,
})

const whyJob = z.object({
  id: z.uuid(),
  rule: z.string(),
  agent: z.string(),
  status: jobStatus,
  error: z.string().nullable(),
  waits_for: z.string().nullable(),
  superseded_by: z.uuid().nullable(),
  replay: z.uuid().nullable(),
  held: z
    .array(whyPause)
    .meta({ description: 'The last pauses, over now, that it waited in before its first attempt; at most 5.' }),
  outputs: z.array(whyOutput).meta({ description: 'At most the first 20.' }),
})

const whyEvent = z
  .object({
    id: z.uuid(),
    source: z.string(),
    type: z.string(),
    status: eventStatus,
    reason: z.string().nullable(),
    subject: z.string().nullable(),
    actor: z.string().nullable(),
    received_at: time,
    recovered_at: time
      .nullable()
      .meta({ description: 'When a check for gaps recorded it, because it had not arrived.' }),
    caused_by: z.uuid().nullable().meta({ description: 'The job whose work it reports.' }),
    jobs: z.array(whyJob).meta({ description: 'At most the first 20.' }),
    deliveries: z.record(z.string(), z.int()).meta({ description: 'How many there are of each status.' }),
    sentences: z.array(z.string()).meta({ description: 'Why something, or nothing, followed.' }),
  })
  .meta({ id: 'WhyEvent' })
export type WhyEvent = z.infer<typeof whyEvent>

/** What reached us about a thing, newest first, and why something or nothing followed. */
export const why = z
  .object({
    about: z.string(),
    items: z.array(whyEvent),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null on the last one.' }),
    checks: z.array(z.string()).meta({ description: 'Where nothing reached us: what is known, and what to check.' }),
  })
  .meta({ id: 'Why' })
export type Why = z.infer<typeof why>
