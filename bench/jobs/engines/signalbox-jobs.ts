// Making jobs the way Signalbox does: with the event that asks for them, in one commit, which concurrent callers share.
import type { Database } from '../../../src/db/database.ts'
import { openNotifier } from '../../../src/db/listen.ts'
import type { Draft, Route } from '../../../src/events/event.ts'
import { openRecorder } from '../../../src/events/record.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { idFor, newId } from '../../../src/lib/id.ts'

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

const route = ({ requested }: Draft): Route => ({
  status: 'routed',
  reason: null,
  jobs: requested ? [requested] : [],
  deliveries: [],
})

/** Makes jobs, and counts and forgets them. */
export const openJobs = async (database: Database) => {
  const notifier = openNotifier(database, CHANNEL)
  const { rows } = await database.query<{ version: number }>('select version::int from signalbox.endpoints_version')
  const version = rows[0]?.version ?? 0
  const router = { version: () => version, reload: async () => undefined, route }
  const recorder = openRecorder({ database, clock: systemClock, router, onWork: notifier.notify })
  const enqueue = (text: string) => recorder.record(draft(text))
  return {
    enqueue,
    enqueueMany: (count: number) => Promise.all(Array.from({ length: count }, () => enqueue(''))),
    async remaining() {
      const pending = `select count(*)::int as n from signalbox.jobs where status in ('pending', 'running')`
      return (await database.query<{ n: number }>(pending)).rows[0]?.n ?? 0
    },
    clear: () => database.query('truncate signalbox.events cascade'),
    async close() {
      await recorder.idle()
      await notifier.close()
    },
  }
}
