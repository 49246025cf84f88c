// As whom PostgreSQL runs: it refuses root, so root lends it an unprivileged account.
import { spawnSync } from 'node:child_process'

/** A user and group by number, as `child_process.spawn` takes them; empty means "as we are". */
export type Account = { uid?: number; gid?: number }

const NOBODY = 65534

/** Whether this process is root. */
export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** The account for a new cluster: ours, or "nobody" for root. */
export function chooseAccount(): Account {
  return isRoot() ? { uid: NOBODY, gid: NOBODY } : {}
}

/**
 * The environment of PostgreSQL's programs: nothing of ours, whose variables hold secrets.
 * `SystemRoot` is for Windows' sockets.
 */
export function bareEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    SystemRoot: process.env.SystemRoot,
    LC_ALL: 'C',
  }
}

/**
 * Whether the account can run this command, found out by doing it: mode bits do not tell of ACLs,
 * mounts and missing libraries.
 */
export function canRun(account: Account, command: string, args: string[]): { ok: boolean; reason: string } {
  const { status, error, stderr } = spawnSync(command, args, {
    ...account,
    cwd: '/',
    env: bareEnvironment(),
    encoding: 'utf8',
  })
  return { ok: status === 0, reason: error?.message ?? stderr?.trim() ?? '' }
}

/** Whether the account can get into a directory. */
export function canEnter(account: Account, directory: string): boolean {
  return !isRoot() || canRun(account, '/bin/sh', ['-c', 'cd "$0"', directory]).ok
}
