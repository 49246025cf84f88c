// Where the files of a database are, who owns them, and that a new one is complete or absent.
import { existsSync } from 'node:fs'
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import { silentLog as log } from '../../lib/log.ts'
import { chooseAccount, isRoot } from './account.ts'
import type { Cluster } from './cluster.ts'
import { accessUrl, clusterDir, createCluster, locateCluster, readAccess, writeAccess } from './cluster.ts'

let parent = ''
let dataDir = ''
let spareRoot = ''
beforeEach(async () => {
  parent = await openTestFolder()
  dataDir = join(parent, 'data')
  spareRoot = join(parent, 'spare')
  await mkdir(dataDir, { mode: 0o700 })
})

function locate(): Promise<Cluster> {
  return locateCluster({ dataDir, spareRoot, log })
}

describe('the place of a database', () => {
  test('is the folder "postgres" of the data directory', async () => {
    expect(await clusterDir(dataDir)).toBe(join(dataDir, 'postgres'))
    expect(await locate()).toEqual({
      dir: join(dataDir, 'postgres'),
      home: dataDir,
      account: chooseAccount(),
      exists: false,
    })
    // Looking has created nothing.
    expect(await readdir(dataDir)).toEqual([])
  })

  test('is where a link of that name points', async () => {
    const elsewhere = join(parent, 'elsewhere')
    await mkdir(elsewhere)
    await symlink(join(elsewhere, 'postgres'), join(dataDir, 'postgres'))
    expect(await clusterDir(dataDir)).toBe(join(elsewhere, 'postgres'))
    expect(await locate()).toMatchObject({ home: elsewhere, exists: false })
  })

  test('is refused, with what to do, when the link points to a folder that is gone', async () => {
    await symlink(join(parent, 'gone', 'postgres'), join(dataDir, 'postgres'))
    await expect(locate()).rejects.toMatchObject({
      code: 'database_failed',
      detail: expect.stringMatching(/gone; restore it, or delete .*\/postgres to start with an empty one\.$/),
    })
  })

  test('of an existing database is found, with the account that owns it', async () => {
    const dir = join(dataDir, 'postgres')
    await mkdir(dir)
    if (isRoot()) await chown(dir, 1234, 1235)
    const account = isRoot() ? { uid: 1234, gid: 1235 } : {}
    expect(await locate()).toEqual({ dir, home: dataDir, account, exists: true })
  })

  test.runIf(isRoot())('lets the account of PostgreSQL enter the data directory, and not list it', async () => {
    await locate()
    expect((await stat(dataDir)).mode & 0o777).toBe(0o711)
  })

  test.runIf(isRoot())('is a new folder of its own when the account cannot enter the data directory', async () => {
    await chmod(parent, 0o700)
    // On a path the account can enter, as /var/lib is.
    const enterable = await openTestFolder()
    const cluster = await locateCluster({ dataDir, spareRoot: join(enterable, 'spare'), log })
    expect(cluster).toMatchObject({ dir: join(cluster.home, 'postgres'), account: chooseAccount(), exists: false })
    expect(cluster.home.startsWith(join(enterable, 'spare'))).toBe(true)
    expect((await lstat(join(dataDir, 'postgres'))).isSymbolicLink()).toBe(true)
    // The next start finds the same place.
    expect((await locateCluster({ dataDir, spareRoot, log })).home).toBe(cluster.home)
    expect(existsSync(spareRoot)).toBe(false)
  })

  test.runIf(isRoot())('is never shared by two data directories', async () => {
    await chmod(parent, 0o700)
    const enterable = await openTestFolder()
    const other = join(parent, 'other')
    await mkdir(other)
    const options = { spareRoot: join(enterable, 'spare'), log }
    const homes = await Promise.all([dataDir, other].map((each) => locateCluster({ dataDir: each, ...options })))
    expect(new Set(homes.map(({ home }) => home)).size).toBe(2)
  })
})

describe('how to connect', () => {
  test('is stored so that only the account of PostgreSQL can read it, and replaced whole', async () => {
    const cluster = { ...(await locate()), exists: true }
    await mkdir(cluster.dir)
    await writeAccess(cluster, { password: 'first', port: 1 })
    await writeAccess(cluster, { password: 'second', port: 5433 })
    expect(await readAccess(cluster.dir)).toEqual({ password: 'second', port: 5433 })
    const { mode, uid } = await stat(join(cluster.dir, 'signalbox.json'))
    expect(mode & 0o777).toBe(0o600)
    expect(uid).toBe(cluster.account.uid ?? process.getuid?.())
    expect(await readdir(cluster.dir)).toEqual(['signalbox.json'])
  })

  test('is a connection string on loopback', () => {
    const url = new URL(accessUrl({ password: 'a-b_c', port: 5433 }))
    expect(url.href).toBe('postgresql://signalbox:a-b_c@127.0.0.1:5433/postgres')
  })

  test('has a password that needs no escaping in a connection string', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const password = Buffer.from(bytes).toString('base64url')
        expect(new URL(accessUrl({ password, port: 1 })).password).toBe(password)
      }),
    )
  })
})

describe('a new database', () => {
  /** Programs in place of PostgreSQL's own, which are tested with the embedded server. */
  const programs = async (initdb: string, postgres = 'cat > "$3/given"') => {
    const folder = await mkdtemp(join(parent, 'bin-'))
    await chmod(folder, 0o755)
    const made = { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') }
    await writeFile(made.initdb, `#!/bin/sh\n${initdb}\n`, { mode: 0o755 })
    await writeFile(made.postgres, `#!/bin/sh\n${postgres}\n`, { mode: 0o755 })
    return made
  }
  const entries = async ({ home }: Cluster) => (await readdir(home)).sort()

  test('appears when it is complete, with its password stored', async () => {
    const cluster = await locate()
    expect(await createCluster(cluster, await programs('exit 0'), 2)).toBe(true)
    expect(await entries(cluster)).toEqual(['postgres'])
    const { password, port } = await readAccess(cluster.dir)
    expect(password).toMatch(/^[\w-]{43}$/)
    expect(port).toBe(0)
    expect(await readFile(join(cluster.dir, 'given'), 'utf8')).toContain(`password '${password}'`)
    expect((await stat(cluster.dir)).mode & 0o777).toBe(0o700)
    expect(await locate()).toMatchObject({ exists: true })
  })

  test('does not appear when one of the programs fails, and the next one can be created', async () => {
    const cluster = await locate()
    expect(await createCluster(cluster, await programs('exit 1'), 2)).toBe(false)
    expect(await createCluster(cluster, await programs('exit 0', 'exit 1'), 2)).toBe(false)
    expect(existsSync(cluster.dir)).toBe(false)
    expect(await createCluster(cluster, await programs('exit 0'), 2)).toBe(true)
    expect(await entries(cluster)).toEqual(['postgres'])
  })

  test('has another password than any other', async () => {
    const binaries = await programs('exit 0')
    const passwords: string[] = []
    for (let i = 0; i < 3; i++) {
      const cluster = await locate()
      await createCluster(cluster, binaries, 2)
      passwords.push((await readAccess(cluster.dir)).password)
      await rm(cluster.dir, { recursive: true })
    }
    expect(new Set(passwords).size).toBe(3)
  })
})
