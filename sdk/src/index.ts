// The published surface of @signalbox/sdk.

export type {
  AgentSummary,
  AttemptOutcome,
  Budget,
  EventBody,
  EventDetail,
  EventExplanation,
  EventQuery,
  EventStatus,
  EventSummary,
  EventTypeDetail,
  EventTypeSummary,
  Facts,
  FeedEnvelope,
  FeedEvent,
  FeedQuery,
  Health,
  HealthPart,
  JobAnswer,
  JobAnswerInput,
  JobAttempt,
  JobCause,
  JobDetail,
  JobLogLine,
  JobLogPage,
  JobOutput,
  JobQuery,
  JobStatus,
  JobStep,
  JobSummary,
  JobWait,
  JobWrite,
  ModelCall,
  Page,
  PageQuery,
  Receipt,
  RuleSummary,
  SourceSummary,
  WebhookReceipt,
} from './api.ts'
export type {
  CancelManyInput,
  ChangedJobs,
  JobSelection,
  Pause,
  PauseInput,
  PauseKind,
  PauseResult,
  PriorityManyInput,
  Resumed,
  RetryManyInput,
} from './api-control.ts'
export type {
  Delivery,
  DeliveryAttempt,
  DeliveryDetail,
  DeliveryQuery,
  DeliveryStatus,
  DeliveryTimings,
  DeploymentDetail,
  DeploymentInput,
  DeploymentQuery,
  DeploymentSummary,
  RecordedDeployment,
  Recovered,
  RecoveryInput,
} from './api-deployments.ts'
export type {
  ChangedEndpoint,
  CreatedEndpoint,
  DeletedEndpoint,
  Endpoint,
  EndpointChange,
  EndpointConditions,
  EndpointHealth,
  EndpointInput,
  EndpointKind,
  EndpointQuery,
  EndpointStatus,
  RotationInput,
  SentTest,
} from './api-endpoints.ts'
export type { CategoryPrecision, Finding, FindingQuery, FindingStatus } from './api-findings.ts'
export type {
  Gap,
  GapCheck,
  GapDetail,
  GapOutcome,
  GapQuery,
  HookLook,
  HookState,
  Lacking,
  LevelCheck,
} from './api-gaps.ts'
export type {
  BacktestExample,
  BacktestPage,
  BacktestQuery,
  PastEvent,
  Replayed,
  ReplayedJob,
  ReplayInput,
  RuleCost,
  RuleTally,
  Trace,
  TraceNode,
  Why,
  WhyEvent,
  WhyQuery,
} from './api-history.ts'
export type { Node, NodeDetail, NodeList, NodeQuery, NodeStatus } from './api-nodes.ts'
export type { VerificationKeys } from './asymmetric.ts'
export type { SignalboxClient } from './client.ts'
export { signalbox } from './client.ts'
export type { DeliveryHeadersInput } from './delivery-headers.ts'
export { deliveryHeaders } from './delivery-headers.ts'
export type { ReadFeed } from './feed.ts'
export type { Fetch, FetchInit, FetchResponse } from './fetch.ts'
export type { HeadersLike } from './header.ts'
export type { JsonWebKeySet } from './jwks.ts'
export type {
  EndedJob,
  EndpointFailures,
  OwnEvent,
  OwnEventData,
  OwnEventType,
  ReportedEndpoint,
} from './own-events.ts'
export { isOwnEvent } from './own-events.ts'
export type {
  ConfigDiff,
  DeploymentData,
  EnvironmentDeployed,
  Json,
  RelayedData,
  RelayedEvent,
  SignalboxEvent,
} from './payload.ts'
export { isEnvironmentDeployed, isRelayedEvent, isSignalboxEvent } from './payload.ts'
export type { Secrets } from './secret.ts'
export { SignalboxError } from './signalbox-error.ts'
export type {
  BodySignInput,
  StandardSignInput,
  StandardVerifyInput,
  TimedVerifyInput,
  VerifyInput,
} from './signature.ts'
export { signAgentaTimed, signBody, signStandard, verifyAgenta, verifyGithub, verifyStandard } from './signature.ts'
export type { TransportOptions } from './transport.ts'
export type { VerificationCode } from './verification-error.ts'
export { WebhookVerificationError } from './verification-error.ts'
export type { IncomingWebhook, VerifiedWebhook, VerifyWebhookOptions } from './webhook.ts'
export { verifyWebhook } from './webhook.ts'
