// Durable ingest of a signed 10 kB push, beside what others do without storing it. All in one run, round by round.
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openCleanup } from '../cleanup.ts'
import { embeddedPostgres, givenPostgres } from '../database.ts'
import { cpuUs, leaveMeasuredCore, load, residentMb } from '../machine.ts'
import { patience } from '../patience.ts'
import { report } from '../report.ts'
import { median, ratios, table, withRange } from '../statistics.ts'
import type { Running, Stored } from './contestants.ts'
import { contestants, start } from './contestants.ts'
import type { Load } from './load.ts'
import { CONNECTIONS, openLoad } from './load.ts'
import { prove } from './proof.ts'

type Slot = {
  perSecond: number
  p50Ms: number
  p99Ms: number
  serverUs: number
  postgresUs: number
  residentMb: number
}

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    tries: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
    'node-flag': { type: 'string', multiple: true, default: [] },
  },
})
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5))
const seconds = Number(options.seconds ?? (options.quick ? 2 : 4))
const warmUpSeconds = options.quick ? 2 : 3

/** What is stored once all that was sent is stored, or nothing has been added for a while (requests may have been cut off on the way). */
const storedAtLast = async (server: Running, sent: number): Promise<Stored | null> => {
  let stored = await server.stored()
  for (let still = 0; stored !== null && stored.events < sent && still < 10; ) {
    await wait(100)
    const now = await server.stored()
    still = now?.events === stored.events ? still + 1 : 0
    stored = now
  }
  return stored
}

/** Puts the load on one server and checks that every answer stands for a row. */
const measure = async (server: Running, work: Load, forSeconds: number): Promise<Slot> => {
  const before = { server: cpuUs(server.child.pid), postgres: server.postgres?.cpuUs() ?? 0 }
  const { requests, seconds: took, p50Ms, p99Ms } = await work.put(server.url, forSeconds)
  const after = { server: cpuUs(server.child.pid), postgres: server.postgres?.cpuUs() ?? 0 }
  const stored = await storedAtLast(server, requests + CONNECTIONS)
  // What was under way when the load stopped is stored too, but nobody was there any more to be told.
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
    residentMb: residentMb(server.child.pid),
  }
}

/** Every server once a round, each round beginning with another one. */
const runRounds = async (servers: readonly Running[], work: Load): Promise<Map<string, Slot[]>> => {
  const slots = new Map(servers.map(({ name }): [string, Slot[]] => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [i] of servers.entries()) {
      const server = servers[(i + round) % servers.length]
      if (!server) continue
      const slot = await patient.measure(() => measure(server, work, seconds))
      slots.get(server.name)?.push(slot)
      console.error(`round ${round + 1}/${rounds}  ${server.name.padEnd(36)} ${slot.perSecond.toFixed(0)}/s`)
    }
    console.error(patient.describe())
  }
  return slots
}

const RATIOS: readonly [over: string, under: string, aim?: number][] = [
  ['Signalbox', 'Probot storing nothing', 1.3],
  ['Signalbox', 'Signalbox storing nothing', 0.65],
  ['Signalbox', 'transaction per request, jsonb', 5],
  ['Signalbox', 'transaction per request, bytes'],
  ['Signalbox', '@octokit/webhooks storing nothing'],
  ['Signalbox', 'node:http storing nothing'],
  ['Signalbox, a job each', 'Signalbox storing nothing'],
  ['Signalbox, a job each', 'Probot storing nothing'],
  ['Signalbox, a job each', 'transaction per request, jsonb'],
  ['Signalbox, a job each, run there', 'Probot storing nothing'],
  ['Signalbox on DATABASE_URL', 'Signalbox storing nothing'],
  ['Signalbox on DATABASE_URL', 'Probot storing nothing'],
]

const resultsTable = (slots: ReadonlyMap<string, Slot[]>): string => {
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

const ratiosTable = (slots: ReadonlyMap<string, Slot[]>): string => {
  const perSecond = (name: string) => slots.get(name)?.map((slot) => slot.perSecond)
  const rows = RATIOS.flatMap(([over, under, aim]) => {
    const [upper, lower] = [perSecond(over), perSecond(under)]
    if (!upper || !lower) return []
    const found = ratios(upper, lower)
    const verdict = aim === undefined ? '' : `${aim} ${median(found) >= aim ? '(met)' : '(missed)'}`
    return [[`${over} / ${under}`, withRange(found, 2), verdict]]
  })
  return table(['ratio', 'median [range]', 'aim'], rows)
}

leaveMeasuredCore()
await using cleanup = openCleanup()
const work = await openLoad()
cleanup.defer(work.close)
const embedded = await embeddedPostgres()
cleanup.defer(embedded.close)
const given = await givenPostgres()
if (given) cleanup.defer(given.close)
const servers: Running[] = []
for (const contestant of contestants) {
  const postgres = contestant.on === 'given' ? given : embedded
  if (!postgres || (options.only && !options.only.some((part) => contestant.name.includes(part)))) continue
  const server = await start(contestant, postgres, contestant.script === 'signalbox.ts' ? options['node-flag'] : [])
  cleanup.defer(server.close)
  await prove(server)
  await measure(server, work, warmUpSeconds)
  servers.push(server)
}
const loadBefore = load()
const patient = patience({
  tries: Number(options.tries),
  share: 0.1,
  oursUs: () => embedded.cpuUs() + (given?.cpuUs() ?? 0),
})
const slots = await runRounds(servers, work)
await report('ingest', {
  about:
    `${rounds} rounds of ${seconds} s each, ${CONNECTIONS} connections, ${work.bodyBytes} bytes a body; ` +
    `PostgreSQL ${embedded.version} embedded${given ? `, ${given.version} at DATABASE_URL` : ''}`,
  loadBefore,
  others: patient.describe(),
  tables: [resultsTable(slots), ratiosTable(slots)],
  samples: Object.fromEntries(slots),
})
