// What is written to a backup, and what comes of it in another database.
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { writeBackup } from '../src/backup/write-backup.ts'
import type { Database } from '../src/db/database.ts'
import { openEmbedded } from '../src/db/embedded/embedded.ts'
import { migrate } from '../src/db/migrate.ts'
import { openDatabase } from '../src/db/postgres.ts'
import { silentLog } from '../src/lib/log.ts'
import { openTestDatabase } from './database.ts'
import { githubHeaders } from './fixtures/signed.ts'
import { openTestFolder } from './folder.ts'
import { run } from './process.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from './signalbox.ts'
import { call } from './terminal.ts'

async function openEmpty(): Promise<Database> {
  const database = await openTestDatabase({ migrated: false })
  onTestFinished(() => database.close())
  return database
}

/** Events with bytes of all kinds, jobs, an endpoint with deliveries, deployments. */
async function fill(signalbox: TestSignalbox): Promise<void> {
  const receiver = createServer((request, response) => request.resume().on('end', () => response.end()))
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void receiver.close())
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  await signalbox.api('/api/endpoints', {
    method: 'POST',
    body: { name: 'there', url, events: ['*'], environments: null },
  })
  const texts = ['plain', 'tab\tand \\. on\nlines\r\n', '\\N \\x00 "quoted" \u2028 ünïcode 🚂', 'x'.repeat(3_000_000)]
  for (const [at, text] of texts.entries()) {
    const body = Buffer.from(JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'acme/shop' }, text }))
    const changes = { 'x-github-event': 'push', 'x-github-delivery': `push-${at}` }
    const headers = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() }, changes)
    expect((await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', headers, body })).status).toBe(200)
  }
  const deployment = {
    project_id: 'p',
    app_name: 'bot',
    variant_name: 'v',
    environment: 'production',
    deployed_by: 'jane',
  }
  for (const temperature of [0.7, 0.5])
    await signalbox.api('/api/deployments', { method: 'POST', body: { ...deployment, config: { temperature } } })
  await signalbox.api('/webhook/manual', { method: 'POST' })
  const isOver = async (table: string) => (await signalbox.count(table, 'finished_at is null')) === 0
  await until('all is over', async () => (await isOver('signalbox.jobs')) && (await isOver('signalbox.deliveries')))
}

/** Every row of every table that is kept, as text, by table. */
async function contents(database: Database): Promise<Record<string, string[]>> {
  const { rows: tables } = await database.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'signalbox'::regnamespace and relkind = 'r'
     and relname not in ('migrations', 'nodes', 'event_positions', 'routing_version', 'retention_lease') order by 1`,
  )
  const found: Record<string, string[]> = {}
  for (const { name } of tables) {
    const { rows } = await database.query<{ row: string }>(
      `select left(t::text, 500) || md5(t::text) as row from signalbox.${name} t order by 1`,
    )
    found[name] = rows.map(({ row }) => row)
  }
  return found
}

test('a backup that is made while the service runs is restored to the byte, and the service goes on from it', async () => {
  const folder = await openTestFolder()
  const file = join(folder, 'kept.sql.gz')
  const signalbox = await openTestSignalbox()
  onTestFinished(signalbox.close)
  await fill(signalbox)
  const { code, out, err } = await call(['backup', file], { env: { DATABASE_URL: signalbox.database.url } })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('SIGNALBOX_ENCRYPTION_KEY')
  expect((await stat(file)).mode & 0o777).toBe(0o600)

  const empty = await openEmpty()
  const restored = await call(['restore', file, '--json'], { env: { DATABASE_URL: empty.url } })
  expect(restored).toMatchObject({ code: 0, err: '' })
  const before = await contents(signalbox.database)
  expect(await contents(empty)).toEqual(before)
  expect(Object.keys(before).length).toBeGreaterThan(20)
  expect(before.job_log?.length).toBeGreaterThan(0)
  const { rows } = JSON.parse(restored.out)
  for (const [table, kept] of Object.entries(before)) expect(rows[table], table).toBe(kept.length)

  const next = await openTestSignalbox({ database: empty })
  onTestFinished(next.close)
  const deployment = {
    project_id: 'p',
    app_name: 'bot',
    variant_name: 'v',
    environment: 'production',
    deployed_by: 'jane',
  }
  const made = await next.api('/api/deployments', {
    method: 'POST',
    body: { ...deployment, config: { temperature: 0.1 } },
  })
  expect([made.status, ((await made.json()) as { sequence: number }).sequence]).toEqual([201, 3])
  expect((await next.api('/webhook/manual', { method: 'POST' })).status).toBe(200)
  const open = async () => (await next.count('signalbox.jobs', 'finished_at is null')) === 0
  await until('its job is over', open)
  const feed = (await (await next.api('/api/events?after=0&limit=100')).json()) as { items: { id: string }[] }
  expect(feed.items.length).toBe(await next.count('signalbox.events', `status <> 'rejected'`))
})

test('a migration that writes a table anew waits for the end of a backup, which would find it empty', async () => {
  const folder = await openTestFolder()
  const database = await openTestDatabase()
  onTestFinished(() => database.close())
  await database.query(`insert into signalbox.events (id, source, delivery_id, type, status)
    select gen_random_uuid(), 'github', n::text, 'push', 'routed' from generate_series(1, 10) n`)
  await cp(new URL('../migrations/', import.meta.url), folder, { recursive: true })
  const sql = 'alter table signalbox.events add column colour uuid default gen_random_uuid()'
  await writeFile(join(folder, '9999-colours.sql'), sql)
  const backup = writeBackup(database.url)
  let text = String((await backup.next()).value)
  const migrated = Promise.withResolvers<string>()
  const log = { ...silentLog, info: (_about: unknown, said?: unknown) => migrated.resolve(String(said)) }
  const migrating = migrate(database, { log, directory: pathToFileURL(`${folder}/`) })
  expect(await migrated.promise).toMatch(/^waiting for another process/)
  for await (const piece of backup) text += piece.toString()
  expect(text).toContain('"events":10,')
  expect((await migrating).applied).toEqual(['9999-colours.sql'])
})

test('psql loads a backup too, into tables that are up to date', async ({ skip }) => {
  const folder = await openTestFolder()
  const file = join(folder, 'kept.sql.gz')
  const signalbox = await openTestSignalbox()
  onTestFinished(signalbox.close)
  await fill(signalbox)
  await call(['backup', file], { env: { DATABASE_URL: signalbox.database.url } })
  const empty = await openTestDatabase()
  onTestFinished(() => empty.close())
  await writeFile(join(folder, 'kept.sql'), gunzipSync(await readFile(file)))
  const env = { DATABASE_URL: empty.url, PATH: process.env.PATH }
  const { code, err } = await call(
    ['db', 'psql', '-q', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-1', '-f', join(folder, 'kept.sql')],
    { env },
  )
  if (err.includes('psql is not installed')) return skip('psql is not installed')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(await contents(empty)).toEqual(await contents(signalbox.database))
})

test('what is damaged, cut off, of another version or no backup at all is refused, and nothing of it is loaded', async () => {
  const folder = await openTestFolder()
  const source = await openTestDatabase()
  onTestFinished(() => source.close())
  await source.query(`insert into signalbox.events (id, source, delivery_id, type, status)
    select gen_random_uuid(), 'github', n::text, 'push', 'routed' from generate_series(1, 1000) n`)
  const file = join(folder, 'kept.sql.gz')
  await call(['backup', file], { env: { DATABASE_URL: source.url } })
  const packed = await readFile(file)
  const text = gunzipSync(packed).toString()
  const empty = await openEmpty()
  const cases: [bytes: Buffer, message: RegExp][] = [
    [packed.subarray(0, packed.length - 20), /damaged or cut off/],
    [packed.subarray(0, 4000), /damaged or cut off/],
    [Buffer.from('no gzip at all'), /damaged or cut off/],
    [gzipSync('select 1;\n'), /is not a backup/],
    [gzipSync(text.slice(0, text.lastIndexOf('-- end'))), /is cut off: its last line is missing/],
    [gzipSync(text.replace(/^[^\n]*\t777\tpush[^\n]*\n/m, '')), /it has 999 rows of events in place of 1000/],
    [gzipSync(text.replace(/\t777\tpush\trouted/, '\t777\tpush\tnonsense')), /PostgreSQL refuses a row of events/],
    // Much is still to be sent when it is refused.
    [
      gzipSync(text.replace(/^[^\n]*\t777\tpush[^\n]*\n/m, (row) => `no UUID${row.repeat(50_000)}`)),
      /refuses a row of events/,
    ],
    [gzipSync(text.replace('0001-init.sql', '9999-later.sql')), /migration 9999-later.sql is not known here/],
    [gzipSync(text.replace('"format":1', '"format":2')), /another version/],
    [gzipSync(text.replace(/(?<=-- end of the backup )\{/, '{oops')), /its last line cannot be read/],
    [gzipSync(text.replaceAll('signalbox.outbox ', 'signalbox.nothing ')), /"signalbox.nothing" does not exist/],
    [gzipSync(text.replace('COPY signalbox.outbox ("', 'COPY signalbox.outbox ("not_')), /"not_position" of relation/],
    [gzipSync(text.replace(/(?<=_seq', )\d+/, '9'.repeat(30))), /out of range/],
    [gzipSync(text.replace('COPY signalbox.outbox ', 'COPY signalbox.migrations ')), /has rows of migrations/],
  ]
  for (const [at, [bytes, message]] of cases.entries()) {
    await writeFile(file, bytes)
    const { code, err } = await call(['restore', file], { env: { DATABASE_URL: empty.url } })
    expect({ at, code }).toEqual({ at, code: 1 })
    expect(err).toMatch(message)
  }
  const { rows } = await empty.query('select from signalbox.events')
  expect(rows).toEqual([])
  const missing = await call(['restore', join(folder, 'missing')], { env: { DATABASE_URL: empty.url } })
  expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('cannot be read') })
})

test('a database with something in it is not loaded into, and a file that is there is not overwritten', async () => {
  const folder = await openTestFolder()
  const source = await openTestDatabase()
  onTestFinished(() => source.close())
  const env = { DATABASE_URL: source.url }
  const file = join(folder, 'kept.sql.gz')
  const keptByDev = 'dev keeps it in the file encryption-key'
  expect(await call(['backup', file], { env })).toMatchObject({ code: 0, out: expect.stringContaining(keptByDev) })
  const own = { ...env, SIGNALBOX_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64') }
  expect((await call(['backup', join(folder, 'own.sql.gz')], { env: own })).out).not.toContain(keptByDev)
  expect(await call(['backup', file], { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('is there already'),
  })
  expect(await call(['backup', join(folder, 'no/such/folder')], { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('cannot be written'),
  })
  // A service that was started once leaves notes of its own.
  await source.query(`insert into signalbox.retention (kind) values ('bodies')`)
  expect(await call(['restore', file], { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('The database has retention already'),
  })
  await source.query(
    `with gone as (delete from signalbox.retention)
     insert into signalbox.events (id, source, delivery_id, type, status) values (gen_random_uuid(), 'a', 'b', 'push', 'routed')`,
  )
  expect(await call(['restore', file], { env })).toMatchObject({
    code: 1,
    err: expect.stringMatching(/The database has events already\.\n.*→ Use an empty one/),
  })
})

test('a backup that is stopped leaves no half of itself', async () => {
  const folder = await openTestFolder()
  const database = await openTestDatabase()
  onTestFinished(() => database.close())
  await database.transaction(async (tx) => {
    // It reaches this table, and no further.
    await tx.query('lock table signalbox.events in access exclusive mode')
    const backup = run(['backup', 'kept.sql.gz'], { cwd: folder, env: { DATABASE_URL: database.url } })
    await until('it writes', async () => (await readdir(folder)).some((name) => name.startsWith('kept')))
    expect(await backup.kill('SIGTERM')).toBe('SIGTERM')
  })
  expect((await readdir(folder)).filter((name) => name.startsWith('kept'))).toEqual([])
})

test('the embedded database is exported to a PostgreSQL of its own, and a backup brings it back', async () => {
  const folder = await openTestFolder()
  const [first, second] = [join(folder, 'first'), join(folder, 'second')]
  const env = { SIGNALBOX_DATA_DIR: first }
  const own = await openEmpty()
  const toOwn = { ...env, DATABASE_URL: own.url }
  expect(await call(['export'], { env, folder })).toMatchObject({
    code: 1,
    err: expect.stringContaining('DATABASE_URL is not set'),
  })
  expect(await call(['export'], { env: toOwn, folder })).toMatchObject({
    code: 1,
    err: expect.stringContaining('no embedded database'),
  })

  expect(await call(['migrate'], { env, folder })).toMatchObject({ code: 0 })
  const embedded = await openEmbedded({ dataDir: first, log: silentLog })
  const database = await openDatabase({ url: embedded.url, log: silentLog })
  await database.query(`insert into signalbox.events (id, source, delivery_id, type, status, body)
    select gen_random_uuid(), 'github', n::text, 'push', 'routed', decode(repeat('00ff5c2e0a', 1000), 'hex') from generate_series(1, 100) n`)
  const before = await contents(database)
  // What came later would be missing.
  expect(await call(['export'], { env: toOwn, folder })).toMatchObject({
    code: 1,
    err: expect.stringContaining('Another Signalbox process'),
  })
  await database.close()
  await embedded.close()

  expect(await call(['export'], { env: toOwn, folder })).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringContaining('100 events'),
  })
  expect(await contents(own)).toEqual(before)

  const file = join(folder, 'kept.sql.gz')
  await call(['backup', file], { env: toOwn, folder })
  await mkdir(second)
  expect(await call(['restore', file], { env: { SIGNALBOX_DATA_DIR: second }, folder })).toMatchObject({ code: 0 })
  const again = await openEmbedded({ dataDir: second, log: silentLog })
  onTestFinished(() => again.close())
  const restored = await openDatabase({ url: again.url, log: silentLog })
  onTestFinished(() => restored.close())
  expect(await contents(restored)).toEqual(before)
})
