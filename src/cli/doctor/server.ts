// The doctor on the way in: the port here, and the public address others send to.
import { createServer } from 'node:net'
import type { Environment } from '../../lib/environment.ts'
import { errorText } from '../../lib/error.ts'
import type { Check } from './check.ts'
import { ok, problem, warning } from './check.ts'

const TIMEOUT_MS = 5_000

type Health = {
  service?: string
  status?: string
  version?: string
  parts?: Record<string, { problem?: string | null }>
}

/**
 * What answers at an address; null when nothing does, an empty object when it is not a Signalbox.
 */
async function healthAt(url: string): Promise<Health | null> {
  const response = await fetch(new URL('health', url.endsWith('/') ? url : `${url}/`), {
    signal: AbortSignal.timeout(TIMEOUT_MS),
    redirect: 'manual',
  }).catch(() => null)
  if (response === null) return null
  const body: unknown = await response.json().catch(() => ({}))
  return typeof body === 'object' && body !== null ? body : {}
}

function portProblem(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error) => resolve(errorText(error)))
    probe.listen(port, host, () => probe.close(() => resolve(null)))
  })
}

/** Whether the port is free, or a Signalbox listens there already. */
export async function portCheck({ PORT: port, HOST: host = '0.0.0.0' }: Environment): Promise<Check> {
  const name = `port ${port}`
  if (port === 0) return ok('port', 'the system chooses one')
  const here = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const health = await healthAt(`http://${here.includes(':') ? `[${here}]` : here}:${port}`)
  if (health?.service === 'signalbox') {
    if (health.status === 'degraded') {
      const wrong = Object.entries(health.parts ?? {}).flatMap(([part, { problem: text }]) =>
        text ? [`${part}: ${text}`] : [],
      )
      const detail = `Signalbox ${health.version} listens there; ${wrong.join(' ')}`
      return warning(name, detail, 'The checks above, or the log of the server, say more.')
    }
    return health.status === 'healthy'
      ? ok(name, `Signalbox ${health.version} listens there and is healthy`)
      : problem(
          name,
          `Signalbox ${health.version} listens there without its database`,
          'See the database above, and the log of the server.',
        )
  }
  const reason = await portProblem(host, port)
  if (reason === null) return ok(name, 'free')
  return problem(name, `cannot be used: ${reason}`, 'Stop the other program, or set PORT.')
}

/** Whether the public address leads to a Signalbox; nothing when none is set. */
export async function publicUrlCheck({ SIGNALBOX_PUBLIC_URL: url }: Environment): Promise<Check[]> {
  if (url === undefined) return []
  const health = await healthAt(url)
  if (health?.service === 'signalbox') return [ok('public address', `${url} leads to Signalbox ${health.version}`)]
  const hint = 'Check DNS, the proxy or tunnel, and that the server is running.'
  return health === null
    ? [warning('public address', `nothing answers at ${url}`, hint)]
    : [problem('public address', `${url} leads to something else`, hint)]
}
