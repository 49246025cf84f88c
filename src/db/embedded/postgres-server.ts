// The process of the embedded PostgreSQL server: started, kept running, stopped.
import { createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { backoffMs } from '../../lib/backoff.ts'
import type { Log } from '../../lib/log.ts'
import { connectionConfig } from '../connection.ts'
import type { Binaries } from './binaries.ts'
import type { Cluster } from './cluster.ts'
import { accessUrl, readAccess, writeAccess } from './cluster.ts'
import type { Program } from './program.ts'
import { runProgram } from './program.ts'
import type { ServerLog } from './server-log.ts'

const POLL_MS = 10
const START_LIMIT_MS = 300_000
const STOP_LIMIT_MS = 15_000

/** Server settings by name, as `postgresql.conf` has them. */
export type Settings = Readonly<Record<string, string>>

// Small and durable: few processes, 64 MB of cache, and every commit is on the disk before it is
// answered.
const SETTINGS: Settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '64MB',
  max_wal_size: '1GB',
  fsync: 'on',
  synchronous_commit: 'on',
  // A table that fills for the first time is planned by what is in it after seconds, not a minute.
  autovacuum_naptime: '5s',
  // Three processes fewer; what is read often is in memory already.
  io_method: 'sync',
  // Parallel workers exchange rows through /dev/shm, and a container has only 64 MB of it.
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // Statements and the details of errors contain payloads, which do not belong in a log file.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
}

type Parts = { cluster: Cluster; binaries: Binaries; settings: Settings; serverLog: ServerLog; log: Log }

/** The server of a cluster. When it ends by itself it is started again, until it is stopped. */
export class PostgresServer {
  url = ''
  readonly #parts: Parts
  #program: Program | undefined
  #stopping = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Starts the server on the port of its last start, or on another one if that is in use. */
  async start(): Promise<void> {
    const { cluster, serverLog } = this.#parts
    const known = await readAccess(cluster.dir)
    for (let attempt = 1; ; attempt++) {
      const access = { ...known, port: await freePort(attempt === 1 ? known.port : 0) }
      this.url = accessUrl(access)
      if (await this.#launch(access.port)) {
        if (access.port !== known.port) await writeAccess(cluster, access)
        return
      }
      // Both are temporary: another program has just taken the port, or sessions of a server that
      // was killed have not ended yet.
      const isTemporary = /could not bind|still in use/.test(await serverLog.written())
      if (!isTemporary || attempt === 20) throw await serverLog.failure('PostgreSQL ended while starting.')
      await wait(attempt * POLL_MS)
    }
  }

  async #launch(port: number): Promise<boolean> {
    const { cluster, binaries, settings, serverLog } = this.#parts
    const all = Object.entries({ ...SETTINGS, ...settings, port: String(port) })
    const args = ['-D', cluster.dir, ...all.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
    const program = runProgram(binaries.postgres, args, { account: cluster.account, output: serverLog.output })
    this.#program = program
    if (!(await untilReady(program, this.url))) {
      program.kill('SIGQUIT')
      return false
    }
    program.unref()
    void program.exited.then((code) => this.#restart(port, code))
    return true
  }

  async #restart(port: number, code: number | string): Promise<void> {
    for (let attempt = 1; !this.#stopping; attempt++) {
      const reason = await this.#parts.serverLog.reason().catch(() => '')
      this.#parts.log.error({ code, attempt, reason }, 'the embedded PostgreSQL ended by itself and is started again')
      if (await this.#launch(port)) return
      await wait(backoffMs(attempt, { baseMs: 100, maxMs: 10_000 }), undefined, { ref: false })
    }
  }

  /** Signals the server to stop and does not wait, because this process is about to exit. */
  interrupt(): void {
    this.#stopping = true
    this.#program?.kill('SIGINT')
  }

  /** Stops the server. Open transactions are rolled back; what was committed is in its files. */
  async stop(): Promise<void> {
    this.interrupt()
    const late = setTimeout(() => this.#program?.kill('SIGQUIT'), STOP_LIMIT_MS)
    await this.#program?.exited
    clearTimeout(late)
  }
}

/** A free port of 127.0.0.1: the preferred one if it is free, else one the system chooses. */
async function freePort(preferred: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => (preferred === 0 ? reject(error) : resolve(freePort(0))))
    probe.listen(preferred, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

async function acceptsConnections(url: string): Promise<boolean> {
  const client = new pg.Client(connectionConfig(url))
  client.on('error', () => {})
  try {
    await client.connect()
    await client.end()
    return true
  } catch (error) {
    // "Wrong password" is an answer too; the first statement will report it.
    return (error as { code?: string }).code === '28P01'
  }
}

/**
 * Waits until the server accepts connections; false when it has ended instead. Crash recovery may
 * take minutes.
 */
async function untilReady(program: Program, url: string): Promise<boolean> {
  let ended = false
  void program.exited.then(() => {
    ended = true
  })
  const limit = performance.now() + START_LIMIT_MS
  while (performance.now() < limit) {
    const answered = await acceptsConnections(url)
    if (ended) return false
    if (answered) return true
    await wait(POLL_MS)
  }
  return false
}
