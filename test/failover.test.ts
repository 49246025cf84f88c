// The database fails over: its address leads to a standby, which is read-only until it is promoted.
// Nothing that was acknowledged is lost, and the service goes on by itself.
import { execFileSync } from 'node:child_process'
import { appendFile, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/agents/agent.ts'
import { clusterDir } from '../src/db/embedded/cluster.ts'
import type { Embedded } from '../src/db/embedded/embedded.ts'
import { openEmbedded } from '../src/db/embedded/embedded.ts'
import { openDatabase } from '../src/db/postgres.ts'
import { silentLog } from '../src/lib/log.ts'
import { githubHeaders } from './fixtures/signed.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from './signalbox.ts'

let folder: string
let closing: (() => unknown)[]
beforeEach(async () => {
  closing = []
  folder = await mkdtemp(join(tmpdir(), 'signalbox-failover-'))
  // Root's PostgreSQL runs as somebody else, who must be able to get in.
  await chmod(folder, 0o711)
})
afterEach(async () => {
  for (const close of closing.reverse()) await close()
  await rm(folder, { recursive: true, force: true })
})

async function start(name: string): Promise<Embedded> {
  const server = await openEmbedded({ dataDir: join(folder, name), spareRoot: join(folder, 'spare'), log: silentLog })
  closing.push(server.close)
  return server
}

/** The superuser's address, who may do what a standby needs; otherwise nobody can be that. */
async function superuser(name: string, server: Embedded): Promise<string> {
  const dir = await clusterDir(join(folder, name))
  const all = ['all', 'replication'].map((database) => `host ${database} all 127.0.0.1/32 trust\n`)
  await writeFile(join(dir, 'pg_hba.conf'), all.join(''))
  process.kill(await postmaster(name), 'SIGHUP')
  const url = Object.assign(new URL(server.url), { username: 'postgres' }).href
  const mayLogIn = () =>
    ask(url, 'select 1').then(
      () => true,
      () => false,
    )
  await until('it may log in', mayLogIn)
  return url
}

async function postmaster(name: string): Promise<number> {
  const file = join(await clusterDir(join(folder, name)), 'postmaster.pid')
  return Number((await readFile(file, 'utf8')).split('\n')[0])
}

async function ask(url: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    let rows: Record<string, unknown>[] = []
    for (const text of statements) rows = (await client.query(text)).rows
    return rows
  } finally {
    await client.end()
  }
}

/** A copy of a running server that follows it, and that its commits wait for. */
async function openStandby(primaryUrl: string): Promise<Embedded> {
  const client = new pg.Client(primaryUrl)
  await client.connect()
  await client.query(`select pg_backup_start('standby', true)`)
  const from = await clusterDir(join(folder, 'primary'))
  const dir = from.replace(join(folder, 'primary'), join(folder, 'standby'))
  await mkdir(dirname(dir), { recursive: true, mode: 0o711 })
  execFileSync('cp', ['-a', from, dir])
  const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)')
  await client.end()
  await rm(join(dir, 'postmaster.pid'))
  for (const name of ['backup_label', 'standby.signal']) {
    // With the owner of the others.
    execFileSync('cp', ['-a', join(dir, 'PG_VERSION'), join(dir, name)])
    await writeFile(join(dir, name), name === 'backup_label' ? (rows[0]?.labelfile ?? '') : '')
  }
  const { hostname, port, username } = new URL(primaryUrl)
  const conninfo = `host=${hostname} port=${port} user=${username}`
  await appendFile(join(dir, 'postgresql.auto.conf'), `primary_conninfo = '${conninfo}'\n`)
  const standby = await start('standby')
  await ask(primaryUrl, `alter system set synchronous_standby_names = '*'`, 'select pg_reload_conf()')
  const inStep = `select from pg_stat_replication where sync_state = 'sync'`
  await until('commits wait for the standby', async () => (await ask(primaryUrl, inStep)).length === 1)
  return standby
}

/** The address that the service knows, and that leads to one of the servers. */
async function openAddress(url: string) {
  let port = Number(new URL(url).port)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {}).on('close', () => other.destroy())
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const own = Object.assign(new URL(url), { port: String((server.address() as AddressInfo).port) }).href
  const cut = () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  closing.push(() => {
    cut()
    server.close()
  })
  return {
    url: own,
    leadTo(target: string) {
      port = Number(new URL(target).port)
      cut()
    },
  }
}

test('nothing that was acknowledged is lost when a standby takes the place of its primary', async () => {
  const primary = await start('primary')
  const standby = await openStandby(await superuser('primary', primary))
  const address = await openAddress(primary.url)
  const lines: string[] = []
  const warn = (...given: unknown[]) => void lines.push(JSON.stringify(given))
  const log = { ...silentLog, warn, info: warn }
  const database = await openDatabase({ url: address.url, log })
  closing.push(database.close)
  const witness = defineAgent({ name: 'witness', description: 'x', input: z.unknown(), run: async () => ({}) })
  const config = { agents: [witness], rules: [{ name: 'witness', on: 'push', agent: 'witness' }] }
  const signalbox = await openTestSignalbox({ config, database, log, patienceMs: 500, leaseMs: 6000 })
  closing.push(signalbox.close)

  const acknowledged = new Set<string>()
  const refused: number[] = []
  const send = async (n: number) => {
    const id = `delivery-${n}`
    const body = Buffer.from(JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'acme/shop' }, n }))
    const headers = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() }, { 'x-github-delivery': id })
    const { ok, status } = await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', headers, body })
    if (ok) acknowledged.add(id)
    else refused.push(status)
  }
  let sent = 0
  let isOver = false
  const sending = (async () => {
    const all: Promise<void>[] = []
    for (; !isOver; await new Promise((resolve) => setTimeout(resolve, 20))) all.push(send(sent++))
    await Promise.all(all)
  })()
  const more = async (what: string) => {
    const before = acknowledged.size
    await until(what, async () => acknowledged.size > before + 20)
  }
  await more('webhooks are recorded')

  process.kill(await postmaster('primary'), 'SIGKILL')
  await primary.close()
  address.leadTo(standby.url)
  refused.length = 0
  await until('webhooks are refused while the standby is read-only', async () => refused.length > 20)
  expect(new Set(refused)).toEqual(new Set([503]))
  await until('health names the standby', async () => {
    const health = await fetch(`${signalbox.url}/health`)
    return health.status === 503 && (await health.text()).includes('a standby')
  })
  expect(lines.join('\n')).toContain('the server at this address is a standby, which takes no writes')

  await ask(Object.assign(new URL(standby.url), { username: 'postgres' }).href, 'select pg_promote()')
  await more('webhooks are recorded again')
  isOver = true
  await sending
  await until(
    'all jobs have ended',
    async () => (await signalbox.count('signalbox.jobs', `status <> 'completed'`)) === 0,
  )
  const { rows } = await database.query<{ id: string; jobs: number }>(
    `select delivery_id as id, (select count(*)::int from signalbox.jobs j where j.event_id = e.id) as jobs
     from signalbox.events e where type = 'push'`,
  )
  expect(rows.filter(({ jobs }) => jobs !== 1)).toEqual([])
  const recorded = new Set(rows.map(({ id }) => id))
  expect([...acknowledged].filter((id) => !recorded.has(id))).toEqual([])
}, 120_000)
