// The account PostgreSQL runs as: it refuses to run as root, so root starts it as "nobody".
import { spawnSync } from 'node:child_process'

/** A user and group by number, as `child_process.spawn` takes them; empty for the current ones. */
export type Account = { uid?: number; gid?: number }

const NOBODY = 65534

/** Whether this process is root. */
export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** The account for a new cluster: the current one, or "nobody" for root. */
export function chooseAccount(): Account {
  return isRoot() ? { uid: NOBODY, gid: NOBODY } : {}
}

/**
 * The environment of PostgreSQL's programs: none of this process's variables, which hold secrets.
 * Sockets on Windows need `SystemRoot`.
 */
export function bareEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    SystemRoot: process.env.SystemRoot,
    LC_ALL: 'C',
  }
}

/**
 * Whether the account can run this command, found by running it: mode bits do not show access
 * lists, mount options and missing libraries.
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

/** Whether the account can enter a directory. */
export function canEnter(account: Account, directory: string): boolean {
  return !isRoot() || canRun(account, '/bin/sh', ['-c', 'cd "$0"', directory]).ok
}
