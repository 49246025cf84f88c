// The main promises under force: processes, connections and PostgreSQL fail while webhooks arrive
// and jobs run.
import { expect, test } from 'vitest'
import { ALL_FAULTS, chaos } from './chaos/chaos.ts'

test('processes are killed, frozen, blocked and drained, connections go silent, PostgreSQL restarts, jobs are cancelled: nothing is lost, doubled or used up', async () => {
  const { problems, text } = await chaos({
    random: Date.now() % 1_000_000,
    jobs: 150,
    overMs: 16_000,
    orchestrators: 2,
    leaseMs: 2000,
    faults: ALL_FAULTS,
    times: 1,
    atOnce: 2,
    pauseMs: 600,
    endMs: 90_000,
  })
  expect(problems, text).toEqual([])
}, 300_000)
