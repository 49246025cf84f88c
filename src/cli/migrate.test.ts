// The commands that work on the database itself.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { call } from '../../test/terminal.ts'

test('migrate applies every file once', async () => {
  const database = await openTestDatabase({ migrated: false })
  onTestFinished(() => database.close())
  const env = { DATABASE_URL: database.url }
  const first = await call(['migrate'], { env })
  expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/^Applied:\n {2}0001-init\.sql\n/) })
  expect(await call(['migrate'], { env })).toMatchObject({ code: 0, out: 'The tables are up to date.\n' })
  expect(JSON.parse((await call(['migrate', '--json'], { env })).out)).toEqual({ applied: [] })
  expect((await database.query('select from signalbox.events')).rows).toEqual([])
})

test('a database that does not answer is named as the reason, without its password', async () => {
  const env = { DATABASE_URL: 'postgres://me:hunter2hunter2@127.0.0.1:9/x' }
  const { code, out, err } = await call(['migrate'], { env })
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toContain('The database cannot be reached.')
  expect(err).not.toContain('hunter2')
})

test('db url prints DATABASE_URL as it is set', async () => {
  const url = 'postgres://app@db.example.com/app'
  expect(await call(['db', 'url'], { env: { DATABASE_URL: url } })).toEqual({ code: 0, out: `${url}\n`, err: '' })
  expect(JSON.parse((await call(['db', 'url', '--json'], { env: { DATABASE_URL: url } })).out)).toEqual({ url })
})

describe('db psql', () => {
  const withPsql = async (script: string) => {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'psql'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return folder
  }
  const DATABASE_URL = 'postgres://app:p%40ss@db.example.com:5433/app?sslmode=disable'

  test('runs psql with its options, and the password in the environment only', async () => {
    const folder = await withPsql('printf "%s\\n" "$PGPASSWORD" "$@" > called')
    const env = { DATABASE_URL, PATH: `${folder}:${process.env.PATH}` }
    expect(await call(['db', 'psql', '-c', 'select 1', '--csv'], { env, folder })).toMatchObject({ code: 0, err: '' })
    const url = 'postgres://app@db.example.com:5433/app?sslmode=disable'
    expect((await readFile(join(folder, 'called'), 'utf8')).split('\n')).toEqual([
      'p@ss',
      url,
      '-c',
      'select 1',
      '--csv',
      '',
    ])
  })

  test('ends as psql ends, and says how to install it', async () => {
    const folder = await withPsql('exit 3')
    expect((await call(['db', 'psql'], { env: { DATABASE_URL, PATH: folder }, folder })).code).toBe(1)
    const { code, err } = await call(['db', 'psql'], { env: { DATABASE_URL, PATH: '/nowhere' }, folder })
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('apt-get install postgresql-client') })
  })
})

test('db url without a running database says how to start one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const env = { SIGNALBOX_DATA_DIR: join(folder, 'data') }
  const { code, err } = await call(['db', 'url'], { env, folder })
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(/No embedded database runs in .*data\.\n {2}→ .*signalbox dev/),
  })
})
