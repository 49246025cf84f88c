// A whole Signalbox for a test: real HTTP and PostgreSQL, on a port the system chooses.
import type { Config } from '../src/config/config-file.ts'
import type { Database } from '../src/db/database.ts'
import { readEnvironment } from '../src/lib/environment.ts'
import type { Log } from '../src/lib/log.ts'
import { silentLog } from '../src/lib/log.ts'
import { openSignalbox } from '../src/main.ts'
import { openTestDatabase } from './database.ts'
import { ENCRYPTION_KEY, SECRET, TOKEN } from './keys.ts'

export { SECRET, TOKEN } from './keys.ts'
export { until } from './until.ts'

/** A running service, its database, and its API with the token set. */
export type TestSignalbox = {
  url: string
  /** Of the listener for monitoring, where the environment sets METRICS_PORT. */
  metricsUrl: string | null
  database: Database
  /** How many rows a table has. */
  count(table: string, where?: string): Promise<number>
  api(path: string, init?: { method?: string; body?: unknown; headers?: Record<string, string> }): Promise<Response>
  /** Resolves with the reason when it is asked to drain. */
  drained: Promise<string>
  close(): Promise<void>
}

/** Opens a service with both webhook secrets and the API token. `close` drops its database too. */
export async function openTestSignalbox(
  options: {
    config?: Config
    /** The file it was loaded from: its agents run in child processes. */
    configPath?: string
    env?: Record<string, string>
    mode?: 'dev' | 'serve'
    roles?: { receiver: boolean; orchestrator: boolean }
    database?: Database
    log?: Log
    requestTimeoutMs?: number
    patienceMs?: number
    leaseMs?: number
  } = {},
): Promise<TestSignalbox> {
  const database = options.database ?? (await openTestDatabase())
  const environment = readEnvironment({
    PORT: '0',
    HOST: '127.0.0.1',
    GITHUB_WEBHOOK_SECRET: SECRET,
    AGENTA_WEBHOOK_SECRET: SECRET,
    SIGNALBOX_API_TOKEN: TOKEN,
    SIGNALBOX_ENCRYPTION_KEY: ENCRYPTION_KEY,
    // Where the tests receive deliveries.
    SIGNALBOX_ALLOW_HOSTS: '127.0.0.1',
    // One test is many clients, all of them of this machine.
    RATE_LIMIT_REFUSED: '0',
    ...options.env,
  })
  const signalbox = await openSignalbox({
    environment,
    config: options.config ?? {},
    configPath: options.configPath ?? null,
    store: { database, url: database.url, kind: 'external', close: () => database.close() },
    mode: options.mode ?? 'serve',
    log: options.log ?? silentLog,
    ...(options.roles ? { roles: options.roles } : {}),
    ...(options.patienceMs ? { patienceMs: options.patienceMs } : {}),
    ...(options.leaseMs ? { leaseMs: options.leaseMs } : {}),
    ...(options.requestTimeoutMs ? { requestTimeoutMs: options.requestTimeoutMs } : {}),
  })
  const url = signalbox.url ?? ''
  return {
    url,
    metricsUrl: signalbox.metricsUrl,
    database,
    drained: signalbox.drained,
    async count(table, where = 'true') {
      const { rows } = await database.query<{ n: number }>(`select count(*)::int as n from ${table} where ${where}`)
      return rows[0]?.n ?? -1
    },
    api: (path, { method = 'GET', body, headers = {} } = {}) =>
      fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    async close() {
      await signalbox.close()
      if (!options.database) await database.close()
    },
  }
}

/** Runs `work` for every item in order, for `workers` items at a time. */
export async function spread<Item>(
  items: readonly Item[],
  workers: number,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const queue = [...items.entries()]
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await work(next[1], next[0])
  }
  await Promise.all(Array.from({ length: workers }, worker))
}
