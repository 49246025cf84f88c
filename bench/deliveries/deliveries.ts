// Deliveries: from committed rows to `succeeded`, to a receiver on this machine.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Checkout } from '../checkout.ts'
import { nameOf, openCheckouts, ours, serve } from '../checkout.ts'
import { startScript } from '../child.ts'
import { openCleanup } from '../cleanup.ts'
import { embeddedPostgres, firstRow, openPool } from '../database.ts'
import { SECRET, signed, smallPushOf } from '../ingest/payload.ts'
import { cpuUs, leaveMeasuredCore, load } from '../machine.ts'
import { readOptions } from '../options.ts'
import { patience } from '../patience.ts'
import { report } from '../report.ts'
import { runRounds } from '../rounds.ts'
import { median, ratiosTable, table, withRange } from '../statistics.ts'

type Contestant = { name: string; checkout: Checkout; mode: 'sender' | 'raw'; slots: number }
type Sample = { perSecond: number; nodeUs: number; postgresUs: number }

const SLOTS = [16, 64]
const ENDPOINT_SECRET = 'a-secret-for-an-endpoint-of-benchmarks'
const CALLERS = 32
const options = readOptions()
const rounds = options.rounds ?? (options.quick ? 1 : 5)
const COUNT = options.quick ? 600 : 3000
const WARM_UP = options.quick ? 300 : 1000

leaveMeasuredCore()
await using cleanup = openCleanup()
const checkouts = await openCheckouts(options.against, cleanup)
const postgres = await embeddedPostgres()
cleanup.defer(postgres.close)
const receiver = await startScript({ script: join(import.meta.dirname, 'receiver.ts'), measured: false })
cleanup.defer(receiver.close)
const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
cleanup.defer(() => rm(folder, { recursive: true, force: true }))
const endpoint = {
  BENCH_RECEIVER_URL: String(receiver.ready.url),
  BENCH_ENDPOINT_SECRET: ENDPOINT_SECRET,
  SIGNALBOX_ENCRYPTION_KEY: Buffer.alloc(32, ENDPOINT_SECRET).toString('base64'),
  SIGNALBOX_ALLOW_HOSTS: '127.0.0.1',
}
const contestants = SLOTS.flatMap((slots): Contestant[] => [
  ...checkouts.map((checkout): Contestant => {
    return { name: nameOf(checkout, `Signalbox, ${slots} slots`), checkout, mode: 'sender', slots }
  }),
  { name: `raw, ${slots} at once`, checkout: ours, mode: 'raw', slots },
])
const loadBefore = load()
const patient = patience({ attempts: options.attempts, oursUs: postgres.cpuUs })
const samples = await runRounds<Contestant, Sample>({
  contestants: contestants.filter(({ name }) => options.wants(name)),
  rounds,
  patient,
  measure,
  describe: ({ perSecond }) => `${perSecond.toFixed(0)}/s`,
})
await report('deliveries', {
  about: `${rounds} round${rounds === 1 ? '' : 's'} of ${COUNT} deliveries of 2 kB pushes, after ${WARM_UP} others; PostgreSQL ${postgres.version} embedded`,
  loadBefore,
  others: patient.describe(),
  tables: [resultsTable(), againstTable()],
  samples: Object.fromEntries(samples),
})

async function measure({ name, checkout, mode, slots }: Contestant): Promise<Sample> {
  await using closing = new AsyncDisposableStack()
  const prepare = (database: string, count: number) => (mode === 'raw' ? '' : commitRows(checkout, database, count))
  const [warmUp, measured] = [await prepare('warm_up', WARM_UP), await prepare('deliveries', COUNT)]
  const child = await startScript({
    script: join(import.meta.dirname, 'play.ts'),
    args: [checkout.root, mode, String(slots)],
    env: endpoint,
    flags: checkout.flags,
  })
  closing.defer(child.close)
  await child.ask({ databaseUrl: warmUp, count: WARM_UP })
  await postgres.checkpoint()
  const before = { node: cpuUs(child.pid), postgres: postgres.cpuUs() }
  const { seconds } = await child.ask<{ seconds: number }>({ databaseUrl: measured, count: COUNT })
  const used = { node: cpuUs(child.pid) - before.node, postgres: postgres.cpuUs() - before.postgres }
  if (mode === 'sender') await check(name, measured)
  return { perSecond: COUNT / seconds, nodeUs: used.node / COUNT, postgresUs: used.postgres / COUNT }
}

/**
 * Has a receiver of the checkout commit pushes, each with a delivery; resolves to the database's
 * URL.
 */
async function commitRows(checkout: Checkout, database: string, count: number): Promise<string> {
  const url = await postgres.fresh(database)
  const env = { DATABASE_URL: url, GITHUB_WEBHOOK_SECRET: SECRET, ...endpoint }
  const args = ['--only', 'receiver', '--config', join(import.meta.dirname, 'endpoint.config.ts')]
  const server = await serve(checkout, { env, args, cwd: folder })
  let n = 0
  const call = async () => {
    while (n < count) {
      const { body, headers } = signed(smallPushOf(n++))
      const answer = await fetch(`${server.url}/webhook/github`, {
        method: 'POST',
        body: new Uint8Array(body),
        headers: { ...headers, 'X-GitHub-Delivery': `bench-${n}` },
      })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`A push was answered with ${answer.status}: ${text}`)
    }
  }
  try {
    await Promise.all(Array.from({ length: CALLERS }, call))
  } finally {
    await server.close()
  }
  return url
}

async function check(name: string, url: string): Promise<void> {
  const pool = openPool(url, 1)
  const stored = await firstRow<{ succeeded: number; answered: number }>(
    pool,
    `select (select count(*)::int from signalbox.deliveries where status = 'succeeded') as succeeded,
       (select count(*)::int from signalbox.delivery_attempts where status_code = 200) as answered`,
  )
  await pool.end()
  if (stored.succeeded !== COUNT || stored.answered !== COUNT) {
    throw new Error(`${name}: of ${COUNT} deliveries ${stored.succeeded} succeeded, ${stored.answered} with a 200.`)
  }
}

function resultsTable(): string {
  const rows = [...samples].map(([name, all]) => [
    name,
    withRange(all.map(({ perSecond }) => perSecond)),
    median(all.map(({ nodeUs }) => nodeUs)).toFixed(0),
    median(all.map(({ postgresUs }) => postgresUs)).toFixed(0),
  ])
  return table(['sender', 'deliveries/s', 'Node CPU µs', 'PostgreSQL CPU µs'], rows)
}

/** This checkout beside the commit it is compared with, and beside sending alone. */
function againstTable(): string | null {
  const pairs = SLOTS.flatMap((slots) => {
    const what = `Signalbox, ${slots} slots`
    const baselines = checkouts.slice(1).map((baseline): [string, string] => [what, nameOf(baseline, what)])
    return [...baselines, [what, `raw, ${slots} at once`] as const]
  })
  return ratiosTable(samples, pairs, [
    { title: 'deliveries/s', of: ({ perSecond }) => perSecond },
    { title: 'Node CPU', of: ({ nodeUs }) => nodeUs },
  ])
}
