// The database of an installation: yours by DATABASE_URL, or the embedded one of its data
// directory.
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
 * Opens the database. With `share`, an embedded server that another Signalbox runs is used, not
 * refused.
 * @throws AppError `database_busy`, `database_failed`
 */
export async function openStore(options: {
  environment: Pick<Environment, 'DATABASE_URL' | 'SIGNALBOX_DATA_DIR'>
  log: Log
  share?: boolean
}): Promise<Store> {
  const { environment, log, share = false } = options
  const dataDir = environment.SIGNALBOX_DATA_DIR
  const yours = environment.DATABASE_URL
  const running = yours ?? (share ? await embeddedUrl(dataDir) : undefined)
  if (running !== undefined) {
    const database = await openDatabase({ url: running, log })
    return {
      database,
      url: running,
      kind: yours === undefined ? 'embedded' : 'external',
      close: () => database.close(),
    }
  }
  const embedded = await openEmbedded({ dataDir, log })
  const database = await openDatabase({ url: embedded.url, log })
  const close = async () => {
    await database.close()
    await embedded.close()
  }
  return { database, url: embedded.url, kind: 'embedded', close }
}
