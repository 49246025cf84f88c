// `/api`: every noun's routes in one router, and its OpenAPI description.
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Agent } from '../../agents/agent.ts'
import type { Database } from '../../db/database.ts'
import type { PreparingParts } from '../../deliveries/attempt.ts'
import type { Transport } from '../../deliveries/send-prepared.ts'
import type { RecordDeploymentContext } from '../../deployments/record.ts'
import type { Seal } from '../../endpoints/seal.ts'
import type { ReadTarget } from '../../endpoints/target.ts'
import type { Arrivals } from '../../events/arrivals.ts'
import type { Muting } from '../../findings/precision.ts'
import type { Reconciler } from '../../gaps/reconciler.ts'
import type { LevelCheck } from '../../gaps/wire.ts'
import type { Clock } from '../../lib/clock.ts'
import { AppError } from '../../lib/error.ts'
import { VERSION } from '../../lib/version.ts'
import { describe } from '../../lib/zod.ts'
import type { Pipeline } from '../../pipeline.ts'
import type { Rule } from '../../rules/rule.ts'
import type { Source } from '../../sources/source.ts'
import type { Access } from '../auth.ts'
import { authorise } from '../auth.ts'
import type { ClientAddresses } from '../client-address.ts'
import { networkOf } from '../client-address.ts'
import { methodNotAllowed } from '../errors.ts'
import type { RequestRate } from '../request-rate.ts'
import { requireLeft } from '../request-rate.ts'
import { withNewline } from '../respond.ts'
import { addAgentRoutes } from './agents.ts'
import type { Api } from './answer.ts'
import { addBacktestRoutes } from './backtests.ts'
import { addDeliveryRoutes } from './deliveries.ts'
import { addDeploymentRoutes } from './deployments.ts'
import { addDraftTestRoutes } from './draft-tests.ts'
import { addEndpointTestRoutes } from './endpoint-tests.ts'
import { addEndpointRoutes } from './endpoints.ts'
import { addEventTypeRoutes } from './event-types.ts'
import { addEventRoutes } from './events.ts'
import { addFindingRoutes } from './findings.ts'
import { addGapRoutes } from './gaps.ts'
import type { LogStreams } from './job-log-stream.ts'
import { addJobRoutes } from './jobs.ts'
import { addManyJobRoutes } from './many-jobs.ts'
import { addNodeRoutes } from './nodes.ts'
import { addPauseRoutes } from './pauses.ts'
import { addRedeliveryRoutes } from './redelivery.ts'
import { addReplayRoutes } from './replays.ts'
import { addRuleRoutes } from './rules.ts'
import { addSourceRoutes } from './sources.ts'
import { addTraceRoutes } from './trace.ts'

/** What the API is built from. */
export type ApiParts = {
  access: Access
  clients: ClientAddresses
  /** Counts the requests of each client that has the token. */
  authorised: RequestRate
  /** For what changes something. */
  database: Database
  /** For what is only looked at, which may be slow. */
  looking: Database
  clock: Clock
  /** Seals the secrets of endpoints. */
  seal: Seal
  /** Whether deliveries can be signed with ed25519. */
  hasSigningKey: boolean
  configured: {
    rules: readonly Rule[]
    agents: ReadonlyMap<string, Agent>
    sources: ReadonlyMap<string, Source>
    muting: Muting
  }
  /** Checks where an endpoint is to be notified. */
  readTarget: ReadTarget
  explain: Pipeline['explain']
  /** Shows what a delivery is sent. */
  preparing: PreparingParts
  /** Opens what the test of an endpoint that is not stored is sent over. */
  openTransport(): Omit<Transport, 'signal'>
  /** Records the events of tests. */
  record: Pipeline['record']
  /** Logs that are followed. */
  logStreams: LogStreams
  /** New events, for those who wait for one. */
  arrivals: Arrivals
  deploying: RecordDeploymentContext
  reconciler: Pick<Reconciler, 'check'>
  checkLevel(options: { isFixing: boolean }): Promise<LevelCheck>
  /** Notifies the workers: a job became pending, or left its group. */
  onWork(): void
}

/** The API. It lets in only who `access` allows. */
export function apiRoutes(parts: ApiParts): Api {
  const { looking, configured, deploying } = parts
  const api = emptyApi(parts)
  addEventRoutes(api, parts)
  addEventTypeRoutes(api, parts)
  addJobRoutes(api, parts)
  addManyJobRoutes(api, parts)
  addDeploymentRoutes(api, deploying, looking)
  addDraftTestRoutes(api, parts)
  addEndpointRoutes(api, parts)
  addEndpointTestRoutes(api, parts)
  addDeliveryRoutes(api, parts)
  addRedeliveryRoutes(api, parts)
  addFindingRoutes(api, parts)
  addNodeRoutes(api, parts)
  addPauseRoutes(api, parts)
  addGapRoutes(api, parts)
  addReplayRoutes(api, parts)
  addRuleRoutes(api, parts)
  addBacktestRoutes(api, parts)
  addAgentRoutes(api, configured.agents)
  addSourceRoutes(api, configured.sources, looking)
  addTraceRoutes(api, parts)
  for (const route of routesOf(api)) route.operationId = operationId(route)
  refuseMethods(api)
  return api
}

function routesOf(api: Api) {
  return api.openAPIRegistry.definitions.flatMap((each) => (each.type === 'route' ? [each.route] : []))
}

/** What generated clients call it: `postJobsByIdRetry` for `POST /jobs/{id}/retry`. */
function operationId({ method, path }: { method: string; path: string }): string {
  const words = path.replaceAll(/\{(\w+)\}/g, 'by-$1').split(/[/-]/)
  return method + words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')
}

/** Says for an address that there is which methods it takes. */
function refuseMethods(api: Api): void {
  const routes = routesOf(api)
  api.all('*', async (c, next) => {
    const found = routes.filter(({ path }) => isAddressOf(`/api${path}`, c.req.path))
    const allowed = found.map(({ method }) => method.toUpperCase())
    if (allowed.length > 0) methodNotAllowed(...allowed)()
    await next()
  })
}

/** Whether a path is an address of a route, whose parameters are whole parts: `/jobs/{id}`. */
function isAddressOf(route: string, path: string): boolean {
  const given = path.split('/')
  const parts = route.split('/')
  return parts.length === given.length && parts.every((part, at) => (part[0] === '{' ? given[at] : part === given[at]))
}

function emptyApi({ access, clients, authorised }: Pick<ApiParts, 'access' | 'clients' | 'authorised'>): Api {
  const api: Api = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) throw new AppError('input_invalid', describe(result.error, { root: 'the request' }))
    },
  })
  api.use('*', async (c, next) => {
    authorise(access, { get: (name) => c.req.header(name) ?? null })
    const remote = clients.of(c.env.incoming)
    const quota = authorised.take(networkOf(remote))
    requireLeft(quota, `Too many requests from ${remote} within a minute.`)
    // PostgreSQL's text cannot store NUL, so nothing can be found by it.
    if (c.req.url.includes('%00')) {
      throw new AppError('input_invalid', 'The address contains a NUL character (%00): remove it.')
    }
    await next()
    c.res = await withNewline(c.res)
    for (const [name, value] of Object.entries(quota.headers())) c.res.headers.set(name, value)
  })
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
  api.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Signalbox', version: VERSION, description: 'Signed webhooks in, finished work out.' },
    servers: [{ url: '/api' }],
    security: [{ token: [] }],
  })
  return api
}
