import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database, Sql } from '../db/database.ts'
import { newId } from '../lib/id.ts'
import { getEvent } from './query.ts'
import { openEventReader } from './reader.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())

async function record({ body = Buffer.from('{}'), payload = null as string | null } = {}): Promise<string> {
  const id = newId()
  await database.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, subject, facts, body, payload, headers)
     values ($1, 's', $2, 't', 'routed', 'a subject', '{"app":"shop"}', $3, $4, '{"x-a":"1"}')`,
    [id, newId(), body, payload],
  )
  return id
}

/** Counts the statements, and the bytes of bodies each of them returned. */
function counting() {
  const reads: number[] = []
  const sql: Sql = {
    async query<Row extends object>(text: string, values?: readonly unknown[], name?: string) {
      const answer = await database.query<Row>(text, values, name)
      reads.push(answer.rows.reduce((sum, row) => sum + ((row as { body?: Buffer }).body?.length ?? 0), 0))
      return answer
    },
  }
  return { reads, sql }
}

describe('reading the events of jobs', () => {
  it('is the same as reading each of them, by one statement', async () => {
    const { reads, sql } = counting()
    const read = openEventReader(sql)
    const ids = [
      await record(),
      await record({ body: Buffer.from('x=1'), payload: '{"x":"1"}' }),
      newId(),
      await record(),
    ]
    const events = await Promise.all([...ids, ids[0]!].map(read))
    expect(events).toEqual(await Promise.all([...ids, ids[0]!].map((id) => getEvent(database, id))))
    expect(events[2]).toBeNull()
    expect(reads).toHaveLength(1)
  })

  it('knows an id in capital letters, and that something else is not one', async () => {
    const read = openEventReader(database)
    const id = await record()
    expect(await read(id.toUpperCase())).toMatchObject({ id })
    expect(await read('nonsense')).toBeNull()
  })

  it('reads no more at once than its limit, and one larger body alone', async () => {
    const { reads, sql } = counting()
    const read = openEventReader(sql, { maxBytes: 10_000 })
    const sizes = [4000, 4000, 4000, 30_000, 10, 20, 9000]
    const ids = await Promise.all(sizes.map((size) => record({ body: Buffer.alloc(size, 'a') })))
    const events = await Promise.all(ids.map(read))
    expect(events.map((event) => event?.body?.length)).toEqual(sizes)
    expect(reads).toEqual([8000, 4000, 30_000, 9030])
  })

  it('counts a payload of its own like its body', async () => {
    const { reads, sql } = counting()
    const read = openEventReader(sql, { maxBytes: 10_000 })
    const body = Buffer.alloc(3000, 'a')
    const ids = [await record({ body, payload: '{}' }), await record({ body }), await record({ body })]
    await Promise.all(ids.map(read))
    expect(reads).toEqual([6000, 3000])
  })

  it('finds events by id however many there are, without statistics', async () => {
    await database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status)
       select gen_random_uuid(), 'many', n::text, 't', 'routed' from generate_series(1, 20000) n`,
    )
    const id = newId()
    const plans: string[] = []
    const explaining: Sql = {
      async query(text, values) {
        const { rows } = await database.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values)
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
        return { rows: [{ askedId: id, id: null, bytes: 0 }] as never[], rowCount: 1 }
      },
    }
    expect(await openEventReader(explaining)(id)).toBeNull()
    expect(plans[0]).toContain('Index Scan using events_pkey')
    expect(plans[0]).not.toContain('Seq Scan')
  })
})
