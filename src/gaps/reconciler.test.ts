// Looking by itself: with whom webhooks are shared, and what that asks of the forge.
import { expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { fakeClock, systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import { openReconciler } from './reconciler.ts'
import { claimHook } from './store.ts'

const HOOK = 'repos/acme/shop/hooks/42'

test('the forge is not asked again while a node that lives looks, and once when it is dead', async () => {
  const database = await openTestDatabase()
  const other = newId()
  const beat = () =>
    database.query(
      `insert into signalbox.nodes (id, host, pid, roles, lease_ms) values ($1, 'h', 1, '{}', 150)
       on conflict (id) do update set heartbeat_at = now()`,
      [other],
    )
  await beat()
  await claimHook(database, fakeClock('2100-01-01T00:00:00Z'), { hook: HOOK, owner: other })
  let finds = 0
  const looks: string[] = []
  const reconciler = openReconciler({
    database,
    clock: systemClock,
    log: silentLog,
    hooks: {
      keptMs: 1000,
      async find() {
        finds++
        return { hooks: [HOOK], problems: [] }
      },
      async *attempts(hook) {
        looks.push(hook)
        yield []
      },
      sent: async () => null,
    },
    owner: newId(),
    address: 'https://box.example.com/webhook/github',
    named: null,
    repositories: [],
    intervalMs: 3_600_000,
    recover: async () => ({ id: newId(), duplicate: false }),
    recordIn: async () => [],
    onWork: () => {},
  })
  reconciler.start()
  for (let beats = 0; beats < 50; beats++) {
    await beat()
    await database.query('select pg_sleep(0.02)')
  }
  await expect.poll(() => looks).toEqual([HOOK])
  await reconciler.close()
  expect(finds).toBeLessThanOrEqual(2)
  await database.close()
})
