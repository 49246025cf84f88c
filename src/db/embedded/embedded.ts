// PostgreSQL without installing it: a server of our own in a folder, started and stopped with
// Signalbox.
import { mkdir, realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { AppError } from '../../lib/error.ts'
import type { Log } from '../../lib/log.ts'
import { openBinaries } from './binaries.ts'
import { accessUrl, clusterDir, createCluster, locateCluster, readAccess } from './cluster.ts'
import { lockOwner } from './owner.ts'
import type { Settings } from './postgres-server.ts'
import { Server } from './postgres-server.ts'
import { isPostmaster, readPostmaster, stopOrphan } from './postmaster.ts'
import type { ServerLog } from './server-log.ts'
import { openServerLog } from './server-log.ts'

/** A running embedded server. `url` stays the same for as long as it is open. */
export type Embedded = { url: string; close(): Promise<void> }

/** How to open one. */
export type EmbeddedOptions = {
  /** Where everything is kept; made when missing. */
  dataDir: string
  log: Log
  /** Server settings other than the usual ones. */
  settings?: Settings
  /**
   * Where root keeps the databases of data directories that an unprivileged account cannot enter.
   */
  spareRoot?: string
  /** The package with PostgreSQL's programs, when it is not the installed one. */
  packageDir?: string
}

async function start(dataDir: string, serverLog: ServerLog, options: EmbeddedOptions): Promise<Server> {
  const { log, packageDir, settings = {}, spareRoot = '/var/lib/signalbox' } = options
  const cluster = await locateCluster({ dataDir, spareRoot, log })
  if (cluster.exists) await stopOrphan(cluster.dir)
  const binaries = await openBinaries({
    account: cluster.account,
    runtimeDir: join(cluster.home, 'runtime'),
    log,
    ...(packageDir === undefined ? {} : { packageDir }),
  })
  if (!cluster.exists) {
    log.info({ dir: cluster.dir }, 'making the embedded PostgreSQL database')
    const created = await createCluster(cluster, binaries, serverLog.output)
    if (!created) throw await serverLog.failure('initdb failed.')
  }
  const server = new Server({ cluster, binaries, settings, serverLog, log })
  await server.start()
  return server
}

/**
 * Opens the embedded PostgreSQL of a data directory: makes it the first time, ends a server that a
 * killed Signalbox left behind, and gives a connection string.
 * @throws `database_busy` when another process has it open, and `database_failed`, naming the log,
 * when it does not start.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  await mkdir(dirname(resolve(options.dataDir)), { recursive: true })
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 })
  const dataDir = await realpath(options.dataDir)
  const lock = await lockOwner(dataDir)
  const serverLog = await openServerLog(dataDir)
  const release = () => {
    lock.release()
    serverLog.close()
  }
  const server = await start(dataDir, serverLog, options).catch((error) => {
    release()
    throw error
  })
  const onExit = () => {
    server.interrupt()
    lock.release()
  }
  process.once('exit', onExit)
  const close = async () => {
    await server.stop()
    process.off('exit', onExit)
    release()
  }
  let closing: Promise<void> | undefined
  return {
    url: server.url,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/**
 * The connection string of the embedded server that runs in this data directory, whoever runs it;
 * nothing when none does.
 */
export async function embeddedUrl(dataDir: string): Promise<string | undefined> {
  const dir = await clusterDir(resolve(dataDir))
  try {
    const postmaster = await readPostmaster(dir)
    if (!postmaster?.ready || !isPostmaster(postmaster.pid, dir)) return undefined
    return accessUrl({ ...(await readAccess(dir)), port: postmaster.port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    throw new AppError('database_failed', `${dir} belongs to another account; run this as the one Signalbox runs as.`, {
      cause: error,
    })
  }
}
