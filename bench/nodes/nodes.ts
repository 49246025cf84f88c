// How much faster two nodes finish a backlog than one, where the jobs wait and do not compute.
import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Database } from '../../src/db/database.ts'
import { openEmbedded } from '../../src/db/embedded/embedded.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/postgres.ts'
import { silentLog } from '../../src/lib/log.ts'
import { run } from '../../test/process.ts'
import { median } from '../statistics.ts'

const HELP = `Usage: bench/nodes/run [options]

Measures how long one node and two take for the same backlog, in turns, and prints the ratio.

Options:
  --jobs <n>    jobs of each backlog (160)
  --rounds <n>  how often (3)
  --slots <n>   jobs that a node runs at once (4)
  --ms <n>      how long a job waits (200)
  --help        print this`

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '160' },
    rounds: { type: 'string', default: '3' },
    slots: { type: 'string', default: '4' },
    ms: { type: 'string', default: '200' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const [jobs, rounds, slots, ms] = [values.jobs, values.rounds, values.slots, values.ms].map(Number) as [
  number,
  number,
  number,
  number,
]

const folder = await mkdtemp(join(tmpdir(), 'signalbox-nodes-'))
// Root's PostgreSQL runs as somebody else, who must be able to get in.
await chmod(folder, 0o711)
await writeFile(
  join(folder, 'signalbox.config.mjs'),
  `import { setTimeout as wait } from 'node:timers/promises'
   import { defineAgent, defineConfig, z } from 'signalbox'
   const waits = defineAgent({ name: 'waits', description: 'Waits.', input: z.unknown(), run: () => wait(${ms}, {}) })
   export default defineConfig({ agents: [waits], rules: [] })`,
)
const postgres = await openEmbedded({ dataDir: join(folder, 'data'), log: silentLog })
const database = await openDatabase({ url: postgres.url, log: silentLog })
try {
  await migrate(database, { log: silentLog })
  const seconds: Record<1 | 2, number[]> = { 1: [], 2: [] }
  for (let round = 0; round < rounds; round++) {
    for (const nodes of [1, 2] as const) {
      seconds[nodes].push(await measure(database, nodes))
      console.error(`round ${round + 1}/${rounds}: ${nodes} node(s) took ${seconds[nodes].at(-1)?.toFixed(1)} s`)
    }
  }
  const ratios = seconds[1].map((one, round) => one / (seconds[2][round] ?? Number.NaN))
  console.log(`${jobs} jobs that wait ${ms} ms, ${slots} at once on each node, medians of ${rounds} rounds:`)
  console.log(`one node ${median(seconds[1]).toFixed(2)} s, two nodes ${median(seconds[2]).toFixed(2)} s`)
  console.log(`two nodes are ${median(ratios).toFixed(2)} times as fast`)
} finally {
  await database.close()
  await postgres.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 10 })
}

/** Seconds from the start of the first job of a backlog to the end of its last. */
async function measure(database: Database, nodes: number): Promise<number> {
  const env = { DATABASE_URL: postgres.url, MAX_CONCURRENT_JOBS: String(slots), ORCHESTRATOR_LOG_LEVEL: 'WARNING' }
  const running = Array.from({ length: nodes }, () => run(['serve', '--only', 'orchestrator'], { cwd: folder, env }))
  try {
    const alive = `select from signalbox.nodes where status <> 'stopped'`
    while ((await database.query(alive)).rowCount < nodes) await wait(100)
    // The processes that agents run in are started by the first jobs.
    await backlog(database, nodes * slots * 2)
    return await backlog(database, jobs)
  } finally {
    await Promise.all(running.map(({ kill }) => kill('SIGTERM')))
    await database.query('truncate signalbox.nodes, signalbox.jobs cascade')
  }
}

async function backlog(database: Database, count: number): Promise<number> {
  const ids = Array.from({ length: count }, () => randomUUID())
  await database.query(
    `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms)
     select id, 'bench', 'waits', 'waits', '{}', 5, 5, 60000 from unnest($1::uuid[]) as id`,
    [ids],
  )
  await database.query(`select pg_notify('signalbox', 'jobs')`)
  for (;;) {
    const { rows } = await database.query<{ left: number; seconds: number }>(
      `select count(*) filter (where status <> 'completed')::int as left,
         extract(epoch from max(finished_at) - min(started_at))::float8 as seconds
       from signalbox.jobs where id = any($1::uuid[])`,
      [ids],
    )
    if (rows[0]?.left === 0) return rows[0].seconds
    await wait(200)
  }
}
