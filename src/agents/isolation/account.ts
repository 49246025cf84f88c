// Accounts that programs run as, so that they cannot read what belongs to the service.
import { execFile } from 'node:child_process'
import { lchown, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { AppError, errorText } from '../../lib/error.ts'

const run = promisify(execFile)

/** A system account. */
export type Account = { name: string; uid: number; gid: number }

// Of root's programs in bubblewrap, which must not be root's: the kernel does not count the
// processes of root.
/** The account without rights. */
export const NOBODY: Account = { name: 'nobody', uid: 65_534, gid: 65_534 }

/** Whether this process may run programs as another account. */
export function maySwitch(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0
}

/**
 * Looks an account up by its name or number.
 * @throws AppError `config_invalid` when there is none, it is root, or this process may not switch.
 */
export async function accountOf(user: string): Promise<Account> {
  if (!maySwitch()) {
    const remedy = 'run the service as root, or leave user out and use bubblewrap'
    throw new AppError('config_invalid', `user: only root, on Linux, may run programs as "${user}": ${remedy}`)
  }
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => numberOf(flag, user)))
  if (uid === undefined || gid === undefined) {
    throw new AppError('config_invalid', `user: there is no account "${user}": make one with useradd --system ${user}`)
  }
  if (uid === 0 || gid === 0) {
    throw new AppError('config_invalid', `user: "${user}" has the rights of root: name an account without them`)
  }
  return { name: user, uid, gid }
}

async function numberOf(flag: string, user: string): Promise<number | undefined> {
  const { stdout } = await run('id', [flag, '--', user]).catch(() => ({ stdout: '' }))
  return /^\d+\n$/.test(stdout) ? Number(stdout) : undefined
}

/** Runs a program as the account, without its other groups, and without a way back by sudo. */
export function asAccount({ uid, gid }: Account, argv: readonly string[]): readonly [string, ...string[]] {
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs', '--', ...argv]
}

/** Why programs cannot be run as the account here; null when they can. */
export async function accountProblem(account: Account): Promise<string | null> {
  const [file, ...args] = asAccount(account, ['true'])
  return run(file, args).then(() => null, errorText)
}

/** Those of the files, and of the files in these folders, that the account may read. */
export async function openTo(account: Account, paths: readonly string[]): Promise<string[]> {
  const files = await Promise.all(paths.map((path) => filesIn(path, DEPTH)))
  // Asked of the system as that account: mode bits, access lists and the folders above all count.
  const script = 'for path; do [ -r "$path" ] && echo "$path"; done; :'
  const [file, ...args] = asAccount(account, ['/bin/sh', '-c', script, 'sh', ...files.flat()])
  const { stdout } = await run(file, args, { cwd: '/' })
  return stdout.split('\n').filter((line) => line !== '')
}

// The keys of a data directory are in it, and the password in the folder of the cluster.
const DEPTH = 2

async function filesIn(path: string, depth: number): Promise<string[]> {
  const found = await stat(path).catch(() => null)
  if (found === null || !found.isDirectory()) return found?.isFile() ? [path] : []
  if (depth === 0) return []
  const names = await readdir(path)
  return (await Promise.all(names.map((name) => filesIn(join(path, name), depth - 1)))).flat()
}

/** Makes a folder and all in it the account's, once. No link is followed. */
export async function giveTo(account: Account, folder: string): Promise<void> {
  // A program of the account may be changing what is in it, while root walks through it.
  if ((await stat(folder)).uid !== account.uid) await changeOwner(account, folder)
}

async function changeOwner(account: Account, folder: string): Promise<void> {
  // Not `recursive`, which goes through links.
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await changeOwner(account, path)
    else await lchown(path, account.uid, account.gid)
  }
  await lchown(folder, account.uid, account.gid)
}
