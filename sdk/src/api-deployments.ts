// What the HTTP API takes and answers of deployments and deliveries, field by field. Times are ISO
// 8601 in UTC.
import type { AttemptOutcome, PageQuery } from './api.ts'
import type { ConfigDiff, Json } from './payload.ts'

/** What went live where, as `POST /api/deployments` takes it. */
export type DeploymentInput = {
  project_id: string
  app_name: string
  variant_name: string
  variant_id?: string | null | undefined
  environment: string
  /** Counted by the server if absent. */
  revision?: number | null | undefined
  config: { [key: string]: Json }
  commit_message?: string | null | undefined
  deployed_by: string
}

/** A deployment as lists show it. */
export type DeploymentSummary = {
  deployment_id: string
  project_id: string
  app_name: string
  variant_name: string
  variant_id: string
  environment: string
  revision: number
  config_sha256: string
  commit_message: string | null
  deployed_by: string
  /** Counts the deployments of one project, app and environment from 1, without gaps. */
  sequence: number
  previous_deployment_id: string | null
  event_id: string
  created_at: string
  pull_requests: {
    repository: string
    number: number
    url: string
    state: 'open' | 'closed' | 'merged'
    merge_sha: string | null
    merged_by: string | null
    merged_at: string | null
    updated_at: string
  }[]
}

/**
 * One deployment with how its configuration differs from the one before, and with what followed
 * from it; `reason` says why it made no job, or not all.
 */
export type DeploymentDetail = DeploymentSummary & {
  config_diff: ConfigDiff
  jobs: {
    id: string
    job_type: string
    rule: string
    agent: string
    status: 'pending' | 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled'
    error: string | null
  }[]
  /** The checks that these jobs have written. */
  checks: { name: string; conclusion: string | null; url: string }[]
  reason: string | null
}

/**
 * The deployment as it was recorded; `duplicate` when this idempotency key had recorded it before.
 */
export type RecordedDeployment = DeploymentDetail & { duplicate: boolean }

/** Which deployments to list. */
export type DeploymentQuery = PageQuery & {
  project?: string | undefined
  app?: string | undefined
  environment?: string | undefined
}

/** Where a delivery is. */
export type DeliveryStatus = 'pending' | 'running' | 'succeeded' | 'failed' | 'skipped'

/** One event for one endpoint. */
export type Delivery = {
  id: string
  event_id: string
  event_type: string
  endpoint_id: string
  endpoint_name: string
  status: DeliveryStatus
  /** How often it was started. */
  attempt: number
  /** How many attempts failed; it fails at `max_attempts`. */
  failures: number
  max_attempts: number
  error: string | null
  /** Null unless it is pending. */
  next_attempt_at: string | null
  /** The newer delivery that was sent in its place. */
  superseded_by: string | null
  created_at: string
  finished_at: string | null
}

/** What an attempt took, in milliseconds; null is what a connection that was open did without. */
export type DeliveryTimings = {
  dns: number | null
  connect: number | null
  tls: number | null
  first_byte: number | null
  total: number
}

/** One attempt of a delivery; `response` is the beginning of what the receiver answered. */
export type DeliveryAttempt = {
  attempt: number
  outcome: AttemptOutcome
  /** The address it was sent to, and the port. */
  peer: string | null
  /** What was sent, without the values that are secret. */
  request_headers: Record<string, string> | null
  status_code: number | null
  error: string | null
  response_headers: Record<string, string> | null
  response: string | null
  duration_ms: number | null
  timings: DeliveryTimings | null
  started_at: string
  finished_at: string | null
}

/** One delivery with its attempts, the first one first. */
export type DeliveryDetail = Delivery & {
  /** The older deliveries it was sent in the place of. */
  supersedes: string[]
  attempts: DeliveryAttempt[]
}

/** Which deliveries to list. */
export type DeliveryQuery = PageQuery & {
  status?: DeliveryStatus | undefined
  event_id?: string | undefined
  endpoint_id?: string | undefined
}

/** Which deliveries of an endpoint to send again. */
export type RecoveryInput = {
  /** ISO 8601, as `until` is. */
  since: string
  until?: string | undefined
  /** Default: failed and skipped ones. */
  status?: ('failed' | 'skipped' | 'succeeded')[] | undefined
  /** An event type, or a glob such as `job.*`. */
  type?: string | undefined
  /** Another endpoint to send them to. */
  endpoint_id?: string | undefined
  /** Only count them. */
  dry_run?: boolean | undefined
}

/** How many deliveries are pending again, or would be; `more` when there are others left. */
export type Recovered = { count: number; more: boolean; dry_run: boolean }
