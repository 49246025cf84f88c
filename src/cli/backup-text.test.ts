// What backing up and restoring say.
import { expect, test } from 'vitest'
import { summary } from './backup-text.ts'

test('one of a kind is named as one', () => {
  expect(summary([], { events: 1200, jobs: 1, deliveries: 1, job_log: 3 })).toBe(
    'holds  1,200 events, 1 job, 1 delivery, 0 deployments, 0 endpoints; 1,205 rows in all',
  )
})
