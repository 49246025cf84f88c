// Which isolation a program gets: what the machine can do, and what the operator wants.
import { execFile } from 'node:child_process'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { AppError, errorText } from '../../lib/error.ts'
import type { Account } from './account.ts'
import { accountOf, accountProblem, maySwitch, NOBODY, openTo } from './account.ts'
import { inBubblewrap } from './bubblewrap.ts'

const run = promisify(execFile)

const PROBE_MS = 10_000

/** What may be asked for. `auto` is the first of the others that works here. */
export const ISOLATIONS = ['auto', 'bubblewrap', 'user', 'none'] as const

/** One of `ISOLATIONS`. */
export type IsolationName = (typeof ISOLATIONS)[number]

/**
 * The network of a program: none, that of the machine, or what a proxy lets through to these hosts
 * (`api.example.com`, `*.example.com`, each with `:` and a port other than 443).
 */
export type Network = 'none' | 'full' | { allow: readonly string[] }

/** What a program of an agent asks for. */
export type Wanted = {
  isolation?: IsolationName | undefined
  user?: string | undefined
  network?: Network | undefined
}

/** The service that programs run in. */
export type Surroundings = {
  isolation: IsolationName
  /** The account of programs that name none. */
  user?: string | undefined
  /** Files and folders with what the service alone may know. */
  hidden: readonly string[]
}

/** What a program gets. */
export type Isolation = { network: Network; hidden: readonly string[] } & (
  | { kind: 'bubblewrap'; account: Account | null }
  | { kind: 'user'; account: Account }
  | { kind: 'none'; reason: string; remedy: string }
)

/** Said of programs without isolation. */
export const UNISOLATED =
  "what the service's account can: the service's environment in /proc, .env, SIGNALBOX_DATA_DIR with the database's password, and the Docker socket if that account may use it"

/**
 * What programs must not see: the data directory, and the files that the environment is read from.
 */
export function secretPaths(dataDir: string, configPath: string | null, folder = process.cwd()): string[] {
  const folders = [folder, ...(configPath === null ? [] : [dirname(configPath)])]
  return [resolve(folder, dataDir), ...new Set(folders.map((each) => resolve(each, '.env')))]
}

/** Of a program that runs outside a service, as in a test of an agent. */
export function ownSurroundings(): Surroundings {
  return { isolation: 'auto', hidden: secretPaths('.signalbox', null) }
}

/**
 * Decides what a program gets.
 * @throws AppError `config_invalid` when it cannot have what was asked for by name.
 */
export async function isolationFor(wanted: Wanted, service: Surroundings): Promise<Isolation> {
  const { isolation = service.isolation, network = 'full' } = wanted
  const shared = { network, hidden: service.hidden }
  if (isolation === 'none') {
    const reason = 'isolation is "none"'
    if (wanted.user !== undefined) throw new AppError('config_invalid', `user: would not be used, because ${reason}`)
    requireFullNetwork(network, reason)
    const place = wanted.isolation === 'none' ? "`isolation: 'none'` of the agent" : 'SIGNALBOX_ISOLATION'
    return { ...shared, kind: 'none', reason, remedy: `Remove ${place}, unless it is meant` }
  }
  const user = wanted.user ?? service.user
  const account = user === undefined ? null : await accountOf(user)
  const inside = account ?? (maySwitch() ? NOBODY : null)
  const problem = isolation === 'user' ? 'isolation is "user"' : await bubblewrapProblem(inside, network)
  if (problem === null) return { ...shared, kind: 'bubblewrap', account: inside }
  if (isolation === 'bubblewrap') throw new AppError('config_invalid', `isolation: ${problem}`)
  requireFullNetwork(network, problem)
  if (account !== null) {
    await requireClosed(account, service.hidden)
    return { ...shared, kind: 'user', account }
  }
  if (isolation === 'auto') {
    const reason = `${problem}, and user names no account`
    return { ...shared, kind: 'none', reason, remedy: REMEDIES.get(problem) ?? 'Let bubblewrap work, or set user' }
  }
  throw new AppError('config_invalid', 'user: must name an account: set it, or SIGNALBOX_PROGRAM_USER')
}

function requireFullNetwork(network: Network, reason: string): void {
  if (network === 'full') return
  throw new AppError('config_invalid', `network: ${networkText(network)} needs bubblewrap; ${reason}`)
}

/** A network in words. */
export function networkText(network: Network): string {
  return typeof network === 'string' ? `"${network}"` : `allow: ${network.allow.join(', ')}`
}

async function requireClosed(account: Account, hidden: readonly string[]): Promise<void> {
  const problem = await accountProblem(account)
  if (problem !== null) throw new AppError('config_invalid', `user: cannot run programs as another account: ${problem}`)
  const [open] = await openTo(account, hidden)
  if (open === undefined) return
  const remedy = `run chmod go-rw ${open}, or name another account`
  throw new AppError('config_invalid', `user: ${account.name} can read ${open}: ${remedy}`)
}

const NOT_INSTALLED = 'bubblewrap is not installed'
const NOT_LINUX = 'bubblewrap is for Linux only'
const REMEDIES: ReadonlyMap<string, string> = new Map([
  [NOT_INSTALLED, 'Install bubblewrap, or set user'],
  [NOT_LINUX, 'Run it on Linux'],
])

const probes = new Map<string, Promise<string | null>>()

/** Why bubblewrap does not work here; null when it does, by running it once. */
function bubblewrapProblem(account: Account | null, network: Network): Promise<string | null> {
  const key = `${account?.uid} ${network === 'full'}`
  const known = probes.get(key) ?? probe(account, network)
  probes.set(key, known)
  return known
}

async function probe(account: Account | null, network: Network): Promise<string | null> {
  if (process.platform !== 'linux') return NOT_LINUX
  const view = { cwd: '/', read: [], write: [], hidden: [], hasNetwork: network === 'full', account }
  const [file, ...args] = inBubblewrap(['true'], view)
  try {
    await run(file, args, { cwd: '/', timeout: PROBE_MS })
    return null
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    const line = stderr?.trim().split('\n').at(-1) ?? ''
    if (line.includes('bwrap') && line.endsWith('not found')) return NOT_INSTALLED
    return `bubblewrap does not work here: ${line || errorText(error)}`
  }
}
