// No-op jobs: how fast they are made, how fast a backlog is done, and how soon a single one is picked up. All in one run, round by round.
import { parseArgs } from 'node:util'
import { startChild } from '../child.ts'
import { openCleanup } from '../cleanup.ts'
import type { Postgres } from '../database.ts'
import { embeddedPostgres } from '../database.ts'
import { leaveMeasuredCore, load } from '../machine.ts'
import { patience } from '../patience.ts'
import { report } from '../report.ts'
import { median, quantile, ratios, table, withRange } from '../statistics.ts'

/** `singles`: how many single jobs are made, and how many a second, where the usual would be a backlog for it. */
type Contestant = { name: string; module: string; variant: string; singles?: { count: number; perSecond: number } }
type Sample = {
  enqueueOne: number
  enqueue32: number
  enqueueMany: number
  drain: number
  drained: boolean
  pickUpMs: number[]
}

const CONTESTANTS: readonly Contestant[] = [
  { name: 'Signalbox queue', module: 'signalbox-queue.ts', variant: '' },
  { name: 'Signalbox orchestrator', module: 'signalbox.ts', variant: '' },
  { name: 'Signalbox orchestrator, default', module: 'signalbox.ts', variant: 'default' },
  { name: 'graphile-worker, tuned', module: 'graphile.js', variant: 'tuned' },
  { name: 'graphile-worker, default', module: 'graphile.js', variant: 'default' },
  { name: 'pg-boss, tuned', module: 'pg-boss.js', variant: 'tuned' },
  { name: 'pg-boss, notify', module: 'pg-boss.js', variant: 'notify' },
  { name: 'pg-boss, default', module: 'pg-boss.js', variant: 'default', singles: { count: 12, perSecond: 0.4 } },
]

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    tries: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
    'node-flag': { type: 'string', multiple: true, default: [] },
  },
})
const rounds = Number(options.rounds ?? (options.quick ? 1 : 3))
const BACKLOG = options.quick ? 3000 : 10_000
const ENQUEUE_MS = options.quick ? 1000 : 2000
const SINGLES = { count: options.quick ? 90 : 300, perSecond: 30 }
// The slowest does one job in two seconds: it is not waited for.
const DRAIN_CAP_MS = options.quick ? 5000 : 20_000
const PICK_UP_CAP_MS = 10_000

/** One engine through all of it, from an empty database on. */
const measure = async (
  { module, variant, name, singles = SINGLES }: Contestant,
  postgres: Postgres,
): Promise<Sample> => {
  await using cleanup = new AsyncDisposableStack()
  const url = await postgres.fresh('jobs')
  const script = new URL('play.ts', import.meta.url).pathname
  const start = async () => {
    const child = await startChild({
      script,
      args: [module, variant],
      env: { DATABASE_URL: url },
      nodeFlags: options['node-flag'],
    })
    cleanup.defer(child.close)
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
  const drain = await worker.ask<{ perSecond: number; complete: boolean }>({ ask: 'drain', capMs: DRAIN_CAP_MS })
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
  return { enqueueOne, enqueue32, enqueueMany, drain: drain.perSecond, drained: drain.complete, pickUpMs: latenciesMs }
}

const resultsTable = (samples: ReadonlyMap<string, Sample[]>): string => {
  const rows = [...samples].map(([name, all]) => {
    const pickUp = (share: number, digits = 1) =>
      withRange(
        all.map(({ pickUpMs }) => quantile(pickUpMs, share)),
        digits,
      )
    const isCapped = all.some(({ drained }) => !drained)
    return [
      name,
      `${withRange(all.map(({ drain }) => drain))}${isCapped ? ' (capped)' : ''}`,
      pickUp(0.5),
      pickUp(0.9),
      pickUp(0.99),
      withRange(all.map(({ enqueueOne }) => enqueueOne)),
      withRange(all.map(({ enqueue32 }) => enqueue32)),
      withRange(all.map(({ enqueueMany }) => enqueueMany)),
    ]
  })
  const head = ['queue', 'jobs/s', 'pick-up p50 ms', 'p90', 'p99', 'enqueue/s, 1 caller', '32 callers', 'in bulk']
  return table(head, rows)
}

const ratiosTable = (samples: ReadonlyMap<string, Sample[]>): string => {
  const rows = ['Signalbox queue', 'Signalbox orchestrator'].flatMap((ours) =>
    CONTESTANTS.filter(({ name }) => !name.startsWith('Signalbox')).flatMap(({ name }) => {
      const [mine, theirs] = [samples.get(ours), samples.get(name)]
      if (!mine || !theirs) return []
      const of = (pick: (sample: Sample) => number) => withRange(ratios(mine.map(pick), theirs.map(pick)), 2)
      return [
        [
          `${ours} / ${name}`,
          theirs.every(({ drained }) => drained) ? of(({ drain }) => drain) : '(capped)',
          of(({ pickUpMs }) => median(pickUpMs)),
          of(({ enqueue32 }) => enqueue32),
        ],
      ]
    }),
  )
  return table(['ratio', 'jobs/s', 'pick-up p50', 'enqueue/s, 32 callers'], rows)
}

leaveMeasuredCore()
await using cleanup = openCleanup()
const postgres = await embeddedPostgres()
cleanup.defer(postgres.close)
const loadBefore = load()
const patient = patience({ tries: Number(options.tries), share: 0.1, oursUs: postgres.cpuUs })
const chosen = CONTESTANTS.filter(({ name }) => !options.only || options.only.some((part) => name.includes(part)))
const samples = new Map(chosen.map(({ name }): [string, Sample[]] => [name, []]))
for (let round = 0; round < rounds; round++) {
  for (const [i] of chosen.entries()) {
    const contestant = chosen[(i + round) % chosen.length]
    if (!contestant) continue
    const sample = await patient.measure(() => measure(contestant, postgres))
    samples.get(contestant.name)?.push(sample)
    const pickUp = quantile(sample.pickUpMs, 0.5).toFixed(1)
    console.error(
      `round ${round + 1}/${rounds}  ${contestant.name.padEnd(32)} ${sample.drain.toFixed(0)} jobs/s, ${pickUp} ms`,
    )
  }
  console.error(patient.describe())
}
await report('jobs', {
  about:
    `${rounds} round${rounds === 1 ? '' : 's'}, a backlog of ${BACKLOG} no-op jobs, then ${SINGLES.count} single ones at about ${SINGLES.perSecond}/s; ` +
    `PostgreSQL ${postgres.version} embedded`,
  loadBefore,
  others: patient.describe(),
  tables: [resultsTable(samples), ratiosTable(samples)],
  samples: Object.fromEntries(samples),
})
