// One process of the service with a short lease, the default rules and a model, which a test kills.

import { defaultRules } from '../../src/config/default-rules.ts'
import { openDatabase } from '../../src/db/postgres.ts'
import { readEnvironment } from '../../src/lib/environment.ts'
import { silentLog } from '../../src/lib/log.ts'
import { openSignalbox } from '../../src/main.ts'
import { SECRET, TOKEN } from '../keys.ts'

/** What a process is started with. */
export type ProcessOptions = { databaseUrl: string; leaseMs: number; env: Record<string, string> }

const { databaseUrl, leaseMs, env } = JSON.parse(process.argv[2] ?? '') as ProcessOptions
// Nothing stays when the test itself is ended.
process.once('disconnect', () => process.exit(1))
const environment = readEnvironment({
  PORT: '0',
  HOST: '127.0.0.1',
  SIGNALBOX_API_TOKEN: TOKEN,
  GITHUB_WEBHOOK_SECRET: SECRET,
  ...env,
})
const database = await openDatabase({ url: databaseUrl, log: silentLog })
const { url } = await openSignalbox({
  environment,
  config: { rules: defaultRules.map(({ debounce, ...rule }) => rule) },
  store: { database, url: databaseUrl, kind: 'external', close: () => database.close() },
  mode: 'serve',
  log: silentLog,
  leaseMs,
})
process.send?.({ url })
