// Durable ingest of signed 10 kB pushes, beside what others do without storing them.
import { setTimeout as wait } from 'node:timers/promises'
import { nameOf, openCheckouts } from '../checkout.ts'
import { openCleanup } from '../cleanup.ts'
import { embeddedPostgres, givenPostgres } from '../database.ts'
import { cpuUs, leaveMeasuredCore, load, residentMb } from '../machine.ts'
import { readOptions } from '../options.ts'
import { patience } from '../patience.ts'
import { report } from '../report.ts'
import { runRounds } from '../rounds.ts'
import { median, ratios, ratiosTable, table, withRange } from '../statistics.ts'
import type { Running, Stored } from './contestants.ts'
import { contestantsOf, STORING_NOTHING, start } from './contestants.ts'
import { BODIES, CONNECTIONS, openLoad } from './load.ts'
import { prove } from './proof.ts'

type Slot = {
  perSecond: number
  p50Ms: number
  p99Ms: number
  serverUs: number
  postgresUs: number
  residentMb: number
}

const OURS = [
  'Signalbox',
  'Signalbox, a job each',
  'Signalbox, a job each, run there',
  'Signalbox on DATABASE_URL',
] as const

const RATIOS: readonly [over: string, under: string, aim?: number][] = [
  ['Signalbox', 'Probot storing nothing', 1.3],
  ['Signalbox', STORING_NOTHING, 0.65],
  ['Signalbox', 'transaction per request, jsonb', 5],
  ['Signalbox', 'transaction per request, bytes'],
  ['Signalbox', '@octokit/webhooks storing nothing'],
  ['Signalbox', 'node:http storing nothing'],
  ['Signalbox, a job each', STORING_NOTHING],
  ['Signalbox, a job each', 'Probot storing nothing'],
  ['Signalbox, a job each', 'transaction per request, jsonb'],
  ['Signalbox, a job each, run there', 'Probot storing nothing'],
  ['Signalbox on DATABASE_URL', STORING_NOTHING],
  ['Signalbox on DATABASE_URL', 'Probot storing nothing'],
]

const options = readOptions()
const rounds = options.rounds ?? (options.quick ? 2 : 5)
const seconds = options.seconds ?? (options.quick ? 2 : 4)
const warmUpSeconds = options.quick ? 1 : 3

leaveMeasuredCore()
await using cleanup = openCleanup()
const checkouts = await openCheckouts(options.against, cleanup)
const work = await openLoad()
cleanup.defer(work.close)
const embedded = await embeddedPostgres()
cleanup.defer(embedded.close)
const given = await givenPostgres()
if (given) cleanup.defer(given.close)
const servers: Running[] = []
for (const contestant of contestantsOf(checkouts)) {
  const postgres = contestant.on === 'given' ? given : embedded
  if (!postgres || !options.wants(contestant.name)) continue
  const server = await start(contestant, postgres)
  cleanup.defer(server.close)
  await prove(server)
  await measure(server, warmUpSeconds)
  servers.push(server)
}
const loadBefore = load()
const patient = patience({ attempts: options.attempts, oursUs: () => embedded.cpuUs() + (given?.cpuUs() ?? 0) })
const slots = await runRounds({
  contestants: servers,
  rounds,
  patient,
  measure: (server) => measure(server, seconds),
  describe: ({ perSecond }) => `${perSecond.toFixed(0)}/s`,
})
await report('ingest', {
  about:
    `${rounds} rounds of ${seconds} s each, ${CONNECTIONS} connections, ${BODIES} different bodies of about ` +
    `${work.bodyBytes} bytes; PostgreSQL ${embedded.version} embedded${given ? `, ${given.version} at DATABASE_URL` : ''}`,
  loadBefore,
  others: patient.describe(),
  tables: [resultsTable(), againstTable(), aimsTable()],
  samples: Object.fromEntries(slots),
})

/** Puts the load on one server and checks that every answer stands for a row. */
async function measure(server: Running, forSeconds: number): Promise<Slot> {
  const before = { server: cpuUs(server.pid), postgres: server.postgres?.cpuUs() ?? 0 }
  const { requests, seconds: took, p50Ms, p99Ms } = await work.put(server.url, forSeconds)
  const after = { server: cpuUs(server.pid), postgres: server.postgres?.cpuUs() ?? 0 }
  const stored = await storedAtLast(server, requests + CONNECTIONS)
  // What was under way when the load stopped is stored too, but its answer had nobody to go to.
  if (stored && (stored.events < requests || stored.events > requests + CONNECTIONS)) {
    throw new Error(`${server.name}: ${requests} accepted, but ${stored.events} stored.`)
  }
  if (stored && server.hasJobs && stored.jobs !== stored.events) {
    throw new Error(`${server.name}: ${stored.events} events, but ${stored.jobs} jobs.`)
  }
  // Whoever still has jobs to run would run them while the next server is measured.
  await server.clear()
  return {
    perSecond: requests / took,
    p50Ms,
    p99Ms,
    serverUs: (after.server - before.server) / requests,
    postgresUs: (after.postgres - before.postgres) / requests,
    residentMb: residentMb(server.pid),
  }
}

/**
 * What is stored once all that was sent is stored, or nothing has been added for a while: requests
 * may have been cut off on the way.
 */
async function storedAtLast(server: Running, sent: number): Promise<Stored | null> {
  let stored = await server.stored()
  for (let still = 0; stored !== null && stored.events < sent && still < 10; ) {
    await wait(100)
    const now = await server.stored()
    still = now?.events === stored.events ? still + 1 : 0
    stored = now
  }
  return stored
}

function resultsTable(): string {
  const of = (name: string, pick: (slot: Slot) => number) => slots.get(name)?.map(pick) ?? []
  const rows = [...slots.keys()].map((name) => [
    name,
    withRange(of(name, (slot) => slot.perSecond)),
    median(of(name, (slot) => slot.p50Ms)).toFixed(1),
    median(of(name, (slot) => slot.p99Ms)).toFixed(1),
    median(of(name, (slot) => slot.serverUs)).toFixed(0),
    median(of(name, (slot) => slot.postgresUs)).toFixed(0),
    median(of(name, (slot) => slot.residentMb)).toFixed(0),
  ])
  const head = ['server', 'req/s', 'p50 ms', 'p99 ms', 'Node CPU µs/req', 'PostgreSQL CPU µs/req', 'RSS MB']
  return table(head, rows)
}

/** This checkout beside the commit it is compared with. */
function againstTable(): string | null {
  const pairs = checkouts
    .slice(1)
    .flatMap((baseline) => OURS.map((what): [string, string] => [what, nameOf(baseline, what)]))
  return ratiosTable(slots, pairs, [
    { title: 'req/s', of: (slot) => slot.perSecond },
    { title: 'p50', of: (slot) => slot.p50Ms },
    { title: 'p99', of: (slot) => slot.p99Ms },
    { title: 'Node CPU', of: (slot) => slot.serverUs },
    { title: 'PostgreSQL CPU', of: (slot) => slot.postgresUs },
  ])
}

/** This checkout beside its peers. */
function aimsTable(): string | null {
  const rows = RATIOS.flatMap(([over, under, aim]) => {
    const [upper, lower] = [slots.get(over), slots.get(under)]
    if (!upper || !lower) return []
    const found = ratios(
      upper.map(({ perSecond }) => perSecond),
      lower.map(({ perSecond }) => perSecond),
    )
    const verdict = aim === undefined ? '' : `${aim} ${median(found) >= aim ? '(met)' : '(missed)'}`
    return [[`${over} / ${under}`, withRange(found, 2), verdict]]
  })
  return rows.length === 0 ? null : table(['ratio', 'median [range]', 'aim'], rows)
}
