// Migrations are applied once, in order, and a database that does not fit is refused with a remedy.
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Log } from '../lib/log.ts'
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
    expect(await migrate(database, { log })).toEqual({ applied: [], newest: applied.at(-1) })
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

  test('record their name, their checksum and their time', async () => {
    await migrate(database, { log, directory: directory() })
    const { rows } = await database.query('select name, sha256, applied_at from signalbox.migrations order by name')
    const sha256 = createHash('sha256').update('create table two (n int)').digest('hex')
    expect(rows[1]).toEqual({ name: '0002-two.sql', sha256, applied_at: expect.any(Date) })
    expect(rows).toHaveLength(2)
  })

  test('are applied in the order of their numbers, one log line each', async () => {
    await write('0010-ten.sql', 'insert into two values (10)')
    await write('0003-three.sql', 'insert into two values (3)')
    const lines: unknown[] = []
    const info: Log['info'] = (...parts: unknown[]) => void lines.push(parts[0])
    await migrate(database, { log: { ...log, info }, directory: directory() })
    expect(lines).toEqual(
      ['0001-one.sql', '0002-two.sql', '0003-three.sql', '0010-ten.sql'].map((migration) => ({ migration })),
    )
  })

  test.each(['0003-Three.sql', '3-three.sql', '0003_three.sql', '0003-three.sql.orig', '0003-three.txt'])(
    'have a number and a name; %s is not one and is ignored',
    async (name) => {
      await write(name, 'this is not SQL')
      expect(await pendingMigrations(database, directory())).toEqual(['0001-one.sql', '0002-two.sql'])
    },
  )

  test('that were only looked at have changed nothing', async () => {
    await pendingMigrations(database, directory())
    const { rows } = await database.query(`select to_regnamespace('signalbox') as schema`)
    expect(rows).toEqual([{ schema: null }])
  })

  test('of a newer program are no hindrance where they say that they work with this one', async () => {
    await migrate(database, { log, directory: directory() })
    const apply = async (name: string, header: string) => {
      await write(name, `${header}\ncreate table "${name}" ()`)
      await migrate(database, { log, directory: directory() })
      await rm(join(folder, name))
    }
    await apply('0003-three.sql', '-- Adds something.\n-- Works with: 0002-two.sql')
    expect(await migrate(database, { log, directory: directory() })).toEqual({ applied: [], newest: '0002-two.sql' })
    await apply('0004-four.sql', '-- Works with: 0003-three.sql')
    await expect(migrate(database, { log, directory: directory() })).rejects.toMatchObject({
      code: 'config_invalid',
      detail: expect.stringContaining('The database is newer than this program: it has migration 0004-four.sql.'),
    })
  })

  test('of an empty folder are none', async () => {
    await rm(join(folder, '0001-one.sql'))
    await rm(join(folder, '0002-two.sql'))
    expect(await migrate(database, { log, directory: directory() })).toEqual({ applied: [], newest: '' })
  })

  test('of a folder that does not exist are an error', async () => {
    const missing = pathToFileURL(join(folder, 'missing/'))
    await expect(migrate(database, { log, directory: missing })).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('on a server that is too old are refused before anything is read from the database', async () => {
    const queries: string[] = []
    const query = (text: string) => {
      queries.push(text)
      return Promise.resolve({ rows: [{ number: 140_012, name: '14.12' }], rowCount: 1 })
    }
    const old = { ...database, query: query as Database['query'] }
    await expect(migrate(old, { log, directory: directory() })).rejects.toMatchObject({
      code: 'config_invalid',
      detail: 'PostgreSQL 14.12 is too old; use PostgreSQL 15 or newer.',
    })
    expect(queries).toHaveLength(1)
  })

  test('take as long as they need, whatever limits the role has', async () => {
    await write('0002-two.sql', 'select pg_sleep(0.4)')
    const limits = '-c statement_timeout=200 -c lock_timeout=200'
    const limited = await openDatabase({ url: `${database.url}?options=${encodeURIComponent(limits)}`, log })
    await expect(limited.query('select pg_sleep(0.4)')).rejects.toMatchObject({ code: 'database_unavailable' })
    const { applied } = await migrate(limited, { log, directory: directory() })
    expect(applied).toEqual(['0001-one.sql', '0002-two.sql'])
    await limited.close()
  })

  test('that the server ends early are an error that says so, and nothing of them is applied', async () => {
    await write('0002-two.sql', 'create table two (n int); set local statement_timeout = 50; select pg_sleep(5)')
    await expect(migrate(database, { log, directory: directory() })).rejects.toMatchObject({
      code: 'database_unavailable',
      detail:
        'migrations/0002-two.sql was stopped before its end, and nothing of it is applied: ' +
        'canceling statement due to statement timeout.',
    })
    expect(await pendingMigrations(database, directory())).toEqual(['0002-two.sql'])
  })

  test('that another process applies are waited for, which is logged, and no statement waits meanwhile', async () => {
    const lines: unknown[][] = []
    const info: Log['info'] = (...parts: unknown[]) => void lines.push(parts)
    const locked = Promise.withResolvers<number>()
    const waiting = Promise.withResolvers<void>()
    const held = database.transaction(async (tx) => {
      const text = 'select pg_backend_pid() as pid, pg_advisory_xact_lock(7446257451)'
      const { rows } = await tx.query<{ pid: number }>(text)
      locked.resolve(rows[0]?.pid ?? 0)
      await waiting.promise
    })
    const pid = await locked.promise
    const migrating = migrate(database, { log: { ...log, info }, directory: directory() })
    const line = 'waiting for another process, which applies migrations or writes a backup'
    await expect.poll(() => lines).toEqual([[{ seconds: expect.any(Number), pids: [pid] }, line]])
    const blocked = await database.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    )
    expect(blocked.rowCount).toBe(0)
    waiting.resolve()
    await held
    expect((await migrating).applied).toHaveLength(2)
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
