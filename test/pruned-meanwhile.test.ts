// Work of an event that is begun again at the moment at which what the event says is deleted.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Database, Sql } from '../src/db/database.ts'
import { redeliver } from '../src/deliveries/redeliver.ts'
import { retryJob } from '../src/jobs/change.ts'
import { retryJobs } from '../src/jobs/change-many.ts'
import { replay } from '../src/replay/replay.ts'
import { readReplay } from '../src/replay/request.ts'
import type { Stage } from '../src/retention/fixtures/stage.ts'
import { openStage } from '../src/retention/fixtures/stage.ts'
import { STEPS } from '../src/retention/steps.ts'
import { walk } from '../src/retention/walk.ts'
import { compileRules } from '../src/rules/match.ts'
import { until } from './until.ts'

let stage: Stage
let event: string
let job: string
let delivery: string
beforeEach(async () => {
  stage = await openStage()
  event = await stage.event({ days: 200 })
  job = await stage.job({ event, days: 200, status: 'failed' })
  delivery = await stage.delivery({ event, days: 200, status: 'failed' })
})
afterEach(() => stage.database.close())

const WAYS: [string, (database: Database) => Promise<unknown>][] = [
  ['a retry', (database) => retryJob(database, stage.clock, job)],
  ['a retry of many', (database) => retryJobs(database, stage.clock, { rule: 'r' })],
  ['a redelivery', (database) => redeliver(database, stage.clock, { id: delivery })],
  [
    'a replay',
    (database) => {
      const rules = compileRules([{ name: 'again', on: 'push', agent: 'a', who: 'anyone' }])
      return replay({ database, clock: stage.clock, rules }, readReplay({ event_id: event }))
    },
  ],
]

describe.each(WAYS)('%s', (_, beginAgain) => {
  it('is refused, or leaves it, when what the event says is being deleted', async () => {
    let again: Promise<unknown> | undefined
    await deleteBodies(async () => {
      again = beginAgain(stage.database).catch((error: unknown) => error)
      await endsOrWaits(again)
    })
    await again
    expect((await stage.bodyOf(event))?.body).toBeNull()
    expect(await unended()).toBe(0)
  })

  it('keeps what the event says when it was first', async () => {
    const deleted = await meanwhile(beginAgain, () => deleteBodies(async () => {}))
    expect(deleted).toMatchObject({ rows: 0, end: 'done' })
    expect((await stage.bodyOf(event))?.body).not.toBeNull()
    expect(await unended()).toBe(1)
  })
})

/** Deletes old bodies; `beforeCommit` is called when they are deleted, and nobody sees it yet. */
function deleteBodies(beforeCommit: () => Promise<void>) {
  const before = stage.clock.now().toISOString()
  return walk(STEPS.bodies[0]!, { before }, { ...stage.walking, needed: [] }, beforeCommit)
}

/** Begins `other` when the work was begun again, and nobody sees it yet. */
async function meanwhile<T>(beginAgain: (database: Database) => Promise<unknown>, other: () => Promise<T>) {
  let started: Promise<T> | undefined
  const transaction: Database['transaction'] = (run) =>
    stage.database.transaction(async (tx: Sql) => {
      const result = await run(tx)
      started = other()
      await endsOrWaits(started)
      return result
    })
  await beginAgain({ ...stage.database, transaction })
  return started
}

/** Resolves once it has ended, or waits for a lock of another transaction. */
async function endsOrWaits(running: Promise<unknown>): Promise<void> {
  let hasEnded = false
  running.finally(() => {
    hasEnded = true
  })
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
  await until('it ends or waits', async () => hasEnded || (await stage.query(waiting)).length > 0)
}

async function unended(): Promise<number> {
  const text = `select from signalbox.jobs where finished_at is null
    union all select from signalbox.deliveries where finished_at is null`
  return (await stage.query(text)).length
}
