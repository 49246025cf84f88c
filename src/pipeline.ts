// What happens to every event: it is received, read, decided, recorded and reacted to.
import type { Agent } from './agents/agent.ts'
import { isAway } from './db/connection.ts'
import type { Database, Sql } from './db/database.ts'
import type { Work } from './db/listening.ts'
import { patiently } from './db/patience.ts'
import type { Routing } from './decide.ts'
import { decide, explainDecision } from './decide.ts'
import { loadEndpoints } from './endpoints/endpoints.ts'
import type { EndpointExplanation } from './endpoints/wire.ts'
import { recordedText } from './events/activity.ts'
import type { Draft, Event, NewEvent, Reaction, Recorded } from './events/event.ts'
import { insertEvents, outcomesOf } from './events/insert.ts'
import { eventPayload } from './events/payload.ts'
import { getEvent } from './events/query.ts'
import { openRecorder } from './events/record.ts'
import { dropOldRefusals } from './events/refusals.ts'
import { withoutSkipped } from './events/skipped.ts'
import { explainWaits } from './jobs/explain-waits.ts'
import type { MarkOwn } from './jobs/own-writes.ts'
import type { AskPermission } from './jobs/permission.ts'
import { jobsByRule } from './jobs/query.ts'
import { isAwaited, loadAwaited, wakeFor } from './jobs/wake.ts'
import type { WaitExplanation } from './jobs/wire.ts'
import { requireInput } from './lib/agent-input.ts'
import type { Clock } from './lib/clock.ts'
import { AppError } from './lib/error.ts'
import type { Activity, Log } from './lib/log.ts'
import { noActivity } from './lib/log.ts'
import { rateLimit } from './lib/rate-limit.ts'
import { jobTypes, manualJob } from './rules/jobs.ts'
import { compileRules, matchRules } from './rules/match.ts'
import { withPermission } from './rules/permission.ts'
import type { Rule } from './rules/rule.ts'
import { loadPaused } from './rules/states.ts'
import type { RuleExplanation } from './rules/wire.ts'
import { acceptedDraft, refusedDraft } from './sources/draft.ts'
import { manual, readManual } from './sources/manual.ts'
import type { HeaderReader, Source } from './sources/source.ts'

// Refused requests kept as rows, a few hundred bytes each: so many a source and second, and so many
// in all. The oldest are dropped after the first one and then after every hundredth.
const REFUSALS = { burst: 100, everyMs: 1000 }
const KEPT_REFUSALS = 10_000
const DROP_EVERY = 100
const MAX_STALE_ATTEMPTS = 10

/** What a pipeline is built from. */
export type PipelineOptions = {
  database: Database
  /** For explanations, which people look at. Default: the same. */
  looking?: Sql
  clock: Clock
  log: Log
  sources: ReadonlyMap<string, Source>
  rules: readonly Rule[]
  /** The agents by name, whose jobs can be asked for by hand. */
  agents?: ReadonlyMap<string, Pick<Agent, 'name' | 'input'>>
  /** What must commit with an event besides its jobs and deliveries. */
  reactions?: readonly Reaction[]
  /** Asks whether those who caused an event may; for explanations. */
  permitted?: AskPermission
  /** Recognises what this program wrote itself. */
  markOwn?: MarkOwn
  /** Says what arrived and what followed. */
  activity?: Activity
  /** How long an event waits for a database that is away. Default 9 s, as GitHub waits. */
  patienceMs?: number | undefined
  /** Called after a commit that made jobs or deliveries, or may have. */
  onWork(...work: Work[]): void
  /** Called with each webhook once it is recorded, whatever follows from it. */
  onReceived?: (event: Pick<Draft, 'type' | 'facts'>) => void
}

/** A request that may send its body: its source, and what that read from the headers. */
export type Admitted = { source: Source; envelope: unknown }

/** What the sender of a webhook is answered. */
export type Received = Recorded & { type: string }

/** Why an event was routed or not: what every rule and every endpoint made of it. */
export type Explanation = {
  event: Pick<Event, 'id' | 'type' | 'status' | 'reason'>
  rules: RuleExplanation[]
  endpoints: EndpointExplanation[]
  waits: WaitExplanation[]
}

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
   * Records a manual trigger, whose caller is authorised already, with the job it asks for.
   * @throws AppError `job_type_unknown` naming the known ones, `input_invalid` for what the agent
   * does not take, and `conflict` for an `Idempotency-Key` that was used for another body.
   */
  trigger(rawBody: Uint8Array, headers: HeaderReader, remote: string): Promise<Received>
  /** Keeps a refused request as an event without its body, as long as there are not too many. */
  refuse(sourceName: string, error: AppError, headers: HeaderReader, remote: string): Promise<void>
}

/**
 * Opens the pipeline. It does no work itself: a job or a delivery is a row, committed with its
 * event.
 */
export async function openPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { clock, log, sources, agents = new Map(), markOwn = async (draft) => draft } = options
  const types = jobTypes(options.rules, [...agents.keys()])
  // Each source has its own limit, and all unknown names share one.
  const refusals = new Map([...sources.keys(), manual.name].map((name) => [name, rateLimit(clock, REFUSALS)]))
  const unknownNames = rateLimit(clock, REFUSALS)
  let kept = 0
  const writer = await openWriter(options)
  const activity = options.activity ?? noActivity
  const say = (draft: Draft, recorded: Recorded) => {
    const { type, source, subject } = draft
    activity({ ...recorded, type, source, subject }, recordedText(draft, recorded))
  }
  return {
    ...writer,
    async recordIn(tx, drafts) {
      const recorded = await writer.recordIn(tx, drafts)
      for (const [at, each] of recorded.entries()) {
        const draft = drafts[at]
        // The end of a job is said by whoever ran it, so here only what follows from it.
        if (draft && (draft.depth === 0 || each.status === 'routed')) say(draft, each)
      }
      return recorded
    },
    admit(sourceName, headers) {
      const source = sources.get(sourceName)
      if (source === undefined) {
        throw new AppError('source_unknown', `There is no source called "${sourceName.slice(0, 80)}".`)
      }
      if (source.secrets.length === 0) throw new AppError('source_closed')
      return { source, envelope: source.open(headers) }
    },
    async receive({ source, envelope }, body, headers, remote) {
      source.verify(envelope, body, clock.now())
      const normalised = source.normalise(envelope, body)
      const read = acceptedDraft(source, normalised, { body, headers, remote, at: clock.now() })
      const draft = await markOwn(read, normalised.trace)
      const recorded = await writer.record(draft)
      say(draft, recorded)
      options.onReceived?.(draft)
      return { ...recorded, type: draft.type }
    },
    async trigger(body, headers, remote) {
      const { jobType, input, ...normalised } = readManual(body, headers)
      const draft = acceptedDraft(manual, normalised, { body, headers, remote, at: clock.now() })
      const requested = manualJob(types, { eventId: draft.id, jobType, input })
      const agent = agents.get(requested.agent)
      if (agent !== undefined) requireInput(agent, requested.input)
      const recorded = await writer.record({ ...draft, requested })
      say(draft, recorded)
      if (recorded.duplicate) await patiently(() => requireSameBody(options.database, recorded.id, body))
      return { ...recorded, type: draft.type }
    },
    async refuse(sourceName, error, headers, remote) {
      // The limit is for the log too, because a sender without a secret must not fill that either.
      const isKept = (refusals.get(sourceName) ?? unknownNames).take()
      const { code, detail } = error
      const about = { source: sourceName, code, detail, remote }
      log[isKept ? 'warn' : 'debug']({ about }, `refused a request to ${sourceName} from ${remote}: ${code}: ${detail}`)
      const source = sources.get(sourceName)
      if (!isKept || source === undefined) return
      await writer.record(refusedDraft(source, error, { headers, remote, at: clock.now() }))
      if (kept++ % DROP_EVERY === 0) await dropOldRefusals(options.database, KEPT_REFUSALS)
    },
  }
}

async function requireSameBody(sql: Sql, id: string, body: Uint8Array): Promise<void> {
  const earlier = await getEvent(sql, id)
  if (earlier?.body && !earlier.body.equals(body)) {
    throw new AppError('conflict', 'This Idempotency-Key was already used for a different trigger.')
  }
}

type Writer = {
  /**
   * Records an event in a commit it shares with others.
   * @throws AppError `database_unavailable` when the database was away for as long as the sender
   * waits.
   */
  record(draft: Draft): Promise<Recorded>
  /** Records inside the caller's transaction; the caller notifies the workers after its commit. */
  recordIn(tx: Sql, drafts: readonly Draft[]): Promise<Recorded[]>
  /** Says what every rule and endpoint makes of an event now. */
  explain(event: Event): Promise<Explanation>
  /** Resolves when no event is waiting or in flight. */
  idle(): Promise<void>
}

async function openWriter({ database, clock, onWork, reactions = [], ...options }: PipelineOptions): Promise<Writer> {
  const { looking = database } = options
  const rules = compileRules(options.rules)
  const skipping = rules.filter(({ rule }) => rule.concurrency?.mode === 'skip')
  // This process's copy. Its version moves with every change, and an insert by an old version
  // writes nothing.
  let copy = await loadRouting(database)

  async function write(sql: Sql, drafts: readonly Draft[]): Promise<Recorded[]> {
    for (let attempt = 0; attempt < MAX_STALE_ATTEMPTS; attempt++) {
      const { version } = copy
      const decided = drafts.map((draft): NewEvent => ({ ...draft, ...decide(draft, rules, copy) }))
      const inserted = await insertEvents(sql, clock, decided, version)
      if (inserted.version === version) {
        const events = await withoutSkipped(sql, decided, inserted)
        await react(
          sql,
          events.filter(({ id }) => inserted.ids.has(id)),
        )
        return outcomesOf(sql, events, inserted.ids)
      }
      // By the same connection: a transaction that waited for another one could wait for itself.
      copy = await loadRouting(sql)
      // It may now be known that a job waits for one of them.
      if (sql === database && needsTransaction(drafts)) return database.transaction((tx) => write(tx, drafts))
    }
    throw new AppError('database_unavailable', 'Endpoints and rules kept changing while events were being recorded.')
  }

  async function react(sql: Sql, events: readonly NewEvent[]): Promise<void> {
    for (const event of events) {
      for (const reaction of reactions) if (reaction.on(event)) await reaction.run(sql, event)
    }
    const awaited = events.filter((event) => isAwaited(copy.awaited, event))
    if (awaited.length > 0) await wakeFor(sql, { clock, payloadOf: eventPayload }, awaited)
  }

  // One statement is its own transaction; only what must commit with it needs an explicit one.
  function needsTransaction(drafts: readonly Draft[]): boolean {
    return drafts.some(
      (draft) =>
        reactions.some((reaction) => reaction.on(draft)) ||
        matchRules(skipping, draft).length > 0 ||
        isAwaited(copy.awaited, draft),
    )
  }

  const recorder = openRecorder(async (drafts) => {
    try {
      const recorded = await (needsTransaction(drafts)
        ? database.transaction((tx) => write(tx, drafts))
        : write(database, drafts))
      // For a duplicate too: the sender repeats when it got no answer, and who was to notify the
      // workers then may have been killed.
      if (recorded.some(({ status }) => status === 'routed')) {
        onWork('deliveries', ...(recorded.some(({ jobIds }) => jobIds.length > 0) ? (['jobs'] as const) : []))
      }
      return recorded
    } catch (error) {
      // It may have been committed all the same: reading the earlier events can fail after it. What
      // failed because the database is away is written again, and then these are found.
      if (!isAway(error)) onWork('jobs', 'deliveries')
      throw error
    }
  }, options)

  return {
    ...recorder,
    recordIn: write,
    async explain(event) {
      copy = await loadRouting(looking)
      const explained = explainDecision(event, rules, copy)
      const asked = explained.rules.map((each, at) => withPermission(each, rules[at]?.rule, event, options.permitted))
      const made = await jobsByRule(looking, event.id)
      const answers = (await Promise.all(asked)).map((each) => ({ ...each, job: made.get(each.rule) ?? null }))
      return { ...explained, rules: answers, waits: await explainWaits(looking, event.id) }
    },
  }
}

/** The version is read first: what changes meanwhile has a newer one. */
async function loadRouting(sql: Sql): Promise<Routing> {
  return { ...(await loadEndpoints(sql)), paused: await loadPaused(sql), awaited: await loadAwaited(sql) }
}
