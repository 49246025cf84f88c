// From events to committed rows: what follows from each is decided, recorded with it in one
// transaction, and decided again where rules or endpoints have changed meanwhile.
import { isAway } from './db/connection.ts'
import type { Database, Sql } from './db/database.ts'
import type { Work } from './db/listening.ts'
import type { Routing } from './decide.ts'
import { decide, explainDecision } from './decide.ts'
import { loadEndpoints } from './endpoints/endpoints.ts'
import type { EndpointExplanation } from './endpoints/wire.ts'
import type { Draft, Event, NewEvent, NewJob, Reaction, Recorded } from './events/event.ts'
import { insertEvents, outcomesOf } from './events/insert.ts'
import { eventPayload } from './events/payload.ts'
import { openRecorder } from './events/record.ts'
import { withoutSkipped } from './events/skipped.ts'
import { explainWaits } from './jobs/explain-waits.ts'
import type { AskPermission } from './jobs/permission.ts'
import { jobsByRule } from './jobs/query.ts'
import { isAwaited, loadAwaited, wakeFor } from './jobs/wake.ts'
import type { WaitExplanation } from './jobs/wire.ts'
import type { Clock } from './lib/clock.ts'
import { AppError } from './lib/error.ts'
import type { Log } from './lib/log.ts'
import type { Meter } from './metrics/meter.ts'
import { loadHeldSources } from './pauses/pauses.ts'
import { compileRules, matchRules } from './rules/match.ts'
import { withPermission } from './rules/permission.ts'
import type { Rule } from './rules/rule.ts'
import { loadPaused } from './rules/states.ts'
import type { RuleExplanation } from './rules/wire.ts'

const MAX_STALE_ATTEMPTS = 10

/** What events are recorded with. */
export type WriterOptions = {
  database: Database
  /** For explanations, which people look at. Default: the same. */
  looking?: Sql
  clock: Clock
  log: Log
  rules: readonly Rule[]
  /** What must commit with an event besides its jobs and deliveries. */
  reactions?: readonly Reaction[]
  /** Asks whether those who caused an event may; for explanations. */
  permitted?: AskPermission
  /** Counts what is recorded. */
  meter?: Meter | undefined
  /** How long an event waits for a database that is away. Default 9 s, as GitHub waits. */
  patienceMs?: number | undefined
  /** Called after a commit that made jobs or deliveries, or may have. */
  onWork(...work: Work[]): void
}

/** Why an event was routed or not: what every rule and every endpoint made of it. */
export type Explanation = {
  event: Pick<Event, 'id' | 'type' | 'status' | 'reason'>
  rules: RuleExplanation[]
  endpoints: EndpointExplanation[]
  waits: WaitExplanation[]
}

/** Records events. */
export type Writer = {
  /**
   * Records an event in a commit it shares with others.
   * @throws AppError `database_unavailable` when the database was away for as long as the sender
   * waits.
   */
  record(draft: Draft): Promise<Recorded>
  /** Records inside the caller's transaction; the caller notifies the workers after its commit. */
  recordIn(tx: Sql, drafts: readonly Draft[]): Promise<Recorded[]>
  /** The jobs that rules would make of an event now. */
  jobsOf(draft: Draft): Promise<NewJob[]>
  /** Says what every rule and endpoint makes of an event now. */
  explain(event: Event): Promise<Explanation>
  /** Resolves when no event is waiting or in flight. */
  idle(): Promise<void>
  /** Why nothing could be recorded, if that was so in the last seconds; else null. */
  failure(): unknown
}

/** Opens it: reads the rules and endpoints that decide. */
export async function openWriter({
  database,
  clock,
  onWork,
  reactions = [],
  ...options
}: WriterOptions): Promise<Writer> {
  const { looking = database } = options
  const rules = compileRules(options.rules)
  const skipping = rules.filter(({ rule }) => rule.concurrency?.mode === 'skip')
  // This process's copy. Its version moves with every change, and an insert by an old version
  // writes nothing.
  let copy = await loadRouting(database)

  async function write(sql: Sql, drafts: readonly Draft[]): Promise<Recorded[]> {
    for (let attempt = 0; attempt < MAX_STALE_ATTEMPTS; attempt++) {
      const { version } = copy
      const decided = drafts.map((draft): NewEvent => {
        return { ...draft, ...decide(draft, rules, copy), isHeld: copy.heldSources.has(draft.source) }
      })
      const inserted = await insertEvents(sql, clock, decided, version)
      if (inserted.version === version) {
        const events = await withoutSkipped(sql, decided, inserted)
        const recorded = events.filter(({ id }) => inserted.ids.has(id))
        const followed = await react(sql, recorded)
        // Behind those that were asked for, so that the workers are notified of them too.
        return [...(await outcomesOf(sql, events, inserted.ids)), ...followed]
      }
      // By the same connection: a transaction that waited for another one could wait for itself.
      copy = await loadRouting(sql)
      // It may now be known that a job waits for one of them.
      if (sql === database && needsTransaction(drafts)) return database.transaction((tx) => write(tx, drafts))
    }
    throw new AppError('database_unavailable', 'Endpoints and rules kept changing while events were being recorded.')
  }

  async function react(sql: Sql, events: readonly NewEvent[]): Promise<Recorded[]> {
    const drafts: Draft[] = []
    for (const event of events) {
      for (const reaction of reactions) if (reaction.on(event)) drafts.push(...(await reaction.run(sql, event)))
    }
    const awaited = events.filter((event) => event.forRules === undefined && isAwaited(copy.awaited, event))
    if (awaited.length > 0) await wakeFor(sql, { clock, payloadOf: eventPayload }, awaited)
    return drafts.length === 0 ? [] : write(sql, drafts)
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
    const startedAt = performance.now()
    try {
      const recorded = await (needsTransaction(drafts)
        ? database.transaction((tx) => write(tx, drafts))
        : write(database, drafts))
      options.meter?.committed(counted(drafts, recorded), performance.now() - startedAt)
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
    async jobsOf(draft) {
      copy = await loadRouting(looking)
      return decide(draft, rules, copy).jobs
    },
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

/** The events of a batch as they are counted; what followed from them comes behind them. */
export function counted(drafts: readonly Draft[], recorded: readonly Recorded[]) {
  return drafts.map(({ source }, at) => {
    const { duplicate, status } = recorded[at] as Recorded
    return { source, status: duplicate ? 'duplicate' : status }
  })
}

/** The version is read first: what changes meanwhile has a newer one. */
async function loadRouting(sql: Sql): Promise<Routing & { heldSources: ReadonlySet<string> }> {
  return {
    ...(await loadEndpoints(sql)),
    paused: await loadPaused(sql),
    awaited: await loadAwaited(sql),
    heldSources: await loadHeldSources(sql),
  }
}
