import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from '../db/database.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { cancelJob, retryJob } from './change.ts'
import { getJob, jobLog, listJobs } from './query.ts'

let database: Database
const ids: string[] = []
const eventId = newId()

beforeAll(async () => {
  database = await openTestDatabase()
  await database.query(
    `insert into signalbox.events (id, source, delivery_id, type, status) values ($1, 's', 'd', 't', 'routed')`,
    [eventId],
  )
  for (let i = 0; i < 7; i++) {
    const id = newId(new Date(i))
    ids.unshift(id)
    // The first five were made in the same moment.
    await database.query(
      `insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms,
         status, created_at, attempt)
       values ($1, $2, 'r', $3, 'a', '{}', 5, 5, 900000, $4, timestamptz '2026-01-01' + $5 * interval '1 microsecond', 5)`,
      [id, i === 6 ? eventId : null, i % 2 ? 'odd' : 'even', i === 0 ? 'failed' : 'pending', Math.max(0, i - 4)],
    )
  }
})
afterAll(() => database?.close())

describe('listing jobs', () => {
  it('is newest first, and pages neither skip nor repeat', async () => {
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await listJobs(database, { limit: 2, cursor })
      seen.push(...page.items.map((job) => job.id))
      cursor = page.next ?? undefined
    } while (cursor)
    expect(seen).toEqual(ids)
  })

  it('filters by status, type, agent and event', async () => {
    expect((await listJobs(database, { status: 'failed' })).items.map((job) => job.id)).toEqual([ids[6]])
    expect((await listJobs(database, { type: 'odd' })).items).toHaveLength(3)
    expect((await listJobs(database, { agent: 'b' })).items).toEqual([])
    expect((await listJobs(database, { event_id: eventId })).items.map((job) => job.id)).toEqual([ids[0]])
    expect((await listJobs(database, { event_id: newId() })).items).toEqual([])
  })

  it('refuses a cursor or an event id that is not one', async () => {
    await expect(listJobs(database, { event_id: 'nonsense' })).rejects.toThrow('event_id: not an id')
    await expect(listJobs(database, { cursor: `' or 1=1` })).rejects.toMatchObject({ code: 'input_invalid' })
  })
})

describe('one job', () => {
  it('that does not exist is not found, whatever is asked of it', async () => {
    for (const id of ['nonsense', newId()]) {
      await expect(getJob(database, id)).rejects.toMatchObject({ code: 'not_found' })
      await expect(cancelJob(database, systemClock, id)).rejects.toMatchObject({ code: 'not_found' })
      await expect(retryJob(database, systemClock, id)).rejects.toMatchObject({ code: 'not_found' })
    }
    await expect(jobLog(database, 'nonsense')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('starts again with all its attempts, and only when it has failed or was cancelled', async () => {
    await database.query('update signalbox.jobs set failures = 3, losses = 2 where id = $1', [ids[6]])
    expect(await retryJob(database, systemClock, ids[6]!)).toMatchObject({ status: 'pending', max_attempts: 5 })
    expect((await database.query('select failures, losses from signalbox.jobs where id = $1', [ids[6]])).rows).toEqual([
      { failures: 0, losses: 0 },
    ])
    await expect(retryJob(database, systemClock, ids[6]!)).rejects.toThrow('The job is pending')
    expect(await cancelJob(database, systemClock, ids[6]!)).toMatchObject({
      status: 'cancelled',
      error: 'Cancelled by hand.',
    })
    expect(await retryJob(database, systemClock, ids[6]!)).toMatchObject({ status: 'pending', completed_at: null })
  })

  it('has its log page by page', async () => {
    await database.query(
      `insert into signalbox.job_log (job_id, attempt, line) select $1, 1, 'line ' || n from generate_series(1, 5) n`,
      [ids[0]],
    )
    const first = await jobLog(database, ids[0]!, { limit: 3 })
    const rest = await jobLog(database, ids[0]!, { after: first.next! })
    expect(rest.next).toBe(null)
    expect([...first.items, ...rest.items].map(({ line }) => line)).toEqual([
      'line 1',
      'line 2',
      'line 3',
      'line 4',
      'line 5',
    ])
  })
})
