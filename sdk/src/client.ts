// A client for a Signalbox server's HTTP API.
import type { ConfigDiff, Json } from './payload.ts'
import type { TransportOptions } from './transport.ts'
import { openTransport } from './transport.ts'

/** What went live where, as `POST /api/deployments` takes it. */
export type DeploymentInput = {
  project_id: string
  app_name: string
  variant_name: string
  variant_id?: string | undefined
  environment: string
  revision?: number | undefined
  config: Json
  commit_message?: string | undefined
  deployed_by: string
}

/**
 * The deployment as it was recorded; `duplicate` when this idempotency key had recorded it before.
 */
export type RecordedDeployment = {
  deployment_id: string
  event_id: string
  sequence: number
  config_diff: ConfigDiff
  duplicate: boolean
}

/** One row of the event log. */
export type EventSummary = {
  id: string
  source: string
  type: string
  status: 'routed' | 'ignored' | 'rejected'
  /** Why it was ignored or rejected. */
  reason: string | null
  received_at: string
}

/** One durable unit of work. */
export type JobSummary = {
  id: string
  job_type: string
  status: 'pending' | 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled'
  priority: number
  created_at: string
  started_at: string | null
  completed_at: string | null
  error: string | null
  assigned_agent: string | null
}

/** Where deliveries are to be sent. The server makes a secret when none is passed. */
export type EndpointInput = {
  url: string
  /** Event types, as globs; `environment.deployed` if absent, `["*"]` is every event. */
  events?: string[] | undefined
  /** Environments, as globs, of events that have one; `production` if absent, null is all. */
  environments?: string[] | null | undefined
  /** Applications, as globs, of events that have one; all if absent. */
  apps?: string[] | null | undefined
  name?: string | undefined
  secret?: string | undefined
}

/** An endpoint as the server knows it; `secret` is there once, in the answer to its creation. */
export type Endpoint = {
  id: string
  name: string | null
  url: string
  events: string[]
  status: 'active' | 'paused' | 'disabled'
  secret?: string
}

/** One page of rows, newest first; pass `next` as `cursor` for the following one. */
export type Page<Item> = {
  items: Item[]
  next: string | null
}

/** Which rows to list; `type` is an event's type or a job's. */
export type ListQuery = {
  status?: string | undefined
  type?: string | undefined
  limit?: number | undefined
  cursor?: string | undefined
}

/** What a manual trigger recorded; `jobs` are the ids of the jobs it made. */
export type Triggered = {
  event_id: string
  event_type: string
  status: EventSummary['status']
  jobs: string[]
  message: string
}

/**
 * Everything the client can ask of a server; every call rejects with a SignalboxError when refused.
 */
export type SignalboxClient = {
  /**
   * Records a deployment once, however often the call has to be repeated: the key makes repeating
   * safe.
   */
  deploy(deployment: DeploymentInput, options?: { idempotencyKey?: string | undefined }): Promise<RecordedDeployment>
  /** Starts a job by hand; not repeated on failure, because each trigger is a new event. */
  trigger(jobType: string, payload?: Json): Promise<Triggered>
  /**
   * Resolves when the server is ready; a server without its database is a SignalboxError with
   * status 503.
   */
  health(): Promise<{ status: string }>
  events: { list(query?: ListQuery): Promise<Page<EventSummary>>; get(id: string): Promise<EventSummary> }
  jobs: { list(query?: ListQuery): Promise<Page<JobSummary>>; get(id: string): Promise<JobSummary> }
  endpoints: { create(endpoint: EndpointInput): Promise<Endpoint>; list(query?: ListQuery): Promise<Page<Endpoint>> }
}

/** A client for one server: `signalbox({ url, token })`. */
export function signalbox(options: TransportOptions): SignalboxClient {
  const { get, post } = openTransport(options)
  return {
    deploy: (deployment, { idempotencyKey = crypto.randomUUID() } = {}) =>
      post('api/deployments', deployment, idempotencyKey),
    trigger: (jobType, payload = {}) => post('webhook/manual', { job_type: jobType, payload }),
    health: () => get('health'),
    events: { list: (query) => get('api/events', query), get: (id) => get(`api/events/${encodeURIComponent(id)}`) },
    jobs: { list: (query) => get('api/jobs', query), get: (id) => get(`api/jobs/${encodeURIComponent(id)}`) },
    endpoints: {
      create: (endpoint) => post('api/endpoints', endpoint),
      list: (query) => get('api/endpoints', query),
    },
  }
}
