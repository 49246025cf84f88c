// Readiness: whether this server can record what it is sent.
import { Hono } from 'hono'
import { methodNotAllowed } from './errors.ts'
import { respond } from './respond.ts'

/** Resolves when the database answered; rejects otherwise. */
export type Probe = () => Promise<void>

const PROBE_TIMEOUT_MS = 2_000

/**
 * Mounts `GET /health`: 200, or 503 while the database does not answer. Why it does not is in the
 * log only.
 */
export function healthRoutes(about: { version: string }, probe: Probe) {
  // One for all who ask meanwhile: however many they are, one connection is waited for.
  let asking: Promise<boolean> | null = null
  const ask = () => {
    asking ??= answers(probe).finally(() => {
      asking = null
    })
    return asking
  }
  return new Hono()
    .get('/health', async () => {
      const isConnected = await inTime(ask())
      return respond(health(about.version, isConnected), { status: isConnected ? 200 : 503 })
    })
    .all('/health', methodNotAllowed('GET'))
}

/** What `GET /health` answers. */
export function health(version: string, isConnected: boolean) {
  return {
    status: isConnected ? ('healthy' as const) : ('unhealthy' as const),
    service: 'signalbox' as const,
    version,
    database: isConnected ? ('connected' as const) : ('unavailable' as const),
  }
}

async function answers(probe: Probe): Promise<boolean> {
  try {
    await probe()
    return true
  } catch {
    return false
  }
}

async function inTime(answer: Promise<boolean>): Promise<boolean> {
  const { promise: timeout, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(resolve, PROBE_TIMEOUT_MS, false)
  try {
    return await Promise.race([answer, timeout])
  } finally {
    clearTimeout(timer)
  }
}
