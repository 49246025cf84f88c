// What an event is: something that happened, one immutable row.
import type { Json } from '@signalbox/sdk'
import type { Sql } from '../db/database.ts'
import type { Facts } from './facts.ts'

export type EventStatus = 'routed' | 'ignored' | 'rejected'

/** An event as the log holds it. */
export type Event = {
  id: string
  source: string
  deliveryId: string
  type: string
  status: EventStatus
  /** Why nothing followed; null for a routed event. */
  reason: string | null
  subject: string | null
  actor: string | null
  facts: Facts
  /** Exactly the bytes that came; null for a rejected event. */
  body: Buffer | null
  /**
   * What it says, where that is not simply the body: the source translated it, or the body is not
   * JSON. Null: the body is the payload. `eventPayload` reads either.
   */
  payload: Json | null
  contentType: string | null
  headers: Record<string, string>
  /** Events of our own between this one and something from outside. */
  depth: number
  receivedAt: Date
}

/** A job that must exist when its event does. */
export type NewJob = {
  id: string
  rule: string
  type: string
  agent: string
  input: unknown
  priority: number
  groupKey: string | null
  maxAttempts: number
  timeLimitMs: number
}

/** A delivery that must exist when its event does. */
export type NewDelivery = { id: string; endpointId: string; groupKey: string | null }

/** An event about to be recorded, before it is known what follows from it. */
export type Draft = {
  id: string
  source: string
  /** The sender's id: a second draft with the same source and delivery id is the same event. */
  deliveryId: string
  type: string
  subject: string | null
  actor: string | null
  facts: Facts
  body: Uint8Array | null
  /**
   * What it says, where that is not simply the body: the source translated it, or the body is not
   * JSON. Null: the body is the payload.
   */
  payload: Json | null
  contentType: string | null
  headers: Record<string, string>
  depth: number
  causeJobId: string | null
  /** Set when the request was refused: nothing follows from it, and this is why. */
  rejected?: string
  /** A job asked for by name (the manual trigger), whatever the rules say. */
  requested?: NewJob
  /**
   * What else must commit with the event when it is new: a pull request's state on the deployment
   * it documents, say.
   */
  alongside?: (tx: Sql, eventId: string) => Promise<void>
}

/** What follows from an event. */
export type Route = { status: EventStatus; reason: string | null; jobs: NewJob[]; deliveries: NewDelivery[] }

/**
 * Decides what follows from a draft, by the rules and by this process's copy of the endpoints,
 * which has a version and can be read again: through the connection at hand, because one in a
 * transaction must not wait for another.
 */
export type Router = { version(): number; reload(sql: Sql): Promise<void>; route(draft: Draft): Route }

/** An event with all that must commit together with it. */
export type NewEvent = Draft & Route

/**
 * What became of recording: the event's id (the first one's, for a repeat), whether it was there
 * already, and what followed this time.
 */
export type Recorded = { id: string; duplicate: boolean; status: EventStatus; reason: string | null; jobIds: string[] }
