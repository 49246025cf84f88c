// What somebody means by `acme/shop#12`, an address on the forge, a commit, or an environment.
import { AppError } from '../lib/error.ts'

/** How events about a thing are found: by their subjects, or by their commit. */
export type About = {
  subjects: readonly string[]
  /** The beginning of a commit's id, in a repository or in any. */
  sha: string | null
  repository: string | null
}

const SHA = /^[0-9a-f]{7,40}$/
const MAX_CHARS = 500

const USAGE =
  'write acme/shop#12, acme/shop@main, a commit, app/environment, the id of an event, or an address on the forge'

/**
 * Reads what is asked about.
 * @throws AppError `input_invalid` when it names nothing.
 */
export function readAbout(text: string): About {
  const given = text.trim()
  if (given === '' || given.length > MAX_CHARS) throw new AppError('input_invalid', `about: ${USAGE}`)
  const about = URL.canParse(given) && /^https?:/.test(given) ? ofAddress(new URL(given)) : ofName(given)
  if (about === null) throw new AppError('input_invalid', `about: ${JSON.stringify(given)} names nothing; ${USAGE}`)
  return about
}

function ofName(name: string): About | null {
  if (/^#\d+$/.test(name)) return null
  if (SHA.test(name)) return { subjects: [name], sha: name, repository: null }
  const [, repository = '', at = ''] = /^([^@#\s]+)@(\S+)$/.exec(name) ?? []
  if (SHA.test(at)) return { subjects: [name, `${repository}@${at.slice(0, 12)}`], sha: at, repository }
  const [, app, environment] = /^([^/@#]+)\/([^/@#]+)$/.exec(name) ?? []
  // An app in an environment looks like a repository.
  return bySubject(name, ...(app === undefined ? [] : [`${app}@${environment}`]))
}

function ofAddress({ pathname }: URL): About | null {
  const [owner, name, kind, ...rest] = pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decode)
  if (owner === undefined || name === undefined) return null
  const repository = `${owner}/${name.replace(/\.git$/, '')}`
  const [first = ''] = rest
  if (kind === undefined) return bySubject(repository)
  if (/^(pull|issues|discussions)$/.test(kind) && /^\d+$/.test(first)) return bySubject(`${repository}#${first}`)
  if (/^commits?$/.test(kind) && SHA.test(first)) {
    return { subjects: [`${repository}@${first.slice(0, 12)}`], sha: first, repository }
  }
  if (kind === 'tree' && first !== '') return bySubject(`${repository}@${rest.join('/')}`)
  if (kind === 'releases' && first === 'tag' && rest.length > 1)
    return bySubject(`${repository}@${rest.slice(1).join('/')}`)
  return null
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function bySubject(...subjects: string[]): About {
  return { subjects, sha: null, repository: null }
}
