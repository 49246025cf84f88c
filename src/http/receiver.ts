// The half of a service that listens: webhooks, the manual trigger, health and the API.
import type { Database } from '../db/database.ts'
import { openDispatcher } from '../deliveries/dispatcher.ts'
import { mailerOf } from '../deliveries/mailer.ts'
import { ed25519Signer } from '../deliveries/sign-ed25519.ts'
import type { RecordDeploymentContext } from '../deployments/record.ts'
import { openArrivals } from '../events/arrivals.ts'
import { newestPosition } from '../events/feed.ts'
import { eventPayload } from '../events/payload.ts'
import type { Forges } from '../forges/forges.ts'
import type { AddressGuard } from '../lib/address-guard.ts'
import type { Environment } from '../lib/environment.ts'
import type { Log } from '../lib/log.ts'
import { VERSION } from '../lib/version.ts'
import type { Pipeline } from '../pipeline.ts'
import type { ApiParts } from './api/api.ts'
import { apiRoutes } from './api/api.ts'
import { httpApp } from './app.ts'
import type { Server } from './listen.ts'
import { addressOf, openServer } from './listen.ts'

/** What a receiver is built from. */
export type ReceiverOptions = Pick<
  ApiParts,
  'access' | 'database' | 'looking' | 'clock' | 'seal' | 'configured' | 'readTarget' | 'onWork'
> & {
  environment: Environment
  configured: ApiParts['configured'] & { forges: Forges }
  /** Which addresses deliveries may reach. */
  guard: AddressGuard
  /** `dev` binds loopback only, and takes a bare manual trigger without the token. */
  mode: 'dev' | 'serve'
  /** The connections that record, so that health says whether that is possible. */
  receiving: Database
  log: Log
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
  const { environment, mode, access, database, looking, receiving, clock, log, pipeline, onWork } = options
  const { requestTimeoutMs } = options
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
  const { forges } = options.configured
  const openTransport = () => ({
    dispatcher: openDispatcher({ guard: options.guard, proxies: environment }),
    mailer: mailerOf(environment),
    forges,
  })
  const api = apiRoutes({ ...options, openTransport, hasSigningKey, explain, record, deploying, preparing, arrivals })
  const probe = async () => void (await receiving.query('select 1'))
  const openPing = mode === 'dev'
  const app = httpApp({ version: VERSION, access, openPing, clock, log, pipeline, probe, signingKeys, api })
  const server = await openServer(app, {
    ...addressOf(mode, environment),
    ...(requestTimeoutMs && { requestTimeoutMs }),
  })
  const close = async () => {
    await arrivals.close()
    await server.close()
  }
  return { url: server.url, nudge: arrivals.nudge, close }
}
