// Globs of repositories, as policies have them.
import { compileGlobs, REPOSITORY } from './glob.ts'
import { DEFAULT_FORGE, formatRepositoryRef, parseRepositoryRef } from './repository.ts'

const DEFAULT_FORGE_PREFIX = new RegExp(`^(!?)${DEFAULT_FORGE}:`, 'i')

/**
 * Whether a repository is one of those. Names and globs compare without the default forge, so that
 * neither has to write it.
 * @throws AppError `input_invalid` when it is not the name of a repository.
 */
export function isRepositoryIn(globs: readonly string[], repository: string): boolean {
  const patterns = globs.map((glob) => glob.replace(DEFAULT_FORGE_PREFIX, '$1'))
  return compileGlobs(patterns, REPOSITORY)(formatRepositoryRef(parseRepositoryRef(repository)))
}
