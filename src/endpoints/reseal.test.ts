import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from '../db/database.ts'
import { silentLog } from '../lib/log.ts'
import { createEndpoint } from './change.ts'
import { resealSecrets, sealedState } from './reseal.ts'
import { openSeal } from './seal.ts'
import type { SealedColumns } from './secrets.ts'
import { openColumns } from './secrets.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
beforeEach(async () => {
  await database.query('delete from signalbox.endpoints')
})
afterAll(() => database.close())

const [A, B] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
const url = 'https://example.com/hook'

async function stored() {
  return (await database.query<SealedColumns & { id: string }>('select * from signalbox.endpoints')).rows
}

test('what another key has sealed is sealed with the first, once, and says the same', async () => {
  await createEndpoint({ database, seal: openSeal([A]) }, { url, secret: 'a-secret-of-twenty-letters' })
  const seal = openSeal([B, A])
  await Promise.all([resealSecrets(database, seal, silentLog), resealSecrets(database, seal, silentLog)])
  const [row] = await stored()
  expect(openColumns(openSeal([B]), row?.id ?? '', row as SealedColumns)).toEqual({
    secrets: ['a-secret-of-twenty-letters'],
    headers: {},
    credential: null,
  })
  const before = await stored()
  await resealSecrets(database, seal, silentLog)
  expect(await stored()).toEqual(before)
  expect(await sealedState(database, seal)).toEqual({
    endpoints: 1,
    used: new Set([openSeal([B]).keyIds[0]]),
    unreadable: [],
  })
})

test('what cannot be opened stays as it is, and is named', async () => {
  await createEndpoint({ database, seal: openSeal([A]) }, { url, name: 'lost' })
  await createEndpoint({ database, seal: openSeal([B]) }, { url, name: 'known' })
  const before = await stored()
  const said: unknown[] = []
  const log = { ...silentLog, warn: (...args: unknown[]) => said.push(args) }
  await resealSecrets(database, openSeal([B]), log)
  expect(await stored()).toEqual(before)
  expect(JSON.stringify(said)).toContain('"endpoints":["lost"]')
  expect((await sealedState(database, openSeal([B]))).unreadable).toEqual(['lost'])
})

test('without any key a start is refused as soon as there is an endpoint', async () => {
  await resealSecrets(database, openSeal([]), silentLog)
  await createEndpoint({ database, seal: openSeal([A]) }, { url })
  await expect(resealSecrets(database, openSeal([]), silentLog)).rejects.toMatchObject({
    code: 'encryption_key_missing',
  })
})
