// Which workers a notification wakes.
import { expect, test, vi } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { silentLog } from '../lib/log.ts'
import { CHANNEL, openListening, WORK } from './listening.ts'
import { openPools } from './pools.ts'

test('a notification wakes the workers it names, all without a name, and an emitted event those of the outbox', async () => {
  const database = await openTestDatabase()
  const { url } = database
  const pools = await openPools({ url, log: silentLog, slots: 1, renewalMs: 1000 })
  const onWork = vi.fn()
  const listening = await openListening({ database, pools, url, onWork, onEnded: () => {}, log: silentLog })
  expect(onWork.mock.calls).toEqual([[WORK]])
  for (const payload of ['deliveries', 'deliveries,jobs', '', 'unknown']) {
    onWork.mockClear()
    await database.query('select pg_notify($1, $2)', [CHANNEL, payload])
    await expect.poll(() => onWork).toHaveBeenCalledTimes(1)
    const named = payload === '' ? [...WORK] : payload.split(',').filter((name) => name !== 'unknown')
    expect(onWork.mock.calls[0]?.[0].toSorted()).toEqual(named.toSorted())
  }
  onWork.mockClear()
  await database.query(`select signalbox.emit('shop.order', '{}')`)
  await expect.poll(() => onWork.mock.calls).toEqual([[['outbox']]])
  await listening.stopPolling()
  await listening.close()
  await pools.close()
  await database.close()
})
