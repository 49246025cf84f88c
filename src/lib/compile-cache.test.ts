import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readdir, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openTestFolder } from '../../test/folder.ts'

const MODULE = new URL('compile-cache.ts', import.meta.url).href
const SCRIPT = `import { getCompileCacheDir } from 'node:module'
import { keepCompiled } from ${JSON.stringify(MODULE)}
keepCompiled()
console.log(getCompileCacheDir() ?? 'none')`

/** Where a process with that folder for temporary files keeps what it compiles. */
function keptBelow(tmp: string, more: NodeJS.ProcessEnv = {}): string {
  const env = { PATH: process.env.PATH, TMPDIR: tmp, ...more }
  return execFileSync(process.execPath, ['--input-type=module', '-e', SCRIPT], { env, encoding: 'utf8' }).trim()
}

const OWN = `signalbox-compiled-${process.getuid?.()}`

test('what is compiled is kept where no other account can write, or where NODE_COMPILE_CACHE says', async () => {
  const tmp = await openTestFolder()
  expect(keptBelow(tmp)).toContain(join(tmp, OWN))
  expect(await readdir(tmp)).toEqual([OWN])
  expect((await stat(join(tmp, OWN))).mode & 0o777).toBe(0o700)
  expect(keptBelow(tmp)).toContain(join(tmp, OWN))
  const named = await openTestFolder()
  expect(keptBelow(tmp, { NODE_COMPILE_CACHE: named })).toContain(named)
})

test('nothing is loaded from a folder that another account can write to or has linked', async () => {
  const tmp = await openTestFolder()
  await mkdir(join(tmp, OWN))
  await chmod(join(tmp, OWN), 0o777)
  expect(keptBelow(tmp)).toBe('none')
  const linked = await openTestFolder()
  await symlink(await openTestFolder(), join(linked, OWN))
  expect(keptBelow(linked)).toBe('none')
  expect(keptBelow(join(tmp, 'not-there', 'at-all'))).toContain(OWN)
})

test('a checkout keeps what it compiles in the same folder, and loads nothing through a link either', async () => {
  const run = (tmp: string) => {
    const env = { PATH: process.env.PATH, TMPDIR: tmp }
    execFileSync(fileURLToPath(new URL('../../bin/signalbox', import.meta.url)), ['--version'], { env })
  }
  const tmp = await openTestFolder()
  run(tmp)
  expect(await readdir(tmp)).toEqual([OWN])
  expect((await stat(join(tmp, OWN))).mode & 0o777).toBe(0o700)
  const [linked, target] = [await openTestFolder(), await openTestFolder()]
  await symlink(target, join(linked, OWN))
  run(linked)
  expect(await readdir(target)).toEqual([])
})
