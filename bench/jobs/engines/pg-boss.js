// pg-boss, as it comes, woken by the database, or tuned.
// `default`: `work()` as it comes. `notify`: its fastest settings for one job at a time.
// `tuned`: a loop over its fetch and complete.
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { SLOTS } from './engine.ts'

const QUEUE = 'no-op'

/** Fetches and completes whole batches until nothing is left, and again when woken. */
function loop(/** @type {PgBoss} */ boss, /** @type {(text: string) => void} */ handle) {
  let woken = true
  let running = false
  async function turn() {
    if (running) return
    running = true
    while (woken) {
      woken = false
      for (;;) {
        const jobs = await boss.fetch(QUEUE, { batchSize: SLOTS })
        if (jobs.length === 0) break
        for (const job of jobs) handle(/** @type {any} */ (job.data).text)
        await boss.complete(
          QUEUE,
          jobs.map(({ id }) => id),
        )
      }
    }
    running = false
  }
  return () => {
    woken = true
    return turn()
  }
}

/**
 * @param {import('./engine.ts').EngineOptions} options
 * @returns {Promise<import('./engine.ts').Engine>}
 */
export async function open({ url, variant }) {
  const listens = variant !== 'default'
  const boss = new PgBoss({ connectionString: url, max: 10, useListenNotify: listens })
  boss.on('error', (error) => console.error(error))
  await boss.start()
  await boss.createQueue(QUEUE, { notify: listens })
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  /** @type {pg.Client | undefined} */
  let listener
  return {
    enqueue: (text) => boss.send(QUEUE, { text }),
    enqueueMany: (count) =>
      boss.insert(
        QUEUE,
        Array.from({ length: count }, () => ({ data: { text: '' } })),
      ),
    async work(handle) {
      const each = async (/** @type {any[]} */ jobs) => {
        for (const job of jobs) handle(job.data.text)
      }
      if (variant === 'default') return boss.work(QUEUE, each)
      if (variant === 'notify') {
        return boss.work(
          QUEUE,
          { localConcurrency: 32, pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 0.5 },
          each,
        )
      }
      const wake = loop(boss, handle)
      listener = new pg.Client({ connectionString: url })
      await listener.connect()
      // The name of its channel, as its plans.js computes it for the schema `pgboss`.
      const { rows } = await listener.query(
        `select 'pgboss_' || left(encode(sha224('pgboss'::bytea), 'hex'), 24) as channel`,
      )
      listener.on('notification', wake)
      await listener.query(`listen "${rows[0].channel}"`)
      await wake()
    },
    async remaining() {
      return (await pool.query(`select count(*)::int as n from pgboss.job where state < 'completed'`)).rows[0].n
    },
    clear: () => pool.query('truncate pgboss.job'),
    async close() {
      await listener?.end()
      await boss.stop({ graceful: false })
      await pool.end()
    },
  }
}
