// What deliveries came to, noted with their endpoints: their health changes, and events say so.
import type { Sql } from '../db/database.ts'
import type { Draft } from '../events/event.ts'
import type { Clock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import type { Log } from '../lib/log.ts'
import { ownEvent } from '../lib/own-event.ts'
import type { Health, HealthChange, Result } from './health.ts'
import { healthAfter } from './health.ts'

/** So often it is said of an endpoint that it fails, or that a delivery was given up, at most. */
const SAID_EVERY_MS = 3_600_000
const MAX_ERROR_CHARS = 500

/** What one attempt came to, for its endpoint. */
export type DeliveryResult = Result & {
  endpointId: string
  /** The address it was made at. Default: the one the endpoint has. */
  url?: string | undefined
  error: string | null
  /** Set when the endpoint answered that it wants no more: why. */
  goodbye?: string | undefined
  /** Set when this was the last attempt of the delivery. */
  exhausted?: Exhausted | undefined
}

/** A delivery that was given up. */
export type Exhausted = { deliveryId: string; eventId: string; eventType: string; attempts: number; depth: number }

type Row = Omit<Health, 'isDisabled'> & {
  id: string
  name: string
  url: string
  status: string
  heals: boolean
  lastError: string | null
  alertedAt: Date | null
  isAlerted: boolean
  exhaustedAt: Date | null
  now: Date
}

/**
 * Notes what a batch of attempts came to, in the transaction that ends them; returns the events
 * that say what follows: `endpoint.failing`, `endpoint.disabled`, `endpoint.recovered`, and
 * `delivery.exhausted` at most once an hour for an endpoint.
 */
export async function noteResults(
  tx: Sql,
  { clock, log }: { clock: Clock; log: Log },
  results: readonly DeliveryResult[],
): Promise<Draft[]> {
  const ids = results.map(({ endpointId }) => endpointId)
  // In one order, so that two processes do not wait for each other; and as whoever changes an
  // endpoint, which has it before its health.
  const { rows } = await tx.query<Row>(
    `select p.id, p.name, p.url, p.status, p.heals, h.state, h.slots, h.failures, h.failing_since as "failingSince",
       h.probes, h.last_error as "lastError", h.alerted_at as "alertedAt", h.is_alerted as "isAlerted",
       h.exhausted_at as "exhaustedAt",
       case when h.opens_at > '-infinity' then h.opens_at end as "opensAt", coalesce($2::timestamptz, now()) as now
     from signalbox.endpoints p join signalbox.endpoint_health h on h.endpoint_id = p.id
     where p.id = any($1::uuid[]) order by p.id for no key update`,
    [ids, clock.sqlNow()],
  )
  const drafts: Draft[] = []
  for (const row of rows) {
    drafts.push(
      ...(await noteEndpoint(
        tx,
        { log, now: row.now },
        row,
        results.filter(({ endpointId }) => endpointId === row.id).map((result) => asOf(row, result)),
      )),
    )
  }
  return drafts
}

/** What was answered at an address that the endpoint has no more says nothing of it. */
function asOf({ url }: Row, result: DeliveryResult): DeliveryResult {
  if (result.url === undefined || result.url === url) return result
  return { ...result, kind: 'neither', waitMs: undefined, goodbye: undefined }
}

async function noteEndpoint(
  tx: Sql,
  { log, now }: { log: Log; now: Date },
  row: Row,
  results: readonly DeliveryResult[],
): Promise<Draft[]> {
  let health: Health = { ...row, isDisabled: row.status === 'disabled' && row.heals }
  const changes: HealthChange[] = []
  for (const result of results) {
    const after = healthAfter(health, result, now)
    health = after.health
    if (after.change !== null) changes.push(after.change)
  }
  const failed = results.findLast(({ kind }) => kind === 'failure')
  const error = (failed?.error ?? row.lastError)?.slice(0, MAX_ERROR_CHARS) ?? null
  await changeStatus(tx, row, { health, changes, results })
  const exhausted = results.filter((result) => result.exhausted && isSaid(result.exhausted.eventType))
  const saysExhausted = exhausted.length > 0 && isLongAgo(row.exhaustedAt, now)
  const said = changesToSay(row, { health, changes, now })
  await tx.query(
    `update signalbox.endpoint_health set state = $2, slots = $3, opens_at = case when $13::boolean then coalesce($4::timestamptz, '-infinity') else opens_at end,
       failures = $5, failing_since = $6, probes = $7, last_error = $8,
       last_failure_at = case when $9::boolean then $11::timestamptz else last_failure_at end,
       last_success_at = case when $10::boolean then $11::timestamptz else last_success_at end,
       exhausted_at = case when $12::boolean then $11::timestamptz else exhausted_at end,
       alerted_at = case when $14::boolean and not $15::boolean then $11::timestamptz else alerted_at end,
       is_alerted = case when $14::boolean then not $15::boolean else is_alerted end
     where endpoint_id = $1`,
    [
      row.id,
      health.state,
      health.slots,
      health.opensAt,
      health.failures,
      health.failingSince,
      health.probes,
      error,
      failed !== undefined,
      results.some(({ kind }) => kind === 'success'),
      now,
      saysExhausted,
      // Whoever claims moves it too, where the endpoint has a rate.
      health.opensAt?.getTime() !== row.opensAt?.getTime(),
      said.length > 0,
      said.at(-1) === 'recovered',
    ],
  )
  const about = { endpoint_id: row.id, endpoint_name: row.name, url: row.url }
  const failing_since = (health.failingSince ?? row.failingSince)?.toISOString() ?? null
  const drafts = said.map((change) => {
    const data = { ...about, failures: health.failures, failing_since, error }
    log.warn({ about: data }, `endpoint ${row.name} (${row.url}): ${SENTENCES[change]}`)
    return endpointEvent(`endpoint.${change}`, row.id, data, { now, depth: 1 })
  })
  const [first] = saysExhausted ? exhausted : []
  if (first?.exhausted === undefined) return drafts
  const { deliveryId, eventId, eventType, attempts, depth } = first.exhausted
  const data = {
    ...about,
    delivery_id: deliveryId,
    event_id: eventId,
    event_type: eventType,
    attempts,
    error: first.error,
  }
  return [...drafts, endpointEvent('delivery.exhausted', row.id, data, { now, depth: depth + 1 })]
}

/**
 * What people are to be notified of: of one that comes and goes, once an hour that it fails, and
 * that it has recovered only if they know that it failed.
 */
function changesToSay(
  { alertedAt, isAlerted }: Row,
  { health, changes, now }: { health: Health; changes: readonly HealthChange[]; now: Date },
): HealthChange[] {
  const said: HealthChange[] = []
  let isKnown = isAlerted
  let mayAlert = isLongAgo(alertedAt, now)
  const alert = (change: HealthChange) => {
    said.push(change)
    isKnown = true
    mayAlert = false
  }
  for (const change of changes) {
    if (change === 'disabled' || (change === 'failing' && mayAlert)) alert(change)
    if (change !== 'recovered' || !isKnown) continue
    said.push(change)
    isKnown = false
  }
  if (health.state === 'open' && !isKnown && mayAlert) alert('failing')
  return said
}

function isLongAgo(at: Date | null, now: Date): boolean {
  return at === null || at.getTime() <= now.getTime() - SAID_EVERY_MS
}

const SENTENCES: Record<HealthChange, string> = {
  failing: 'so many attempts failed that it is only tried from time to time, until one succeeds',
  disabled: 'disabled after five days of nothing but failure; it is tried every hour, and enabled when that succeeds',
  recovered: 'it answers again, and what has waited for it is sent',
}

async function changeStatus(
  tx: Sql,
  row: Row,
  { health, changes, results }: { health: Health; changes: HealthChange[]; results: readonly DeliveryResult[] },
): Promise<void> {
  const goodbye = results.find((result) => result.goodbye !== undefined)?.goodbye
  if (goodbye !== undefined) {
    await tx.query(
      `update signalbox.endpoints set status = 'paused', status_reason = $2, gone_at = now(), updated_at = now()
       where id = $1 and status = 'active'`,
      [row.id, goodbye],
    )
  } else if (changes.includes('disabled')) {
    const since = health.failingSince?.toISOString()
    await tx.query(
      `update signalbox.endpoints set status = 'disabled', heals = true, updated_at = now(), status_reason = $2
       where id = $1 and status = 'active'`,
      [row.id, `Nothing but failures since ${since}. It is still tried every hour, and enabled when that succeeds.`],
    )
  } else if (changes.includes('recovered') && row.heals) {
    await tx.query(
      `update signalbox.endpoints set status = 'active', status_reason = null, updated_at = now()
       where id = $1 and heals`,
      [row.id],
    )
  }
}

/**
 * Not of what is itself about endpoints and deliveries: one that fails would cause the next.
 */
function isSaid(eventType: string): boolean {
  return !/^(endpoint|delivery)\./.test(eventType)
}

function endpointEvent(
  type: string,
  endpointId: string,
  data: object,
  { now, depth }: { now: Date; depth: number },
): Draft {
  const id = newId(now)
  return ownEvent(
    {
      id,
      type,
      deliveryId: `${type.replace('.', '_')}_${id}`,
      subject: `endpoint:${endpointId}`,
      actor: null,
      facts: { endpoint: endpointId },
      projectId: null,
      data,
      depth,
      causeJobId: null,
    },
    now,
  )
}
