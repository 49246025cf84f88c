// Whether the program of a `command` agent is there, found without running it.
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { AppError, errorText } from '../../lib/error.ts'

type Program = { argv: readonly [string, ...string[]]; cwd?: string | undefined }

/**
 * Refuses a path that cannot lead to a file: without a `cwd` the program runs in an empty folder.
 * @throws AppError `config_invalid` when the path is relative.
 */
export function requireFindable({ argv: [file], cwd }: Program): void {
  if (cwd !== undefined || !isPath(file) || isAbsolute(file)) return
  const whole = `\`\${import.meta.dirname}/${file.replace(/^\.[/\\]/, '')}\``
  const problem = `${file} is relative, and the program runs in an empty folder`
  throw new AppError('config_invalid', `command(): argv.0: ${problem}: write ${whole}, or set cwd`)
}

/** Why the program cannot be started on this machine; null when nothing is known against it. */
export function programProblem({ argv: [file], cwd }: Program): string | null {
  if (cwd !== undefined && !statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) return `there is no folder ${cwd}`
  if (isPath(file)) return fileProblem(resolve(cwd ?? '/', file))
  const folders = (process.env.PATH ?? '').split(delimiter)
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
