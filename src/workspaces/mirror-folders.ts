// Where the mirrors of an installation are on disk.
import { readdir, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { DEFAULT_FORGE, formatRepositoryRef, parseRepositoryRef } from '../lib/repository.ts'
import type { Mirror } from './mirror.ts'

/**
 * The mirror of a repository. Forges do not tell names apart by case, and neither do some file
 * systems.
 */
export function mirrorOf(folder: string, repository: string): Mirror {
  const { forge, path } = parseRepositoryRef(repository)
  return mirrorAt(folder, join(forge ?? DEFAULT_FORGE, path.toLowerCase()))
}

/** The mirror at `github/acme/shop`. */
function mirrorAt(folder: string, place: string): Mirror {
  const [forge = '', ...parts] = place.split('/')
  return {
    name: formatRepositoryRef({ forge, path: parts.join('/') }),
    folder: join(folder, `${place}.git`),
    locks: join(folder, '.locks', place),
  }
}

/** All mirrors on disk, those that are being made too. */
export async function mirrorsIn(folder: string): Promise<Mirror[]> {
  const found = await foldersBelow(folder)
  return found.map((path) => mirrorAt(folder, relative(folder, path).replace(/\.git$/, '')))
}

async function foldersBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const nested = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(async ({ name }) => {
      const path = join(folder, name)
      if (name.endsWith('.git')) return [path]
      // What was being removed when its process was killed.
      if (/\.git\.removed-[^/]*$/.test(name)) await rm(path, { recursive: true, force: true })
      return /\.git\./.test(name) ? [] : foldersBelow(path)
    })
  return (await Promise.all(nested)).flat()
}
