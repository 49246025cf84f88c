// What deleting costs the webhooks that arrive meanwhile: their latency in an open loop, with and
// without it, in turns.
import { setTimeout as wait } from 'node:timers/promises'
import { openDatabase } from '../../src/db/postgres.ts'
import { newId } from '../../src/lib/id.ts'
import { silentLog as log } from '../../src/lib/log.ts'
import { KINDS } from '../../src/retention/limits.ts'
import { prune } from '../../src/retention/prune.ts'
import { ours, serve } from '../checkout.ts'
import { openCleanup } from '../cleanup.ts'
import { embeddedPostgres, firstRow, openPool } from '../database.ts'
import { SECRET, signedPushes } from '../ingest/payload.ts'
import { openLoop } from '../latency/open-loop.ts'
import { load } from '../machine.ts'
import { readOptions } from '../options.ts'
import { report } from '../report.ts'
import { quantile, ratios, table, withRange } from '../statistics.ts'

type Sample = { p50: number; p99: number; events: number; batchMs: number }

const options = readOptions()
const OLD = options.quick ? 20_000 : 500_000
const rounds = options.rounds ?? (options.quick ? 3 : 7)
const seconds = options.seconds ?? (options.quick ? 4 : 20)
const PER_SECOND = 200
const FILLED_AT_ONCE = 2_000

await using cleanup = openCleanup()
const postgres = await embeddedPostgres()
cleanup.defer(postgres.close)
const url = await postgres.fresh('retention')
// Not alone on a core: that would leave PostgreSQL, what deletes and the load the other one.
const server = await serve(ours, {
  cwd: '/',
  measured: false,
  env: { DATABASE_URL: url, GITHUB_WEBHOOK_SECRET: SECRET, RETENTION_DAYS: '0', RETENTION_BODIES_DAYS: '0' },
})
cleanup.defer(server.close)
const pool = openPool(url)
cleanup.defer(() => pool.end())
await fill()
// The service packs what is an hour old, which would hold up what is measured.
await pool.query(`insert into signalbox.retention (kind, done_before) values ('packed', now())
  on conflict (kind) do update set done_before = excluded.done_before`)
await pool.query('vacuum analyze')
await postgres.checkpoint()

const loop = openLoop(`${server.url}/webhook/github`, signedPushes(200))
cleanup.defer(loop.close)
// As the service has it: one connection.
const database = await openDatabase({ url, log, max: 1, onlyLooksUp: true, applicationName: 'bench' })
cleanup.defer(database.close)
await latency(2)
const loadBefore = load()
// Of all rounds together: the slowest hundredth of one is a pause or two of whatever kind.
const all = { without: [] as number[], during: [] as number[] }
const without: Sample[] = []
const during: Sample[] = []
for (let round = 0; round < rounds; round++) {
  const inTurn = [
    async () => without.push(await latency(seconds, all.without)),
    async () => during.push(await whilePruning(seconds)),
  ]
  for (const measure of round % 2 === 0 ? inTurn : inTurn.toReversed()) {
    await measure()
    await wait(500)
  }
  console.error(
    `round ${round + 1}/${rounds}  p99 ${without.at(-1)?.p99.toFixed(1)} and ${during.at(-1)?.p99.toFixed(1)} ms`,
  )
}
const rows = (
  [
    ['without', without],
    ['while deleting', during],
  ] as const
).map(([name, samples]) => [
  name,
  withRange(of(samples, 'p50'), 1),
  withRange(of(samples, 'p99'), 1),
  withRange(of(samples, 'events').map((events) => events / seconds)),
  withRange(of(samples, 'batchMs'), 1),
])
await report('retention', {
  about:
    `${rounds} rounds of ${seconds} s with and without, ${PER_SECOND} webhooks of 10 kB a second, latency in ms from the time one ` +
    `was due; ${OLD} old events with their bodies, 40 % of them with a job, and a delivery each; PostgreSQL ${postgres.version} embedded`,
  loadBefore,
  isPinned: false,
  tables: [
    table(['webhooks', 'p50', 'p99', 'rows deleted a second', 'longest batch ms'], rows),
    table(
      ['ratio, while deleting / without', 'p50', 'p99'],
      [
        ['of all rounds together', together(0.5), together(0.99)],
        ['of each round', ratio('p50'), ratio('p99')],
      ],
    ),
  ],
  samples: { without, during },
})

function of(samples: readonly Sample[], part: keyof Sample): number[] {
  return samples.map((sample) => sample[part])
}

function ratio(part: 'p50' | 'p99'): string {
  return withRange(ratios(of(during, part), of(without, part)), 2)
}

function together(part: number): string {
  return (quantile(all.during, part) / quantile(all.without, part)).toFixed(2)
}

/** Events of 200 days ago with bodies of 1.5 kB, jobs and deliveries that have ended. */
async function fill(): Promise<void> {
  const endpoint = newId()
  await pool.query(
    `insert into signalbox.endpoints (id, name, url, secrets, events, origin) values ($1, 'e', 'http://e', '[]', '{none}', 'api')`,
    [endpoint],
  )
  for (let done = 0; done < OLD; done += FILLED_AT_ONCE) {
    await pool.query(
      `with events as (
         insert into signalbox.events (id, source, delivery_id, type, status, facts, headers, body, received_at)
         select (lpad(to_hex(1750000000000 + n), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid, 'old', n::text,
           'push', 'routed', '{"repository":"acme/shop","branch":"main"}', '{"user-agent":"GitHub-Hookshot/1"}',
           decode(repeat(md5(n::text), 47), 'escape'), now() - interval '200 days' + n * interval '1 ms'
         from generate_series($1::integer, $2::integer) n returning id, received_at
       ), jobs as (
         insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status,
           attempt, created_at, available_at, started_at, finished_at)
         select gen_random_uuid(), id, 'r', 't', 'a', '{}', 5, 5, 900000, 'completed', 1, received_at, received_at, received_at, received_at
         from events where random() < 0.4 returning id, created_at
       ), attempts as (
         insert into signalbox.job_attempts (job_id, attempt, owner, outcome, started_at, finished_at)
         select id, 1, id, 'completed', created_at, created_at from jobs
       ), lines as (
         insert into signalbox.job_log (job_id, attempt, at, line) select id, 1, created_at, 'done' from jobs
       ), deliveries as (
         insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts, status, attempt, created_at, available_at, finished_at)
         select gen_random_uuid(), id, $3, 10, 'succeeded', 1, received_at, received_at, received_at from events returning id, created_at
       )
       insert into signalbox.delivery_attempts (delivery_id, attempt, owner, outcome, status_code, started_at, finished_at)
       select id, 1, id, 'completed', 200, created_at, created_at from deliveries`,
      [done + 1, Math.min(done + FILLED_AT_ONCE, OLD), endpoint],
    )
  }
}

async function latency(forSeconds: number, together: number[] = []): Promise<Sample> {
  const latencies = [...(await loop.run({ perSecond: PER_SECOND, seconds: forSeconds }))]
  together.push(...latencies)
  return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), events: 0, batchMs: 0 }
}

/** The same while everything old is deleted, for as long as there is some. */
async function whilePruning(forSeconds: number): Promise<Sample> {
  const stopping = new AbortController()
  let events = 0
  let batchMs = 0
  let began = performance.now()
  const pruning = prune(
    KINDS.map((kind) => ({ kind, days: 180 })),
    {
      database,
      owner: newId(),
      at: null,
      signal: stopping.signal,
      onBatch: () => {
        batchMs = Math.max(batchMs, performance.now() - began)
      },
      rest: async (ms) => {
        await wait(ms)
        began = performance.now()
      },
    },
  ).then(({ kinds, end }) => {
    if (end === 'busy') throw new Error('Something else deletes.')
    events = kinds.reduce((sum, { rows }) => sum + rows, 0)
  })
  const sample = await latency(forSeconds, all.during)
  const { left } = await firstRow<{ left: boolean }>(
    pool,
    `select exists (select from signalbox.events where source = 'old') as left`,
  )
  stopping.abort()
  await pruning
  if (!left) throw new Error('Everything was deleted before the end: measure for fewer seconds or rounds.')
  await pool.query(`update signalbox.retention_lease set until = '-infinity'`)
  return { ...sample, events, batchMs }
}
