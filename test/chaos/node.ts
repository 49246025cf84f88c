// One process of the service, opened from the sources with a short lease. Its parent can block its
// event loop; it records when that was blocked, for whatever reason.
import { flushCompileCache } from 'node:module'
import { openDatabase } from '../../src/db/postgres.ts'
import { readEnvironment } from '../../src/lib/environment.ts'
import { openLog } from '../../src/lib/pino-log.ts'
import { openSignalbox } from '../../src/main.ts'
import { ENCRYPTION_KEY, SECRET, TOKEN } from '../keys.ts'
import { agentsOf, rules } from './agents.ts'
import { monotonicMs, openJournal } from './journal.ts'

/** What a process is started with. */
export type NodeOptions = {
  role: 'receiver' | 'orchestrator'
  databaseUrl: string
  leaseMs: number
  journal: string
  github: { apiUrl: string; token: string }
  subscriberUrl: string
}

const LOOK_EVERY_MS = 20

const options = JSON.parse(process.argv[2] ?? '') as NodeOptions
const { role, databaseUrl, leaseMs, github, subscriberUrl } = options
const journal = openJournal(options.journal)
const log = openLog({ level: 'WARNING', pretty: false })

let looked = monotonicMs()
const looking = setInterval(() => {
  const at = looked
  looked = monotonicMs()
  if (looked - at > leaseMs / 4) journal.write({ at, what: 'stall', ms: looked - at })
}, LOOK_EVERY_MS)

process.on('message', ({ blockMs }: { blockMs: number }) => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs)
})
// Nothing stays when the run itself is ended.
function onOrphaned(): never {
  process.exit(1)
}
process.once('disconnect', onOrphaned)

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
const database = await openDatabase({ url: databaseUrl, log })
const service = await openSignalbox({
  environment,
  config: {
    agents: agentsOf(journal, { path: options.journal, leaseMs }),
    rules,
    endpoints: [
      { name: 'subscriber', url: subscriberUrl, secret: SECRET, events: ['job.completed'], environments: null },
    ],
  },
  store: { database, url: databaseUrl, kind: 'external', close: () => database.close() },
  mode: 'serve',
  roles: { receiver: role === 'receiver', orchestrator: role === 'orchestrator' },
  log,
  leaseMs,
})
process.once('SIGTERM', async () => {
  await service.close()
  await database.close()
  clearInterval(looking)
  // What is left now keeps the process alive, and is found out by that.
  process.off('disconnect', onOrphaned)
  process.disconnect()
})
// The next process starts sooner.
flushCompileCache()
process.send?.({ url: service.url })
