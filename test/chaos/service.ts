// One node of the service, opened from the sources with a short lease and the agents of a run.
import { openDatabase } from '../../src/db/postgres.ts'
import { readEnvironment } from '../../src/lib/environment.ts'
import type { Log } from '../../src/lib/log.ts'
import { openSignalbox } from '../../src/main.ts'
import { ENCRYPTION_KEY, SECRET, TOKEN } from '../keys.ts'
import { agentsOf, rules } from './agents.ts'
import type { Journal } from './journal.ts'

/** What a node is opened with. */
export type ServiceOptions = {
  roles: { receiver: boolean; orchestrator: boolean }
  databaseUrl: string
  leaseMs: number
  /** Where its agents record what they do. */
  journal: string
  github: { apiUrl: string; token: string }
  subscriberUrl: string
}

/** The endpoint of a run. */
export const SUBSCRIBER = { name: 'subscriber', types: ['job.completed'] }

/** Opens it; `drained` resolves when somebody asks it to end. */
export async function openService(options: ServiceOptions, { journal, log }: { journal: Journal; log: Log }) {
  const { databaseUrl: url, leaseMs, github, subscriberUrl } = options
  const environment = readEnvironment({
    PORT: '0',
    HOST: '127.0.0.1',
    GITHUB_WEBHOOK_SECRET: SECRET,
    SIGNALBOX_API_TOKEN: TOKEN,
    GITHUB_API_URL: github.apiUrl,
    GITHUB_TOKEN: github.token,
    MAX_CONCURRENT_JOBS: '4',
    TICK_INTERVAL_SECONDS: '2',
    SIGNALBOX_ALLOW_HOSTS: '127.0.0.1',
    SIGNALBOX_ENCRYPTION_KEY: ENCRYPTION_KEY,
  })
  const database = await openDatabase({ url, log })
  const { name, types } = SUBSCRIBER
  const service = await openSignalbox({
    environment,
    config: {
      agents: agentsOf(journal, { path: options.journal, leaseMs }),
      rules,
      endpoints: [{ name, url: subscriberUrl, secret: SECRET, events: types, environments: null, schedule: SCHEDULE }],
    },
    store: { database, url, kind: 'external', close: () => database.close() },
    mode: 'serve',
    roles: options.roles,
    log,
    leaseMs,
  })
  return {
    url: service.url,
    drained: service.drained,
    async close() {
      await service.close()
      await database.close()
    },
  }
}

// A subscriber that was away is asked again while the run lasts.
const SCHEDULE = Array.from({ length: 30 }, (_, i) => 1 + Math.floor(i / 5))
