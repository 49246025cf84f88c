// Migrations are applied once, in order, and a database that does not fit is refused with a remedy.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { silentLog as log } from '../lib/log.ts'
import type { Database } from './database.ts'
import { migrate, pendingMigrations } from './migrate.ts'
import { openDatabase } from './postgres.ts'

describe('migrations', () => {
  let database: Database
  let folder = ''
  const directory = () => pathToFileURL(`${folder}/`)
  const write = (name: string, text: string) => writeFile(join(folder, name), text)

  beforeEach(async () => {
    database = await openTestDatabase({ migrated: false })
    folder = await mkdtemp(join(tmpdir(), 'signalbox-migrations-'))
    await write('0001-one.sql', 'create table one (n int);\ninsert into one values (1);\n')
    await write('0002-two.sql', 'create table two (n int)')
    await write('README.md', 'not a migration')
  })
  afterEach(async () => {
    await database.close()
    await rm(folder, { recursive: true })
  })

  test('of this program are applied once, in order', async () => {
    expect(await pendingMigrations(database)).toContain('0001-init.sql')
    const { applied } = await migrate(database, { log })
    expect(applied[0]).toBe('0001-init.sql')
    expect(await pendingMigrations(database)).toEqual([])
    expect(await migrate(database, { log })).toEqual({ applied: [] })
    const { rows } = await database.query('select name from signalbox.migrations order by name')
    expect(rows.map(({ name }) => name)).toEqual(applied)
  })

  test('are applied by exactly one of many processes at once', async () => {
    const callers = await Promise.all(Array.from({ length: 8 }, () => openDatabase({ url: database.url, log, max: 1 })))
    const outcomes = await Promise.all(callers.map((caller) => migrate(caller, { log, directory: directory() })))
    expect(outcomes.flatMap(({ applied }) => applied).sort()).toEqual(['0001-one.sql', '0002-two.sql'])
    expect((await database.query('select n from one')).rows).toEqual([{ n: 1 }])
    await Promise.all(callers.map((caller) => caller.close()))
  })

  test('that fail change nothing, and those before them stay', async () => {
    await write('0002-two.sql', 'create table two (n int); select 1 / 0;')
    await expect(migrate(database, { log, directory: directory() })).rejects.toMatchObject({ code: '22012' })
    expect(await pendingMigrations(database, directory())).toEqual(['0002-two.sql'])
    expect((await database.query(`select to_regclass('two') as two`)).rows).toEqual([{ two: null }])
  })

  test.each([
    ['a table of the same name', 'create table one (n int)', 'relation "one" already exists; rename it'],
    [
      'no permission',
      `do $$ begin raise insufficient_privilege using message = 'denied'; end $$`,
      'denied; connect as',
    ],
  ])('that find %s say what to do', async (_, sql, sentence) => {
    await write('0002-two.sql', sql)
    const detail = expect.stringContaining(`0002-two.sql cannot be applied: ${sentence}`)
    await expect(migrate(database, { log, directory: directory() })).rejects.toMatchObject({
      code: 'config_invalid',
      detail,
    })
  })

  test('that were changed after they were applied are refused by name', async () => {
    await migrate(database, { log, directory: directory() })
    await write('0001-one.sql', 'create table one (n bigint)')
    const refused = { code: 'config_invalid', detail: expect.stringContaining('migrations/0001-one.sql') }
    await expect(migrate(database, { log, directory: directory() })).rejects.toMatchObject(refused)
    await expect(pendingMigrations(database, directory())).rejects.toMatchObject(refused)
  })

  test('are the same with the line endings of Windows', async () => {
    await migrate(database, { log, directory: directory() })
    await write('0001-one.sql', 'create table one (n int);\r\ninsert into one values (1);\r\n')
    expect(await pendingMigrations(database, directory())).toEqual([])
  })

  test('of a newer program are refused by an older one', async () => {
    await migrate(database, { log, directory: directory() })
    await rm(join(folder, '0002-two.sql'))
    await expect(migrate(database, { log, directory: directory() })).rejects.toMatchObject({
      code: 'config_invalid',
      detail: expect.stringMatching(/newer than this program: it has migration 0002-two\.sql\. Use/),
    })
  })
})
