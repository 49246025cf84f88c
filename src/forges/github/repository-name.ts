// `owner/name`, checked before it becomes part of an address.
import { AppError } from '../../lib/error.ts'

// GitHub's own limits: 39 characters for an owner (a few more for enterprise users), 100 for a
// name.
const REPOSITORY = /^([A-Za-z0-9](?:[A-Za-z0-9-]|_(?=[A-Za-z0-9])){0,99})\/([A-Za-z0-9._-]{1,100})$/

/** The two parts of `owner/name`; throws `AppError('input_invalid')` for anything else. */
export function parseRepository(repository: string): { owner: string; repo: string } {
  const [, owner, repo] = REPOSITORY.exec(repository) ?? []
  if (owner === undefined || repo === undefined || /^\.+$/.test(repo)) {
    throw new AppError('input_invalid', `"${repository.slice(0, 200)}" is not a repository: write owner/name.`)
  }
  return { owner, repo }
}
