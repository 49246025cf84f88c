// Readiness: whether this server can keep what it is sent.
import { Hono } from 'hono'
import { methodNotAllowed } from './errors.ts'

/** Resolves when the database answered; rejects otherwise. */
export type Probe = () => Promise<void>

const PROBE_TIMEOUT_MS = 2_000

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => setTimeout(reject, ms, new Error('timeout')).unref()),
  ])
}

/**
 * Mounts `GET /health` (200, or 503 while the database is away; no detail of why leaks) and `GET
 * /`.
 */
export function healthRoutes(about: { version: string }, probe: Probe) {
  return new Hono()
    .get('/health', async (c) => {
      try {
        await within(probe(), PROBE_TIMEOUT_MS)
        return c.json({ status: 'healthy', service: 'signalbox', version: about.version, database: 'connected' })
      } catch {
        return c.json(
          { status: 'unhealthy', service: 'signalbox', version: about.version, database: 'unavailable' },
          503,
        )
      }
    })
    .get('/', (c) => c.json({ service: 'signalbox', status: 'operational', version: about.version }))
    .all('/health', methodNotAllowed('GET'))
    .all('/', methodNotAllowed('GET'))
}
