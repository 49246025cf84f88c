// Groups of which several rows run at a time.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { JOBS } from '../jobs/job.ts'
import { newId } from '../lib/id.ts'
import type { Rows } from './fixtures/rows.ts'
import { openRows } from './fixtures/rows.ts'

let rows: Rows
beforeAll(async () => {
  rows = await openRows(JOBS)
})
afterAll(() => rows?.close())
beforeEach(() => rows.clear())

/** Adds rows of one group that allow so many at a time, each due a moment after the one before. */
async function addLimited(count: number, limit: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) {
    ids.push(...(await rows.add([{ group: 'g' }])))
    rows.clock.advance(1)
  }
  await rows.database.query(`update signalbox.jobs set group_limit = $1 where id = any($2)`, [limit, ids])
  return ids
}

async function slots(): Promise<number[]> {
  const { rows: running } = await rows.database.query<{ group_slot: number }>(
    `select group_slot from signalbox.jobs where status = 'running' order by group_slot`,
  )
  return running.map(({ group_slot }) => group_slot)
}

describe('a group of three at a time', () => {
  it('begins with its first three, each in a slot of its own', async () => {
    const ids = await addLimited(5, 3)
    expect((await rows.claim()).map(({ id }) => id).sort()).toEqual(ids.slice(0, 3).sort())
    expect(await slots()).toEqual([0, 1, 2])
    expect(await rows.claim(16, newId())).toEqual([])
    expect((await rows.queue.nextDue(rows.database)).claimMs).toBeNull()
  })

  it('takes the slot that is free, whichever it is, for the next one', async () => {
    const ids = await addLimited(5, 3)
    const claimed = await rows.claim()
    const second = claimed.find((one) => (one as { group_slot?: number }).group_slot === 1)
    await rows.settle(second!, { kind: 'completed' })
    const [next, ...others] = await rows.claim()
    expect({ id: next?.id, others, slots: await slots() }).toEqual({ id: ids[3], others: [], slots: [0, 1, 2] })
  })

  it('lets the rows of other groups pass while it is full', async () => {
    await addLimited(40, 3)
    await rows.claim()
    const [other] = await rows.add([{ group: 'h' }])
    expect((await rows.claim(2)).map(({ id }) => id)).toEqual([other])
  })

  it('is shared by two workers that claim at the same moment', async () => {
    await addLimited(20, 3)
    const both = await Promise.all([rows.claim(16, newId()), rows.claim(16, newId())])
    const again = await rows.claim(16, newId())
    expect(both.flat().length + again.length).toBe(3)
    expect(await slots()).toEqual([0, 1, 2])
  })

  it('begins no row that allows fewer than run', async () => {
    await addLimited(2, 3)
    await rows.claim()
    const [strict = ''] = await rows.add([{ group: 'g' }])
    expect(await rows.claim()).toEqual([])
    expect((await rows.read(strict)).status).toBe('pending')
  })

  it('begins no row that allows fewer than run, though its own slot is free', async () => {
    await addLimited(3, 3)
    const claimed = await rows.claim()
    const first = claimed.find((one) => (one as { group_slot?: number }).group_slot === 0)
    await rows.settle(first!, { kind: 'completed' })
    const [strict = ''] = await addLimited(1, 1)
    expect(await rows.claim()).toEqual([])
    expect((await rows.queue.nextDue(rows.database)).claimMs).toBeNull()
    for (const one of claimed.filter((each) => each !== first)) await rows.settle(one, { kind: 'completed' })
    expect((await rows.claim()).map(({ id }) => id)).toEqual([strict])
  })

  it.each([
    [3, 1],
    [1, 3],
  ])('begins no two rows at once of which one allows no other: limits of %i and %i', async (one, other) => {
    const [first] = await addLimited(1, one)
    await addLimited(1, other)
    expect((await rows.claim()).map(({ id }) => id)).toEqual([first])
  })
})
