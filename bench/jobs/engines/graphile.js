// graphile-worker, as it comes or tuned.
// `tuned`: its own advice for throughput, a local queue and batched completion.
import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import pg from 'pg'
import { SLOTS } from './engine.ts'

const logger = new Logger(() => () => undefined)

const TUNED = {
  concurrentJobs: 32,
  localQueue: { size: SLOTS },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
}

/**
 * @param {import('./engine.ts').EngineOptions} options
 * @returns {Promise<import('./engine.ts').Engine>}
 */
export async function open({ url, variant }) {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  const utils = await makeWorkerUtils({ pgPool: pool, logger })
  await utils.migrate()
  /** @type {import('graphile-worker').Runner | undefined} */
  let runner
  return {
    enqueue: (text) => utils.addJob('no-op', { text }),
    enqueueMany: (count) =>
      utils.addJobs(Array.from({ length: count }, () => ({ identifier: 'no-op', payload: { text: '' } }))),
    async work(handle) {
      runner = await run({
        pgPool: pool,
        noHandleSignals: true,
        taskList: { 'no-op': (/** @type {any} */ { text }) => handle(text) },
        preset: { worker: { logger, ...(variant === 'tuned' ? TUNED : {}) } },
      })
    },
    async remaining() {
      return (await pool.query('select count(*)::int as n from graphile_worker._private_jobs')).rows[0].n
    },
    clear: () => pool.query('truncate graphile_worker._private_jobs cascade'),
    async close() {
      await runner?.stop()
      await utils.release()
      await pool.end()
    },
  }
}
