import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from '../db/database.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { LeaseLost } from '../queue/running.ts'
import { endWait } from './wait-rows.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())

it('ends a wait whose time is up for the attempt that has the job, and for no other', async () => {
  const [id, owner] = [newId(), newId()]
  await database.query(
    `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status, owner, attempt)
     values ($1, 'r', 't', 'a', '{}', 5, 5, 900000, 'running', $2, 2)`,
    [id, owner],
  )
  await database.query(
    `insert into signalbox.job_waits (job_id, name, kind, attempt, since, until)
     values ($1, 'nap', 'sleep', 1, now() - interval '1 hour', now() - interval '1 minute')`,
    [id],
  )
  for (const lost of [
    { id, attempt: 1, owner },
    { id, attempt: 2, owner: newId() },
  ]) {
    await expect(endWait(database, systemClock, lost, 'nap')).rejects.toThrow(LeaseLost)
  }
  const { rows } = await database.query('select ended_at from signalbox.job_waits where job_id = $1', [id])
  expect(rows).toEqual([{ ended_at: null }])
  expect(await endWait(database, systemClock, { id, attempt: 2, owner }, 'nap')).toMatchObject({ hasEnded: true })
})
