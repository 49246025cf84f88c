// The main promises under force: processes, connections, clocks, GitHub and PostgreSQL fail while
// webhooks arrive, doubled and out of order, and jobs run.
import { expect, test } from 'vitest'
import { ALL_FAULTS, chaos } from './chaos/chaos.ts'

// A minute on two cores; `bench/chaos/run` sends 20,000.
const WEBHOOKS = 2000

test('whatever fails, every acknowledged event has exactly its jobs, every job ends, and every effect exists exactly once', async () => {
  const { problems, happened, text } = await chaos({
    random: Date.now() % 1_000_000,
    webhooks: WEBHOOKS,
    overMs: 40_000,
    orchestrators: 3,
    leaseMs: 2000,
    faults: ALL_FAULTS,
    times: 1,
    atOnce: 2,
    pauseMs: 600,
    endMs: 400_000,
  })
  expect(problems, text).toEqual([])
  expect(new Set(happened.map(({ name }) => name)), text).toEqual(new Set(ALL_FAULTS))
}, 900_000)
