// The SDK's types are written by hand, because it has no dependencies. Here the compiler compares
// them with the schemas that the server checks and describes its API by.
import type * as sdk from '@signalbox/sdk'
import { expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import type { agentSummary } from '../src/agents/wire.ts'
import type { relayedSchema } from '../src/catalogue/catalogue.ts'
import type { OWN_DATA } from '../src/catalogue/own-types.ts'
import type { eventTypeDetail, eventTypeSummary } from '../src/catalogue/wire.ts'
import type { DeliveryFilter } from '../src/deliveries/query.ts'
import type { recovered } from '../src/deliveries/redeliver.ts'
import type { delivery, deliveryDetail } from '../src/deliveries/wire.ts'
import type { DeploymentFilter } from '../src/deployments/query.ts'
import type { deploymentRequest } from '../src/deployments/request.ts'
import type {
  deploymentConfig,
  deploymentDetail,
  deploymentSummary,
  recordedDeployment,
} from '../src/deployments/wire.ts'
import type { EndpointFilter } from '../src/endpoints/endpoints.ts'
import type { endpointChange, endpointRequest, rotation } from '../src/endpoints/fields.ts'
import type { changedEndpoint, createdEndpoint, deletedEndpoint, endpoint } from '../src/endpoints/wire.ts'
import type { EventFilter } from '../src/events/query.ts'
import type { eventDetail, eventSummary, feedEnvelope, feedEvent } from '../src/events/wire.ts'
import type { FindingFilter } from '../src/findings/query.ts'
import type { categoryPrecision, findingDetail } from '../src/findings/wire.ts'
import type { GapFilter } from '../src/gaps/query.ts'
import type { gap, gapCheck, gapDetail, hookState, levelCheck } from '../src/gaps/wire.ts'
import type { backtestPage } from '../src/http/api/backtests.ts'
import type { sentTest } from '../src/http/api/draft-tests.ts'
import type { eventExplanation } from '../src/http/api/events.ts'
import type { healthAnswer } from '../src/http/health.ts'
import type { webhookReceipt } from '../src/http/receive.ts'
import type {
  cancelManyRequest,
  changedJobs,
  prioritiseManyRequest,
  retryManyRequest,
} from '../src/jobs/change-many.ts'
import type { JobFilter } from '../src/jobs/query.ts'
import type { jobDetail, jobLogPage, jobSummary } from '../src/jobs/wire.ts'
import type { NodeFilter } from '../src/nodes/query.ts'
import type { nodeDetail, nodeList } from '../src/nodes/wire.ts'
import type { paused, pauseRequest, pauseResult, resumed } from '../src/pauses/wire.ts'
import type { pastEvent, ruleCost } from '../src/replay/history.ts'
import type { replayed, replayRequest } from '../src/replay/request.ts'
import type { ruleSummary } from '../src/rules/wire.ts'
import type { sourceSummary } from '../src/sources/wire.ts'
import type { trace, why } from '../src/trace/wire.ts'

// An intersection and the object with the same fields are two types to `toEqualTypeOf`.
type Flat<T> = T extends readonly (infer Item)[]
  ? Flat<Item>[]
  : T extends object
    ? { [Key in keyof T]: Flat<T[Key]> }
    : T
type Client = sdk.SignalboxClient
type Answer<Call extends (...args: never) => Promise<unknown>> = Flat<Awaited<ReturnType<Call>>>
type Item<List extends (...args: never) => Promise<{ items: unknown[] }>> = Answer<List>['items'][number]

test('every answer of the client has the type of its schema', () => {
  expectTypeOf<Item<Client['events']['list']>>().toEqualTypeOf<Flat<z.infer<typeof eventSummary>>>()
  expectTypeOf<Answer<Client['events']['get']>>().toEqualTypeOf<Flat<z.infer<typeof eventDetail>>>()
  expectTypeOf<Item<Client['events']['types']>>().toEqualTypeOf<Flat<z.infer<typeof eventTypeSummary>>>()
  expectTypeOf<Answer<Client['events']['type']>>().toEqualTypeOf<Flat<z.infer<typeof eventTypeDetail>>>()
  expectTypeOf<Answer<Client['endpoints']['test']>>().toEqualTypeOf<Flat<z.infer<typeof deliveryDetail>>>()
  expectTypeOf<Answer<Client['endpoints']['tryOut']>>().toEqualTypeOf<Flat<z.infer<typeof sentTest>>>()
  expectTypeOf<Answer<Client['endpoints']['recover']>>().toEqualTypeOf<Flat<z.infer<typeof recovered>>>()
  expectTypeOf<Flat<sdk.FeedEvent>>().toEqualTypeOf<Flat<z.infer<typeof feedEvent>>>()
  expectTypeOf<sdk.FeedEnvelope>().toEqualTypeOf<z.infer<typeof feedEnvelope>>()
  expectTypeOf<Answer<Client['events']['explain']>>().toEqualTypeOf<Flat<z.infer<typeof eventExplanation>>>()
  expectTypeOf<Answer<Client['events']['replay']>>().toEqualTypeOf<Flat<z.infer<typeof replayed>>>()
  expectTypeOf<Answer<Client['rules']['backtest']>>().toEqualTypeOf<Flat<z.infer<typeof backtestPage>>>()
  expectTypeOf<Item<Client['rules']['past']>>().toEqualTypeOf<Flat<z.infer<typeof pastEvent>>>()
  expectTypeOf<Item<Client['rules']['costs']>>().toEqualTypeOf<Flat<z.infer<typeof ruleCost>>>()
  expectTypeOf<Answer<Client['trace']>>().toEqualTypeOf<Flat<z.infer<typeof trace>>>()
  expectTypeOf<Answer<Client['why']>>().toEqualTypeOf<Flat<z.infer<typeof why>>>()
  expectTypeOf<Item<Client['jobs']['list']>>().toEqualTypeOf<Flat<z.infer<typeof jobSummary>>>()
  expectTypeOf<Answer<Client['jobs']['get']>>().toEqualTypeOf<Flat<z.infer<typeof jobDetail>>>()
  expectTypeOf<Answer<Client['jobs']['cancel']>>().toEqualTypeOf<Flat<z.infer<typeof jobDetail>>>()
  expectTypeOf<Answer<Client['jobs']['retry']>>().toEqualTypeOf<Flat<z.infer<typeof jobDetail>>>()
  expectTypeOf<Answer<Client['jobs']['log']>>().toEqualTypeOf<Flat<z.infer<typeof jobLogPage>>>()
  expectTypeOf<Item<Client['deployments']['list']>>().toEqualTypeOf<Flat<z.infer<typeof deploymentSummary>>>()
  expectTypeOf<Answer<Client['deployments']['get']>>().toEqualTypeOf<Flat<z.infer<typeof deploymentDetail>>>()
  expectTypeOf<Answer<Client['deployments']['config']>>().toEqualTypeOf<Flat<z.infer<typeof deploymentConfig>>>()
  expectTypeOf<Answer<Client['deploy']>>().toEqualTypeOf<Flat<z.infer<typeof recordedDeployment>>>()
  expectTypeOf<Item<Client['endpoints']['list']>>().toEqualTypeOf<Flat<z.infer<typeof endpoint>>>()
  expectTypeOf<Answer<Client['endpoints']['create']>>().toEqualTypeOf<Flat<z.infer<typeof createdEndpoint>>>()
  expectTypeOf<Answer<Client['endpoints']['get']>>().toEqualTypeOf<Flat<z.infer<typeof endpoint>>>()
  expectTypeOf<Answer<Client['endpoints']['update']>>().toEqualTypeOf<Flat<z.infer<typeof changedEndpoint>>>()
  expectTypeOf<Answer<Client['endpoints']['remove']>>().toEqualTypeOf<Flat<z.infer<typeof deletedEndpoint>>>()
  expectTypeOf<Answer<Client['endpoints']['rotate']>>().toEqualTypeOf<Flat<z.infer<typeof createdEndpoint>>>()
  expectTypeOf<Item<Client['deliveries']['list']>>().toEqualTypeOf<Flat<z.infer<typeof delivery>>>()
  expectTypeOf<Answer<Client['deliveries']['get']>>().toEqualTypeOf<Flat<z.infer<typeof deliveryDetail>>>()
  expectTypeOf<Item<Client['findings']['list']>>().toEqualTypeOf<Flat<z.infer<typeof findingDetail>>>()
  expectTypeOf<Answer<Client['findings']['get']>>().toEqualTypeOf<Flat<z.infer<typeof findingDetail>>>()
  expectTypeOf<Answer<Client['findings']['dismiss']>>().toEqualTypeOf<Flat<z.infer<typeof findingDetail>>>()
  expectTypeOf<Item<Client['findings']['precision']>>().toEqualTypeOf<Flat<z.infer<typeof categoryPrecision>>>()
  expectTypeOf<Answer<Client['nodes']['list']>>().toEqualTypeOf<Flat<z.infer<typeof nodeList>>>()
  expectTypeOf<Answer<Client['nodes']['get']>>().toEqualTypeOf<Flat<z.infer<typeof nodeDetail>>>()
  expectTypeOf<Item<Client['nodes']['drainOlder']>>().toEqualTypeOf<Flat<z.infer<typeof nodeDetail>>>()
  expectTypeOf<Item<Client['gaps']['list']>>().toEqualTypeOf<Flat<z.infer<typeof gap>>>()
  expectTypeOf<Answer<Client['gaps']['get']>>().toEqualTypeOf<Flat<z.infer<typeof gapDetail>>>()
  expectTypeOf<Item<Client['gaps']['hooks']>>().toEqualTypeOf<Flat<z.infer<typeof hookState>>>()
  expectTypeOf<Answer<Client['gaps']['level']>>().toEqualTypeOf<Flat<z.infer<typeof levelCheck>>>()
  expectTypeOf<Answer<Client['gaps']['check']>>().toEqualTypeOf<Flat<z.infer<typeof gapCheck>>>()
  expectTypeOf<Item<Client['rules']['list']>>().toEqualTypeOf<Flat<z.infer<typeof ruleSummary>>>()
  expectTypeOf<Answer<Client['jobs']['prioritise']>>().toEqualTypeOf<Flat<z.infer<typeof jobDetail>>>()
  expectTypeOf<Answer<Client['jobs']['retryMany']>>().toEqualTypeOf<z.infer<typeof changedJobs>>()
  expectTypeOf<Item<Client['pauses']['list']>>().toEqualTypeOf<Flat<z.infer<typeof paused>>>()
  expectTypeOf<Answer<Client['pauses']['pause']>>().toEqualTypeOf<Flat<z.infer<typeof pauseResult>>>()
  expectTypeOf<Answer<Client['pauses']['resume']>>().toEqualTypeOf<Flat<z.infer<typeof resumed>>>()
  expectTypeOf<Item<Client['agents']['list']>>().toEqualTypeOf<Flat<z.infer<typeof agentSummary>>>()
  expectTypeOf<Item<Client['sources']['list']>>().toEqualTypeOf<Flat<z.infer<typeof sourceSummary>>>()
  expectTypeOf<sdk.WebhookReceipt>().toEqualTypeOf<ReturnType<typeof webhookReceipt>>()
  expectTypeOf<sdk.Health>().toEqualTypeOf<ReturnType<typeof healthAnswer>>()
})

test('every request and filter of the client is one that the server takes', () => {
  expectTypeOf<sdk.DeploymentInput>().toExtend<z.input<typeof deploymentRequest>>()
  expectTypeOf<keyof sdk.DeploymentInput>().toEqualTypeOf<keyof z.input<typeof deploymentRequest>>()
  expectTypeOf<sdk.EndpointInput>().toExtend<z.input<typeof endpointRequest>>()
  expectTypeOf<keyof sdk.EndpointInput>().toEqualTypeOf<keyof z.input<typeof endpointRequest>>()
  expectTypeOf<sdk.EndpointChange>().toExtend<z.input<typeof endpointChange>>()
  expectTypeOf<keyof sdk.EndpointChange>().toEqualTypeOf<keyof z.input<typeof endpointChange>>()
  expectTypeOf<Flat<sdk.ReplayInput>>().toEqualTypeOf<Flat<z.input<typeof replayRequest>>>()
  expectTypeOf<Flat<sdk.RotationInput>>().toEqualTypeOf<Flat<z.input<typeof rotation>>>()
  expectTypeOf<Flat<sdk.RetryManyInput>>().toEqualTypeOf<Flat<z.input<typeof retryManyRequest>>>()
  expectTypeOf<Flat<sdk.CancelManyInput>>().toEqualTypeOf<Flat<z.input<typeof cancelManyRequest>>>()
  expectTypeOf<Flat<sdk.PriorityManyInput>>().toEqualTypeOf<Flat<z.input<typeof prioritiseManyRequest>>>()
  expectTypeOf<Flat<sdk.PauseInput>>().toEqualTypeOf<Flat<z.input<typeof pauseRequest>>>()
  expectTypeOf<Flat<sdk.EventQuery>>().toEqualTypeOf<Flat<EventFilter>>()
  expectTypeOf<Flat<sdk.JobQuery>>().toEqualTypeOf<Flat<JobFilter>>()
  expectTypeOf<Flat<sdk.DeploymentQuery>>().toEqualTypeOf<Flat<DeploymentFilter>>()
  expectTypeOf<Flat<sdk.EndpointQuery>>().toEqualTypeOf<Flat<EndpointFilter>>()
  expectTypeOf<Flat<sdk.NodeQuery>>().toEqualTypeOf<Flat<NodeFilter>>()
  expectTypeOf<Flat<sdk.FindingQuery>>().toEqualTypeOf<Flat<FindingFilter>>()
  expectTypeOf<Flat<sdk.GapQuery>>().toEqualTypeOf<Flat<GapFilter>>()
  expectTypeOf<Flat<sdk.DeliveryQuery>>().toEqualTypeOf<Flat<DeliveryFilter>>()
})

test('what is sent has the type that its schema says', () => {
  type Data = { [Type in sdk.OwnEventType]: z.infer<(typeof OWN_DATA)[Type]> }
  expectTypeOf<Flat<sdk.OwnEventData['job.completed']>>().toEqualTypeOf<Flat<Data['job.completed']>>()
  expectTypeOf<Flat<sdk.OwnEventData['job.failed']>>().toEqualTypeOf<Flat<Data['job.failed']>>()
  expectTypeOf<Flat<sdk.OwnEventData['endpoint.failing']>>().toEqualTypeOf<Flat<Data['endpoint.failing']>>()
  expectTypeOf<Flat<sdk.OwnEventData['endpoint.disabled']>>().toEqualTypeOf<Flat<Data['endpoint.disabled']>>()
  expectTypeOf<Flat<sdk.OwnEventData['endpoint.recovered']>>().toEqualTypeOf<Flat<Data['endpoint.recovered']>>()
  expectTypeOf<Flat<sdk.OwnEventData['delivery.exhausted']>>().toEqualTypeOf<Flat<Data['delivery.exhausted']>>()
  expectTypeOf<Flat<sdk.OwnEventData['gap.found']>>().toEqualTypeOf<Flat<Data['gap.found']>>()
  expectTypeOf<keyof sdk.DeploymentData>().toEqualTypeOf<keyof Data['environment.deployed']>()
  expectTypeOf<sdk.DeploymentData>().toExtend<Data['environment.deployed']>()
  expectTypeOf<sdk.RelayedData>().toExtend<z.infer<typeof relayedSchema>['data']>()
})
