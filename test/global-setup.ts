// One PostgreSQL for the whole run, started when the first test needs it, and deleted at the end.
import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import type { TestProject } from 'vitest/node'
import { openEmbedded } from '../src/db/embedded/embedded.ts'
import { migrate } from '../src/db/migrate.ts'
import { openDatabase } from '../src/db/postgres.ts'
import { silentLog } from '../src/lib/log.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /**
     * Answers with the test server's `{ url, template }`, and starts it for the first request; to a
     * POST of statements with those that PostgreSQL 15 would refuse.
     */
    databaseServerUrl: string
  }
}

// Nothing here needs to survive a power failure.
const SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' }

const MEMORY = '/dev/shm'
const ENOUGH_BYTES = 8 * 1024 ** 3

/** Where the data is: in memory, if there is enough, as each database is hundreds of files. */
async function dataParent(): Promise<string> {
  const free = await statfs(MEMORY).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  )
  return Math.min(free, freemem()) >= ENOUGH_BYTES ? MEMORY : tmpdir()
}

type Server = { url: string; close(): Promise<void> }
type TestServer = Server & { template: string }

async function openServer(): Promise<Server> {
  const given = process.env.SIGNALBOX_TEST_DATABASE_URL
  if (given) return { url: given, close: async () => {} }
  const folder = await mkdtemp(join(await dataParent(), 'signalbox-test-'))
  const remove = () => rm(folder, { recursive: true })
  // Run by root, PostgreSQL has another account, which must be able to enter.
  await chmod(folder, 0o755)
  const options = {
    dataDir: join(folder, 'data'),
    spareRoot: join(folder, 'spare'),
    log: silentLog,
    settings: SETTINGS,
  }
  const server = await openEmbedded(options).catch(async (error) => {
    await remove()
    throw error
  })
  return { url: server.url, close: () => server.close().then(remove) }
}

function withDatabase(url: string, name: string): string {
  return Object.assign(new URL(url), { pathname: `/${name}` }).href
}

/** Creates the migrated database that every test's database is a copy of. */
async function prepare(server: Server): Promise<TestServer> {
  // Two runs may share one server.
  const template = `signalbox_template_${process.pid}`
  const admin = await openDatabase({ url: server.url, log: silentLog, max: 1 })
  await admin.query(`drop database if exists ${template} with (force)`)
  await admin.query(`create database ${template}`)
  const database = await openDatabase({ url: withDatabase(server.url, template), log: silentLog, max: 1 })
  const close = async () => {
    await database.close()
    await admin.query(`drop database if exists ${template} with (force)`)
    await admin.close()
    await server.close()
  }
  try {
    await migrate(database, { log: silentLog })
    await database.close()
    return { url: server.url, template, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openTestServer(): Promise<TestServer> {
  return prepare(await openServer())
}

async function refusedBy15(statements: readonly string[]): Promise<string[]> {
  // Only runs that use the database load the parser.
  const { newerThan15 } = await import('./postgres-15.ts')
  const all = await Promise.all(statements.map(async (text) => ({ text, why: await newerThan15(text) })))
  return all.flatMap(({ text, why }) => (why === null ? [] : [`${why}: ${text}`]))
}

/** Vitest's global setup: returns what stops everything at the end. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  let opening: Promise<TestServer> | undefined
  const open = async () => {
    opening ??= openTestServer()
    const { url, template } = await opening
    return { url, template }
  }
  const server = createServer((request, response) => {
    const answer = request.method === 'POST' ? json(request).then((all) => refusedBy15(all as string[])) : open()
    answer.then(
      (value) => response.end(JSON.stringify(value)),
      (error) => response.writeHead(500).end(String(error?.stack ?? error)),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  provide('databaseServerUrl', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.closeAllConnections()
    server.close()
    await (await opening?.catch(() => undefined))?.close()
  }
}
