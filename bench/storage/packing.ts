// What bodies take when those that are an hour old are packed: events come in slices, each is
// packed before the next one comes, and the place of what was packed is used again.
import type { Database } from '../../src/db/database.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/postgres.ts'
import { insertEvents } from '../../src/events/insert.ts'
import { fakeClock } from '../../src/lib/clock.ts'
import { newId } from '../../src/lib/id.ts'
import { silentLog as log } from '../../src/lib/log.ts'
import { pack } from '../../src/retention/pack.ts'
import type { Postgres } from '../database.ts'
import { eventWith } from './event.ts'

/** Bytes of the table with its indexes, and times, for one event. */
export type Packing = {
  events: number
  unpackedBytes: number
  /** What one more event adds, once it is packed. */
  marginalBytes: number
  /** Everything, with the slice that is not packed and what it leaves free. */
  totalBytes: number
  wallUs: number
  postgresUs: number
  walBytes: number
}

const SLICES = 20
const BATCH = 32

/** Records so many events with these bodies in turn, and packs them as they age. */
export async function measurePacking(postgres: Postgres, bodies: readonly Buffer[], events: number): Promise<Packing> {
  const database = await openDatabase({ url: await postgres.fresh('packing'), log, max: 2, applicationName: 'bench' })
  try {
    await migrate(database, { log })
    return await inSlices(database, postgres, bodies, Math.ceil(events / SLICES / BATCH))
  } finally {
    await database.close()
  }
}

async function inSlices(database: Database, postgres: Postgres, bodies: readonly Buffer[], batches: number) {
  const clock = fakeClock()
  const owner = newId()
  const spent = { wallUs: 0, postgresUs: 0, walBytes: 0 }
  const sizes: number[] = []
  let unpackedBytes = 0
  let packed = 0
  for (let slice = 0; slice < SLICES; slice++) {
    for (let batch = 0; batch < batches; batch++) {
      const at = (slice * batches + batch) * BATCH
      const events = Array.from({ length: BATCH }, (_, n) => eventWith(bodies[(at + n) % bodies.length] as Buffer))
      await insertEvents(database, clock, events, 1)
      clock.advance(1)
    }
    if (slice === 0) unpackedBytes = (await sizeOf(database)) / (batches * BATCH)
    clock.advance(2 * 3_600_000)
    const before = { at: performance.now(), postgres: postgres.cpuUs(), wal: await walOf(database) }
    // Without rests: what it costs, not what it keeps others waiting.
    const { rows } = await pack({ database, owner, at: clock.now(), rest: async () => undefined })
    spent.wallUs += (performance.now() - before.at) * 1000
    spent.postgresUs += postgres.cpuUs() - before.postgres
    spent.walBytes += (await walOf(database)) - before.wal
    packed += rows
    // As autovacuum does in the hours that are left out here.
    await database.query('vacuum signalbox.events')
    sizes.push(await sizeOf(database))
  }
  if (packed !== SLICES * batches * BATCH)
    throw new Error(`${packed} of ${SLICES * batches * BATCH} bodies were packed.`)
  const half = SLICES / 2
  const [middle = 0, last = 0] = [sizes[half - 1], sizes.at(-1)]
  return {
    events: packed,
    unpackedBytes,
    marginalBytes: (last - middle) / (half * batches * BATCH),
    totalBytes: last / packed,
    wallUs: spent.wallUs / packed,
    postgresUs: spent.postgresUs / packed,
    walBytes: spent.walBytes / packed,
  }
}

async function sizeOf(database: Database): Promise<number> {
  const { rows } = await database.query<{ n: number }>(`select pg_total_relation_size('signalbox.events')::float8 as n`)
  return rows[0]?.n ?? 0
}

async function walOf(database: Database): Promise<number> {
  const { rows } = await database.query<{ n: number }>(`select (pg_current_wal_lsn() - '0/0')::float8 as n`)
  return rows[0]?.n ?? 0
}
