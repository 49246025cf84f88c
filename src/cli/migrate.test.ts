// The commands that work on the database itself.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
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
