// What happens to every event: it is received, read, decided, recorded and reacted to.
import type { Agent } from './agents/agent.ts'
import type { Sql } from './db/database.ts'
import { patiently } from './db/patience.ts'
import { recordedText } from './events/activity.ts'
import type { Draft, Recorded } from './events/event.ts'
import { getEvent } from './events/query.ts'
import { dropOldRefusals } from './events/refusals.ts'
import type { MarkOwn } from './jobs/own-writes.ts'
import { requireInput } from './lib/agent-input.ts'
import { AppError } from './lib/error.ts'
import type { Activity } from './lib/log.ts'
import { noActivity } from './lib/log.ts'
import { rateLimit } from './lib/rate-limit.ts'
import type { Writer, WriterOptions } from './recording.ts'
import { counted, openWriter } from './recording.ts'
import { jobTypes, manualJob } from './rules/jobs.ts'
import { acceptedDraft, refusedDraft } from './sources/draft.ts'
import { manual, readManual } from './sources/manual.ts'
import type { HeaderReader, KeptRequest, Source } from './sources/source.ts'
import type { Receiving } from './spans/event-spans.ts'
import { eventSpans } from './spans/event-spans.ts'
import type { Tracer } from './spans/tracer.ts'

// Refused requests kept as rows, a few hundred bytes each: so many a source and second, and so many
// in all. The oldest are dropped after the first one and then after every hundredth.
const REFUSALS = { burst: 100, everyMs: 1000 }
const KEPT_REFUSALS = 10_000
const DROP_EVERY = 100

/** What a pipeline is built from. */
export type PipelineOptions = WriterOptions & {
  sources: ReadonlyMap<string, Source>
  /** The agents by name, whose jobs can be asked for by hand. */
  agents?: ReadonlyMap<string, Pick<Agent, 'name' | 'input' | 'jobTypes' | 'repositories'>>
  /** Where these jobs may write, besides where their agents' own options say. */
  home?: readonly string[]
  /** Recognises what this program wrote itself. */
  markOwn?: MarkOwn
  /** Is given what happened to events, as spans. */
  tracer?: Tracer | undefined
  /** Says what arrived and what followed. */
  activity?: Activity
  /** Called with each webhook once it is recorded, whatever follows from it. */
  onReceived?: (event: Pick<Draft, 'type' | 'facts'>) => void
}

/** A request that may send its body: its source, and what that read from the headers. */
export type Admitted = { source: Source; envelope: unknown }

/** What the sender of a webhook is answered. */
export type Received = Recorded & { type: string }

/** One way in for webhooks, one for what this program records itself. */
export type Pipeline = Writer & {
  /**
   * Finds the source and reads the headers, before the body is read.
   * @throws AppError `source_unknown`, `source_closed`, and what the source says of the headers.
   */
  admit(sourceName: string, headers: HeaderReader): Admitted
  /**
   * Verifies, reads and records one admitted webhook. Resolves only when it is durable.
   * @throws AppError with the status the sender gets.
   */
  receive(admitted: Admitted, rawBody: Uint8Array, headers: HeaderReader, remote: string): Promise<Received>
  /**
   * Records a manual trigger, whose caller is authorised already, with the job it asks for; `named`
   * is the type of job that its address names.
   * @throws AppError `job_type_unknown` naming the known ones, `input_invalid` for what the agent
   * does not take, and `conflict` for an `Idempotency-Key` that was used for another body.
   */
  trigger(rawBody: Uint8Array, headers: HeaderReader, remote: string, named?: string | null): Promise<Received>
  /**
   * Reads a webhook that never arrived, as its sender shows it; `from` says where it was read.
   * @throws AppError with what is wrong with it.
   */
  restore(sourceName: string, kept: KeptRequest, from: string): Promise<Draft>
  /** Records what was restored. What has arrived meanwhile is a repeat. */
  take(draft: Draft): Promise<Received>
  /** Keeps a refused request as an event without its body, as long as there are not too many. */
  refuse(sourceName: string, error: AppError, headers: HeaderReader, remote: string): Promise<void>
}

/**
 * Opens the pipeline. It does no work itself: a job or a delivery is a row, committed with its
 * event.
 */
export async function openPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { clock, sources, agents = new Map(), markOwn = async (draft) => draft } = options
  const types = jobTypes(options.rules, [...agents.values()], options.home)
  const writer = await openWriter(options)
  const activity = options.activity ?? noActivity
  const spans = eventSpans(options.tracer)
  const say = (draft: Draft, recorded: Recorded, receiving?: Receiving) => {
    receiving?.end(draft, recorded)
    const { type, source, subject } = draft
    activity({ ...recorded, type, source, subject }, recordedText(draft, recorded))
  }
  const record = async (draft: Draft, receiving?: Receiving): Promise<Received> => {
    receiving?.accepted()
    const recorded = await writer.record(draft)
    say(draft, recorded, receiving)
    return { ...recorded, type: draft.type }
  }
  const take = async (draft: Draft, receiving?: Receiving): Promise<Received> => {
    const received = await record(draft, receiving)
    options.onReceived?.(draft)
    return received
  }
  return {
    ...writer,
    async recordIn(tx, drafts) {
      const recorded = await writer.recordIn(tx, drafts)
      options.meter?.recorded(counted(drafts, recorded))
      for (const [at, each] of recorded.entries()) {
        const draft = drafts[at]
        if (draft) spans?.recorded(draft, each)
        // The end of a job is said by whoever ran it, so here only what follows from it.
        if (draft && (draft.depth === 0 || each.status === 'routed')) say(draft, each)
      }
      return recorded
    },
    admit(sourceName, headers) {
      const source = sources.get(sourceName)
      if (source === undefined) throw noSource(sourceName)
      if (source.secrets.length === 0) throw new AppError('source_closed')
      return { source, envelope: source.open(headers) }
    },
    async receive({ source, envelope }, body, headers, remote) {
      const receiving = spans?.begin()
      source.verify(envelope, body, clock.now())
      const normalised = source.normalise(envelope, body)
      const read = acceptedDraft(source, normalised, { body, headers, remote, at: clock.now() })
      return take(await markOwn(read, normalised.trace), receiving)
    },
    async restore(sourceName, kept, from) {
      const source = sources.get(sourceName)
      if (source?.restore === undefined) throw new AppError('source_unknown')
      const { normalised, body, headers } = source.restore(kept)
      const read = acceptedDraft(source, normalised, { body, headers, remote: from, at: clock.now() })
      return markOwn({ ...read, recovered: true }, normalised.trace)
    },
    take,
    async trigger(body, headers, remote, named) {
      const receiving = spans?.begin()
      const { jobType, input, ...normalised } = readManual(body, headers, named)
      const draft = acceptedDraft(manual, normalised, { body, headers, remote, at: clock.now() })
      const requested = manualJob(types, { eventId: draft.id, jobType, input })
      const agent = agents.get(requested.agent)
      if (agent !== undefined) requireInput(agent, requested.input)
      const received = await record({ ...draft, requested }, receiving)
      if (received.duplicate) await patiently(() => requireSame(options.database, received.id, draft))
      return received
    },
    refuse: openRefusals(options, writer),
  }
}

/** Keeps refused requests: so many a second of each source, and so many in all. */
function openRefusals({ clock, sources, database }: PipelineOptions, writer: Writer): Pipeline['refuse'] {
  const limits = new Map([...sources.keys(), manual.name].map((name) => [name, rateLimit(clock, REFUSALS)]))
  let kept = 0
  return async (sourceName, error, headers, remote) => {
    const source = sourceName === manual.name ? manual : sources.get(sourceName)
    if (source === undefined || limits.get(sourceName)?.take() === false) return
    await writer.record(refusedDraft(source, error, { headers, remote, at: clock.now() }))
    if (kept++ % DROP_EVERY === 0) await dropOldRefusals(database, KEPT_REFUSALS)
  }
}

function noSource(name: string): AppError {
  return new AppError('source_unknown', `There is no source called "${name.slice(0, 80)}".`)
}

async function requireSame(sql: Sql, id: string, { body, subject }: Draft): Promise<void> {
  const earlier = await getEvent(sql, id)
  if (earlier?.body && !(earlier.body.equals(body ?? Buffer.alloc(0)) && earlier.subject === subject)) {
    throw new AppError('conflict', 'This Idempotency-Key was already used for a different trigger.')
  }
}
