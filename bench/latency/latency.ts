// Latency of durable ingest in an open loop, at a rate that the servers can keep up with.
import { setTimeout as wait } from 'node:timers/promises'
import { nameOf, openCheckouts } from '../checkout.ts'
import { openCleanup } from '../cleanup.ts'
import { embeddedPostgres, givenPostgres } from '../database.ts'
import type { Running } from '../ingest/contestants.ts'
import { STORING_NOTHING, signalboxes, start } from '../ingest/contestants.ts'
import { signedPushes } from '../ingest/payload.ts'
import { prove } from '../ingest/proof.ts'
import { cpuUs, leaveMeasuredCore, load } from '../machine.ts'
import { readOptions } from '../options.ts'
import { patience } from '../patience.ts'
import { report } from '../report.ts'
import { runRounds } from '../rounds.ts'
import { median, quantile, ratiosTable, table, withRange } from '../statistics.ts'
import type { OpenLoop } from './open-loop.ts'
import { openLoop } from './open-loop.ts'

type Slot = { p50: number; p90: number; p99: number; p999: number; nodeUs: number; postgresUs: number }
type Loaded = { name: string; server: Running; loop: OpenLoop }

const OURS = ['Signalbox', 'Signalbox on DATABASE_URL']
const PER_SECOND = 1000
const options = readOptions()
const rounds = options.rounds ?? (options.quick ? 2 : 7)
const seconds = options.seconds ?? (options.quick ? 2 : 5)
const WARM_UP_SECONDS = 2

leaveMeasuredCore()
await using cleanup = openCleanup()
const checkouts = await openCheckouts(options.against, cleanup)
const embedded = await embeddedPostgres()
cleanup.defer(embedded.close)
const given = await givenPostgres()
if (given) cleanup.defer(given.close)
const pushes = signedPushes(200)
const contestants: Loaded[] = []
for (const contestant of [
  ...signalboxes(checkouts, 'Signalbox'),
  ...signalboxes(checkouts, 'Signalbox on DATABASE_URL', { on: 'given' }),
  { name: STORING_NOTHING, script: 'storing-nothing.ts' },
]) {
  const postgres = contestant.on === 'given' ? given : embedded
  if (!postgres || !options.wants(contestant.name)) continue
  const server = await start(contestant, postgres)
  cleanup.defer(server.close)
  await prove(server)
  const loop = openLoop(server.url, pushes)
  cleanup.defer(loop.close)
  const loaded = { name: contestant.name, server, loop }
  await measure(loaded, WARM_UP_SECONDS)
  contestants.push(loaded)
}
const loadBefore = load()
const patient = patience({ attempts: options.attempts, oursUs: () => embedded.cpuUs() + (given?.cpuUs() ?? 0) })
const slots = await runRounds<Loaded, Slot>({
  contestants,
  rounds,
  patient,
  measure: (contestant) => measure(contestant, seconds),
  describe: ({ p50, p99 }) => `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
})
await report('latency', {
  about:
    `${rounds} rounds of ${seconds} s each at ${PER_SECOND}/s, an open loop, latency in ms from the time a request was due; ` +
    `PostgreSQL ${embedded.version} embedded${given ? `, ${given.version} at DATABASE_URL` : ''}`,
  loadBefore,
  others: patient.describe(),
  tables: [resultsTable(), againstTable()],
  samples: Object.fromEntries(slots),
})

async function measure({ server, loop }: Loaded, forSeconds: number): Promise<Slot> {
  const before = { node: cpuUs(server.pid), postgres: server.postgres?.cpuUs() ?? 0 }
  const latencies = [...(await loop.run({ perSecond: PER_SECOND, seconds: forSeconds }))]
  const nodeUs = (cpuUs(server.pid) - before.node) / latencies.length
  const postgresUs = ((server.postgres?.cpuUs() ?? 0) - before.postgres) / latencies.length
  const stored = await server.stored()
  if (stored && stored.events !== latencies.length) {
    throw new Error(`${server.name}: ${latencies.length} accepted, but ${stored.events} stored.`)
  }
  await server.clear()
  // The checkpoint's writes must not meet the next server's requests.
  await wait(200)
  const of = (share: number) => quantile(latencies, share)
  return { p50: of(0.5), p90: of(0.9), p99: of(0.99), p999: of(0.999), nodeUs, postgresUs }
}

function resultsTable(): string {
  const rows = [...slots].map(([name, all]) => [
    name,
    ...(['p50', 'p90', 'p99', 'p999'] as const).map((one) =>
      withRange(
        all.map((slot) => slot[one]),
        1,
      ),
    ),
    median(all.map(({ nodeUs }) => nodeUs)).toFixed(0),
    median(all.map(({ postgresUs }) => postgresUs)).toFixed(0),
  ])
  return table(['server', 'p50', 'p90', 'p99', 'p99.9', 'Node CPU µs/req', 'PostgreSQL CPU µs/req'], rows)
}

/** This checkout beside the commit it is compared with; below 1 is sooner. */
function againstTable(): string | null {
  const baselines = checkouts.slice(1)
  const beside = baselines.flatMap((baseline) => OURS.map((what): [string, string] => [what, nameOf(baseline, what)]))
  const pairs = [...beside, ['Signalbox', STORING_NOTHING] as const]
  return ratiosTable(slots, pairs, [
    { title: 'p50', of: ({ p50 }) => p50 },
    { title: 'p90', of: ({ p90 }) => p90 },
    { title: 'p99', of: ({ p99 }) => p99 },
    { title: 'p99.9', of: ({ p999 }) => p999 },
  ])
}
