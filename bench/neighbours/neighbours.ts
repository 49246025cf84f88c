// From a webhook to the first byte of its delivery at the receiver, through a whole server: alone,
// and beside endpoints that hang or have a backlog.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Checkout } from '../checkout.ts'
import { nameOf, openCheckouts, serve } from '../checkout.ts'
import { startScript } from '../child.ts'
import { openCleanup } from '../cleanup.ts'
import { embeddedPostgres, firstRow, openPool } from '../database.ts'
import { SECRET, signed, smallPushOf } from '../ingest/payload.ts'
import { leaveMeasuredCore, load } from '../machine.ts'
import { readOptions } from '../options.ts'
import { patience } from '../patience.ts'
import { report } from '../report.ts'
import { runRounds } from '../rounds.ts'
import { quantile, ratiosTable, table, withRange } from '../statistics.ts'

const NEIGHBOURS = ['alone', 'beside one that hangs', 'beside a backlog'] as const
type Neighbour = (typeof NEIGHBOURS)[number]
type Contestant = { name: string; checkout: Checkout; neighbour: Neighbour }
type Sample = { p50: number; p95: number; p99: number; backlogPerSecond: number }
type Answer = { arrived: Record<string, number>; hanging: number }

const ENDPOINT_SECRET = 'a-secret-for-an-endpoint-of-benchmarks'
const PER_SECOND = 50
// As many as one endpoint has slots.
const HANGING = 32
const options = readOptions()
const rounds = options.rounds ?? (options.quick ? 1 : 5)
// Less than a delivery may hang.
const seconds = options.seconds ?? (options.quick ? 3 : 10)
const BACKLOG = options.quick ? 20_000 : 100_000
let sent = 0
let databases = 0

leaveMeasuredCore()
await using cleanup = openCleanup()
const checkouts = await openCheckouts(options.against, cleanup)
const postgres = await embeddedPostgres()
cleanup.defer(postgres.close)
const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
cleanup.defer(() => rm(folder, { recursive: true, force: true }))
const contestants = checkouts.flatMap((checkout) =>
  NEIGHBOURS.map((neighbour): Contestant => ({ name: nameOf(checkout, neighbour), checkout, neighbour })),
)
const loadBefore = load()
const patient = patience({ attempts: options.attempts, oursUs: postgres.cpuUs })
const samples = await runRounds<Contestant, Sample>({
  contestants: contestants.filter(({ name }) => options.wants(name)),
  rounds,
  patient,
  measure,
  describe: ({ p50, p95, p99 }) => `p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
})
await report('neighbours', {
  about:
    `${rounds} round${rounds === 1 ? '' : 's'} of ${seconds} s at ${PER_SECOND} pushes/s, an open loop, ms from the time a push was due ` +
    `to the first byte of its delivery; a backlog of ${BACKLOG}; PostgreSQL ${postgres.version} embedded`,
  loadBefore,
  others: patient.describe(),
  tables: [resultsTable(), besideTable()],
  samples: Object.fromEntries(samples),
})

/** A server and receiver of its own for each: nothing of one neighbour is left for the next. */
async function measure({ checkout, neighbour }: Contestant): Promise<Sample> {
  await using closing = new AsyncDisposableStack()
  const receiver = await startScript({ script: join(import.meta.dirname, 'receiver.ts'), measured: false })
  closing.defer(receiver.close)
  // Each a new name: an account that is no superuser may not drop what autovacuum is working on.
  const url = await postgres.fresh(`neighbours_${++databases}`)
  const server = await serve(checkout, {
    cwd: folder,
    args: ['--config', join(import.meta.dirname, 'endpoints.config.ts')],
    env: {
      DATABASE_URL: url,
      GITHUB_WEBHOOK_SECRET: SECRET,
      BENCH_RECEIVER_URL: String(receiver.ready.url),
      BENCH_ENDPOINT_SECRET: ENDPOINT_SECRET,
      SIGNALBOX_ENCRYPTION_KEY: Buffer.alloc(32, ENDPOINT_SECRET).toString('base64'),
      SIGNALBOX_ALLOW_HOSTS: '127.0.0.1',
    },
  })
  closing.defer(server.close)
  const pool = openPool(url)
  closing.defer(() => pool.end())
  await send(server.url, 2)
  await wait(500)
  await receiver.ask<Answer>({})
  if (neighbour === 'beside one that hangs') {
    await fill(pool, 'hangs', 10 * HANGING)
    for (let hanging = 0; hanging < HANGING; await wait(50)) hanging = (await receiver.ask<Answer>({})).hanging
  }
  if (neighbour === 'beside a backlog') await fill(pool, 'backlog', BACKLOG)
  await postgres.checkpoint()
  const sentBefore = await sentOf(pool)
  const due = await send(server.url, seconds)
  const backlogPerSecond = ((await sentOf(pool)) - sentBefore) / seconds
  const arrived: Record<string, number> = {}
  for (let tries = 0; tries < 200 && Object.keys(arrived).length < due.size; tries++) {
    await wait(50)
    Object.assign(arrived, (await receiver.ask<Answer>({})).arrived)
  }
  const latencies = [...due].map(([id, at]) => (arrived[id] ?? Number.POSITIVE_INFINITY) - at)
  if (!latencies.every(Number.isFinite)) throw new Error(`${due.size} pushes, ${Object.keys(arrived).length} arrived.`)
  const of = (share: number) => quantile(latencies, share)
  return { p50: of(0.5), p95: of(0.95), p99: of(0.99), backlogPerSecond }
}

/** Sends pushes when they are due, a Poisson process; resolves with when that was, by their ids. */
async function send(url: string, forSeconds: number): Promise<Map<string, number>> {
  const due = new Map<string, number>()
  const answers: Promise<void>[] = []
  const now = () => Number(process.hrtime.bigint()) / 1e6
  const end = now() + forSeconds * 1000
  for (let at = now(); at < end; at += (-Math.log(1 - Math.random()) / PER_SECOND) * 1000) {
    await wait(Math.max(0, at - now()))
    const { body, headers } = signed(smallPushOf(sent++))
    const id = `bench-${sent}`
    due.set(id, at)
    const request = { method: 'POST', body: new Uint8Array(body), headers: { ...headers, 'X-GitHub-Delivery': id } }
    answers.push(
      fetch(`${url}/webhook/github`, request).then(async (answer) => {
        const text = await answer.text()
        if (!answer.ok) throw new Error(`A push was answered with ${answer.status}: ${text}`)
      }),
    )
  }
  await Promise.all(answers)
  return due
}

/** Adds deliveries to an endpoint, and lets the workers know. */
async function fill(pool: ReturnType<typeof openPool>, endpoint: string, count: number): Promise<void> {
  await pool.query(
    `with event as (
       insert into signalbox.events (id, source, delivery_id, type, status, body, content_type)
       select gen_random_uuid(), 'bench', 'filled-' || n, 'bench.' || $1::text, 'routed', $3::bytea, 'application/json'
       from generate_series(1, $2::integer) as n returning id
     )
     insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts)
     select gen_random_uuid(), event.id, endpoint.id, 10 from event, signalbox.endpoints as endpoint where name = $1::text`,
    [endpoint, count, smallPushOf(0)],
  )
  await pool.query(`select pg_notify('signalbox', '')`)
}

async function sentOf(pool: ReturnType<typeof openPool>): Promise<number> {
  const text = `select count(*)::integer as n from signalbox.deliveries d join signalbox.endpoints p on p.id = d.endpoint_id
    where p.name = 'backlog' and d.status = 'succeeded'`
  return (await firstRow<{ n: number }>(pool, text)).n
}

function resultsTable(): string {
  const rows = [...samples].map(([name, all]) => [
    name,
    ...(['p50', 'p95', 'p99'] as const).map((one) =>
      withRange(
        all.map((sample) => sample[one]),
        1,
      ),
    ),
    withRange(all.map(({ backlogPerSecond }) => backlogPerSecond)),
  ])
  return table(['a quiet endpoint', 'p50', 'p95', 'p99', 'of the backlog/s'], rows)
}

function besideTable(): string | null {
  const pairs = checkouts.flatMap((checkout) =>
    NEIGHBOURS.slice(1).map((one) => [nameOf(checkout, one), nameOf(checkout, 'alone')] as const),
  )
  return ratiosTable(samples, pairs, [
    { title: 'p50', of: ({ p50 }) => p50 },
    { title: 'p95', of: ({ p95 }) => p95 },
    { title: 'p99', of: ({ p99 }) => p99 },
  ])
}
