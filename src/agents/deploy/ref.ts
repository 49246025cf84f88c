// Which commit is asked for: a name is looked up before anything else is done with it.
import type { ReadForge } from '../../forges/forge.ts'
import { AppError } from '../../lib/error.ts'
import { compileGlobs, REF } from '../../lib/glob.ts'
import { Refused } from './refused.ts'

/** A commit, and what people call it: a tag, a branch or its first digits. */
export type Version = { sha: string; version: string }

/** What is asked for: by name, or a commit that the event itself is about. */
export type Asked = { ref: string } | { tag: string } | { sha: string; label?: string | undefined } | null

type Where = { forge: ReadForge; repository: string; allowed: readonly string[] | undefined }

const SHA = /^[0-9a-f]{40}$/
// git-check-ref-format(1), and nothing that is not seen.
const NAME = /^(?![-/.])(?!.*(?:\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)))[^\p{C}\p{Z}~^:?*[\\]+(?<![/.])$/u

/**
 * The commit of what is asked for, of the default branch if nothing is.
 * @throws Refused with a sentence for people, when there is none or it may not be deployed.
 */
export async function resolveVersion(where: Where, asked: Asked): Promise<Version> {
  const { forge, repository } = where
  if (asked === null) return branchVersion(where, await forge.defaultBranch(repository))
  if ('tag' in asked) return tagVersion(where, asked.tag)
  if ('sha' in asked) {
    if (where.allowed !== undefined) await requireOnBranch(where, asked.sha, branchesOf(where.allowed))
    return { sha: asked.sha, version: asked.label ?? short(asked.sha) }
  }
  return namedVersion(where, asked.ref)
}

async function namedVersion(where: Where, ref: string): Promise<Version> {
  const { forge, repository, allowed } = where
  if (SHA.test(ref)) {
    const branches = allowed === undefined ? [await forge.defaultBranch(repository)] : branchesOf(allowed)
    await requireOnBranch(where, ref, branches)
    return { sha: ref, version: short(ref) }
  }
  const [, kind, name = ''] = /^(?:(?:refs\/)?(heads|tags)\/)?(.*)$/su.exec(ref) ?? []
  if (!NAME.test(name)) throw new Refused('that is not the name of a branch or a tag')
  if (kind === 'heads') return branchVersion(where, name)
  if (kind === 'tags') return tagVersion(where, name)
  const [tag, branch] = [await forge.tagSha(repository, name), await forge.branchSha(repository, name)]
  if (tag !== null && branch !== null && tag !== branch) {
    throw new Refused('there are a branch and a tag of that name: write heads/NAME or tags/NAME')
  }
  return tag === null ? branchVersion(where, name) : tagVersion(where, name)
}

async function branchVersion(where: Where, name: string): Promise<Version> {
  return versionOf(where, name, await where.forge.branchSha(where.repository, name))
}

async function tagVersion(where: Where, name: string): Promise<Version> {
  if (!NAME.test(name)) throw new Refused('the tag has a name that git does not accept')
  return versionOf(where, name, await where.forge.tagSha(where.repository, name))
}

function versionOf({ repository, allowed }: Where, name: string, sha: string | null): Version {
  if (sha === null) throw new Refused(`${repository} has no branch or tag of that name`)
  if (allowed !== undefined && !compileGlobs(allowed, REF)(name)) {
    throw new Refused(`it is not one of ${allowed.join(', ')}, which may be deployed here`)
  }
  return { sha, version: name }
}

async function requireOnBranch({ forge, repository }: Where, sha: string, branches: readonly string[]): Promise<void> {
  for (const branch of branches) {
    // A commit of a fork can be asked for by its hash too.
    const more = await forge.commitsBetween(repository, branch, sha).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'forge_failed') return null
      throw error
    })
    if (more?.length === 0) return
  }
  const of = branches.length === 0 ? 'a branch that is allowed by its name' : branches.join(' or ')
  throw new Refused(`the commit ${short(sha)} is not on ${of}; name a branch or a tag`)
}

/** The globs that name one branch each. */
function branchesOf(globs: readonly string[]): string[] {
  return globs.filter((glob) => !/[*?[\]{}()!]/.test(glob))
}

/** The digits of a commit that people read. */
export function short(sha: string): string {
  return sha.slice(0, 7)
}
