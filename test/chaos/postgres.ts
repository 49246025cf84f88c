// A real PostgreSQL that can be stopped, started again and killed, always on the same port.
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { clusterDir } from '../../src/db/embedded/cluster.ts'
import { openEmbedded } from '../../src/db/embedded/embedded.ts'
import { readPostmaster } from '../../src/db/embedded/postmaster.ts'
import { silentLog } from '../../src/lib/log.ts'

/** A running server. What disturbs it resolves to false when it is being disturbed already. */
export type RestartablePostgres = {
  url: string
  /** Stops it as an administrator would, and starts it again after a while. */
  restart(awayMs: number): Promise<boolean>
  /** Kills it, as a machine short of memory would; it is started again by itself. */
  crash(): Promise<boolean>
  close(): Promise<void>
}

/** Creates the server in a folder. */
export async function openRestartablePostgres(folder: string): Promise<RestartablePostgres> {
  const dataDir = join(folder, 'data')
  const start = () => openEmbedded({ dataDir, spareRoot: join(folder, 'spare'), log: silentLog })
  let server = await start()
  const { url } = server
  let isDisturbed = false

  const disturb = async (how: () => Promise<void>): Promise<boolean> => {
    if (isDisturbed) return false
    isDisturbed = true
    await how()
    isDisturbed = false
    return true
  }
  return {
    url,
    restart: (awayMs) =>
      disturb(async () => {
        await server.close()
        await wait(awayMs)
        server = await start()
        if (server.url !== url) throw new Error(`PostgreSQL came back at another address: ${server.url}`)
      }),
    crash: () =>
      disturb(async () => {
        const postmaster = await readPostmaster(await clusterDir(dataDir))
        if (postmaster) process.kill(postmaster.pid, 'SIGKILL')
        do await wait(50)
        while (!(await accepts(url)))
      }),
    close: () => server.close(),
  }
}

async function accepts(url: string): Promise<boolean> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  )
}
