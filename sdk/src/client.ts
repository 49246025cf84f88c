// A client for a Signalbox server's HTTP API.
import type {
  AgentSummary,
  EventBody,
  EventDetail,
  EventExplanation,
  EventQuery,
  EventSummary,
  EventTypeDetail,
  EventTypeSummary,
  Health,
  JobAnswerInput,
  JobDetail,
  JobLogPage,
  JobQuery,
  JobSummary,
  Page,
  RuleSummary,
  SourceSummary,
  WebhookReceipt,
} from './api.ts'
import type {
  CancelManyInput,
  ChangedJobs,
  Pause,
  PauseInput,
  PauseKind,
  PauseResult,
  PriorityManyInput,
  Resumed,
  RetryManyInput,
} from './api-control.ts'
import type {
  Delivery,
  DeliveryDetail,
  DeliveryQuery,
  DeploymentDetail,
  DeploymentInput,
  DeploymentQuery,
  DeploymentSummary,
  RecordedDeployment,
  Recovered,
  RecoveryInput,
} from './api-deployments.ts'
import type {
  ChangedEndpoint,
  CreatedEndpoint,
  DeletedEndpoint,
  Endpoint,
  EndpointChange,
  EndpointInput,
  EndpointQuery,
  RotationInput,
  SentTest,
} from './api-endpoints.ts'
import type { CategoryPrecision, Finding, FindingQuery } from './api-findings.ts'
import type {
  BacktestPage,
  BacktestQuery,
  PastEvent,
  Replayed,
  ReplayInput,
  RuleCost,
  Trace,
  Why,
  WhyQuery,
} from './api-history.ts'
import { controlOf } from './control.ts'
import type { ReadFeed } from './feed.ts'
import { feedOf } from './feed.ts'
import type { FollowLog } from './follow-log.ts'
import type { GapsClient } from './gaps.ts'
import { gapsOf } from './gaps.ts'
import type { NodesClient } from './nodes.ts'
import { nodesOf } from './nodes.ts'
import type { Json } from './payload.ts'
import type { Transport, TransportOptions } from './transport.ts'
import { openTransport } from './transport.ts'

export type { Fetch, FetchInit, FetchResponse } from './fetch.ts'
export { SignalboxError } from './signalbox-error.ts'
export type { TransportOptions } from './transport.ts'

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
  trigger(jobType: string, payload?: Json): Promise<WebhookReceipt>
  /**
   * Resolves when the server is ready; a server without its database is a SignalboxError with
   * status 503.
   */
  health(): Promise<Health>
  events: {
    list(query?: EventQuery): Promise<Page<EventSummary>>
    /**
     * Reads events oldest first, those of the past after `after` and then each as it happens, for
     * as long as it is iterated. Store the `cursor` of the last one you have dealt with.
     */
    feed: ReadFeed
    get(id: string): Promise<EventDetail>
    /** The types of events that are known, or those that a glob matches. */
    types(query?: { type?: string | undefined }): Promise<Page<EventTypeSummary>>
    /** One type, with the JSON Schema of what is sent and an example. */
    type(type: string): Promise<EventTypeDetail>
    /** Why every rule and endpoint matches the event, or does not. */
    explain(id: string): Promise<EventExplanation>
    body(id: string): Promise<EventBody>
    /**
     * Gives stored events the jobs that the rules make of them now, at most 500 in a call; the next
     * call takes the `replay_id` and the `next` of this one. Repeating a call is safe.
     */
    replay(replay: ReplayInput): Promise<Replayed>
  }
  jobs: {
    list(query?: JobQuery): Promise<Page<JobSummary>>
    get(id: string): Promise<JobDetail>
    /** At most `limit` (1000) lines after the one of id `after`. */
    log(id: string, query?: { after?: number | undefined; limit?: number | undefined }): Promise<JobLogPage>
    /**
     * Reads its log from the line after `after` on, each line as it is written, until the job has
     * ended; returns its status then. It goes on after a lost connection, without missing a line.
     */
    follow: FollowLog
    cancel(id: string): Promise<JobDetail>
    /**
     * Answers the approvals that it waits for, or the one of that name. `by` is who answers, as the
     * job shows it.
     */
    approve(id: string, answer?: JobAnswerInput): Promise<JobDetail>
    reject(id: string, answer?: JobAnswerInput): Promise<JobDetail>
    /**
     * Starts a failed or cancelled job again. An agent that left outputs does not run again, unless
     * it is to begin from the start, or from one of its steps; what was published stays then.
     */
    retry(id: string, options?: { fromStart?: boolean | undefined; fromStep?: string | undefined }): Promise<JobDetail>
    /** From 1 to 10; jobs of a higher one are begun first. */
    prioritise(id: string, priority: number): Promise<JobDetail>
    retryMany(which: RetryManyInput): Promise<ChangedJobs>
    cancelMany(which: CancelManyInput): Promise<ChangedJobs>
    prioritiseMany(which: PriorityManyInput): Promise<ChangedJobs>
  }
  deployments: {
    list(query?: DeploymentQuery): Promise<Page<DeploymentSummary>>
    get(id: string): Promise<DeploymentDetail>
    config(id: string): Promise<{ [key: string]: Json }>
  }
  endpoints: {
    list(query?: EndpointQuery): Promise<Page<Endpoint>>
    get(id: string): Promise<Endpoint>
    create(endpoint: EndpointInput): Promise<CreatedEndpoint>
    update(id: string, change: EndpointChange): Promise<ChangedEndpoint>
    /** Without `force` the server refuses while deliveries are pending for it. */
    remove(id: string, options?: { force?: boolean | undefined }): Promise<DeletedEndpoint>
    /** Gives it another secret, beside which those so far sign for a day, or as long as is said. */
    rotate(id: string, rotation?: RotationInput): Promise<CreatedEndpoint>
    /**
     * Sends the example of a type, the first one it wants if none is named. `waitMs` (up to
     * 20,000) waits for the end of the attempt, which the delivery then has.
     */
    test(id: string, options?: { type?: string | undefined; waitMs?: number | undefined }): Promise<DeliveryDetail>
    /** Sends the example of a type to an endpoint that is not made. */
    tryOut(endpoint: EndpointInput & { test_type?: string | undefined }): Promise<SentTest>
    /** Sends again what it did not get. */
    recover(id: string, recovery: RecoveryInput): Promise<Recovered>
  }
  deliveries: {
    list(query?: DeliveryQuery): Promise<Page<Delivery>>
    get(id: string): Promise<DeliveryDetail>
    /** Sends it again, to its endpoint or another one. */
    redeliver(id: string, options?: { endpointId?: string | undefined }): Promise<DeliveryDetail>
    /** What it is sent, as a command for a shell. */
    curl(id: string): Promise<{ command: string }>
  }
  findings: {
    list(query?: FindingQuery): Promise<Page<Finding>>
    get(id: string): Promise<Finding>
    /** No later review of the repository reports it again. */
    dismiss(id: string, options?: { reason?: string | undefined }): Promise<Finding>
    /** How often each category was right, and which are muted. */
    precision(query?: { repository?: string | undefined }): Promise<Page<CategoryPrecision>>
  }
  nodes: NodesClient
  gaps: GapsClient
  rules: {
    list(): Promise<Page<RuleSummary>>
    /** It makes no jobs until it is resumed; the reason is shown with it. */
    pause(name: string, options?: { reason?: string | undefined }): Promise<RuleSummary>
    resume(name: string): Promise<RuleSummary>
    /** What the rules would have made of past events, a page at a time. */
    backtest(query: BacktestQuery & { rule?: string | undefined }): Promise<BacktestPage>
    /** Past events with the jobs that were made of them, to test other rules on. */
    past(query: BacktestQuery): Promise<Page<PastEvent>>
    /** What jobs have used. */
    costs(): Promise<Page<RuleCost>>
  }
  pauses: {
    /** What is paused; with `since` also what was until then or later. */
    list(query?: { since?: string | undefined }): Promise<Page<Pause>>
    /** Nothing of it is begun any more once this resolves; what is held is not lost. */
    pause(what: PauseInput): Promise<PauseResult>
    resume(what: { kind: PauseKind; name?: string | undefined }): Promise<Resumed>
  }
  agents: { list(): Promise<Page<AgentSummary>> }
  sources: { list(): Promise<Page<SourceSummary>> }
  /** What led to something, and what followed: of any id, or of what `why` takes. */
  trace(id: string): Promise<Trace>
  /** What reached the server about a thing, and why something or nothing followed. */
  why(query: WhyQuery): Promise<Why>
}

/** A client for one server: `signalbox({ url, token })`. */
export function signalbox(options: TransportOptions): SignalboxClient {
  const transport = openTransport(options)
  const { get, getBytes, post, send } = transport
  const one = (noun: string, id: string): string => `api/${noun}/${encodeURIComponent(id)}`
  return {
    deploy: (deployment, { idempotencyKey = crypto.randomUUID() } = {}) =>
      post('api/deployments', deployment, idempotencyKey),
    trigger: (jobType, payload = {}) => post('webhook/manual', { job_type: jobType, payload }),
    health: () => get('health'),
    events: {
      list: (query) => get('api/events', query),
      feed: feedOf(transport),
      get: (id) => get(one('events', id)),
      types: (query) => get('api/event-types', query),
      type: (type) => get(one('event-types', type)),
      explain: (id) => get(`${one('events', id)}/explain`),
      async body(id) {
        const { bytes, headers } = await getBytes(`${one('events', id)}/body`)
        return { bytes, contentType: headers.get('x-original-content-type') || null }
      },
      replay: ({ replay_id = crypto.randomUUID(), ...replay }) => post('api/replays', { ...replay, replay_id }),
    },
    ...controlOf(transport),
    deployments: {
      list: (query) => get('api/deployments', query),
      get: (id) => get(one('deployments', id)),
      config: (id) => get(`${one('deployments', id)}/config`),
    },
    endpoints: {
      list: (query) => get('api/endpoints', query),
      get: (id) => get(one('endpoints', id)),
      create: (endpoint) => post('api/endpoints', endpoint),
      update: (id, change) => send('PATCH', one('endpoints', id), change),
      remove: (id, { force = false } = {}) => send('DELETE', `${one('endpoints', id)}?force=${force}`),
      rotate: (id, rotation = {}) => post(`${one('endpoints', id)}/rotate`, rotation),
      test: (id, { type, waitMs = 0 } = {}) => post(`${one('endpoints', id)}/test?wait=${waitMs}`, { type }),
      tryOut: (endpoint) => post('api/endpoints/test', endpoint),
      recover: (id, recovery) => post(`${one('endpoints', id)}/recover`, recovery),
    },
    deliveries: {
      list: (query) => get('api/deliveries', query),
      get: (id) => get(one('deliveries', id)),
      redeliver: (id, { endpointId: endpoint_id } = {}) => post(`${one('deliveries', id)}/redeliver`, { endpoint_id }),
      curl: (id) => get(`${one('deliveries', id)}/curl`),
    },
    findings: {
      list: (query) => get('api/findings', query),
      get: (id) => get(one('findings', id)),
      dismiss: (id, { reason } = {}) => post(`${one('findings', id)}/dismiss`, { reason }),
      precision: (query) => get('api/findings/precision', query),
    },
    nodes: nodesOf(transport),
    gaps: gapsOf(transport),
    rules: rulesOf(transport),
    agents: { list: () => get('api/agents') },
    sources: { list: () => get('api/sources') },
    trace: (id) => get(one('trace', id)),
    why: (query) => get('api/why', query),
  }
}

function rulesOf({ get, post }: Transport): SignalboxClient['rules'] {
  const one = (name: string): string => `api/rules/${encodeURIComponent(name)}`
  return {
    list: () => get('api/rules'),
    pause: (name, { reason } = {}) => post(`${one(name)}/pause`, { reason }),
    resume: (name) => post(`${one(name)}/resume`),
    backtest: (query) => get('api/backtests', query),
    past: (query) => get('api/backtests/events', query),
    costs: () => get('api/backtests/costs'),
  }
}
