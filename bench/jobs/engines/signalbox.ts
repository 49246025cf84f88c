// Signalbox of a checkout: its queue alone, or its orchestrator.
// `queue`: the queue's worker with a handler that does nothing. Otherwise the orchestrator that
// `signalbox serve` starts, with an agent that does nothing; `default`: in as many slots as it has
// by default. Each job that the orchestrator ends is an event again.
import { openDatabase, openMaker, openOrchestrator, openQueue } from '../../internals.ts'
import type { Engine, EngineOptions } from './engine.ts'
import { SLOTS } from './engine.ts'

const REMAINING = `select count(*)::int as n from signalbox.jobs where status in ('pending', 'running')`

/** Opens it. */
export async function open({ url, variant, root }: EngineOptions): Promise<Engine> {
  const database = await openDatabase(root, url)
  const maker = await openMaker(root, database)
  let worker: { close(): Promise<void> } | undefined
  return {
    enqueue: maker.make,
    enqueueMany: (count) => Promise.all(Array.from({ length: count }, () => maker.make(''))),
    async work(handle) {
      worker =
        variant === 'queue'
          ? await openQueue(root, {
              url,
              database,
              slots: SLOTS,
              handle: ({ input }) => handle((input as { text: string }).text),
            })
          : await openOrchestrator(root, { url, slots: variant === 'default' ? null : SLOTS, handle })
    },
    async remaining() {
      const { rows } = await database.query(REMAINING)
      return (rows[0] as { n: number }).n
    },
    clear: () => database.query('truncate signalbox.events cascade'),
    async close() {
      await worker?.close()
      await maker.close()
      await database.close()
    },
  }
}
