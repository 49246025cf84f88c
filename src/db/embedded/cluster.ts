// The files of the embedded database: where they are, who owns them, and how they are created.
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
 * A database cluster: `dir` is PostgreSQL's data directory, `home` the folder it is in, `account`
 * the account that owns and runs it.
 */
export type Cluster = { dir: string; home: string; account: Account; exists: boolean }

/** How to connect to a cluster: its password, and the port of its last start. */
export type ClusterAccess = { password: string; port: number }

/** PostgreSQL's data directory: `<dataDir>/postgres`, or the target of a link of that name. */
export async function clusterDir(dataDir: string): Promise<string> {
  const path = join(dataDir, 'postgres')
  return readlink(path).catch(() => path)
}

async function createSpareHome(dataDir: string, spareRoot: string, log: Log): Promise<string> {
  const home = join(spareRoot, randomUUID())
  await mkdir(home, { recursive: true })
  await chmod(spareRoot, 0o755)
  // The link is the only record of the place: a new data directory has a new database.
  await symlink(join(home, 'postgres'), join(dataDir, 'postgres'))
  log.warn(
    { dataDir, home },
    'the account of PostgreSQL cannot enter the data directory, so the database is in another folder',
  )
  return home
}

/** Lets PostgreSQL's account enter a folder, without listing it, to reach a folder inside. */
async function allowEntering(folder: string): Promise<void> {
  const { mode } = await stat(folder)
  await chmod(folder, (mode & 0o777) | 0o011)
}

/** The account that owns an existing cluster, or undefined when there is none yet. */
async function ownerOf(dir: string): Promise<Account | undefined> {
  const found = await stat(dir).catch(() => undefined)
  if (!found) return undefined
  if (isRoot()) return { uid: found.uid, gid: found.gid }
  if (process.getuid && found.uid !== process.getuid()) {
    const sentence = `${dir} belongs to user ${found.uid}; run Signalbox as that user, not as ${process.getuid()}.`
    throw new AppError('database_failed', sentence)
  }
  return {}
}

/**
 * Finds the cluster of a data directory, or the place for a new one. Run by root, PostgreSQL has
 * another account; when that cannot enter the data directory (below /root), the place is a folder
 * in `spareRoot`.
 * @throws AppError `database_failed` when the files are gone or belong to another user.
 */
export async function locateCluster(options: { dataDir: string; spareRoot: string; log: Log }): Promise<Cluster> {
  const { dataDir, spareRoot, log } = options
  const dir = await clusterDir(dataDir)
  const home = dirname(dir)
  if (!existsSync(home)) {
    throw new AppError(
      'database_failed',
      `The database was in ${home}, which is gone; restore it, or delete ${dataDir}/postgres to start with an empty one.`,
    )
  }
  if (isRoot()) await allowEntering(home)
  const owner = await ownerOf(dir)
  if (owner) return { dir, home, account: owner, exists: true }
  const account = chooseAccount()
  if (home !== dataDir || canEnter(account, home)) return { dir, home, account, exists: false }
  const spare = await createSpareHome(dataDir, spareRoot, log)
  await allowEntering(spare)
  return { dir: join(spare, 'postgres'), home: spare, account, exists: false }
}

async function changeOwner(path: string, { uid, gid }: Account): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
}

async function writeDurably(path: string, text: string, account: Account): Promise<void> {
  const draft = `${path}.new`
  await rm(draft, { force: true })
  await writeFile(draft, text, { mode: 0o600, flush: true })
  await changeOwner(draft, account)
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
 * Reads how to connect. Only PostgreSQL's account can read the file, as all of its directory.
 * @throws AppError `database_failed` when Signalbox did not make this directory.
 */
export async function readAccess(dir: string): Promise<ClusterAccess> {
  const text = await readFile(accessFile(dir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
    const sentence = `${dir} is not a database that Signalbox made: move it away, or set another SIGNALBOX_DATA_DIR.`
    throw new AppError('database_failed', sentence, { cause: error })
  })
  return JSON.parse(text) as ClusterAccess
}

/** Stores how to connect. */
export async function writeAccess(cluster: Cluster, access: ClusterAccess): Promise<void> {
  return writeDurably(accessFile(cluster.dir), JSON.stringify(access), cluster.account)
}

/** The connection string of a cluster: loopback only, with a password of 256 random bits. */
export function accessUrl({ password, port }: ClusterAccess): string {
  return `postgresql://signalbox:${password}@127.0.0.1:${port}/postgres`
}

/**
 * Deletes drafts of interrupted runs. This may fail while their `initdb` still runs; drafts have
 * unique names.
 */
async function removeDrafts({ dir, home }: Cluster): Promise<void> {
  const drafts = (await readdir(home)).filter((name) => name.startsWith(`${basename(dir)}.new-`))
  for (const name of drafts) await rm(join(home, name), { recursive: true, force: true, maxRetries: 3 }).catch(() => {})
}

// Nobody can log in as the superuser, so that whoever gets hold of the connection cannot run
// programs or read files by it. One statement a line, as a server without connections reads them.
const ACCESS = 'host all signalbox 127.0.0.1/32 scram-sha-256\n'
function roleStatements(password: string): string {
  return [
    `create role signalbox login createdb in role pg_checkpoint password '${password}'`,
    'alter database postgres owner to signalbox',
    '',
  ].join(';\n')
}

/**
 * Creates a new cluster; false when `initdb` failed. It is built as a draft and renamed when it is
 * complete, so that an interrupted one is never taken for a database.
 */
export async function createCluster(cluster: Cluster, binaries: Binaries, output: number): Promise<boolean> {
  const { dir, home, account } = cluster
  await removeDrafts(cluster)
  const draft = `${dir}.new-${randomUUID()}`
  await mkdir(draft, { mode: 0o700 })
  await changeOwner(draft, account)
  const args = ['--pgdata', draft, '--username=postgres', '--auth=reject']
  // The built-in provider sorts and folds UTF-8 the same on every system, whatever its locales.
  args.push('--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8')
  if ((await runProgram(binaries.initdb, [...args, '--no-instructions'], { account, output }).exited) !== 0)
    return false
  const password = randomBytes(32).toString('base64url')
  const single = ['--single', '-D', draft, '-c', 'log_min_error_statement=panic', 'postgres']
  const made = runProgram(binaries.postgres, single, { account, output, input: roleStatements(password) })
  if ((await made.exited) !== 0) return false
  await writeDurably(join(draft, 'pg_hba.conf'), ACCESS, account)
  await writeDurably(accessFile(draft), JSON.stringify({ password, port: 0 }), account)
  await rename(draft, dir)
  await syncDirectory(home)
  return true
}
