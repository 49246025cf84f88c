// Reading events by a cursor, without missing one.
import type { FeedEnvelope, FeedEvent, FeedQuery } from './api.ts'
import type { Transport } from './transport.ts'
import { isTemporary } from './transport.ts'

/** Reads events as lists show them, or with `form: 'envelope'` as endpoints are sent them. */
export type ReadFeed = {
  (query: FeedQuery & { form: 'envelope' }): AsyncGenerator<FeedEnvelope, void, undefined>
  (query: FeedQuery & { form?: undefined }): AsyncGenerator<FeedEvent, void, undefined>
}

type FeedPage = { items: (FeedEvent | FeedEnvelope)[]; next: string; at_end: boolean }

const WAIT_SECONDS = 20
const FIRST_PAUSE_MS = 500
// What happened is late by that much where a proxy cuts every connection that is quiet.
const MAX_PAUSE_MS = 5_000

/** The reader over one server. A server that is away or busy is asked again. */
export function feedOf(transport: Pick<Transport, 'get' | 'wait' | 'timeoutMs'>): ReadFeed {
  const { timeoutMs } = transport
  // The answer must come before the call is given up.
  const wait = Math.min(WAIT_SECONDS, Math.max(0, Math.floor(timeoutMs / 1000) - 5))

  const get = (query: object) => transport.get<FeedPage>('api/events', query)

  async function* read({ after, follow = true, signal, ...query }: FeedQuery) {
    let failures = 0
    for (let next = after; !signal?.aborted; ) {
      const page = await get({ ...query, after: next, wait: follow ? wait : 0 }).catch((error: unknown) => {
        if (follow && isTemporary(error)) return null
        throw error
      })
      if (page === null) {
        await transport.wait(Math.min(FIRST_PAUSE_MS * 2 ** failures++, MAX_PAUSE_MS))
        continue
      }
      failures = 0
      yield* page.items
      if (!follow && page.at_end) return
      next = page.next
    }
  }
  return read as ReadFeed
}
