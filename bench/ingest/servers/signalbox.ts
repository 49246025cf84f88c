// Signalbox end to end, as `signalbox serve` starts it. `job`: a rule makes a job of every push. `receiver`: another process runs the jobs.
import type { Config } from '../../../src/config/config-file.ts'
import { openStore } from '../../../src/db/store.ts'
import { readEnvironment } from '../../../src/lib/environment.ts'
import { openLog } from '../../../src/lib/pino-log.ts'
import { openSignalbox } from '../../../src/main.ts'
import { ready } from '../../parent.ts'
import { SECRET } from '../payload.ts'

const asked = new Set(process.argv.slice(2))
const environment = readEnvironment({
  DATABASE_URL: process.env.DATABASE_URL,
  HOST: '127.0.0.1',
  PORT: '0',
  GITHUB_WEBHOOK_SECRET: SECRET,
})
const config: Config = asked.has('job') ? { rules: [{ name: 'answer', on: 'push', agent: 'ping' }] } : {}
const log = openLog({ level: environment.ORCHESTRATOR_LOG_LEVEL })
const store = await openStore({ environment, log })
const signalbox = await openSignalbox({
  environment,
  config,
  log,
  mode: 'serve',
  store,
  roles: { receiver: true, orchestrator: !asked.has('receiver') },
})
ready({ url: signalbox.url }, async () => {
  await signalbox.close()
  await store.close()
})
