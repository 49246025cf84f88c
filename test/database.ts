// A database of its own for a test: PostgreSQL, migrated, empty.
import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import type { Database } from '../src/db/database.ts'
import { openDatabase } from '../src/db/postgres.ts'
import { silentLog } from '../src/lib/log.ts'
import { requireStatementsOf15 } from './statements.ts'

requireStatementsOf15()

type Server = { url: string; template: string }

let server: Promise<Server> | undefined

async function fetchServer(): Promise<Server> {
  const response = await fetch(inject('databaseServerUrl'))
  if (!response.ok) throw new Error(`The test database did not start: ${await response.text()}`)
  return (await response.json()) as Server
}

/**
 * Opens a new copy of the migrated database, which `close` drops. `migrated: false` means a
 * database without any table. `SIGNALBOX_TEST_DATABASE_URL` is another server to use.
 */
export async function openTestDatabase(options: { max?: number; migrated?: boolean } = {}): Promise<Database> {
  server ??= fetchServer()
  const { url, template } = await server
  const name = `signalbox_test_${randomUUID().replaceAll('-', '')}`
  const admin = await openDatabase({ url, log: silentLog, max: 1 })
  await admin.query(`create database ${name} template ${options.migrated === false ? 'template0' : template}`)
  const database = await openDatabase({
    url: Object.assign(new URL(url), { pathname: `/${name}` }).href,
    log: silentLog,
    max: options.max ?? 10,
  })
  let closing: Promise<void> | undefined
  const close = async () => {
    await database.close()
    // Whoever is no superuser may not end the server's own vacuuming; dropping without force does,
    // but ends no connection that a test has left.
    const drop = (how: string) => admin.query(`drop database if exists ${name} ${how}`)
    const force = () => drop('with (force)')
    await force().catch(() => drop('').catch(force))
    await admin.close()
  }
  return {
    ...database,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}
