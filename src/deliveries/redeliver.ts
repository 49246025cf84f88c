// Sending again: one delivery, or those of an endpoint in a span of time.
import { z } from 'zod'
import type { Database, Sql } from '../db/database.ts'
import { keepPayloads, requirePayloads } from '../db/payload-pruned.ts'
import type { NewDelivery, NewEvent } from '../events/event.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { likePattern } from '../lib/glob.ts'
import { isUuid } from '../lib/id.ts'
import { describe, PARSING } from '../lib/zod.ts'
import { noDelivery } from './query.ts'

/** How many deliveries one call recovers at most; the next call goes on. */
const MAX_RECOVERED = 10_000

const id = z.string()

/** The body of `POST /api/deliveries/{id}/redeliver`. */
export const redeliverRequest = z.strictObject({
  endpoint_id: id.optional().meta({ description: 'Send it to this endpoint in place of its own.' }),
})

/** The body of `POST /api/endpoints/{id}/recover`. */
export const recoverRequest = z.strictObject({
  since: z.iso.datetime({ offset: true }).meta({ description: 'Deliveries made at this time or later.' }),
  until: z.iso.datetime({ offset: true }).optional().meta({ description: 'And before this time. Default: now.' }),
  status: z
    .array(z.enum(['failed', 'skipped', 'succeeded']))
    .min(1)
    .default(['failed', 'skipped'])
    .meta({ description: 'What became of them.' }),
  type: z.string().optional().meta({ description: 'Only of this event type, or glob such as `job.*`.' }),
  endpoint_id: id.optional().meta({ description: 'Send them to this endpoint in place of their own.' }),
  dry_run: z.boolean().default(false).meta({ description: 'Only count them.' }),
})

/** What a recovery came to. */
export const recovered = z
  .object({
    count: z.int().meta({ description: 'How many deliveries are pending again, or would be.' }),
    more: z.boolean().meta({ description: `Whether there are more than the ${MAX_RECOVERED} of one call.` }),
    dry_run: z.boolean(),
  })
  .meta({ id: 'Recovered' })

type Planned = Pick<NewEvent, 'id' | 'facts'>

/** Another endpoint to send to: which deliveries to it the events would make. */
export type Elsewhere = { endpointId: string; plan(events: readonly Planned[]): NewDelivery[] }

/** A checked request to recover deliveries. */
export type Recovery = z.infer<typeof recoverRequest>

/**
 * Checks the body of a request to send a delivery again.
 * @throws AppError `input_invalid`
 */
export function readRedelivery(body: unknown): z.infer<typeof redeliverRequest> {
  return read(redeliverRequest, body)
}

/**
 * Checks the body of a request to recover deliveries.
 * @throws AppError `input_invalid`
 */
export function readRecovery(body: unknown): Recovery {
  return read(recoverRequest, body)
}

function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const { data, error } = schema.safeParse(body, PARSING)
  if (error) throw new AppError('input_invalid', describe(error, { root: 'the request' }))
  return data
}

/**
 * Makes a delivery pending again, with all attempts of its schedule before it; its earlier
 * attempts stay in its log. With `elsewhere` its event is sent there, and it stays as it is.
 * Returns the delivery to be sent.
 * @throws AppError `not_found`; `conflict` while it is being sent; `payload_pruned` when what its
 * event said was deleted.
 */
export async function redeliver(
  database: Database,
  clock: Clock,
  { id, elsewhere }: { id: string; elsewhere?: Elsewhere | undefined },
): Promise<string> {
  if (!isUuid(id)) throw noDelivery(id)
  return database.transaction(async (tx) => {
    await keepPayloads(tx)
    const { rows } = await tx.query<{ event: string; endpoint: string; status: string }>(
      'select event_id as event, endpoint_id as endpoint, status from signalbox.deliveries where id = $1 for update',
      [id],
    )
    const [row] = rows
    if (row === undefined) throw noDelivery(id)
    await requirePayloads(tx, [row.event])
    if (elsewhere !== undefined && elsewhere.endpointId !== row.endpoint) {
      const [sent] = await sendTo(tx, clock, elsewhere, [row.event])
      if (sent === undefined) throw new AppError('conflict', 'It is being sent there at this moment.')
      return sent
    }
    if (row.status === 'running') throw new AppError('conflict', 'It is being sent at this moment.')
    await tx.query(`update signalbox.deliveries set ${pending('$2')} where id = $1`, [id, clock.sqlNow()])
    return id
  })
}

/**
 * Makes the deliveries of an endpoint in a span of time pending again, the oldest first, or
 * counts them; not those that a newer one was sent in the place of, nor those of events whose
 * payloads were deleted.
 * @throws AppError `not_found` when there is no such endpoint.
 */
export async function recover(
  database: Database,
  clock: Clock,
  endpointId: string,
  { since, until, status, type, dry_run }: Recovery,
  other?: Elsewhere,
): Promise<z.infer<typeof recovered>> {
  const elsewhere = other?.endpointId === endpointId ? undefined : other
  return database.transaction(async (tx) => {
    await keepPayloads(tx)
    await requireEndpoint(tx, endpointId)
    const { rows } = await tx.query<{ id: string; event: string }>(
      `select d.id, d.event_id as event from signalbox.deliveries d join signalbox.events e on e.id = d.event_id
       where d.endpoint_id = $1 and d.status = any($2::text[]) and d.created_at >= $3::timestamptz
         and d.created_at < coalesce($4::timestamptz, 'infinity') and ($5::text is null or e.type like $5)
         and e.source <> 'test' and e.body_pruned_at is null and (d.superseded_by is null or $7::boolean)
       order by d.created_at, d.id limit $6`,
      [
        endpointId,
        status,
        timeOf(since),
        until === undefined ? null : timeOf(until),
        type === undefined ? null : likePattern(type),
        MAX_RECOVERED + 1,
        // It was sent there by a newer one, after which it would undo that.
        elsewhere !== undefined,
      ],
    )
    const chosen = rows.slice(0, MAX_RECOVERED)
    const more = rows.length > MAX_RECOVERED
    if (dry_run || chosen.length === 0) return { count: chosen.length, more, dry_run }
    if (elsewhere !== undefined) {
      const sent = await sendTo(
        tx,
        clock,
        elsewhere,
        chosen.map(({ event }) => event),
      )
      return { count: sent.length, more, dry_run }
    }
    const { rowCount } = await tx.query(
      `update signalbox.deliveries d set ${pending('$2')} - (${MAX_RECOVERED} - n) * interval '1 microsecond'
       from unnest($1::uuid[]) with ordinality as chosen (id, n)
       where d.id = chosen.id and d.status <> 'running'`,
      [chosen.map((row) => row.id), clock.sqlNow()],
    )
    return { count: rowCount, more, dry_run }
  })
}

/**
 * What a row that is sent again is set to; the last of it is the time it is due. Of several,
 * each is due a microsecond before the next.
 */
function pending(now: string): string {
  return `status = 'pending', failures = 0, losses = 0, deferrals = 0, error = null, finished_at = null,
    superseded_by = null, available_at = coalesce(${now}::timestamptz, now())`
}

/**
 * Deliveries of these events to another endpoint, new or again; not those that are being sent.
 */
async function sendTo(tx: Sql, clock: Clock, elsewhere: Elsewhere, events: readonly string[]): Promise<string[]> {
  const { endpointId, plan } = elsewhere
  await requireEndpoint(tx, endpointId)
  const found = await tx.query<Planned>('select id, facts from signalbox.events where id = any($1::uuid[])', [events])
  const facts = new Map(found.rows.map((event) => [event.id, event.facts]))
  const planned = plan(events.map((id) => ({ id, facts: facts.get(id) ?? {} })))
  const { rows } = await tx.query<{ id: string }>(
    `insert into signalbox.deliveries as d (id, event_id, endpoint_id, max_attempts, group_key, holds_group,
       available_at, created_at)
     select n.id, n.event, $3, max_attempts, group_key, holds_group,
       coalesce($4::timestamptz, now()) - (${MAX_RECOVERED} - n.at) * interval '1 microsecond',
       coalesce($4::timestamptz, now()) - (${MAX_RECOVERED} - n.at) * interval '1 microsecond'
     from unnest($1::uuid[], $2::uuid[], $5::integer[], $6::text[], $7::boolean[]) with ordinality
       as n (id, event, max_attempts, group_key, holds_group, at)
     on conflict (event_id, endpoint_id) do update set ${pending('$4')} where d.status <> 'running'
     returning d.id`,
    [
      planned.map(({ id }) => id),
      events,
      endpointId,
      clock.sqlNow(),
      planned.map(({ maxAttempts }) => maxAttempts),
      planned.map(({ groupKey }) => groupKey),
      planned.map(({ holdsGroup }) => holdsGroup),
    ],
  )
  return rows.map((row) => row.id)
}

/** PostgreSQL takes no year 0, and no offset of more than 16 hours. */
function timeOf(text: string): Date {
  return new Date(text)
}

async function requireEndpoint(sql: Sql, endpointId: string): Promise<void> {
  const { rowCount } = await sql.query('select from signalbox.endpoints where id::text = $1', [endpointId])
  if (rowCount === 0) throw new AppError('not_found', `There is no endpoint ${JSON.stringify(endpointId)}.`)
}
