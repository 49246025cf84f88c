// What a process listens on: the main port where it receives, and that for monitoring.
import { Hono } from 'hono'
import type { Registry } from 'prom-client'
import type { Pools } from '../db/pools.ts'
import { VERSION } from '../lib/version.ts'
import { openExposition } from '../metrics/exposition.ts'
import type { Access } from './auth.ts'
import { isAuthorised } from './auth.ts'
import type { Health } from './health.ts'
import { healthRoutes } from './health.ts'
import { metricsRoutes, openMetricsServer } from './metrics.ts'
import type { Receiver, ReceiverOptions } from './receiver.ts'
import { openReceiver } from './receiver.ts'

/** What the servers of a process are made from. */
export type ServersOptions = Omit<ReceiverOptions, 'monitoring'> & {
  pools: Pools
  health: Health
  /** What the process counts. */
  registry: Registry
  /** Whether it receives. */
  receives: boolean
}

/** The servers of a process; the addresses of those that it has not are null. */
export type Servers = { url: string | null; metricsUrl: string | null } & Pick<Receiver, 'nudge' | 'close'>

/**
 * Starts listening.
 * @throws AppError `config_invalid` when an address or a port cannot be used.
 */
export async function openServers({ pools, registry, receives, ...options }: ServersOptions): Promise<Servers> {
  const { environment, database, health, log } = options
  const { receiving, working, leases, looking, retaining } = pools
  const named = { store: database, receiving, working, leases, looking, retaining }
  const exposition = openExposition({ registry, database: looking, pools: named, log })
  const monitoring = (access: Access | null) => {
    // Who reaches the port for monitoring is the operator.
    const mayKnow = (authorization: string | undefined) => access === null || isAuthorised(access, authorization)
    const routes = healthRoutes({ version: VERSION, health, mayKnow })
    return new Hono().route('/', routes).route('/', metricsRoutes(exposition, access))
  }
  const metrics = await openMetricsServer(monitoring(null), { environment, log })
  let receiver: Receiver | null = null
  try {
    if (receives) receiver = await openReceiver({ ...options, monitoring: monitoring(options.access) })
  } catch (error) {
    await metrics?.close()
    throw error
  }
  return {
    url: receiver?.url ?? null,
    metricsUrl: metrics?.url ?? null,
    nudge: () => receiver?.nudge(),
    close: async () => void (await Promise.all([receiver?.close(), metrics?.close()])),
  }
}
