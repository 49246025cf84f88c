// A running row that a person ends or cancels: its worker keeps it, and its group, until it has
// let go of it.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Database } from '../db/database.ts'
import { openListener } from '../db/listen.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import type { Rows } from './fixtures/rows.ts'
import { LEASE_MS, openRows, TABLES } from './fixtures/rows.ts'
import type { Outcome, Settled } from './table.ts'
import type { Worker, WorkerOptions } from './worker.ts'
import { openWorker } from './worker.ts'

const completed: Outcome = { kind: 'completed' }

describe.each(TABLES)('a running row of $name that is ended by hand', ({ name, table }) => {
  let rows: Rows
  let database: Database
  let clock: Rows['clock']
  let workers: Worker[]
  const view = name === 'jobs' ? 'agent_jobs' : 'signalbox.deliveries'
  beforeAll(async () => {
    rows = await openRows(table)
    ;({ database, clock } = rows)
  })
  afterAll(() => rows?.close())
  beforeEach(async () => {
    await rows.clear()
    workers = []
  })
  afterEach(() => Promise.all(workers.map((worker) => worker.drain({ limitMs: 0 }))))

  function open(options: Pick<WorkerOptions<object, unknown>, 'handle' | 'onSettled'>): Worker {
    const worker = openWorker<object, unknown>({
      database,
      clock,
      log: silentLog,
      table,
      slots: 1,
      tickMs: 60_000,
      ...options,
    })
    workers.push(worker)
    return worker
  }
  const fail = () =>
    database.query(`UPDATE ${view} SET status = 'failed', error = 'Job timeout' WHERE status = 'running'`)

  it.each<[string, (id: string) => Promise<unknown>, string, string]>([
    ['cancelled', (id) => rows.queue.cancel(database, { id, reason: 'not wanted' }), table.cancelled, 'not wanted'],
    ['failed', fail, 'failed', 'Job timeout'],
  ])('and is %s keeps its group until its worker has settled it, whatever that says', async (_, end, status, error) => {
    const [id = '', next = ''] = await rows.add([{ group: 'g' }, { group: 'g' }])
    const [mine] = await rows.claim(1)
    await end(id)
    expect(await rows.read(id)).toMatchObject({ status: 'running', owner: mine?.owner, ends_as: status, error })
    expect(await rows.claim()).toEqual([])
    // However often it is said.
    await end(id)
    expect(await rows.settle(mine!, completed)).toMatchObject([{ id, status, error }])
    expect(await rows.read(id)).toMatchObject({ status, error, owner: null, failures: 0, finished_at: clock.now() })
    expect(await rows.attempts(id)).toMatchObject([{ attempt: 1, outcome: 'cancelled', error }])
    expect((await rows.claim()).map((row) => row.id)).toEqual([next])
    expect(await rows.queue.cancel(database, { id, reason: 'again' })).toBe(false)
  })

  it('is ended by whoever reclaims it when its worker is dead, with what follows from an end', async () => {
    const [id = ''] = await rows.add([{ group: 'g' }])
    await rows.claim()
    await fail()
    clock.advance(LEASE_MS)
    const seen: Settled[] = []
    const worker = open({
      handle: async () => ({ outcome: completed, detail: null }),
      onSettled: async (_tx, settled) => seen.push(...settled) === 0,
    })
    expect(await worker.tick()).toBe(0)
    expect(await rows.read(id)).toMatchObject({ status: 'failed', error: 'Job timeout', losses: 0 })
    expect(await rows.attempts(id)).toMatchObject([{ outcome: 'cancelled', error: 'Job timeout' }])
    expect(seen).toMatchObject([{ row: { id }, status: 'failed', error: 'Job timeout' }])
  })

  it('and reset starts again when its worker has let go of it', async () => {
    const [id = ''] = await rows.add([{}])
    const [mine] = await rows.claim()
    await database.query(`update ${table.rows} set status = 'pending' where id = $1`, [id])
    expect(await rows.claim(1, newId())).toEqual([])
    await rows.settle(mine!, { kind: 'released', error: 'stopped' })
    const [next] = await rows.claim(1, newId())
    expect(next).toMatchObject({ id, attempt: 2 })
    expect((await rows.read(id)).ends_as).toBeNull()
    await rows.settle(next!, completed)
    expect(await rows.outcomes(id)).toEqual(['cancelled', 'completed'])
  })

  it('is stopped at the next renewal, and its worker is notified at once', async () => {
    const [id = ''] = await rows.add([{}])
    const started = Promise.withResolvers<void>()
    const worker = open({
      handle: (_claimed, signal) => {
        started.resolve()
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    })
    const notified = vi.fn(() => void worker.renew())
    const listener = await openListener({
      database,
      url: database.url,
      channels: ['signalbox_ended'],
      onNotify: notified,
      log: silentLog,
    })
    const tick = worker.tick()
    await started.promise
    notified.mockClear()
    await fail()
    await tick
    expect(notified).toHaveBeenCalled()
    expect(await rows.read(id)).toMatchObject({ status: 'failed', error: 'Job timeout', failures: 0 })
    expect(await rows.outcomes(id)).toEqual(['cancelled'])
    await listener.close()
  })

  it('while it only waits is ended at once', async () => {
    const [id = ''] = await rows.add([{ at: new Date('2100-01-01') }])
    await database.query(`update ${table.rows} set status = 'failed', error = 'stuck'`)
    expect(await rows.read(id)).toMatchObject({ status: 'failed', owner: null, finished_at: expect.any(Date) })
    expect(await rows.attempts(id)).toEqual([])
  })
})
