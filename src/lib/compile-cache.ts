// Where Node keeps what it compiles, so that the next start is faster.
import { lstatSync, mkdirSync } from 'node:fs'
// An older Node.js, which is to say that it is too old, does not have the function.
import * as nodeModule from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Keeps what is compiled from here on, unless NODE_COMPILE_CACHE does already: in a folder that no
 * other account can write to, because Node runs what is there as it is. Its own default is one that
 * whoever comes first makes.
 */
export function keepCompiled(): void {
  const folder = join(tmpdir(), `signalbox-compiled-${process.getuid?.() ?? 'own'}`)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const found = lstatSync(folder)
    const isOwn = process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o022) === 0)
    if (found.isDirectory() && isOwn) nodeModule.enableCompileCache(folder)
  } catch {
    // It starts more slowly.
  }
}
