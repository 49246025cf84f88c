// What the HTTP API takes and answers of endpoints, field by field. Times are ISO 8601 in UTC.
import type { PageQuery } from './api.ts'
import type { DeliveryAttempt } from './api-deployments.ts'
import type { Json } from './payload.ts'

/** Whether an endpoint is notified; a paused one later, a disabled one only by `recover`. */
export type EndpointStatus = 'active' | 'paused' | 'disabled'

/** What an endpoint is. */
export type EndpointKind = 'webhook' | 'slack' | 'telegram' | 'email' | 'github-dispatch'

type Scalar = string | number | boolean | null

/**
 * Values of what an event says, by their paths (`data.config.model`, `commits[0].id`), all of which
 * must hold: a value, globs, or operators.
 */
export type EndpointConditions = {
  [path: string]:
    | Scalar
    | Scalar[]
    | {
        eq?: Scalar | undefined
        in?: Scalar[] | undefined
        not?: Scalar | Scalar[] | undefined
        gt?: number | string | undefined
        gte?: number | string | undefined
        lt?: number | string | undefined
        lte?: number | string | undefined
        exists?: boolean | undefined
      }
}

type EndpointOptions = {
  /** Event types, as globs; `environment.deployed` if absent, `["*"]` is every event. */
  events?: string[] | undefined
  /** Projects, as globs, of events that have one; all if absent. */
  projects?: string[] | null | undefined
  /** Environments, as globs, of events that have one; `production` if absent, null is all. */
  environments?: string[] | null | undefined
  /** Applications, as globs, of events that have one; all if absent. */
  apps?: string[] | null | undefined
  conditions?: EndpointConditions | null | undefined
  /** `raw` sends the body as it came. */
  format?: 'envelope' | 'raw' | undefined
  signatures?: ('standard' | 'agenta' | 'ed25519')[] | undefined
  ordering?: 'parallel' | 'ordered' | 'latest-only' | undefined
  /** Seconds from one attempt to the next. */
  schedule?: number[] | null | undefined
  rate_per_second?: number | null | undefined
  concurrency?: number | null | undefined
  /** Texts of messages by event type or glob. */
  templates?: { [type: string]: string } | undefined
  status?: EndpointStatus | undefined
  url?: string | undefined
  name?: string | undefined
  /** What else its kind needs. */
  settings?: { [key: string]: Json } | undefined
  /** What its kind authenticates with. */
  credential?: string | null | undefined
  /** Takes event types that nobody is known to send. */
  force?: boolean | undefined
}

/** Where deliveries are to be sent. The server makes a secret when none is passed. */
export type EndpointInput = EndpointOptions & {
  kind?: EndpointKind | undefined
  secret?: string | undefined
  /** In place of `secret`: all that are live while one rotates. */
  secrets?: string[] | undefined
  /** Headers to send with every delivery. */
  headers?: { [name: string]: string } | undefined
}

/** What to change; headers with null are taken away, and the others stay. */
export type EndpointChange = EndpointOptions & { headers?: { [name: string]: string | null } | undefined }

/** How an endpoint does. */
export type EndpointHealth = {
  /** `open` while so many attempts fail that one is made only from time to time. */
  state: 'closed' | 'open' | 'recovering'
  /** Failed attempts since the last success. */
  failures: number
  failing_since: string | null
  last_error: string | null
  last_success_at: string | null
  last_failure_at: string | null
}

/** An endpoint as the server shows it: of what is secret, hints only. */
export type Endpoint = {
  id: string
  name: string
  kind: EndpointKind
  url: string
  settings: { [key: string]: Json }
  has_credential: boolean
  /** Those that sign, the newest first; the fingerprint begins their SHA-256. */
  secrets: { fingerprint: string; created_at: string; expires_at: string | null }[]
  /** The names of the headers of its own. */
  headers: string[]
  events: string[]
  projects: string[] | null
  environments: string[] | null
  apps: string[] | null
  conditions: { [path: string]: Json } | null
  format: 'envelope' | 'raw'
  signatures: ('standard' | 'agenta' | 'ed25519')[]
  ordering: 'parallel' | 'ordered' | 'latest-only'
  schedule: number[] | null
  rate_per_second: number | null
  concurrency: number | null
  templates: { [type: string]: string }
  status: EndpointStatus
  /** Why it is not active, where Signalbox paused or disabled it by itself. */
  status_reason: string | null
  /** Since when it has this status. */
  status_since: string
  health: EndpointHealth
  origin: 'config' | 'api'
  created_at: string
  updated_at: string
}

/** An endpoint with a secret that the server made, which is shown here and never again. */
export type CreatedEndpoint = Endpoint & { secret?: string | undefined }

/**
 * A changed endpoint; `dropped` are the headers and the credential that were taken away because the
 * URL is another.
 */
export type ChangedEndpoint = Endpoint & { dropped: string[] }

/** A deleted endpoint, with the number of pending deliveries that are gone with it. */
export type DeletedEndpoint = { id: string; name: string; deleted: true; pending_deliveries: number }

/** Another secret: one that is made, unless it is passed. */
export type RotationInput = {
  /** For how long the secrets so far sign too: 0 to 168, 24 if absent; 0 revokes them. */
  overlap_hours?: number | undefined
  secret?: string | undefined
}

/** Which endpoints to list. */
export type EndpointQuery = PageQuery & { status?: EndpointStatus | undefined }

/** What came of testing an endpoint that is not stored. */
export type SentTest = Omit<DeliveryAttempt, 'attempt' | 'outcome' | 'started_at' | 'finished_at'> & {
  /** The type that was sent. */
  type: string
  arrived: boolean
}
