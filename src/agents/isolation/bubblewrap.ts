// The arguments of bubblewrap: what a program sees of the machine, which is a list of what it may
// see and nothing else.
import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Account } from './account.ts'
import { asAccount } from './account.ts'

/** What a program in bubblewrap sees. */
export type View = {
  cwd: string
  /** Files and folders it may read. */
  read: readonly string[]
  /** Folders it may change. */
  write: readonly string[]
  /** What it must not see where a folder of the above has it. */
  hidden: readonly string[]
  /** Whether it has the network of the machine; else one of its own, with loopback alone. */
  hasNetwork: boolean
  /** Whom it runs as; null when it keeps the account of the service. */
  account: Account | null
}

const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64']
// What programs look up: accounts, names of hosts, certificates, the time zone, libraries. No keys:
// of /etc/ssl and /etc/pki only what is public.
const ETC = [
  'alternatives',
  'ca-certificates',
  'gai.conf',
  'group',
  'host.conf',
  'hosts',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'mime.types',
  'nsswitch.conf',
  'passwd',
  'pki/ca-trust',
  'pki/tls/certs',
  'protocols',
  'resolv.conf',
  'services',
  'ssl/certs',
  'ssl/openssl.cnf',
  'timezone',
].map((name) => `/etc/${name}`)

// In memory, each.
const TEMPORARY_BYTES = 256 * 1024 * 1024

/** Runs a program in bubblewrap. `env` is what the caller starts this with; nothing is added. */
export function inBubblewrap(argv: readonly string[], view: View): readonly [string, ...string[]] {
  const { cwd, account } = view
  // There, because the folder may be closed to the account that sets all of this up.
  const inFolder = ['env', '--default-signal=TERM', `--chdir=${cwd}`, ...argv]
  const whom = account === null ? inFolder : asAccount(account, inFolder)
  const privileges =
    account === null
      ? ['--unshare-user', '--cap-drop', 'ALL']
      : ['--cap-drop', 'ALL', '--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID']
  const namespaces = ['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try']
  if (!view.hasNetwork) namespaces.push('--unshare-net')
  const args = [...privileges, ...namespaces, '--die-with-parent', ...mounts(view), '--chdir', '/']
  // The group gets SIGTERM, which must end the program and not bubblewrap, whose end is SIGKILL for
  // the program. No session of its own either: the group's leader has one, without a terminal.
  const ignoring = 'trap "" TERM; exec "$@"'
  return ['/bin/sh', '-c', ignoring, 'sh', 'bwrap', ...args, '--', ...whom]
}

function mounts({ cwd, read, write, hidden }: View): string[] {
  // What is in a folder that it may change is seen there, and may be a link that leads out of it.
  const isSeen = cwd === '/' || write.some((folder) => isWithin(folder, cwd))
  const etc = ETC.filter((path) => ![...read, ...write].some((folder) => isWithin(folder, path)))
  const readable = [...etc, ...read, ...(isSeen ? [] : [cwd])]
  const temporary = ['--perms', '1777', '--size', String(TEMPORARY_BYTES), '--tmpfs']
  return [
    ...SYSTEM.flatMap(systemFolder),
    ...[...temporary, '/tmp'],
    ...binds(readable, write),
    ...masks([...SYSTEM, ...readable, ...write], hidden),
    // After the binds, which must not bring those of the machine.
    ...['--proc', '/proc', '--dev', '/dev', ...temporary, '/dev/shm', '--remount-ro', '/dev'],
    // Else it is memory without a limit.
    ...['--remount-ro', '/'],
  ]
}

/** On most systems only /usr is a folder, and the others are links to folders in it. */
function systemFolder(path: string): string[] {
  if (!existsSync(path)) return []
  return lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}

/** A folder comes before what is in it, which it would otherwise cover. */
function binds(read: readonly string[], write: readonly string[]): string[] {
  const readable = read.filter((path) => !write.includes(path)).map((path) => ['--ro-bind', path] as const)
  return [...readable, ...write.map((path) => ['--bind', path] as const)]
    .filter(([, path]) => existsSync(path))
    .sort(([, a], [, b]) => a.length - b.length)
    .flatMap(([how, path]) => [...parents(path), how, path, path])
}

/** The folders above, which bubblewrap would close to all accounts but its own. */
function parents(path: string): string[] {
  const above = dirname(path)
  return above === path || above === '/' ? [] : [...parents(above), '--perms', '0755', '--dir', above]
}

/** Covers what is hidden, wherever it can be seen. */
function masks(seen: readonly string[], hidden: readonly string[]): string[] {
  const secret = hidden.filter((path) => existsSync(path)).map((path) => realpathSync(path))
  const folders = [...new Set(seen)].filter((path) => existsSync(path) && !isLinkOfSystem(path))
  const covered = folders.flatMap((folder) =>
    secret.flatMap((path) => {
      const real = realpathSync(folder)
      return isWithin(real, path) ? [join(folder, relative(real, path))] : []
    }),
  )
  return [...new Set(covered)].flatMap((path) =>
    statSync(path).isDirectory() ? ['--tmpfs', path, '--remount-ro', path] : ['--ro-bind', '/dev/null', path],
  )
}

function isLinkOfSystem(path: string): boolean {
  return SYSTEM.includes(path) && lstatSync(path).isSymbolicLink()
}

/** Whether a path is that of the folder, or of what is in it, as they are written. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith('../')
}
