// Hearing of work: by notifications, and by looking again and again while they do not arrive.
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import type { Database } from './database.ts'
import type { ListenerStatus } from './listen.ts'
import { openListener } from './listen.ts'
import type { Pools } from './pools.ts'

/** Work that there may be: due rows of these tables. Each has workers of its own. */
export const WORK = ['jobs', 'deliveries', 'outbox'] as const
export type Work = (typeof WORK)[number]

/**
 * Every producer notifies the workers on this channel, in the payload those of some tables only:
 * `deliveries,jobs`.
 */
export const CHANNEL = 'signalbox'
/**
 * A person has ended rows that run, which a trigger of the tables says, or has asked nodes to end.
 */
export const ENDED_CHANNEL = 'signalbox_ended'
// How often the workers look for due rows while notifications do not arrive.
const POLL_MS = 1_000

/** What is called, and over which connections it is heard. */
export type ListeningOptions = {
  database: Database
  pools: Pools
  url: string
  onWork(work: readonly Work[]): void
  onEnded(): void
  log: Log
}

/** `close` ends listening, `stopPolling` only the looks in its place. */
export type Listening = { status(): ListenerStatus; stopPolling(): Promise<void>; close(): Promise<void> }

/** Listens for notifications, and polls while they do not arrive. */
export async function openListening(options: ListeningOptions): Promise<Listening> {
  const { database, pools, url, onWork, onEnded, log } = options
  // Notifications arrive only in a session that is not shared.
  const onLive = (isLive: boolean) => {
    database.ownSessions(isLive)
    pools.ownSessions(isLive)
  }
  const onNotify = (channel: string, payload: string) =>
    channel === ENDED_CHANNEL ? onEnded() : onWork(workIn(payload))
  const listener = await openListener({ database, url, channels: [CHANNEL, ENDED_CHANNEL], onNotify, onLive, log })
  const poll = () => {
    if (listener.live) return
    onWork(WORK)
    onEnded()
  }
  const polling = every(POLL_MS, poll, { log, name: 'poll' })
  return { status: () => listener.status(), stopPolling: () => polling.close(), close: () => listener.close() }
}

function workIn(payload: string): readonly Work[] {
  const named = payload.split(',')
  return payload === '' ? WORK : WORK.filter((work) => named.includes(work))
}
