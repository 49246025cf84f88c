// What the end of an attempt writes: the row, the attempt, and what the hook is called with.
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { UNANSWERED } from '../../test/send-result.ts'
import { unavailable } from '../db/connection.ts'
import type { Database, Sql } from '../db/database.ts'
import type { AttemptDetail } from '../deliveries/delivery.ts'
import { DELIVERIES } from '../deliveries/delivery.ts'
import { JOBS } from '../jobs/job.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import type { Rows } from './fixtures/rows.ts'
import { LEASE_MS, openRows, TABLES } from './fixtures/rows.ts'
import { MAX_DEFERRALS, settleWithHook } from './settle.ts'
import type { Handled, Outcome, Settled } from './table.ts'
import { openWorker } from './worker.ts'

const completed: Outcome = { kind: 'completed' }

describe.each(TABLES)('the end of an attempt of $name', ({ table }) => {
  let rows: Rows
  let database: Database
  let clock: Rows['clock']
  beforeAll(async () => {
    rows = await openRows(table)
    ;({ database, clock } = rows)
  })
  afterAll(() => rows?.close())
  beforeEach(() => rows.clear())

  /** Begins and ends one attempt; returns the row after it. */
  async function end(id: string, outcome: Outcome) {
    const [claimed] = await rows.claim()
    expect(claimed?.id).toBe(id)
    await rows.settle(claimed!, outcome)
    return rows.read(id)
  }

  it.each<[Outcome, object, string]>([
    [completed, { status: table.succeeded, failures: 0, error: null }, 'completed'],
    [{ kind: 'cancelled', error: 'no need' }, { status: table.cancelled, failures: 0, error: 'no need' }, 'cancelled'],
    [{ kind: 'failed', error: 'broken' }, { status: 'failed', failures: 1, error: 'broken' }, 'failed'],
    [{ kind: 'retried', error: 'busy', delayMs: 5 }, { status: 'pending', failures: 1, error: 'busy' }, 'retried'],
    [{ kind: 'deferred', error: 'later', delayMs: 5 }, { status: 'pending', failures: 0, error: 'later' }, 'retried'],
    [{ kind: 'released', error: 'stop' }, { status: 'pending', failures: 0, error: 'stop' }, 'retried'],
  ])('%j leaves %j', async (outcome, expected, attempt) => {
    const [id = ''] = await rows.add([{}])
    const row = await end(id, outcome)
    expect(row).toMatchObject({ ...expected, attempt: 1, losses: 0, owner: null })
    expect(row.finished_at === null).toBe(row.status === 'pending')
    expect(await rows.outcomes(id)).toEqual([attempt])
  })

  it('writes an attempt with the time it began and the time it ended', async () => {
    const [id = ''] = await rows.add([{}])
    const [claimed] = await rows.claim()
    const startedAt = clock.now()
    clock.advance(1234)
    await rows.settle(claimed!, { kind: 'retried', error: 'busy', delayMs: 0 })
    expect(await rows.attempts(id)).toEqual([
      { attempt: 1, outcome: 'retried', error: 'busy', started_at: startedAt, finished_at: clock.now() },
    ])
  })

  it('keeps the error of a completed attempt with the attempt only', async () => {
    const [id = ''] = await rows.add([{}])
    const row = await end(id, { kind: 'completed', error: 'the answer was cut off' })
    expect(row).toMatchObject({ status: table.succeeded, error: null })
    expect(await rows.attempts(id)).toMatchObject([{ outcome: 'completed', error: 'the answer was cut off' }])
  })

  it('fails with the last failure allowed, however many attempts were none', async () => {
    const [id = ''] = await rows.add([{ maxAttempts: 2 }])
    const none: Outcome[] = [
      { kind: 'deferred', error: 'later', delayMs: 0 },
      { kind: 'released', error: 'stop' },
      { kind: 'deferred', error: 'later', delayMs: 0 },
    ]
    const busy: Outcome = { kind: 'retried', error: 'busy', delayMs: 0 }
    for (const outcome of [...none, busy, ...none]) expect((await end(id, outcome)).status).toBe('pending')
    expect(await end(id, busy)).toMatchObject({ status: 'failed', attempt: 8, failures: 2 })
    expect(await rows.outcomes(id)).toHaveLength(8)
  })

  it('fails with the last deferral allowed, saying why', async () => {
    for (const outcome of [
      { kind: 'deferred', error: 'later', delayMs: 0 },
      { kind: 'released', error: 'stop' },
    ] as const) {
      const [id = ''] = await rows.add([{}])
      await database.query(`update ${table.rows} set deferrals = ${MAX_DEFERRALS - 2} where id = $1`, [id])
      expect((await end(id, outcome)).status).toBe('pending')
      expect(await end(id, outcome)).toMatchObject({
        status: 'failed',
        failures: 0,
        error: `Given up after 1000 attempts without a result. ${outcome.error}`,
        finished_at: clock.now(),
      })
      expect(await rows.outcomes(id)).toEqual(['retried', 'failed'])
    }
  })

  it('settles many at once, each by its own outcome, and none of another owner', async () => {
    const ids = await rows.add([{}, {}, {}])
    const [one, two, three] = await rows.claim()
    const owner = one?.owner ?? ''
    const settled = await rows.queue.settle(database, {
      owner,
      endings: [
        { id: one!.id, attempt: 1, outcome: completed, detail: null },
        { id: two!.id, attempt: 1, outcome: { kind: 'failed', error: 'no' }, detail: null },
        { id: three!.id, attempt: 2, outcome: completed, detail: null },
      ],
    })
    expect(new Map(settled.map(({ id, status }) => [id, status]))).toEqual(
      new Map([
        [one!.id, table.succeeded],
        [two!.id, 'failed'],
      ]),
    )
    expect((await rows.read(three!.id)).status).toBe('running')
    expect(ids).toHaveLength(3)
  })

  it('keeps the first row of an attempt number that a person has set back, and goes on', async () => {
    const [id = ''] = await rows.add([{}])
    await end(id, { kind: 'retried', error: 'first', delayMs: 0 })
    await database.query(`update ${table.rows} set attempt = 0 where id = $1`, [id])
    expect(await end(id, completed)).toMatchObject({ status: table.succeeded })
    expect(await rows.attempts(id)).toMatchObject([{ attempt: 1, error: 'first' }])
  })

  it('an update by hand that changes no status of a running row leaves it to its worker', async () => {
    const [id = ''] = await rows.add([{}])
    const [claimed] = await rows.claim()
    await database.query(`update ${table.rows} set status = 'running', max_attempts = 9 where id = $1`, [id])
    expect(await rows.settle(claimed!, completed)).toHaveLength(1)
  })

  it('releases what an owner has besides the rows it knows', async () => {
    const ids = await rows.add([{}, {}, {}])
    const claimed = await rows.claim()
    const { owner } = claimed[0]!
    await rows.queue.releaseUnclaimed(database, { owner, known: [ids[0]!] })
    await rows.queue.releaseUnclaimed(database, { owner: newId(), known: [] })
    const statuses = await Promise.all(ids.map(async (id) => (await rows.read(id)).status))
    expect(statuses).toEqual(['running', 'pending', 'pending'])
  })
})

describe('the detail of an attempt', () => {
  let rows: Rows
  beforeAll(async () => {
    rows = await openRows(DELIVERIES)
  })
  afterAll(() => rows?.close())
  beforeEach(() => rows.clear())

  const sent: AttemptDetail = {
    ...UNANSWERED,
    statusCode: 502,
    response: 'bad gateway',
    durationMs: 17,
    said: { kind: 'failure' },
    about: {
      type: 'push',
      host: 'hooks.example.com',
      url: 'https://hooks.example.com/',
      eventId: newId(),
      depth: 0,
      wasWell: true,
      isTest: false,
    },
    requestHeaders: null,
  }

  function open(handle: () => Promise<Handled<AttemptDetail>>, onSettled: (settled: Settled[]) => Promise<boolean>) {
    const { database, clock } = rows
    const notify = vi.fn()
    const worker = openWorker<object, AttemptDetail>({
      database,
      clock,
      log: silentLog,
      table: DELIVERIES,
      slots: 4,
      tickMs: 60_000,
      notify,
      handle,
      onSettled: (_tx: Sql, settled) => onSettled(settled),
    })
    return { worker, notify }
  }

  it('is written with the attempt, and reaches the hook with the row', async () => {
    const [id = ''] = await rows.add([{ group: 'g' }])
    const seen: Settled[] = []
    const { worker } = open(
      async () => ({ outcome: { kind: 'retried', error: 'http_502', delayMs: 1 }, detail: sent }),
      async (settled) => seen.push(...settled) === 0,
    )
    await worker.tick()
    expect(seen).toMatchObject([
      { row: { id, group_key: 'g', attempt: 1 }, attempt: 1, status: 'pending', error: 'http_502', detail: sent },
    ])
    const stored = await rows.database.query(
      'select status_code, response, duration_ms from signalbox.delivery_attempts where delivery_id = $1',
      [id],
    )
    expect(stored.rows).toEqual([{ status_code: 502, response: 'bad gateway', duration_ms: 17 }])
  })

  it('is null when the handler had none, when it threw, and when its worker was lost', async () => {
    const { clock } = rows
    await rows.add([{}])
    const seen: Settled[] = []
    const keep = async (settled: Settled[]) => seen.push(...settled) === 0
    await open(async () => ({ outcome: { kind: 'cancelled', error: 'off' }, detail: null }), keep).worker.tick()
    await rows.add([{}])
    await open(() => Promise.reject(new Error('a bug')), keep).worker.tick()
    clock.advance(10_000)
    await rows.claim()
    clock.advance(LEASE_MS)
    await open(async () => ({ outcome: completed, detail: sent }), keep).worker.tick()
    expect(seen.map(({ error, detail }) => [error, detail])).toEqual([
      ['off', null],
      ['a bug', null],
      ['The worker was lost during attempt 2.', null],
      [null, sent],
    ])
  })

  it('notifies others after the commit when the hook made work for them, and only then', async () => {
    for (const madeWork of [true, false]) {
      await rows.add([{}])
      const { worker, notify } = open(
        async () => ({ outcome: completed, detail: null }),
        async () => madeWork,
      )
      await worker.tick()
      expect(notify).toHaveBeenCalledTimes(madeWork ? 1 : 0)
    }
  })

  it('notifies others when the answer to the commit was lost, which may have been done', async () => {
    const [id = ''] = await rows.add([{}])
    const notify = vi.fn()
    const lost: Database = {
      ...rows.database,
      transaction: async (run) => {
        await rows.database.transaction(run)
        throw unavailable(new Error('cut off'))
      },
    }
    const [claimed] = await rows.claim()
    const ended = settleWithHook({ database: lost, onSettled: async () => true, notify }, async (sql) => {
      const { owner, attempt } = claimed!
      await rows.queue.settle(sql, { owner, endings: [{ id, attempt, outcome: completed, detail: null }] })
      return [{ row: claimed!, attempt, outcome: 'completed', status: 'succeeded', error: null, detail: null }]
    })
    await expect(ended).rejects.toMatchObject({ code: 'database_unavailable' })
    expect(notify).toHaveBeenCalledOnce()
  })

  it('a result of a job is JSON of any kind, NUL characters included', async () => {
    const jobs = await openRows(JOBS)
    for (const result of [{ text: 'a\u0000b' }, [1], 'x', null, undefined]) {
      const [id = ''] = await jobs.add([{}])
      const [claimed] = await jobs.claim()
      await jobs.settle(claimed!, completed, { result })
      const stored = await jobs.database.query('select result from signalbox.job_attempts where job_id = $1', [id])
      expect(stored.rows).toEqual([{ result: result ?? null }])
    }
    await jobs.close()
  })
})

describe('ending with a hook', () => {
  it('without one runs without a transaction, and with nothing ended does not call it', async () => {
    const database = await openTestDatabase()
    let transactions = 0
    const observed: Database = {
      ...database,
      transaction: (run) => {
        transactions++
        return database.transaction(run)
      },
    }
    expect(await settleWithHook({ database: observed }, async () => [])).toEqual([])
    expect(transactions).toBe(0)
    const onSettled = vi.fn(async () => true)
    const notify = vi.fn()
    await settleWithHook({ database: observed, onSettled, notify }, async () => [])
    expect(transactions).toBe(1)
    expect(onSettled).not.toHaveBeenCalled()
    expect(notify).not.toHaveBeenCalled()
    await database.close()
  })

  it('that must see none of a batch runs without a transaction, and says what ended after the commit', async () => {
    const order: string[] = []
    const database = {
      transaction: async (run: (tx: Sql) => Promise<unknown>) => {
        const value = await run({} as Sql)
        order.push('commit')
        return value
      },
    } as unknown as Database
    const hooks = {
      database,
      onSettled: async () => order.push('hook') > 0,
      afterSettled: () => order.push('said'),
      notify: (whom: string) => order.push(`notified ${whom}`),
    }
    const end = async () => [{} as Settled]
    await settleWithHook(hooks, end, false)
    expect(order.splice(0)).toEqual(['said'])
    await settleWithHook(hooks, end)
    expect(order).toEqual(['hook', 'commit', 'said', 'notified any'])
  })
})
