// Making jobs the way Signalbox does: with the event that asks for them, in one commit, which concurrent callers share.
import type { Database } from '../../../src/db/database.ts'
import { openNotifier } from '../../../src/db/listen.ts'
import type { Draft } from '../../../src/events/event.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { idFor, newId } from '../../../src/lib/id.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { openPipeline } from '../../../src/pipeline.ts'

/** The channel a service of `main.ts` listens on. */
export const CHANNEL = 'signalbox'

const draft = (text: string): Draft => {
  const id = newId()
  return {
    id,
    source: 'manual',
    deliveryId: id,
    type: 'manual',
    subject: null,
    actor: null,
    facts: {},
    payload: null,
    body: Buffer.from(JSON.stringify({ text })),
    contentType: 'application/json',
    headers: {},
    depth: 0,
    causeJobId: null,
    requested: {
      id: idFor('job', id),
      rule: 'manual',
      type: 'no-op',
      agent: 'no-op',
      input: { text },
      priority: 5,
      groupKey: null,
      maxAttempts: 5,
      timeLimitMs: 60_000,
    },
  }
}

/** Makes jobs, and counts and forgets them. */
export const openJobs = async (database: Database) => {
  const notifier = openNotifier(database, CHANNEL)
  const pipeline = await openPipeline({
    database,
    clock: systemClock,
    log: silentLog,
    sources: new Map(),
    rules: [],
    onWork: notifier.notify,
  })
  const enqueue = (text: string) => pipeline.record(draft(text))
  return {
    enqueue,
    enqueueMany: (count: number) => Promise.all(Array.from({ length: count }, () => enqueue(''))),
    async remaining() {
      const pending = `select count(*)::int as n from signalbox.jobs where status in ('pending', 'running')`
      return (await database.query<{ n: number }>(pending)).rows[0]?.n ?? 0
    },
    clear: () => database.query('truncate signalbox.events cascade'),
    async close() {
      await pipeline.idle()
      await notifier.close()
    },
  }
}
