// The embedded database's files: where they are, who owns them, and making them the first time.
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  chmod,
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError } from '../../lib/error.ts'
import type { Log } from '../../lib/log.ts'
import type { Account } from './account.ts'
import { canEnter, chooseAccount, isRoot } from './account.ts'
import type { Binaries } from './binaries.ts'
import { runProgram } from './program.ts'

/**
 * A database cluster: `dir` is PostgreSQL's data directory, `home` the folder around it, `account`
 * who owns and runs it.
 */
export type Cluster = { dir: string; home: string; account: Account; exists: boolean }

/** What is needed to connect. The port is the one of the last start. */
export type Access = { password: string; port: number }

/** PostgreSQL's data directory: `<dataDir>/postgres`, or where a link of that name points. */
export async function clusterDir(dataDir: string): Promise<string> {
  const path = join(dataDir, 'postgres')
  return readlink(path).catch(() => path)
}

async function makeHomeElsewhere(dataDir: string, spareRoot: string, log: Log): Promise<string> {
  const home = join(spareRoot, randomUUID())
  await mkdir(home, { recursive: true })
  await chmod(spareRoot, 0o755)
  // The link is the only record of the place, so that removing the data directory forgets the
  // database too.
  await symlink(join(home, 'postgres'), join(dataDir, 'postgres'))
  log.warn({ dataDir, home }, 'an unprivileged account cannot enter the data directory: the database is kept elsewhere')
  return home
}

/**
 * Lets PostgreSQL's account pass through a folder of ours, on its way to its own, without listing
 * it.
 */
async function letPass(folder: string): Promise<void> {
  const { mode } = await stat(folder)
  await chmod(folder, (mode & 0o777) | 0o011)
}

/** The account that owns an existing cluster, or undefined when there is none yet. */
async function ownerOf(dir: string): Promise<Account | undefined> {
  const found = await stat(dir).catch(() => undefined)
  if (!found) return undefined
  if (isRoot()) return { uid: found.uid, gid: found.gid }
  if (process.getuid && found.uid !== process.getuid()) {
    throw new AppError('database_failed', `${dir} belongs to the user id ${found.uid}; run Signalbox as before.`)
  }
  return {}
}

/**
 * Finds the cluster of a data directory, or the place for a new one. PostgreSQL refuses to run as
 * root; where the account that root lends it cannot enter the data directory (below /root), the
 * place is a folder of `spareRoot` instead.
 */
export async function locateCluster(options: { dataDir: string; spareRoot: string; log: Log }): Promise<Cluster> {
  const { dataDir, spareRoot, log } = options
  const dir = await clusterDir(dataDir)
  const home = dirname(dir)
  if (!existsSync(home)) {
    throw new AppError(
      'database_failed',
      `The database was kept in ${home}, which is gone; restore it, or remove ${dataDir}/postgres to begin with an empty one.`,
    )
  }
  if (isRoot()) await letPass(home)
  const owner = await ownerOf(dir)
  if (owner) return { dir, home, account: owner, exists: true }
  const account = chooseAccount()
  if (home !== dataDir || canEnter(account, home)) return { dir, home, account, exists: false }
  const spare = await makeHomeElsewhere(dataDir, spareRoot, log)
  await letPass(spare)
  return { dir: join(spare, 'postgres'), home: spare, account, exists: false }
}

async function give(path: string, { uid, gid }: Account): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
}

async function writeDurably(path: string, text: string, account: Account): Promise<void> {
  const draft = `${path}.new`
  await rm(draft, { force: true })
  await writeFile(draft, text, { mode: 0o600, flush: true })
  await give(draft, account)
  await rename(draft, path)
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path)
  await handle.sync().finally(() => handle.close())
}

function accessFile(dir: string): string {
  return join(dir, 'signalbox.json')
}

/**
 * Reads how to connect to a cluster. The file lies in PostgreSQL's own directory, closed to
 * everyone but its account.
 */
export async function readAccess(dir: string): Promise<Access> {
  return JSON.parse(await readFile(accessFile(dir), 'utf8')) as Access
}

/** Remembers how to connect to a cluster. */
export async function writeAccess(cluster: Cluster, access: Access): Promise<void> {
  return writeDurably(accessFile(cluster.dir), JSON.stringify(access), cluster.account)
}

/** The connection string of a cluster: loopback only, the password being 256 random bits. */
export function accessUrl({ password, port }: Access): string {
  return `postgresql://signalbox:${password}@127.0.0.1:${port}/postgres`
}

/**
 * Removes what interrupted attempts left. Their `initdb` may still be at it, so this may fail, and
 * every draft has its own name.
 */
async function removeDrafts({ dir, home }: Cluster): Promise<void> {
  const drafts = (await readdir(home)).filter((name) => name.startsWith(`${basename(dir)}.new-`))
  for (const name of drafts) await rm(join(home, name), { recursive: true, force: true, maxRetries: 3 }).catch(() => {})
}

/**
 * Makes a new cluster. It comes to be by a rename, complete and with its password, so that one
 * interrupted on the way is not mistaken for a database: the next start removes the draft and
 * begins again. False when `initdb` failed.
 */
export async function createCluster(cluster: Cluster, binaries: Binaries, output: number): Promise<boolean> {
  const { dir, home, account } = cluster
  await removeDrafts(cluster)
  const draft = `${dir}.new-${randomUUID()}`
  const passwordFile = `${draft}.password`
  const password = randomBytes(32).toString('base64url')
  await mkdir(draft, { mode: 0o700 })
  await give(draft, account)
  await writeDurably(passwordFile, password, account)
  const args = ['--pgdata', draft, '--username=signalbox', '--pwfile', passwordFile, '--auth=scram-sha-256']
  // The built-in provider sorts and folds UTF-8 alike on every system, whatever locales it has.
  args.push('--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8')
  const code = await runProgram(binaries.initdb, [...args, '--no-instructions'], { account, output }).exited
  await rm(passwordFile, { force: true })
  if (code !== 0) return false
  await writeDurably(accessFile(draft), JSON.stringify({ password, port: 0 }), account)
  await rename(draft, dir)
  await syncDirectory(home)
  return true
}
