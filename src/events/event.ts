// What an event is: something that happened, one immutable row.
import type { Sql } from '../db/database.ts'
import type { Json } from '../lib/json.ts'
import type { Budget } from '../models/budget.ts'
import type { ModelRef } from '../models/model-ref.ts'
import type { Policy } from '../publisher/policy.ts'
import type { Question } from '../rules/who.ts'
import type { Facts } from './facts.ts'
import type { PullRequest } from './pull-request.ts'

export type EventStatus = 'routed' | 'ignored' | 'rejected'

/** An event as it is stored. */
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
  /** How many internal events are between this one and something from outside. */
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
  /** What its outputs may write, kept with the job. */
  policy: Policy
  /** What to ask the forge before it runs; null: nothing. */
  who: Question | null
  /** The model that its rule names; null: the agent's, or the default one. */
  model: ModelRef | null
  /** What it may use; null: no limit. */
  budget: Budget | null
  priority: number
  groupKey: string | null
  /** How many jobs of its group run at a time. */
  groupLimit: number
  /** What it means for the other jobs of its rule and group. */
  mode: 'queue' | 'latest' | 'next' | 'skip'
  /** How long it waits for newer events. */
  debounce: { quietMs: number; maxMs: number } | null
  /** What the jobs of its rule are counted by; null: they are not. */
  ceilingSubject: string | null
  maxAttempts: number
  timeLimitMs: number
}

/** A delivery that must exist when its event does. */
export type NewDelivery = {
  id: string
  endpointId: string
  groupKey: string | null
  /** Whether it keeps its group from its first attempt to its end. */
  holdsGroup: boolean
  maxAttempts: number
  /** Why it is not to be sent: it can be recovered later. */
  skipped: string | null
}

/** An event about to be recorded, before it is known what follows from it. */
export type Draft = {
  id: string
  source: string
  /** The sender's id: a second draft with the same source and delivery id is the same event. */
  deliveryId: string
  /** 32 hexadecimal digits: a second draft with the same source and body key is the same event. */
  bodyKey?: string
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
  /** When it happened, by the sender's clock; absent: when it was received. */
  happenedAt?: Date
  /** What it says of a pull request. Not stored with the event; reactions read it. */
  pullRequest?: PullRequest
  /** Set when the request was refused: nothing follows from it, and this is why. */
  rejected?: string
  /** A job asked for by name (the manual trigger), whatever the rules say. */
  requested?: NewJob
  /** The endpoint that a test is for: it alone is notified, whatever it and the rules want. */
  deliverTo?: string
  /** Whether it was fetched from its sender later, because it had not arrived. */
  recovered?: true
  /** The only rules that make jobs of it: it is no news, and nobody is notified. */
  forRules?: readonly string[]
}

/** What follows from an event. */
export type Route = { status: EventStatus; reason: string | null; jobs: NewJob[]; deliveries: NewDelivery[] }

/**
 * An event with the jobs and deliveries that must commit together with it; they are not begun while
 * they are held.
 */
export type NewEvent = Draft & Route & { isHeld?: boolean }

/**
 * What else must commit with an event: a pull request's state on the deployments it documents, say.
 * Runs for a new event only, not for a repeated delivery; if it throws, the event is not recorded.
 */
export type Reaction = {
  /** Whether there is something to do for this event. */
  on(event: Draft): boolean
  /** Returns the events that follow from it, which are recorded in the same transaction. */
  run(tx: Sql, event: NewEvent): Promise<readonly Draft[]>
}

/**
 * What became of recording: the event's id (the first one's, for a repeat), whether it was there
 * already, and the jobs that followed from it, the first time.
 */
export type Recorded = { id: string; duplicate: boolean; status: EventStatus; reason: string | null; jobIds: string[] }
