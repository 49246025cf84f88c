// Starts a program of an agent: isolated, limited, and ended with its attempt.
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import type { ProcessGroup } from '../command/process-group.ts'
import { startProcessGroup } from '../command/process-group.ts'
import { asAccount, giveTo } from './account.ts'
import type { AllowList } from './allow-list.ts'
import { openAllowList } from './allow-list.ts'
import { bridged, PROXIED } from './bridge.ts'
import { inBubblewrap, isWithin } from './bubblewrap.ts'
import type { Isolation } from './isolation.ts'
import type { Limits } from './limits.ts'
import { allLimits, limited } from './limits.ts'

/** A program and what it may do. */
export type Program = {
  argv: readonly [string, ...string[]]
  /** All of its environment. */
  env: Record<string, string>
  /** Where it runs; a folder that it may read. */
  cwd: string
  /** Files and folders that it may read besides the system's and those that `argv` names. */
  read?: readonly string[]
  /** Folders that it may change. */
  write: readonly string[]
  /** Folders of the attempt, which become the account's that the program runs as. */
  own: readonly string[]
  limits?: Limits | undefined
  /** Makes a folder of the attempt, closed to others. */
  folder(): Promise<string>
  /** Writes to the job's log. */
  log(line: string): void
  signal: AbortSignal
  graceMs?: number | undefined
}

/**
 * Starts it.
 * @throws an error with the code ENOENT when there is no such program.
 */
export async function startProgram(program: Program, isolation: Isolation): Promise<ProcessGroup> {
  const { env, cwd, own, signal, graceMs } = program
  if (isolation.kind !== 'none' && isolation.account !== null) {
    for (const folder of own) await giveTo(isolation.account, folder)
  }
  const proxy = await proxyOf(program, isolation)
  try {
    const argv = wrapped(program, isolation, proxy?.path)
    const group = startProcessGroup(argv, {
      cwd: isolation.kind === 'bubblewrap' ? '/' : cwd,
      env: proxy === null ? env : { ...env, ...PROXIED },
      signal,
      graceMs,
    })
    return { ...group, exit: group.exit.finally(() => proxy?.close()) }
  } catch (error) {
    proxy?.close()
    throw error
  }
}

async function proxyOf({ folder, log }: Program, { network }: Isolation): Promise<AllowList | null> {
  if (typeof network === 'string') return null
  const onRefused = (target: string, reason: string) => log(`network: ${target} was refused: ${reason}`)
  return openAllowList({ allow: network.allow, folder: await folder(), onRefused })
}

function wrapped(program: Program, isolation: Isolation, proxy?: string): readonly [string, ...string[]] {
  if (process.platform === 'win32') return program.argv
  const { argv, env, cwd, read = [], write, own } = program
  const [name, ...args] = argv
  const file = find(name, cwd, env.PATH)
  const inside = limited([file, ...args], allLimits(program.limits), { processes: isolation.kind !== 'none' })
  if (isolation.kind === 'none') return inside
  if (isolation.kind === 'user') return asAccount(isolation.account, inside)
  const writable = [...write, ...own]
  // The files that `argv` names are what it needs, such as the script of an interpreter. Not the
  // folders: one may be the root. Nor what an earlier program may have put a link in the place of.
  const named = [file, ...args]
    .filter((path) => isAbsolute(path) && isFile(path))
    .filter((path) => !writable.some((folder) => isWithin(folder, path)))
  const bridge = proxy === undefined ? [] : [process.execPath, proxy]
  return inBubblewrap(proxy === undefined ? inside : bridged(inside, proxy), {
    cwd,
    read: [...named, ...read, ...bridge],
    write: writable,
    hidden: isolation.hidden,
    hasNetwork: isolation.network === 'full',
    account: isolation.account,
  })
}

function find(name: string, cwd: string, path = ''): string {
  const candidates = name.includes('/')
    ? [resolve(cwd, name)]
    : path.split(delimiter).map((folder) => join(folder, name))
  const found = candidates.find((candidate) => isExecutable(candidate))
  if (found !== undefined) return found
  throw Object.assign(new Error(`there is no program ${name} that may be run`), { code: 'ENOENT' })
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function isExecutable(path: string): boolean {
  try {
    if (!isFile(path)) return false
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
