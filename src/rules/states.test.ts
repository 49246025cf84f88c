import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from '../db/database.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import type { EndedJob } from './states.ts'
import { noteEnded } from './states.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())

const parts = { clock: systemClock, log: silentLog, rules: [] }

function end(rule: string, outcome: EndedJob['outcome']): EndedJob {
  return { id: newId(), rule, outcome, error: 'no', ceilingSubject: null, depth: 0, facts: {} }
}

test('transactions that note the ends of jobs of the same rules do not wait for each other in a circle', async () => {
  // Slow, so that they overlap.
  await database.query(`
    insert into signalbox.rule_states (rule, failures) values ('a', 1), ('b', 1);
    create function pause() returns trigger language plpgsql as 'begin perform pg_sleep(0.3); return new; end';
    create trigger slow before update on signalbox.rule_states for each row execute function pause()`)
  const note = (failed: string, completed: string) =>
    database.transaction((tx) => noteEnded(tx, parts, [end(failed, 'failed'), end(completed, 'completed')]))
  const both = await Promise.allSettled([note('a', 'b'), note('b', 'a')])
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
})
