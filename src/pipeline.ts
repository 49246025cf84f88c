// The product on one screen: verify who sent it, read what it says, decide what follows, and record
// all of it in one commit.
import type { Json } from '@signalbox/sdk'
import type { Draft, Recorded } from './events/event.ts'
import type { Recorder } from './events/record.ts'
import type { Clock } from './lib/clock.ts'
import { AppError } from './lib/error.ts'
import { newId } from './lib/id.ts'
import type { Log } from './lib/log.ts'
import type { JobType } from './rules/jobs.ts'
import { manualJob } from './rules/jobs.ts'
import { manualKeptHeaders, normaliseManual } from './sources/manual.ts'
import type { HeaderReader, Normalised, Source } from './sources/source.ts'

// Of a refused request's headers no more is kept than shows what was wrong.
const MAX_REFUSED_HEADER_CHARS = 200
const MANUAL = { name: 'manual', keptHeaders: manualKeptHeaders }

/** The pipeline: one way in for webhooks, one for what this program itself has to say. */
export type Pipeline = {
  /**
   * The source, or throws what can be said of a webhook before its body is read: unknown or closed
   * source, missing headers, wrong content type.
   */
  admit(sourceName: string, headers: HeaderReader): Source
  /**
   * Verifies, reads and records one admitted webhook. Resolves only when it is durable.
   * @throws AppError with the status the sender gets
   */
  receive(source: Source, rawBody: Uint8Array, headers: HeaderReader, remote: string): Promise<Received>
  /**
   * Reads a manual trigger (its caller is authorised already) and records it with the job it asks
   * for.
   * @throws AppError `job_type_unknown` naming the known ones
   */
  trigger(rawBody: Uint8Array, headers: HeaderReader, remote: string): Promise<Received>
  /**
   * Keeps a refused request as an event, without its body, and not more of them than the cap
   * allows.
   */
  refuse(sourceName: string, error: AppError, headers: HeaderReader, remote: string): Promise<void>
}

/** What the sender of a webhook is told. */
export type Received = Recorded & { type: string }

/** What the pipeline is built from; `alongside` says what else must commit with an event. */
export type PipelineParts = {
  clock: Clock
  log: Log
  sources: ReadonlyMap<string, Source>
  recorder: Recorder
  jobTypes: ReadonlyMap<string, JobType>
  refusals: { take(): boolean }
  alongside(said: Normalised, sourceName: string): Draft['alongside'] | undefined
}

type Sender = Pick<Source, 'name' | 'keptHeaders'>
type Arrival = { body: Uint8Array; headers: HeaderReader; remote: string }

function kept(source: Sender, headers: HeaderReader, remote: string): Record<string, string> {
  const found: Record<string, string> = { remote }
  for (const name of source.keptHeaders) {
    const value = headers.get(name)
    if (value !== null) found[name] = value
  }
  return found
}

/** An event's draft from what was read of it. */
function draftOf(source: Sender, said: Normalised, { body, headers, remote }: Arrival, now: Date): Draft {
  return {
    id: newId(now),
    source: source.name,
    deliveryId: said.deliveryId,
    type: said.type,
    subject: said.subject,
    actor: said.actor,
    facts: said.facts,
    body,
    // A form is not JSON; any other body is the payload.
    payload: headers.get('content-type')?.startsWith('application/x-www-form-urlencoded')
      ? (said.payload as Json)
      : null,
    contentType: headers.get('content-type'),
    headers: kept(source, headers, remote),
    depth: 0,
    causeJobId: null,
  }
}

/**
 * Connects the rooms. Nothing here waits for the work to be done: a job or a delivery is a row,
 * committed with its event.
 */
export function openPipeline(parts: PipelineParts): Pipeline {
  const { clock, log, sources, recorder, refusals } = parts

  // On its own, so that the parsed payload is not kept while its event waits to be committed.
  const read = (source: Source, arrival: Arrival): Draft => {
    source.verify(arrival.body, arrival.headers, clock.now())
    const said = source.normalise(arrival.body, arrival.headers)
    const draft = draftOf(source, said, arrival, clock.now())
    const alongside = parts.alongside(said, source.name)
    return alongside ? { ...draft, alongside } : draft
  }

  return {
    admit(sourceName, headers) {
      const source = sources.get(sourceName)
      if (source === undefined) {
        throw new AppError('source_unknown', `There is no source called "${sourceName.slice(0, 80)}".`)
      }
      if (source.secrets.length === 0) throw new AppError('source_closed')
      source.checkHeaders(headers)
      return source
    },
    async receive(source, rawBody, headers, remote) {
      const draft = read(source, { body: rawBody, headers, remote })
      const recorded = await recorder.record(draft)
      log.debug({ ...recorded, type: draft.type }, 'event recorded')
      return { ...recorded, type: draft.type }
    },
    async trigger(rawBody, headers, remote) {
      const said = normaliseManual(rawBody, headers)
      const draft = draftOf(MANUAL, said, { body: rawBody, headers, remote }, clock.now())
      draft.requested = manualJob(parts.jobTypes, { eventId: draft.id, jobType: said.jobType, input: said.input })
      return { ...(await recorder.record(draft)), type: said.type }
    },
    async refuse(sourceName, error, headers, remote) {
      // The cap is for the log too: a stranger must not fill that either.
      const keeps = refusals.take()
      log[keeps ? 'warn' : 'debug'](
        { source: sourceName, code: error.code, detail: error.detail, remote },
        'request refused',
      )
      const source = sources.get(sourceName)
      if (source === undefined || !keeps) return
      const strangers: HeaderReader = { get: (name) => headers.get(name)?.slice(0, MAX_REFUSED_HEADER_CHARS) ?? null }
      const id = newId(clock.now())
      await recorder.record({
        id,
        source: sourceName,
        // Not the sender's delivery id: a forged request must not take the place of the real one.
        deliveryId: `rejected:${id}`,
        type: `rejected.${error.code}`,
        subject: null,
        actor: null,
        facts: {},
        body: null,
        payload: null,
        contentType: strangers.get('content-type'),
        headers: kept(source, strangers, remote),
        depth: 0,
        causeJobId: null,
        rejected: `${error.code}: ${error.detail}`,
      })
    },
  }
}
