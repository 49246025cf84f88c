// PostgreSQL without an installation: a server in the data directory, started and stopped by
// Signalbox.
import { existsSync } from 'node:fs'
import { mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { AppError } from '../../lib/error.ts'
import type { Log } from '../../lib/log.ts'
import { systemFailure } from '../../lib/system-error.ts'
import { openBinaries } from './binaries.ts'
import { accessUrl, clusterDir, createCluster, locateCluster, readAccess } from './cluster.ts'
import { lockOwner } from './owner.ts'
import type { Settings } from './postgres-server.ts'
import { PostgresServer } from './postgres-server.ts'
import { isPostmaster, readPostmaster, stopOrphan } from './postmaster.ts'
import type { ServerLog } from './server-log.ts'
import { openServerLog } from './server-log.ts'

/** A running embedded server. `url` does not change until it is closed. */
export type Embedded = { url: string; close(): Promise<void> }

/** The options of an embedded server. */
export type EmbeddedOptions = {
  /** The folder of all its files; created when missing. */
  dataDir: string
  log: Log
  /** Server settings that differ from the defaults. */
  settings?: Settings
  /**
   * Run by root: the folder for databases whose data directory PostgreSQL's account cannot enter.
   */
  spareRoot?: string
  /** The folder of the package with PostgreSQL's programs. Default: the installed one. */
  packageDir?: string
}

/**
 * Opens the embedded PostgreSQL of a data directory. The first time it creates the database; it
 * stops a server that a killed Signalbox left running.
 * @throws AppError `database_busy` when another process uses the data directory
 * @throws AppError `database_failed` when the data directory cannot be used, or the server does not
 * start; the detail says why.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  return openIn(options).catch((error: unknown) => {
    const failure = systemFailure(error)
    if (failure === null) throw error
    const sentence = `The data directory ${options.dataDir} cannot be used: ${failure.reason}. ${failure.remedy}`
    throw new AppError('database_failed', sentence, { cause: error })
  })
}

async function openIn(options: EmbeddedOptions): Promise<Embedded> {
  await makeFolder(dirname(resolve(options.dataDir)))
  await makeFolder(resolve(options.dataDir), 0o700)
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
 * Makes a folder with those above it. Node's own `recursive` goes on for ever where a folder is
 * there but takes none, as `/proc` is.
 */
async function makeFolder(path: string, mode?: number): Promise<void> {
  try {
    await mkdir(path, mode)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if ((code === 'EEXIST' || code === 'EACCES' || code === 'EROFS') && (await isFolder(path))) return
    if (code !== 'ENOENT' || (await isFolder(dirname(path)))) throw error
    await makeFolder(dirname(path))
    await mkdir(path, mode)
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

async function start(dataDir: string, serverLog: ServerLog, options: EmbeddedOptions): Promise<PostgresServer> {
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
    log.info({ dir: cluster.dir }, 'creating the embedded PostgreSQL database')
    const created = await createCluster(cluster, binaries, serverLog.output)
    if (!created) throw await serverLog.failure('initdb failed.')
  }
  const server = new PostgresServer({ cluster, binaries, settings, serverLog, log })
  await server.start()
  return server
}

/** Whether a data directory has a database already. */
export async function hasCluster(dataDir: string): Promise<boolean> {
  return existsSync(await clusterDir(resolve(dataDir)))
}

/**
 * The connection string of the embedded server that runs in this data directory, whichever process
 * started it; undefined when none runs.
 * @throws AppError `database_failed` when the files belong to another account.
 */
export async function embeddedUrl(dataDir: string): Promise<string | undefined> {
  const dir = await clusterDir(resolve(dataDir))
  try {
    const postmaster = await readPostmaster(dir)
    if (!postmaster?.ready || !isPostmaster(postmaster.pid, dir)) return undefined
    return accessUrl({ ...(await readAccess(dir)), port: postmaster.port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    throw new AppError(
      'database_failed',
      `${dir} belongs to another account; run this command as the account that runs Signalbox.`,
      {
        cause: error,
      },
    )
  }
}
