// Signalbox as a whole: the orchestrator that `signalbox serve` starts, running an agent that does nothing; each job that ends is an event again.
import { z } from 'zod'
import { defineAgent } from '../../../src/agents/agent.ts'
import { migrate } from '../../../src/db/migrate.ts'
import { openStore } from '../../../src/db/store.ts'
import { readEnvironment } from '../../../src/lib/environment.ts'
import { silentLog as log } from '../../../src/lib/log.ts'
import type { Signalbox } from '../../../src/main.ts'
import { openSignalbox } from '../../../src/main.ts'
import type { OpenEngine } from './engine.ts'
import { SLOTS } from './engine.ts'
import { openJobs } from './signalbox-jobs.ts'

/** Opens it; the variant `default` has as many slots as Signalbox has by default. */
export const open: OpenEngine = async (url, variant) => {
  const slots = variant === 'default' ? {} : { MAX_CONCURRENT_JOBS: String(SLOTS) }
  const environment = readEnvironment({ DATABASE_URL: url, ...slots })
  const store = await openStore({ environment, log })
  await migrate(store.database, { log })
  const jobs = await openJobs(store.database)
  let service: Signalbox | undefined
  return {
    ...jobs,
    async work(handle) {
      const agent = defineAgent({
        name: 'no-op',
        description: 'Does nothing.',
        input: z.object({ text: z.string() }),
        async run({ input }) {
          handle(input.text)
          return {}
        },
      })
      service = await openSignalbox({
        environment,
        config: { agents: [agent], rules: [] },
        store,
        mode: 'serve',
        roles: { receiver: false, orchestrator: true },
        log,
      })
    },
    async close() {
      await service?.close()
      await jobs.close()
      await store.close()
    },
  }
}
