// `signalbox prune`, on the database itself.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { call, testTerminal } from '../../test/terminal.ts'
import { until } from '../../test/until.ts'
import type { Database } from '../db/database.ts'
import { newId } from '../lib/id.ts'
import { holdLease, releaseLease, takeLease } from '../retention/lease.ts'
import { run } from './program.ts'

let database: Database
let env: Record<string, string>
beforeEach(async () => {
  database = await openTestDatabase()
  env = { DATABASE_URL: database.url }
  for (const days of [10, 40, 200]) {
    await database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status, reason, body, received_at)
       values ($1::uuid, 'github', $1::text, 'push', 'ignored', 'no rule', 'body', now() - $2 * interval '1 day')`,
      [newId(), days],
    )
  }
})
afterEach(() => database.close())

async function addOld(count: number) {
  await database.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, reason, body, received_at)
     select gen_random_uuid(), 'github', 'old-' || n, 'push', 'ignored', 'no rule', 'body', now() - interval '200 days'
     from generate_series(1, $1::integer) n`,
    [count],
  )
}

async function left() {
  const { rows } = await database.query<{ events: number; bodies: number }>(
    'select count(*)::int as events, count(body)::int as bodies from signalbox.events',
  )
  return rows[0]
}

test('without options it deletes what the environment says', async () => {
  const { code, out, err } = await call(['prune'], { env: { ...env, RETENTION_DAYS: '100' } })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/^KIND +OLDER THAN +ROWS +BYTES\nbodies +30d +2 +\d+ B\n(.*\n)*events +100d +1 .*\n/)
  expect(out).toContain('3 rows were deleted.')
  expect(await left()).toEqual({ events: 2, bodies: 1 })
})

test('--fast deletes the same without a rest, and does not wait for a node that is deleting', async () => {
  const node = newId()
  await holdLease(database, node)
  await addOld(400)
  const { code, out } = await call(['prune', 'events', '--fast', '--older-than', '100', '--json'], { env })
  expect({ code, rows: JSON.parse(out).kinds[0].rows }).toEqual({ code: 0, rows: 401 })
  expect(await holdLease(database, node)).toBe(true)
  expect(await left()).toEqual({ events: 2, bodies: 2 })
})

test('--dry-run counts and deletes nothing', async () => {
  const { code, out } = await call(['prune', 'bodies', '--older-than', '20d', '--dry-run', '--json'], { env })
  expect(code).toBe(0)
  expect(JSON.parse(out)).toEqual({
    dry_run: true,
    kinds: [{ kind: 'bodies', days: 20, rows: 2, bytes: expect.any(Number) }],
    end: 'done',
  })
  expect(await left()).toEqual({ events: 3, bodies: 3 })
})

test('events are kept for a week, whatever is asked for', async () => {
  const { out } = await call(['prune', 'events', '--older-than', '1', '--json'], { env })
  expect(JSON.parse(out).kinds).toMatchObject([{ kind: 'events', days: 7, rows: 3 }])
})

test('what is kept for ever is not deleted', async () => {
  const { out } = await call(['prune', 'bodies'], { env: { ...env, RETENTION_BODIES_DAYS: '0' } })
  expect(out).toContain('kept for ever')
  expect(await left()).toEqual({ events: 3, bodies: 3 })
})

test('it waits for a node that is deleting', async () => {
  const owner = newId()
  await holdLease(database, owner)
  const { terminal, printed } = testTerminal({ env })
  const running = run(['prune', 'bodies'], terminal)
  await until('it waits', async () => printed.err.includes('waiting until it is done'))
  expect(await left()).toEqual({ events: 3, bodies: 3 })
  await releaseLease(database, owner)
  expect(await running).toBe(0)
  expect(await left()).toEqual({ events: 3, bodies: 1 })
})

test('when another one takes over meanwhile, it ends, and fails', async () => {
  await addOld(3000)
  const { terminal, printed } = testTerminal({ env })
  const running = run(['prune', 'events', '--older-than', '100'], terminal)
  await until('it has begun', async () => ((await left())?.events ?? 0) < 3003)
  await takeLease(database, newId())
  expect(await running).toBe(1)
  expect(printed.err).toContain('Another process has begun to delete what is old')
  expect((await left())?.events).toBeGreaterThan(2)
})

test.each([
  [['prune', 'everything'], 'Allowed choices are bodies'],
  [['prune', '--older-than', '2h'], 'It must be a number of days'],
  [['prune', '--older-than', '0d'], 'It must be a number of days'],
])('%j is wrong usage', async (args, expected) => {
  expect(await call(args, { env })).toMatchObject({ code: 2, out: '', err: expect.stringContaining(expected) })
})
