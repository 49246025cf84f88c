// One look at one webhook: what its forge sent and this server never acknowledged is fetched and
// recorded, and what was missed becomes gaps.
import type { Database, Sql } from '../db/database.ts'
import type { Draft } from '../events/event.ts'
import type { HookForge, HookPath, SentHook } from '../forges/hooks.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError, errorText, RetryAt } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { gapFound, gapText } from './found-event.ts'
import type { Listed, Missed } from './missed.ts'
import { gapsOf, readList } from './missed.ts'
import { gapsById } from './query.ts'
import type { Cursor, Decided, Looked, Outcome } from './store.ts'
import {
  claimHook,
  cursorOf,
  decidedOf,
  eventsOf,
  firstReceived,
  releaseHook,
  renewHook,
  saveGap,
  saveUnknown,
} from './store.ts'
import type { HookLook } from './wire.ts'

// A delivery is listed when it is over, under the time when it began, by the forge's clock.
const OVERLAP_MS = 15 * 60_000
const RENEW_MS = 15_000

/** What a look needs. */
export type LookParts = {
  database: Database
  clock: Clock
  log: Log
  hooks: HookForge
  /** The node that looks, one webhook after the other. */
  owner: string
  /** Where webhooks must have been sent to; null where the operator named them. */
  address: string | null
  /** Records what was sent as if it had arrived. */
  recover(sent: SentHook & { payload: string }, from: string): Promise<{ id: string; duplicate: boolean }>
  recordIn(tx: Sql, drafts: readonly Draft[]): Promise<{ status: string }[]>
  /** Notifies the workers. */
  onWork(): void
}

/** How a look is made. */
export type LookOptions = {
  /** Changes nothing: says what it would do. */
  isDry?: boolean
  /** When to leave the rest to the next look, by `performance.now()`. */
  untilMs?: number
  signal?: AbortSignal
}

/** Looks at a webhook, unless another process does. What stops it early is its `problem`. */
export async function lookAt(parts: LookParts, hook: HookPath, options: LookOptions = {}): Promise<HookLook> {
  const { database, clock, log, owner } = parts
  const owned = { hook, owner }
  if (options.isDry) return { ...(await look(parts, owned, await cursorOf(database, hook), options)).found, gaps: [] }
  const cursor = await claimHook(database, clock, owned)
  if (cursor === null) return { ...NOTHING, hook, problem: 'Another process looks at it now.' }
  let looked: Looked = { seen: null, problem: 'The last look failed; the log says why.' }
  try {
    const { found, seen } = await look(parts, owned, cursor, options)
    looked = { seen, problem: found.problem }
    return found
  } finally {
    const isOther = await releaseHook(database, clock, owned, looked)
    if (isOther && looked.problem !== null)
      log.warn({ hook }, `deliveries of ${hook} could not all be looked at: ${looked.problem}`)
  }
}

const NOTHING = { since: null, attempts: 0, missed: 0, recovered: 0, arrived: 0, lost: 0, pending: 0, gaps: [] }

type Owned = { hook: HookPath; owner: string }

async function look(parts: LookParts, owned: Owned, cursor: Cursor, options: LookOptions) {
  const { hook } = owned
  const since = await beginningOf(parts, cursor)
  const goOn = lease(parts, owned, options)
  const list = readList(since)
  const unlisted = await reasonToStop(async () => {
    for await (const page of parts.hooks.attempts(hook, since)) {
      list.add(page)
      await goOn()
    }
  })
  const listed = list.listed()
  const { missed, settled } = await unsettled(parts, hook, listed.missed)
  const stopped = unlisted ?? (options.isDry ? null : await decideAll(parts, owned, missed, { ...options, goOn }))
  const gaps = options.isDry || unlisted !== null ? [] : await save(parts, owned, { missed, settled, listed, cursor })
  const count = (outcome: Outcome['outcome']) => missed.filter((each) => each.outcome === outcome).length
  const found: HookLook = {
    hook,
    since: since.toISOString(),
    attempts: listed.attempts,
    missed: missed.length,
    recovered: count('recovered'),
    arrived: count('arrived'),
    lost: count('lost'),
    pending: count('pending'),
    gaps,
    problem: stopped,
  }
  return { found, seen: stopped === null ? { from: since, until: listed.newest ?? since } : null }
}

/** From when on to look: there is nothing to miss before the first webhook was ever received. */
async function beginningOf({ database, clock, hooks }: LookParts, { seenFrom, seenUntil }: Cursor): Promise<Date> {
  const now = clock.now()
  const earliest = new Date(now.getTime() - hooks.keptMs)
  if (seenUntil === null) return wholeSecond(latest((await firstReceived(database)) ?? now, earliest))
  return latest(new Date(seenUntil.getTime() - OVERLAP_MS), seenFrom ?? earliest, earliest)
}

/** The list has whole seconds. */
function wholeSecond(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000)
}

function latest(...times: Date[]): Date {
  return new Date(Math.max(...times.map((time) => time.getTime())))
}

/** Renews the lease where it is due; throws where the look must end. */
function lease({ database, clock }: LookParts, owned: Owned, { isDry, signal }: LookOptions): () => Promise<void> {
  let renewedMs = performance.now()
  return async () => {
    if (signal?.aborted) throw new Stopped('This process is stopping.')
    if (isDry || performance.now() - renewedMs < RENEW_MS) return
    renewedMs = performance.now()
    if (!(await renewHook(database, clock, owned))) throw new Stopped('Another process looks at it now.')
  }
}

/** Ends a look; the next one goes on. */
class Stopped extends Error {}

/** Why the forge let no more be done; null when all was. What is wrong on this side is thrown. */
async function reasonToStop(run: () => Promise<void>): Promise<string | null> {
  try {
    await run()
    return null
  } catch (error) {
    const isExpected = error instanceof Stopped || error instanceof RetryAt
    if (isExpected || (error instanceof AppError && error.code === 'forge_failed')) return errorText(error)
    throw error
  }
}

/** What of it may be missing here: it neither arrived, nor was it decided by an earlier look. */
async function unsettled({ database }: LookParts, hook: HookPath, missed: readonly Missed[]) {
  const guids = missed.map(({ guid }) => guid)
  const settled = await decidedOf(database, hook, guids)
  const events = await eventsOf(database, guids)
  const undecided = missed.filter(({ guid }) => !settled.has(guid) && events.get(guid)?.isRecovered !== false)
  const pending = { outcome: 'pending', reason: null, eventId: null } as const
  const known = undecided.map((each): Missed & Outcome => {
    // Fetched by a look that was ended before it could report the gap.
    const event = events.get(each.guid)
    return event ? { ...each, outcome: 'recovered', reason: null, eventId: event.id } : { ...each, ...pending }
  })
  return { missed: known, settled }
}

/** Fetches and records what is pending, the oldest first, as long as that is possible. */
function decideAll(
  parts: LookParts,
  { hook }: Owned,
  missed: (Missed & Outcome)[],
  { goOn, untilMs = Number.POSITIVE_INFINITY }: LookOptions & { goOn: () => Promise<void> },
): Promise<string | null> {
  return reasonToStop(async () => {
    for (const each of missed) {
      if (each.outcome !== 'pending') continue
      if (performance.now() > untilMs) throw new Stopped('There is more than one look can fetch; the next goes on.')
      await goOn()
      Object.assign(each, await decide(parts, hook, each))
    }
  })
}

async function decide(parts: LookParts, hook: HookPath, { guid, id }: Missed): Promise<Outcome> {
  const lost = (reason: string): Outcome => ({ outcome: 'lost', reason, eventId: null })
  const sent = await parts.hooks.sent(hook, id)
  if (sent === null) return lost('The forge does not keep it any more.')
  const { url, payload } = sent
  if (parts.address !== null && url !== null && !isSameAddress(url, parts.address)) {
    return lost(`It was sent to another address: ${url}`)
  }
  if (payload === null) return lost('The forge did not keep what was in it.')
  try {
    const recorded = await parts.recover({ ...sent, payload }, `${hook}/deliveries/${id}`)
    const hasArrived = recorded.duplicate && !(await isRecovered(parts.database, guid))
    return { outcome: hasArrived ? 'arrived' : 'recovered', reason: null, eventId: recorded.id }
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'database_unavailable') throw error
    return lost(`${error.code}: ${error.detail}`)
  }
}

/** Whether it was fetched before, as by a node that looks too and was taken for dead. */
async function isRecovered(database: Database, guid: string): Promise<boolean> {
  return (await eventsOf(database, [guid])).get(guid)?.isRecovered === true
}

/** Whether two texts are the same address. */
function isSameAddress(one: string, other: string): boolean {
  return URL.canParse(one) && URL.canParse(other) && new URL(one).href === new URL(other).href
}

type Found = { missed: readonly (Missed & Outcome)[]; settled: ReadonlySet<string>; listed: Listed; cursor: Cursor }

/** Stores the gaps, and reports each once it is complete. */
async function save(parts: LookParts, owned: Owned, { missed, settled, listed, cursor }: Found): Promise<string[]> {
  const { database, clock, log, recordIn, onWork } = parts
  const { hook } = owned
  const decided = new Map(missed.map((each) => [each.guid, each]))
  const known = listed.missed.filter(({ guid }) => decided.has(guid) || settled.has(guid))
  const groups = gapsOf(known, listed.acknowledged)
    .map((group) => group.map((each): Decided => decided.get(each.guid) ?? each))
    .filter((group) => group.some(({ guid }) => decided.has(guid)))
  const unknown = unknownTime(parts, hook, cursor)
  if (groups.length === 0 && unknown === null) return []
  const { gaps, isWork } = await database.transaction(async (tx) => {
    const ids: string[] = unknown === null ? [] : [await saveUnknown(tx, clock, unknown)]
    for (const group of groups) ids.push(await saveGap(tx, clock, hook, group))
    const gaps = await gapsById(tx, ids)
    const complete = gaps.filter(({ pending }) => pending === 0)
    const drafts = complete.map((gap) => gapFound(gap, clock.now()))
    const recorded = drafts.length === 0 ? [] : await recordIn(tx, drafts)
    return { gaps, isWork: recorded.some(({ status }) => status === 'routed') }
  })
  if (isWork) onWork()
  for (const gap of gaps) log.warn({ gap }, `a gap was found: ${gapText(gap)}`)
  return gaps.map(({ id }) => id)
}

/** The time since the last look that the forge has no list of any more; null when there is none. */
function unknownTime({ clock, hooks }: LookParts, hook: HookPath, { lookedAt, seenUntil }: Cursor) {
  const to = new Date(clock.now().getTime() - hooks.keptMs)
  if (lookedAt === null || seenUntil === null || lookedAt >= to) return null
  const days = Math.round(hooks.keptMs / 86_400_000)
  const reason = `the forge lists deliveries for ${days} days, and the last look was at ${lookedAt.toISOString()}`
  // The forge listed nothing newer then.
  return { hook, from: lookedAt, to, reason }
}
