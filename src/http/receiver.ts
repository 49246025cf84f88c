// The half of a service that listens: webhooks, the manual trigger, health and the API.
import type { Database } from '../db/database.ts'
import { ed25519Signer } from '../deliveries/sign-ed25519.ts'
import type { RecordDeploymentContext } from '../deployments/record.ts'
import { eventPayload } from '../events/payload.ts'
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
  environment: Pick<Environment, 'HOST' | 'PORT' | 'SIGNALBOX_PUBLIC_URL' | 'SIGNALBOX_SIGNING_KEY'>
  /** `dev` binds loopback only, and takes a bare manual trigger without the token. */
  mode: 'dev' | 'serve'
  /** The connections that record, so that health says whether that is possible. */
  receiving: Database
  log: Log
  pipeline: Pipeline
  /** How long a sender may take over its whole request. Default 15 seconds. */
  requestTimeoutMs?: number | undefined
}

/**
 * Starts listening.
 * @throws AppError `config_invalid` when the address or the port cannot be used.
 */
export function openReceiver(options: ReceiverOptions): Promise<Server> {
  const { environment, mode, access, database, receiving, clock, log, pipeline, onWork, requestTimeoutMs } = options
  const deploying: RecordDeploymentContext = {
    database,
    clock,
    recordIn: pipeline.recordIn,
    onWork,
    publicUrl: environment.SIGNALBOX_PUBLIC_URL,
  }
  const { SIGNALBOX_SIGNING_KEY: signingKeys, SIGNALBOX_PUBLIC_URL: publicUrl } = environment
  const preparing = { clock, payloadOf: eventPayload, publicUrl, ed25519: ed25519Signer(signingKeys) }
  const { explain, record } = pipeline
  const api = apiRoutes({ ...options, hasSigningKey: signingKeys.length > 0, explain, record, deploying, preparing })
  const probe = async () => void (await receiving.query('select 1'))
  const openPing = mode === 'dev'
  const app = httpApp({ version: VERSION, access, openPing, clock, log, pipeline, probe, signingKeys, api })
  return openServer(app, { ...addressOf(mode, environment), ...(requestTimeoutMs && { requestTimeoutMs }) })
}
