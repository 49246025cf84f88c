// A step of an agent that is stopped while the database is silent.
import { expect, test } from 'vitest'
import type { Sql } from '../db/database.ts'
import { systemClock as clock } from '../lib/clock.ts'
import { openStepStore } from './steps.ts'

test('a step that waits for a silent database ends when its attempt is stopped', async () => {
  const asked = Promise.withResolvers<void>()
  const silent: Sql = {
    query() {
      asked.resolve()
      return new Promise(() => {})
    },
  }
  const stop = new AbortController()
  const ref = { id: '00000000-0000-8000-8000-000000000001', attempt: 1, owner: '00000000-0000-8000-8000-000000000002' }
  const steps = await openStepStore(silent, ref, { clock, stop: stop.signal })
  const step = steps.step('slow to save', () => 'done')
  await asked.promise
  stop.abort(new Error('The lease is lost.'))
  await expect(step).rejects.toThrow('The lease is lost.')
})
