// Removing mirrors: where they exceed their limit, and where their disk is full.
import { stat, statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Log } from '../lib/log.ts'
import { lockNow } from './lock.ts'
import { bytesOf, lastUsedMs, removeMirror } from './mirror.ts'
import { mirrorsIn } from './mirror-folders.ts'
import { noteSync } from './sync-failures.ts'

type Evicting = { folder: string; log: Log }
/** What all mirrors take, and what those took that were removed. */
type Sizes = { total: number; freed: number }

const SHARE_OF_FULL_DISK = 0.1

/** Removes mirrors until the others fit. Returns whether they still exceed the limit. */
export async function evictAbove(maxBytes: number, evicting: Evicting): Promise<boolean> {
  try {
    const { total } = await evict(evicting, ({ total }) => total <= maxBytes)
    return total > maxBytes
  } catch (err) {
    evicting.log.warn({ err }, 'no mirror could be evicted')
    return true
  }
}

/**
 * Removes mirrors until a tenth of their disk was freed, if a folder that could not be written to
 * is on that disk. Returns whether anything was.
 */
export async function evictFor(writesTo: string, evicting: Evicting): Promise<boolean> {
  const { folder, log } = evicting
  try {
    const [own, other] = await Promise.all([stat(folder), stat(writesTo)])
    if (own.dev !== other.dev) return false
    const { blocks, bsize } = await statfs(folder)
    const { freed } = await evict(evicting, ({ freed }) => freed >= blocks * bsize * SHARE_OF_FULL_DISK)
    return freed > 0
  } catch (err) {
    log.warn({ err }, 'no mirror could be evicted')
    return false
  }
}

/**
 * Removes mirrors, the one that was not used for longest first, until it is enough. One in use
 * stays, however large it is.
 */
async function evict({ folder, log }: Evicting, isEnough: (sizes: Sizes) => boolean): Promise<Sizes> {
  if ((await mirrorsIn(folder)).length === 0) return { total: 0, freed: 0 }
  // Two at once would both remove what one of them must.
  const release = await lockNow(join(folder, '.locks', 'eviction'), 'exclusive')
  if (release === null) return { total: Number.POSITIVE_INFINITY, freed: 0 }
  try {
    const mirrors = await Promise.all(
      (await mirrorsIn(folder)).map(async (mirror) => ({
        mirror,
        bytes: await bytesOf(mirror.folder),
        usedMs: (await lastUsedMs(mirror)) ?? 0,
      })),
    )
    const sizes = { total: mirrors.reduce((sum, { bytes }) => sum + bytes, 0), freed: 0 }
    for (const { mirror, bytes } of mirrors.sort((one, other) => one.usedMs - other.usedMs)) {
      if (isEnough(sizes)) break
      if (!(await removeMirror(mirror))) continue
      sizes.total -= bytes
      sizes.freed += bytes
      await noteSync(folder, mirror.name, null)
      log.info({ repository: mirror.name, bytes }, `the mirror ${basename(mirror.folder)} was evicted`)
    }
    return sizes
  } finally {
    await release()
  }
}
