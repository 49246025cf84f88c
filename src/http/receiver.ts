// The half of a service that listens: webhooks, the manual trigger, health and the API.
import type { Hono } from 'hono'
import { openDispatcher } from '../deliveries/dispatcher.ts'
import { mailerOf } from '../deliveries/mailer.ts'
import { ed25519Signer } from '../deliveries/sign-ed25519.ts'
import type { RecordDeploymentContext } from '../deployments/record.ts'
import { openArrivals } from '../events/arrivals.ts'
import { newestPosition } from '../events/feed.ts'
import { eventPayload } from '../events/payload.ts'
import type { Forges } from '../forges/forges.ts'
import type { AddressGuard } from '../lib/address-guard.ts'
import { boundedLog } from '../lib/bounded-log.ts'
import type { Environment } from '../lib/environment.ts'
import type { Log } from '../lib/log.ts'
import type { Meter } from '../metrics/meter.ts'
import type { Pipeline } from '../pipeline.ts'
import type { ApiParts } from './api/api.ts'
import { apiRoutes } from './api/api.ts'
import { openLogStreams } from './api/job-log-stream.ts'
import { httpApp } from './app.ts'
import { limitBodies } from './body-memory.ts'
import type { ClientAddresses } from './client-address.ts'
import { clientAddresses } from './client-address.ts'
import type { ConnectionLimits } from './connections.ts'
import type { Health } from './health.ts'
import type { Server } from './listen.ts'
import { addressOf, openServer } from './listen.ts'
import { requestRate } from './request-rate.ts'

// Lines about connections that were refused.
const REFUSED_LINES = { burst: 5, everyMs: 1000 }

/** What a receiver is built from. */
export type ReceiverOptions = Pick<
  ApiParts,
  | 'access'
  | 'database'
  | 'looking'
  | 'clock'
  | 'seal'
  | 'configured'
  | 'readTarget'
  | 'reconciler'
  | 'checkLevel'
  | 'onWork'
> & {
  environment: Environment
  configured: ApiParts['configured'] & { forges: Forges }
  /** Which addresses deliveries may reach. */
  guard: AddressGuard
  /** `dev` binds loopback only, and takes a bare manual trigger without the token. */
  mode: 'dev' | 'serve'
  health: Health
  log: Log
  meter?: Meter | undefined
  /** `/health` and `/metrics`. */
  monitoring: Hono
  pipeline: Pipeline
  /** How long a sender may take over its whole request. Default 15 seconds. */
  requestTimeoutMs?: number | undefined
}

/** A listening server, which answers those who wait for events when it is nudged or closed. */
export type Receiver = Server & { nudge(): void }

/**
 * Starts listening.
 * @throws AppError `config_invalid` when the address or the port cannot be used.
 */
export async function openReceiver(options: ReceiverOptions): Promise<Receiver> {
  const { environment, mode, access, database, looking, clock, log, pipeline, onWork } = options
  const { requestTimeoutMs, meter, monitoring } = options
  const deploying: RecordDeploymentContext = {
    database,
    clock,
    recordIn: pipeline.recordIn,
    onWork,
    publicUrl: environment.SIGNALBOX_PUBLIC_URL,
  }
  const { SIGNALBOX_SIGNING_KEY: signingKeys, SIGNALBOX_PUBLIC_URL: publicUrl } = environment
  const hasSigningKey = signingKeys.length > 0
  const preparing = { clock, payloadOf: eventPayload, publicUrl, ed25519: ed25519Signer(signingKeys) }
  const { explain, record } = pipeline
  const arrivals = openArrivals({ newest: () => newestPosition(looking), log })
  const logStreams = openLogStreams({ looking, log })
  const { forges } = options.configured
  const openTransport = () => ({
    dispatcher: openDispatcher({ guard: options.guard, proxies: environment }),
    mailer: mailerOf(environment),
    forges,
  })
  const clients = clientAddresses(environment.TRUST_PROXY)
  const authorised = requestRate({ name: 'api', perMinute: environment.RATE_LIMIT_API })
  const limiting = { clients, authorised }
  const api = apiRoutes({
    ...options,
    ...limiting,
    openTransport,
    hasSigningKey,
    explain,
    record,
    deploying,
    preparing,
    arrivals,
    logStreams,
  })
  const openPing = mode === 'dev'
  const app = httpApp({
    ...limiting,
    access,
    openPing,
    clock,
    log,
    pipeline,
    meter,
    health: options.health,
    monitoring,
    signingKeys,
    api,
    sourceNames: options.configured.sources.keys(),
    refused: requestRate({ name: 'refused', perMinute: environment.RATE_LIMIT_REFUSED }),
    verified: requestRate({ name: 'source', perMinute: environment.RATE_LIMIT_SOURCE }),
  })
  limitBodies(environment.MAX_BODIES_MB)
  const server = await openServer(app, {
    ...addressOf(mode, environment),
    connections: connectionLimits(options, clients),
    ...(requestTimeoutMs && { requestTimeoutMs }),
  })
  const close = async () => {
    logStreams.close()
    await arrivals.close()
    await server.close()
  }
  return { url: server.url, nudge: arrivals.nudge, close }
}

function connectionLimits(
  { environment, clock, log }: ReceiverOptions,
  { isProxy }: ClientAddresses,
): ConnectionLimits {
  const write = boundedLog(log, { clock, ...REFUSED_LINES })
  return {
    max: environment.MAX_CONNECTIONS,
    maxPerClient: environment.MAX_CONNECTIONS_PER_CLIENT,
    isProxy,
    onRefused: (remote) => write({ remote, code: 'rate_limited' }, `refused a connection from ${remote}: too many`),
  }
}
