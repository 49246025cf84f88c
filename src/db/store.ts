// The database of an installation: the external one of DATABASE_URL, or the embedded one of the
// data directory.
import type { Environment } from '../lib/environment.ts'
import { AppError, errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { isAway } from './connection.ts'
import type { Database } from './database.ts'
import { embeddedUrl, openEmbedded } from './embedded/embedded.ts'
import { openDatabase } from './postgres.ts'

/**
 * An open database, and where it is. `close` also stops the embedded server, if this process
 * started it.
 */
export type Store = { database: Database; url: string; kind: 'embedded' | 'external'; close(): Promise<void> }

/** For what is not asked all the time; `pools.ts` says how many connections there are in all. */
const MAX = 3

/**
 * Opens the database. With `share`, an embedded server that another process runs is used, not
 * refused.
 * @throws AppError `database_busy` when another process uses the data directory
 * @throws AppError `database_failed` when the embedded server does not start
 * @throws AppError `database_unavailable` with the reason when the external one cannot be reached
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
    const database = await openDatabase({ url: runningUrl, log, max: MAX })
    await reach(database)
    return { database, url: runningUrl, kind, close: () => database.close() }
  }
  const embedded = await openEmbedded({ dataDir, log })
  const database = await openDatabase({ url: embedded.url, log, max: MAX })
  const close = async () => {
    await database.close()
    await embedded.close()
  }
  return { database, url: embedded.url, kind, close }
}

/** Asks once, so that whoever starts reads the reason at once: the password, the name, the port. */
async function reach(database: Database): Promise<void> {
  try {
    await database.query('select 1')
  } catch (error) {
    await database.close()
    if (!isAway(error)) throw error
    const sentence = `The database cannot be reached: ${errorText(error.cause)}.`
    throw new AppError('database_unavailable', sentence, { cause: error.cause })
  }
}
