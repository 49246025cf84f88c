// No-op jobs: how fast they are made and done, and how soon a single one is picked up.
import type { Checkout } from '../checkout.ts'
import { nameOf, openCheckouts, ours } from '../checkout.ts'
import { startScript } from '../child.ts'
import { openCleanup } from '../cleanup.ts'
import { embeddedPostgres } from '../database.ts'
import { cpuUs, leaveMeasuredCore, load } from '../machine.ts'
import { readOptions } from '../options.ts'
import { patience } from '../patience.ts'
import { report } from '../report.ts'
import { runRounds } from '../rounds.ts'
import { median, quantile, ratios, table, withRange } from '../statistics.ts'

/**
 * `singles`: how many single jobs are made, and how many a second, where the usual would be a
 * backlog for it.
 */
type Contestant = {
  name: string
  module: string
  variant: string
  checkout: Checkout
  singles?: { count: number; perSecond: number }
}
type Sample = {
  enqueueOne: number
  enqueue32: number
  enqueueMany: number
  drain: number
  drained: boolean
  nodeUs: number
  postgresUs: number
  pickUpMs: number[]
}

const OURS = ['Signalbox queue', 'Signalbox orchestrator', 'Signalbox orchestrator, default']
const VARIANTS = ['queue', '', 'default']
const PEERS: readonly Contestant[] = [
  { name: 'graphile-worker, tuned', module: 'graphile.js', variant: 'tuned', checkout: ours },
  { name: 'graphile-worker, default', module: 'graphile.js', variant: 'default', checkout: ours },
  { name: 'pg-boss, tuned', module: 'pg-boss.js', variant: 'tuned', checkout: ours },
  { name: 'pg-boss, notify', module: 'pg-boss.js', variant: 'notify', checkout: ours },
  {
    name: 'pg-boss, default',
    module: 'pg-boss.js',
    variant: 'default',
    checkout: ours,
    singles: { count: 12, perSecond: 0.4 },
  },
]

const options = readOptions()
const rounds = options.rounds ?? (options.quick ? 1 : 3)
const BACKLOG = options.quick ? 3000 : 10_000
const ENQUEUE_MS = options.quick ? 1000 : 2000
const SINGLES = { count: options.quick ? 90 : 300, perSecond: 30 }
// The slowest does one job in two seconds: it is not waited for.
const DRAIN_CAP_MS = options.quick ? 5000 : 20_000
const PICK_UP_CAP_MS = 10_000

leaveMeasuredCore()
await using cleanup = openCleanup()
const checkouts = await openCheckouts(options.against, cleanup)
const postgres = await embeddedPostgres()
cleanup.defer(postgres.close)
const loadBefore = load()
const patient = patience({ attempts: options.attempts, oursUs: postgres.cpuUs })
const signalboxes = OURS.flatMap((what, i) =>
  checkouts.map((checkout): Contestant => {
    return { name: nameOf(checkout, what), module: 'signalbox.ts', variant: VARIANTS[i] ?? '', checkout }
  }),
)
const samples = await runRounds<Contestant, Sample>({
  contestants: [...signalboxes, ...PEERS].filter(({ name }) => options.wants(name)),
  rounds,
  patient,
  measure,
  describe: ({ drain, pickUpMs }) => `${drain.toFixed(0)} jobs/s, ${quantile(pickUpMs, 0.5).toFixed(1)} ms`,
})
await report('jobs', {
  about:
    `${rounds} round${rounds === 1 ? '' : 's'}, a backlog of ${BACKLOG} no-op jobs, ` +
    `then ${SINGLES.count} single ones at about ${SINGLES.perSecond}/s; PostgreSQL ${postgres.version} embedded`,
  loadBefore,
  others: patient.describe(),
  tables: [resultsTable(), againstTable(), peersTable()],
  samples: Object.fromEntries(samples),
})

/** One engine through all of it, from an empty database on. */
async function measure({ module, variant, name, checkout, singles = SINGLES }: Contestant): Promise<Sample> {
  await using closing = new AsyncDisposableStack()
  const url = await postgres.fresh('jobs')
  const script = new URL('play.ts', import.meta.url).pathname
  const start = async () => {
    const child = await startScript({
      script,
      args: [module, variant, checkout.root],
      env: { DATABASE_URL: url },
      flags: checkout.flags,
    })
    closing.defer(child.close)
    return child
  }
  // One after the other, since both bring the schema up to date.
  const worker = await start()
  const maker = await start()
  const rate = async (message: object) => (await maker.ask<{ perSecond: number }>(message)).perSecond
  const forget = () => maker.ask({ ask: 'clear' }).then(() => postgres.checkpoint())

  await rate({ ask: 'enqueueFor', callers: 32, ms: ENQUEUE_MS / 4 })
  await forget()
  const enqueueOne = await rate({ ask: 'enqueueFor', callers: 1, ms: ENQUEUE_MS })
  const enqueue32 = await rate({ ask: 'enqueueFor', callers: 32, ms: ENQUEUE_MS })
  await forget()
  const enqueueMany = await rate({ ask: 'enqueueMany', count: BACKLOG })
  const before = { node: cpuUs(worker.pid), postgres: postgres.cpuUs() }
  const drain = await worker.ask<{ perSecond: number; complete: boolean }>({ ask: 'drain', capMs: DRAIN_CAP_MS })
  const used = { nodeUs: cpuUs(worker.pid) - before.node, postgresUs: postgres.cpuUs() - before.postgres }
  if (!drain.complete) await forget()
  await postgres.checkpoint()
  await maker.ask({ ask: 'trickle', ...singles })
  const { latenciesMs } = await worker.ask<{ latenciesMs: number[] }>({
    ask: 'latencies',
    count: singles.count,
    capMs: PICK_UP_CAP_MS,
  })
  if (latenciesMs.length !== singles.count) {
    throw new Error(`${name}: ${singles.count} jobs made, ${latenciesMs.length} handled.`)
  }
  return {
    enqueueOne,
    enqueue32,
    enqueueMany,
    drain: drain.perSecond,
    drained: drain.complete,
    nodeUs: used.nodeUs / BACKLOG,
    postgresUs: used.postgresUs / BACKLOG,
    pickUpMs: latenciesMs,
  }
}

function resultsTable(): string {
  const rows = [...samples].map(([name, all]) => {
    const pickUp = (share: number) =>
      withRange(
        all.map(({ pickUpMs }) => quantile(pickUpMs, share)),
        1,
      )
    const isCapped = all.some(({ drained }) => !drained)
    const cpu = (pick: (sample: Sample) => number) => (isCapped ? '' : median(all.map(pick)).toFixed(0))
    return [
      name,
      `${withRange(all.map(({ drain }) => drain))}${isCapped ? ' (capped)' : ''}`,
      cpu(({ nodeUs }) => nodeUs),
      cpu(({ postgresUs }) => postgresUs),
      pickUp(0.5),
      pickUp(0.9),
      pickUp(0.99),
      withRange(all.map(({ enqueueOne }) => enqueueOne)),
      withRange(all.map(({ enqueue32 }) => enqueue32)),
      withRange(all.map(({ enqueueMany }) => enqueueMany)),
    ]
  })
  const cpu = ['Node CPU µs/job', 'PostgreSQL CPU µs/job']
  const pickUp = ['pick-up p50 ms', 'p90', 'p99']
  return table(['queue', 'jobs/s', ...cpu, ...pickUp, 'enqueue/s, 1 caller', '32 callers', 'in bulk'], rows)
}

/** This checkout beside the commit it is compared with. */
function againstTable(): string | null {
  return ratioRows(
    checkouts.slice(1).flatMap((baseline) => OURS.map((what): [string, string] => [what, nameOf(baseline, what)])),
  )
}

function peersTable(): string | null {
  return ratioRows(OURS.slice(0, 2).flatMap((what) => PEERS.map(({ name }): [string, string] => [what, name])))
}

function ratioRows(pairs: readonly (readonly [over: string, under: string])[]): string | null {
  const rows = pairs.flatMap(([over, under]) => {
    const [upper, lower] = [samples.get(over), samples.get(under)]
    if (!upper || !lower) return []
    const of = (pick: (sample: Sample) => number) => withRange(ratios(upper.map(pick), lower.map(pick)), 2)
    const isWhole = [...upper, ...lower].every(({ drained }) => drained)
    return [
      [
        `${over} / ${under}`,
        isWhole ? of(({ drain }) => drain) : '(capped)',
        of(({ pickUpMs }) => median(pickUpMs)),
        of(({ enqueue32 }) => enqueue32),
      ],
    ]
  })
  return rows.length === 0 ? null : table(['ratio', 'jobs/s', 'pick-up p50', 'enqueue/s, 32 callers'], rows)
}
