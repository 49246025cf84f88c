// Answering `GET /api/events?after=…`: events oldest first, for readers that must not miss any.
import type { Database } from '../../db/database.ts'
import { envelopeOf } from '../../deliveries/envelope.ts'
import type { Arrivals } from '../../events/arrivals.ts'
import type { FeedPage } from '../../events/feed.ts'
import { positionOf, readFeed, readFullFeed } from '../../events/feed.ts'
import { eventPayload } from '../../events/payload.ts'
import type { FeedEnvelope, FeedEvent } from '../../events/wire.ts'
import { AppError } from '../../lib/error.ts'

type Item = FeedEvent | FeedEnvelope

type FeedQuery = {
  after: string
  type?: string | undefined
  source?: string | undefined
  limit: number
  wait?: number | undefined
  form?: 'envelope' | undefined
  cursor?: string | undefined
  status?: string | undefined
  subject?: string | undefined
}

/**
 * The page after a cursor. When there is no event it waits for one, without a connection of the
 * database, until the caller has gone or `wait` seconds are over.
 * @throws AppError `input_invalid` for what cannot be together with `after`, and `rate_limited`
 * when too many wait.
 */
export async function feedAnswer(
  { looking, arrivals }: { looking: Database; arrivals: Arrivals },
  { cursor, status, subject, wait = 0, form, ...filter }: FeedQuery,
  signal: AbortSignal,
): Promise<{ items: Item[]; next: string; at_end: boolean }> {
  const wrong = Object.entries({ cursor, status, subject }).find(([, value]) => value !== undefined)
  if (wrong !== undefined) throw new AppError('input_invalid', `${wrong[0]}: not together with after; leave one out`)
  const deadline = performance.now() + wait * 1000
  let { after } = filter
  for (;;) {
    const { items, next, isEnd } = await readPage(looking, { ...filter, after }, form)
    const answer = { items, next, at_end: isEnd }
    const ms = deadline - performance.now()
    if (items.length > 0 || ms <= 0 || signal.aborted) return answer
    after = next
    if (isEnd && !(await arrivals.wait(positionOf(next), { ms, signal }))) return answer
  }
}

async function readPage(
  looking: Database,
  filter: Omit<FeedQuery, 'wait' | 'form'>,
  form: 'envelope' | undefined,
): Promise<FeedPage<Item>> {
  if (form === undefined) return readFeed(looking, filter)
  const { items, ...page } = await readFullFeed(looking, filter)
  const envelopes = items.map((event) => {
    const envelope = event.isPruned ? null : envelopeOf(event, eventPayload)
    const body = envelope === null ? null : Buffer.from(envelope.body).toString()
    return { id: event.id, type: event.type, cursor: event.cursor, body }
  })
  return { ...page, items: envelopes }
}
