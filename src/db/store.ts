// The database of an installation: the external one of DATABASE_URL, or the embedded one of the
// data directory.
import type { Environment } from '../lib/environment.ts'
import type { Log } from '../lib/log.ts'
import type { Database } from './database.ts'
import { embeddedUrl, openEmbedded } from './embedded/embedded.ts'
import { openDatabase } from './postgres.ts'

/**
 * An open database, and where it is. `close` also stops the embedded server, if this process
 * started it.
 */
export type Store = { database: Database; url: string; kind: 'embedded' | 'external'; close(): Promise<void> }

/**
 * Opens the database. With `share`, an embedded server that another process runs is used, not
 * refused.
 * @throws AppError `database_busy` when another process uses the data directory
 * @throws AppError `database_failed` when the embedded server does not start
 */
export async function openStore(options: {
  environment: Pick<Environment, 'DATABASE_URL' | 'SIGNALBOX_DATA_DIR'>
  log: Log
  share?: boolean
}): Promise<Store> {
  const { environment, log, share = false } = options
  const { DATABASE_URL: externalUrl, SIGNALBOX_DATA_DIR: dataDir } = environment
  const kind = externalUrl === undefined ? 'embedded' : 'external'
  const runningUrl = externalUrl ?? (share ? await embeddedUrl(dataDir) : undefined)
  if (runningUrl !== undefined) {
    const database = await openDatabase({ url: runningUrl, log })
    return { database, url: runningUrl, kind, close: () => database.close() }
  }
  const embedded = await openEmbedded({ dataDir, log })
  const database = await openDatabase({ url: embedded.url, log })
  const close = async () => {
    await database.close()
    await embedded.close()
  }
  return { database, url: embedded.url, kind, close }
}
