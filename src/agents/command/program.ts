// The program of a `command` agent: where it is, and whether it is there, found without running it.
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { errorText } from '../../lib/error.ts'

type Program = {
  argv: readonly [string, ...string[]]
  cwd?: string
  read?: readonly string[]
  write?: readonly string[]
}

/** The `cwd` that means a checkout of the event's commit. */
export const REPOSITORY = 'repository'

/**
 * The program with whole paths in place of those relative to the configuration's folder. Never to
 * the folder that it runs in: what is in a checkout was written by others.
 */
export function locate<Given extends Program>(program: Given, folder: string): Given {
  const { argv, cwd, read = [], write = [] } = program
  const [file, ...args] = argv
  const located = {
    ...program,
    argv: [isPath(file) ? resolve(folder, file) : file, ...args] as const,
    read: read.map((path) => resolve(folder, path)),
    write: write.map((path) => resolve(folder, path)),
  }
  return cwd === undefined || cwd === REPOSITORY ? located : { ...located, cwd: resolve(folder, cwd) }
}

/**
 * All that a program sees of the environment: the variables that are passed on by name, and a
 * folder of its own.
 */
export function environmentOf(home: string, names: readonly string[] = []): Record<string, string> {
  const known = ['LANG', ...names].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { HOME: home, TMPDIR: home, LANG: 'C.UTF-8', ...Object.fromEntries(known), PATH: searchPath() }
}

/** `PATH` without what is relative to the folder that a program runs in. */
function searchPath(): string {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute)
  return folders.join(delimiter) || '/usr/bin:/bin'
}

/** Why a located program cannot be started here; null when nothing is known against it. */
export function programProblem({ argv: [file], cwd }: Program): string | null {
  const isFolder = cwd !== undefined && cwd !== REPOSITORY
  if (isFolder && !statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) return `there is no folder ${cwd}`
  if (isPath(file)) return fileProblem(file)
  const folders = searchPath().split(delimiter)
  return folders.some((folder) => fileProblem(join(folder, file)) === null)
    ? null
    : `no folder of PATH has a program called ${file}`
}

function isPath(file: string): boolean {
  return /[/\\]/.test(file)
}

function fileProblem(path: string): string | null {
  try {
    if (!statSync(path).isFile()) return `${path} is not a file`
    accessSync(path, constants.X_OK)
    return null
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return `there is no file ${path}`
    return code === 'EACCES' ? `${path} is not executable: chmod +x ${path}` : errorText(error)
  }
}
