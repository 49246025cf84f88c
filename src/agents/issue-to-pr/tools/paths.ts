// The paths that a model names.
import { z } from 'zod'
import { isPlainPath } from '../../../lib/git-names.ts'
import { entryAt, PathProblem } from '../../../workspaces/inside.ts'
import type { EditContext } from './tool.ts'
import { Refused } from './tool.ts'

/** A path as an argument. */
export const pathArgument = z.string().min(1).max(1024).describe('Relative to the repository, such as src/app.ts')

/**
 * A path within the repository in one form, `.` for the repository itself.
 * @throws Refused for any other.
 */
export function insidePath(given: string): string {
  const parts = given.split('/').filter((part) => part !== '.' && part !== '')
  const path = parts.join('/')
  if (given.startsWith('/')) throw new Refused(`${given} is absolute: name a path relative to the repository.`)
  if (path === '') return '.'
  if (isPlainPath(path)) return path
  throw new Refused(`${given} is refused: name a path inside the repository, without "..", and not in .git.`)
}

/**
 * A path that may be changed.
 * @throws Refused for one that may not.
 */
export function changeablePath(given: string, { refuse }: Pick<EditContext, 'refuse'>): string {
  const path = insidePath(given)
  if (path === '.') throw new Refused('Name a file, not the repository itself.')
  const reason = refuse(path)
  if (reason !== null) throw new Refused(`${reason} Solve the task without changing it.`)
  return path
}

/** Of these files those below a path, or the one that it names. */
export function filesAt(path: string, files: readonly string[]): string[] {
  return path === '.' ? [...files] : files.filter((file) => file === path || file.startsWith(`${path}/`))
}

/** What is at a path; refused where there is nothing, or a symlink on the way. */
export async function requireEntry(folder: string, path: string) {
  const entry = await entryAt(folder, path)
  if (entry === null) throw new PathProblem(`there is no ${path}`)
  return entry
}
