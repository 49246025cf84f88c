// Where the `dev` of a data directory listens, so that commands in its folder find it, and send its
// token nowhere else.
import { readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isStillRunning, startedAt } from '../lib/running-process.ts'
import { writePrivately } from './private-file.ts'

type OwnServer = { url: string; pid: number; startedAt: string }

function fileOf(dataDir: string): string {
  return join(dataDir, 'api-address')
}

/** Stores where this process listens; what is returned forgets it again. */
export async function keepAddress(dataDir: string, url: string): Promise<() => Promise<void>> {
  const server: OwnServer = { url, pid: process.pid, startedAt: startedAt(process.pid) }
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await writePrivately(fileOf(dataDir), JSON.stringify(server))
  return () => rm(fileOf(dataDir), { force: true })
}

/** Where a running process listens for this data directory; undefined when none does. */
export function ownAddress(dataDir: string): string | undefined {
  try {
    const { url, pid, startedAt: since } = JSON.parse(readFileSync(fileOf(dataDir), 'utf8')) as OwnServer
    return isStillRunning(pid, since) && URL.canParse(url) ? url : undefined
  } catch {
    return undefined
  }
}
