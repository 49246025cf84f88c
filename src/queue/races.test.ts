// Claims that meet another worker's between two of their own steps.
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Database } from '../db/database.ts'
import { silentLog } from '../lib/log.ts'
import type { Rows } from './fixtures/rows.ts'
import { LEASE_MS, openRows, TABLES } from './fixtures/rows.ts'
import { queueOn } from './queue.ts'
import { openWorker } from './worker.ts'

function conflict(constraint: string): Error {
  return Object.assign(new Error(`duplicate key in ${constraint}`), { code: '23505', constraint })
}

describe.each(TABLES)('a race for $name', ({ name, table }) => {
  let rows: Rows
  let database: Database
  beforeAll(async () => {
    rows = await openRows(table)
    ;({ database } = rows)
  })
  afterAll(() => rows?.close())
  beforeEach(() => rows.clear())

  /** A database whose claims fail, and how often they did. */
  function failing(error: Error) {
    const claims = { count: 0 }
    const query: Database['query'] = (text, values) => {
      if (!text.includes('for no key update of job')) return database.query(text, values)
      claims.count++
      return Promise.reject(error)
    }
    return { claims, database: { ...database, query } }
  }

  it('for a row that was put off after it was found leaves it until it is due', async () => {
    const [id = ''] = await rows.add([{}])
    // The rows as the claim sees them are behind a gate, which is shut after it has looked.
    await database.query(`create function public.gate() returns boolean language plpgsql as
      $$ begin perform pg_advisory_xact_lock_shared(1); return true; end $$`)
    await database.query(`create view public.gated as select * from ${table.rows} where public.gate()`)
    const gated = queueOn({ table: { ...table, rows: 'public.gated' }, clock: rows.clock })
    const owner = '00000000-0000-7000-8000-000000000001'
    const claim = () => gated.claim(database, { owner, limit: 1, leaseMs: LEASE_MS })
    const taking = await database.transaction(async (tx) => {
      await tx.query('select pg_advisory_xact_lock(1)')
      const claiming = claim()
      const waiting = `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`
      await expect.poll(async () => (await database.query(waiting)).rows).toHaveLength(1)
      await database.query(`update ${table.rows} set available_at = $2 where id = $1`, [id, new Date('2100-01-01')])
      return { claiming }
    })
    expect(await taking.claiming).toEqual([])
    expect((await rows.read(id)).status).toBe('pending')
  })

  it('that is lost again and again is given up, and says by what', async () => {
    await rows.add([{}])
    const { claims, database: racing } = failing(conflict(`${name}_group`))
    const options = { owner: '00000000-0000-7000-8000-000000000001', limit: 4, leaseMs: LEASE_MS }
    await expect(rows.queue.claim(racing, options)).rejects.toMatchObject({
      message: 'A claim lost 10 races in a row.',
      cause: { constraint: `${name}_group` },
    })
    expect(claims.count).toBe(10)
  })

  it.each(['job_attempts_pkey', 'other_group'])('is not what %s is about', async (constraint) => {
    const { claims, database: broken } = failing(conflict(constraint))
    const options = { owner: '00000000-0000-7000-8000-000000000001', limit: 4, leaseMs: LEASE_MS }
    await expect(rows.queue.claim(broken, options)).rejects.toMatchObject({ constraint })
    expect(claims.count).toBe(1)
  })

  it('that is given up is logged, once a minute, and the worker goes on a second later', async () => {
    const { claims, database: racing } = failing(conflict(`${name}_group`))
    const warn = vi.fn()
    const worker = openWorker<object, unknown>({
      database: racing,
      clock: rows.clock,
      log: { ...silentLog, warn },
      table,
      slots: 1,
      tickMs: 60_000,
      handle: async () => ({ outcome: { kind: 'completed' }, detail: null }),
    })
    worker.start()
    worker.nudge()
    await expect.poll(() => claims.count).toBeGreaterThanOrEqual(20)
    await worker.drain({ limitMs: 0 })
    expect(warn.mock.calls[0]).toMatchObject([{ error: 'A claim lost 10 races in a row.' }, 'the queue cannot be read'])
    expect(warn).toHaveBeenCalledTimes(1)
  })
})
