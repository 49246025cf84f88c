// What the HTTP API takes and answers of gaps, field by field. Times are ISO 8601 in UTC.
import type { PageQuery } from './api.ts'

/** What became of a webhook that was missed; `arrived`: it was redelivered meanwhile. */
export type GapOutcome = 'recovered' | 'arrived' | 'lost' | 'pending'

/** A time in which webhooks did not arrive: from the first that was missed to the last. */
export type Gap = {
  id: string
  /** The path of the webhook in the API of the forge. */
  hook: string
  began_at: string
  ended_at: string
  found_at: string
  /** Why nothing is known of what was sent then. */
  reason: string | null
  /** Webhooks that were not acknowledged. */
  deliveries: number
  /** Those of them that did arrive and were answered 401: the webhook has another secret. */
  refused: number
  recovered: number
  /** Those of the recovered that rules made jobs for. */
  matched: number
  /** Those that were redelivered before they were fetched. */
  arrived: number
  lost: number
  pending: number
}

/** A gap with the first 1000 webhooks that were missed. */
export type GapDetail = Gap & {
  events: {
    /** The `X-GitHub-Delivery` of all attempts. */
    guid: string
    type: string
    sent_at: string
    /** What the forge was answered. */
    status: number
    outcome: GapOutcome
    reason: string | null
    event_id: string | null
    jobs: number
  }[]
}

/** Which gaps to list. */
export type GapQuery = PageQuery & { hook?: string | undefined }

/** A webhook that is looked at, or where none was found. */
export type HookState = {
  hook: string
  looked_at: string | null
  seen_until: string | null
  /** Why the last look was not complete. */
  problem: string | null
}

/** What a look at one webhook came to. */
export type HookLook = {
  hook: string
  since: string | null
  /** Deliveries in the list of the forge. */
  attempts: number
  /** Those that never arrived, and were not known to be missing. */
  missed: number
  recovered: number
  arrived: number
  lost: number
  pending: number
  /** The ids of their gaps. */
  gaps: string[]
  problem: string | null
}

/** What stands open and lacks a job. */
export type Lacking = {
  kind: 'pull_request' | 'issue' | 'deployment'
  subject: string
  /** The event that would have made the jobs. */
  type: string
  /** Whose permission counts. */
  actor: string | null
  /** The rules that would make a job of it now. */
  rules: string[]
  /** The jobs that were made. */
  jobs: string[]
}

/** What a check of everything that stands open came to. */
export type LevelCheck = { fixed: boolean; items: Lacking[] }

/** What a check came to; one that is not complete found problems, or more than it could fetch. */
export type GapCheck = {
  dry_run: boolean
  complete: boolean
  hooks: HookLook[]
  problems: { place: string; problem: string }[]
}
