// Jobs that join their groups, over a real database.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { until } from '../../test/until.ts'
import type { Database, Sql } from '../db/database.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import type { Settled } from '../queue/table.ts'
import { joinGroups } from './admission.ts'
import { cancelJob, retryJob } from './change.ts'
import type { JobRow, RunDetail } from './job.ts'
import { getJob } from './query.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())
beforeEach(() => database.query('truncate signalbox.jobs, signalbox.events cascade'))

const place = { group_key: 'g', group_limit: 2, mode: 'skip', ceiling_subject: 's' }

async function addJob(sql: Sql, joins: object | null): Promise<string> {
  const id = newId()
  await sql.query(
    `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms, group_key, mode, joins)
     values ($1, 'r', 't', 'a', '{}', 5, 5, 60000, $2, $3, $4)`,
    [id, joins === null ? 'g' : null, joins === null ? 'skip' : 'queue', joins && JSON.stringify(joins)],
  )
  return id
}
function join(...ids: string[]): Promise<boolean> {
  const settled = ids.map((id) => ({ row: { id }, status: 'waiting', detail: { mayJoin: true } }))
  return database.transaction((tx) => joinGroups(tx, systemClock, settled as Settled<JobRow, RunDetail>[]))
}

test('one that would be skipped for a job which is being made is refused once, and skipped the next time', async () => {
  const id = await addJob(database, place)
  const inserted = Promise.withResolvers<string>()
  const joined = Promise.withResolvers<void>()
  const inserting = database.transaction(async (tx) => {
    inserted.resolve(await addJob(tx, null))
    await joined.promise
  })
  const other = await inserted.promise
  const joining = join(id)
  joining.catch(() => undefined)
  await until('it waits for the other', async () => {
    const { rows } = await database.query('select from pg_locks where not granted')
    return rows.length > 0
  })
  joined.resolve()
  await inserting
  await expect(joining).rejects.toThrow('jobs_only')
  expect((await getJob(database, id)).status).toBe('pending')
  await join(id)
  expect(await getJob(database, id)).toMatchObject({
    status: 'cancelled',
    error: `skipped: job ${other} of "g" has not ended`,
  })
})

test('one that a person asks for again is in its group at once', async () => {
  const id = await addJob(database, place)
  await cancelJob(database, systemClock, id)
  await retryJob(database, systemClock, id)
  const { rows } = await database.query('select group_key, group_limit, mode, joins from signalbox.jobs')
  expect(rows).toEqual([{ group_key: 'g', group_limit: 2, mode: 'queue', joins: null }])
})
