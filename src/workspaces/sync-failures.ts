// Which repositories could not be synchronised last: kept in files, for the doctor.
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A failure that no later sync has ended. */
export type SyncFailure = { name: string; problem: string; since: Date }

/** Notes how a sync of something went; `problem` is null when it went well. */
export async function noteSync(folder: string, name: string, problem: string | null): Promise<void> {
  const path = join(folder, '.failed', encodeURIComponent(name))
  if (problem === null) return rm(path, { force: true })
  await mkdir(join(folder, '.failed'), { recursive: true, mode: 0o700 })
  await writeFile(path, problem)
}

/** What failed last and has not gone well since. */
export async function syncFailures(folder: string): Promise<SyncFailure[]> {
  const names = await readdir(join(folder, '.failed')).catch(() => [])
  return Promise.all(
    names.sort().map(async (name) => {
      const path = join(folder, '.failed', name)
      const [problem, { mtime }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
      return { name: decodeURIComponent(name), problem, since: mtime }
    }),
  )
}
