// How raw bodies are best kept: plain, compressed by PostgreSQL, or by the process, in batches of
// 32 rows, two in flight. And what they take when they are packed as they age.
import { constants, zstdCompressSync } from 'node:zlib'
import type { Database } from '../../src/db/database.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/postgres.ts'
import { insertEvents } from '../../src/events/insert.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog as log } from '../../src/lib/log.ts'
import { openCleanup } from '../cleanup.ts'
import type { Postgres } from '../database.ts'
import { embeddedPostgres, givenPostgres } from '../database.ts'
import { examplesOf, pushOf } from '../ingest/payload.ts'
import { leaveMeasuredCore, load, takeMeasuredCore } from '../machine.ts'
import { readOptions } from '../options.ts'
import { report } from '../report.ts'
import { median, table, withRange } from '../statistics.ts'
import { eventWith } from './event.ts'
import type { Packing } from './packing.ts'
import { measurePacking } from './packing.ts'

type Variant = { name: string; storage: 'external' | 'extended'; compression?: 'pglz' | 'lz4'; inProcess?: boolean }
type Sample = { perSecond: number; nodeUs: number; postgresUs: number; walBytes: number; storedBytes: number }

const VARIANTS: readonly Variant[] = [
  { name: 'EXTERNAL (as they are)', storage: 'external' },
  { name: 'pglz in the column', storage: 'extended', compression: 'pglz' },
  { name: 'lz4 in the column', storage: 'extended', compression: 'lz4' },
  { name: 'zstd 1 in the process', storage: 'external', inProcess: true },
]

const options = readOptions()
const rounds = options.rounds ?? (options.quick ? 1 : 3)
const ROWS = options.quick ? 1600 : 6400
const BATCH = 32
const IN_FLIGHT = 2
// The example with only one commit has 7.7 kB.
const SIZES = [1, 10_000, 30_000]

leaveMeasuredCore()
await using cleanup = openCleanup()
const servers = [await embeddedPostgres()]
cleanup.defer(servers[0]?.close ?? (() => undefined))
const given = await givenPostgres()
if (given) {
  servers.push(given)
  cleanup.defer(given.close)
}
takeMeasuredCore()
const loadBefore = load()
const samples = new Map<string, Sample[]>()
for (const postgres of servers) {
  const url = await postgres.fresh('storage')
  const database = await openDatabase({ url, log, max: IN_FLIGHT, applicationName: 'bench' })
  cleanup.defer(database.close)
  await migrate(database, { log })
  for (let round = 0; round < rounds; round++) await measureAll(database, postgres)
}
const rows = [...samples].map(([name, all]) => [
  name,
  withRange(all.map(({ perSecond }) => perSecond)),
  medianOf(all, ({ nodeUs }) => nodeUs),
  medianOf(all, ({ postgresUs }) => postgresUs),
  medianOf(all, ({ walBytes }) => walBytes),
  medianOf(all, ({ storedBytes }) => storedBytes),
])
const packing = new Map<string, Packing>()
for (const [name, bodies] of [
  ['GitHub examples of 8 to 12.5 kB', examplesOf({ from: 8_000, to: 12_500 })],
  ['pushes of 10 kB, all of one length', Array.from({ length: 200 }, (_, n) => pushOf(10_000, n))],
] as const) {
  if (options.wants(name))
    packing.set(name, await measurePacking(servers[0] as Postgres, bodies, options.quick ? 4_000 : 100_000))
}
await report('storage', {
  about:
    `${rounds} round${rounds === 1 ? '' : 's'} of ${ROWS} events in batches of ${BATCH}, ${IN_FLIGHT} in flight; ` +
    `PostgreSQL ${servers.map(({ name, version }) => `${version} ${name}`).join(', ')}`,
  loadBefore,
  tables: [
    table(['body', 'events/s', 'Node CPU µs', 'PostgreSQL CPU µs', 'WAL bytes', 'bytes stored'], rows),
    packing.size === 0 ? null : packingTable(),
  ],
  samples: { ...Object.fromEntries(samples), packing: Object.fromEntries(packing) },
})

function packingTable(): string {
  const rows = [...packing].map(([name, found]) => [
    name,
    ...[
      found.events,
      found.unpackedBytes,
      found.marginalBytes,
      found.totalBytes,
      found.wallUs,
      found.postgresUs,
      found.walBytes,
    ].map((value) => value.toFixed(0)),
  ])
  const each = ['unpacked', 'packed', 'in all', 'µs to pack', 'PostgreSQL CPU µs', 'WAL bytes']
  return table(['bytes of an event in the database', 'events', ...each], rows)
}

function medianOf(all: readonly Sample[], pick: (sample: Sample) => number): string {
  return median(all.map(pick)).toFixed(0)
}

/** Every size in every variant the server knows, once. */
async function measureAll(database: Database, postgres: Postgres): Promise<void> {
  for (const bytes of SIZES) {
    const body = pushOf(bytes)
    for (const variant of VARIANTS) {
      if (!(await prepare(database, variant))) continue
      const name = `${(body.byteLength / 1000).toFixed(1)} kB, ${variant.name}${given ? `, ${postgres.name}` : ''}`
      const sample = await measure(database, postgres, variant, body)
      samples.set(name, [...(samples.get(name) ?? []), sample])
    }
  }
}

/** Sets the column up; false where the server was built without that compression. */
async function prepare(database: Database, { storage, compression = 'pglz' }: Variant): Promise<boolean> {
  await database.query('truncate signalbox.events cascade')
  await database.query(`alter table signalbox.events alter column body set storage ${storage}`)
  try {
    await database.query(`alter table signalbox.events alter column body set compression ${compression}`)
    return true
  } catch (error) {
    if ((error as { code?: string }).code === '0A000') return false
    throw error
  }
}

async function measure(database: Database, postgres: Postgres, variant: Variant, body: Buffer): Promise<Sample> {
  await postgres.checkpoint()
  const before = {
    wal: await wal(database),
    postgres: postgres.cpuUs(),
    node: process.cpuUsage(),
    at: performance.now(),
  }
  let left = ROWS
  const insert = async () => {
    while (left > 0) {
      left -= BATCH
      const events = Array.from({ length: BATCH }, () => eventWith(variant.inProcess ? zstd(body) : body))
      await insertEvents(database, systemClock, events, 1)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, insert))
  const seconds = (performance.now() - before.at) / 1000
  const { user, system } = process.cpuUsage(before.node)
  const { rows } = await database.query<{ n: number }>(`select pg_total_relation_size('signalbox.events')::float8 as n`)
  return {
    perSecond: ROWS / seconds,
    nodeUs: (user + system) / ROWS,
    postgresUs: (postgres.cpuUs() - before.postgres) / ROWS,
    walBytes: ((await wal(database)) - before.wal) / ROWS,
    storedBytes: (rows[0]?.n ?? 0) / ROWS,
  }
}

async function wal(database: Database): Promise<number> {
  const { rows } = await database.query<{ n: number }>(`select (pg_current_wal_lsn() - '0/0')::float8 as n`)
  return rows[0]?.n ?? 0
}

function zstd(body: Buffer): Buffer {
  return zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: 1 } })
}
