// The embedded server is durable, has one owner, ends with it, and survives that either is killed.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync } from 'node:fs'
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../lib/log.ts'
import type { Database } from '../database.ts'
import { openDatabase } from '../postgres.ts'
import { canEnter, chooseAccount, isRoot } from './account.ts'
import { openBinaries } from './binaries.ts'
import { locateCluster } from './cluster.ts'
import type { EmbeddedOptions } from './embedded.ts'
import { embeddedUrl, openEmbedded } from './embedded.ts'
import { isPostmaster, readPostmaster } from './postmaster.ts'
import { runProgram } from './program.ts'

const NOBODY = { uid: 65534, gid: 65534 }

/** Waits until something outside this process has come true. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const limit = Date.now() + 15_000
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error('it did not happen within 15 s')
    await wait(5)
  }
}

/** Opens the embedded server and a pool on it for the length of one test. */
async function open(dataDir: string, options: Partial<EmbeddedOptions> = {}): Promise<Database> {
  const server = await openEmbedded({ dataDir, log: silentLog, ...options })
  const database = await openDatabase({ url: server.url, log: silentLog })
  const close = async () => {
    await database.close()
    await server.close()
  }
  onTestFinished(close)
  return { ...database, close }
}

function runChild(code: string, account: object = {}): ChildProcess {
  const folder = fileURLToPath(new URL('..', import.meta.url))
  const script = `
    const { openEmbedded } = await import('${folder}embedded/embedded.ts')
    const { openDatabase } = await import('${folder}postgres.ts')
    const { silentLog: log } = await import('${folder}../lib/log.ts')
    ${code}`
  const child = spawn(process.execPath, ['--conditions=signalbox-source', '--input-type=module', '-e', script], {
    ...account,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

describe('the embedded database', () => {
  let parent = ''
  let dataDir = ''
  const newDataDir = async (name: string) => {
    await mkdir(join(parent, name))
    return join(parent, name, '.signalbox')
  }

  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'signalbox-embedded-'))
    await chmod(parent, 0o755)
    dataDir = await newDataDir('usual')
  })
  afterAll(() => rm(parent, { recursive: true }))

  test('keeps its rows, its address and its password from one start to the next', async () => {
    const first = await open(dataDir)
    expect(await embeddedUrl(dataDir)).toBe(first.url)
    await first.query('create table kept as select 42 as answer')
    await first.close()
    expect(await embeddedUrl(dataDir)).toBeUndefined()
    const second = await open(dataDir)
    expect(second.url).toBe(first.url)
    expect((await second.query('select answer from kept')).rows).toEqual([{ answer: 42 }])
  })

  test('is durable, speaks UTF-8 and listens on this machine only', async () => {
    const { query } = await open(dataDir)
    const setting = async (name: string) => (await query('select current_setting($1) as value', [name])).rows[0]?.value
    expect(await setting('fsync')).toBe('on')
    expect(await setting('synchronous_commit')).toBe('on')
    expect(await setting('server_encoding')).toBe('UTF8')
    expect(await setting('listen_addresses')).toBe('127.0.0.1')
    expect((await query(`select lower('ÄÖÜ') as text`)).rows).toEqual([{ text: 'äöü' }])
  })

  test('has no connection for its superuser, and its own role runs no programs and reads no files', async () => {
    const database = await open(dataDir)
    const refused = (sql: string) => expect(database.query(sql)).rejects.toMatchObject({ code: '42501' })
    await refused(`copy (select 1) to program 'true'`)
    await refused(`select pg_read_file('signalbox.json')`)
    await refused('alter role signalbox superuser')
    const other = await openDatabase({ url: database.url.replace('//signalbox:', '//postgres:'), log: silentLog })
    await expect(other.query('select 1')).rejects.toMatchObject({ cause: { code: '28000' } })
    await other.close()
  })

  test('closes its files to other accounts', async () => {
    const database = await open(dataDir)
    const mode = async (path: string) => (await lstat(join(dataDir, path))).mode & 0o077
    expect(await mode('postgres')).toBe(0)
    expect(await mode('postgres/signalbox.json')).toBe(0)
    expect(await mode('postgres.log')).toBe(0)
    expect(await mode('owner.lock')).toBe(0)
    const wrong = await openDatabase({ url: database.url.replace(/:[^:@]+@/, ':wrong@'), log: silentLog })
    await expect(wrong.query('select 1')).rejects.toMatchObject({ cause: { code: '28P01' } })
    await wrong.close()
  })

  test('refuses a second owner, in this process or another, and the first one goes on', async () => {
    const database = await open(dataDir)
    await expect(openEmbedded({ dataDir, log: silentLog })).rejects.toMatchObject({
      code: 'database_busy',
      detail: expect.stringContaining(String(process.pid)),
    })
    const child = runChild(
      `await openEmbedded({ dataDir: '${dataDir}', log }).catch((error) => console.log(error.code))`,
    )
    const [line] = await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')
    expect(line).toBe('database_busy')
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  test('loses no committed row when its owner is killed, and its server ends too', async () => {
    const child = runChild(`
      const { url } = await openEmbedded({ dataDir: '${dataDir}', log })
      const database = await openDatabase({ url, log })
      await database.query('drop table if exists confirmed; create table confirmed (n int)')
      for (let n = 0; ; n++) {
        await database.query('insert into confirmed values ($1)', [n])
        console.log(n)
      }`)
    let confirmed = -1
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      confirmed = Number(line)
      if (confirmed === 200) await kill(child)
    }
    expect(confirmed).toBeGreaterThanOrEqual(200)
    await until(async () => (await embeddedUrl(dataDir)) === undefined)
    const { query } = await open(dataDir)
    const { rows } = await query('select count(*) from confirmed where n <= $1', [confirmed])
    expect(rows).toEqual([{ count: confirmed + 1 }])
  })

  test('stops a server that an earlier run left, and starts a new one', async () => {
    await (await open(dataDir)).close()
    const cluster = await locateCluster({ dataDir, spareRoot: parent, log: silentLog })
    const { postgres } = await openBinaries({ account: cluster.account, runtimeDir: parent, log: silentLog })
    const orphan = runProgram(
      postgres,
      ['-D', cluster.dir, '-c', 'listen_addresses=', '-c', 'unix_socket_directories=.', '-c', 'log_min_messages=panic'],
      {
        account: cluster.account,
        output: 2,
      },
    )
    await until(async () => (await readPostmaster(cluster.dir))?.ready ?? false)
    const { query } = await open(dataDir)
    await orphan.exited
    expect((await query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  test('is at the same address again after its server was killed', async () => {
    const database = await open(dataDir)
    await database.query('drop table if exists survived; create table survived as select 1 as one')
    const { pid } = (await readPostmaster(join(dataDir, 'postgres'))) ?? { pid: 0 }
    process.kill(pid, 'SIGKILL')
    await until(() => !isPostmaster(pid, join(dataDir, 'postgres')))
    await until(() =>
      database.query('select one from survived').then(
        () => true,
        (error) => {
          expect(error).toMatchObject({ code: 'database_unavailable' })
          return false
        },
      ),
    )
  })

  test('moves to another port when its own is in use, and keeps that one', async () => {
    const first = await open(dataDir)
    await first.close()
    const { port } = new URL(first.url)
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(Number(port), '127.0.0.1', resolve))
    const second = await open(dataDir)
    expect(new URL(second.url).port).not.toBe(port)
    await second.close()
    await new Promise((resolve) => other.close(resolve))
    const third = await open(dataDir)
    expect(third.url).toBe(second.url)
  })

  test('takes settings, which win over its own', async () => {
    const { query } = await open(dataDir, { settings: { work_mem: '5MB', max_connections: '20' } })
    const { rows } = await query(
      `select current_setting('work_mem') as memory, current_setting('max_connections') as n`,
    )
    expect(rows).toEqual([{ memory: '5MB', n: '20' }])
  })

  test('can be closed twice', async () => {
    const server = await openEmbedded({ dataDir, log: silentLog })
    await Promise.all([server.close(), server.close()])
    await server.close()
    expect(await embeddedUrl(dataDir)).toBeUndefined()
  })

  test('writes no statement and no value of a row to its log', async () => {
    const database = await open(dataDir)
    await database.query('create table if not exists values_of_rows (text text unique)')
    const insert = `insert into values_of_rows values ('hunter2'), ('hunter2')`
    await expect(database.query(insert)).rejects.toMatchObject({ code: '23505' })
    const text = await readFile(join(dataDir, 'postgres.log'), 'utf8')
    expect(text).toContain('duplicate key value')
    expect(text).not.toContain('hunter2')
  })

  test('says where to look when it does not start, and can be started afterwards', async () => {
    await expect(openEmbedded({ dataDir, log: silentLog, settings: { shared_buffers: 'lots' } })).rejects.toMatchObject(
      {
        code: 'database_failed',
        detail: expect.stringMatching(/postgres\.log; it says: .*(shared_buffers|configuration)/),
      },
    )
    await open(dataDir)
  })

  test('is created from the start when that was interrupted', async () => {
    const fresh = await newDataDir('interrupted')
    const child = runChild(`await openEmbedded({ dataDir: '${fresh}', log })`)
    await until(() => globSync(join(fresh, 'postgres.new-*', 'PG_VERSION')).length > 0)
    await kill(child)
    expect(existsSync(join(fresh, 'postgres'))).toBe(false)
    const { query, close } = await open(fresh)
    expect((await query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await close()
    await (await open(fresh)).close()
    expect((await readdir(fresh)).filter((name) => name.startsWith('postgres.new'))).toEqual([])
  })

  test.runIf(isRoot())('is in another folder when its account cannot enter the data directory of root', async () => {
    const fresh = await newDataDir('closed')
    await chmod(join(parent, 'closed'), 0o700)
    const spareRoot = join(parent, 'spare')
    const first = await open(fresh, { spareRoot })
    await first.query('create table kept as select 42 as answer')
    expect(await embeddedUrl(fresh)).toBe(first.url)
    await first.close()
    expect((await readdir(spareRoot)).length).toBe(1)
    const second = await open(fresh, { spareRoot })
    expect((await second.query('select answer from kept')).rows).toEqual([{ answer: 42 }])
    await second.close()
    await rm(spareRoot, { recursive: true })
    await expect(openEmbedded({ dataDir: fresh, log: silentLog, spareRoot })).rejects.toMatchObject({
      code: 'database_failed',
      detail: expect.stringContaining('which is gone'),
    })
  })

  test.runIf(isRoot() && canEnter(chooseAccount(), import.meta.dirname))('runs as an ordinary user', async () => {
    const fresh = await newDataDir('ordinary')
    await chown(join(parent, 'ordinary'), NOBODY.uid, NOBODY.gid)
    const code = `
      const { url, close } = await openEmbedded({ dataDir: '${fresh}', log })
      const database = await openDatabase({ url, log })
      console.log((await database.query('select 1 as one')).rows[0].one)
      await database.close()
      await close()`
    const child = runChild(code, NOBODY)
    const [line] = await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')
    expect(line).toBe('1')
    await once(child, 'exit')
    expect((await lstat(join(fresh, 'postgres'))).uid).toBe(NOBODY.uid)
    // And root afterwards, as the account that owns it.
    await open(fresh)
  })

  test('is stopped when a process ends without closing it', async () => {
    const child = runChild(`await openEmbedded({ dataDir: '${dataDir}', log })`)
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(existsSync(join(dataDir, 'owner.lock'))).toBe(false)
    await until(async () =>
      /database system is shut down\n$/.test(await readFile(join(dataDir, 'postgres.log'), 'utf8')),
    )
  })
})
