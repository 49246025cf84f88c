// What may be written at all, whoever asks for it.
import { z } from 'zod'
import { AppError } from '../lib/error.ts'
import { compileGlobs, isGlob, PATH } from '../lib/glob.ts'
import { isRepositoryIn } from '../lib/repository-globs.ts'
import { entryLabel, PARSING, problemLines } from '../lib/zod.ts'
import type { Output } from './output.ts'
import type { FileChange } from './output-fields.ts'

const glob = z.string().min(1).max(256).refine(isGlob, 'must name what it excludes after "!"')
const globs = z.array(glob).max(100).readonly()

const policy = z.strictObject({
  /** Globs of repositories, case ignored: `acme/*`. Default: any that the token can write. */
  repositories: globs.optional(),
  /** Beginnings of branch names. Default `agenta/` and `signalbox/`. */
  branchPrefixes: z.array(z.string().min(1).max(200)).min(1).max(100).readonly().optional(),
  /**
   * Globs of paths never written or deleted, case ignored. They replace the default: what changes
   * how git reads the repository, and what runs something or grants rights on the forge.
   */
  protectedPaths: globs.optional(),
  /** Files in one pull request or commit. Default 100. */
  maxFiles: z.int().min(1).max(1000).optional(),
  /** What a review may say in all. Default `COMMENT` alone. */
  reviewEvents: z
    .array(z.enum(['COMMENT', 'APPROVE', 'REQUEST_CHANGES']))
    .readonly()
    .optional(),
})

/** Limits on what outputs may do; a default stands where a part is absent. */
export type Policy = z.infer<typeof policy>

const DEFAULT_REPOSITORIES = ['**']
const DEFAULT_BRANCH_PREFIXES = ['agenta/', 'signalbox/']
const DEFAULT_MAX_FILES = 100
const DEFAULT_REVIEW_EVENTS = ['COMMENT']
// Submodules fetch other repositories; attributes run filters.
const PROTECTED_ON_ANY_FORGE = ['.gitmodules', '**/.gitattributes']

/**
 * Checks the policies of a configuration's rules.
 * @throws AppError `config_invalid` naming each rule and field at fault.
 */
export function checkPolicies(rules: readonly { name: string; policy?: unknown }[]): void {
  const problems = rules.flatMap((rule, index) => {
    const { error } = z.object({ policy: policy.optional() }).safeParse({ policy: rule.policy }, PARSING)
    return error ? problemLines(error).map((line) => `${entryLabel('rules', index, rule)}: ${line}`) : []
  })
  if (problems.length > 0) throw new AppError('config_invalid', problems.join('\n'))
}

/**
 * Why the output may not be written, as a sentence; null when it may. `forge` names the paths that
 * its own kind of forge protects.
 */
export function refusal(
  output: Output,
  limits: Policy,
  forge: { readonly protectedPaths: readonly string[] },
): string | null {
  if (!isRepositoryIn(limits.repositories ?? DEFAULT_REPOSITORIES, output.repository)) {
    return `The repository ${output.repository} is not one that policy.repositories allows.`
  }
  if (output.kind === 'review')
    return eventRefusal(output.event ?? 'COMMENT', limits.reviewEvents ?? DEFAULT_REVIEW_EVENTS)
  if (output.kind !== 'pull_request' && output.kind !== 'commit') return null
  return (
    branchRefusal(output.branch, limits.branchPrefixes ?? DEFAULT_BRANCH_PREFIXES) ??
    filesRefusal(output, {
      maxFiles: limits.maxFiles ?? DEFAULT_MAX_FILES,
      protectedPaths: limits.protectedPaths ?? [...PROTECTED_ON_ANY_FORGE, ...forge.protectedPaths],
    })
  )
}

function branchRefusal(branch: string, prefixes: readonly string[]): string | null {
  if (!prefixes.some((prefix) => branch.startsWith(prefix))) {
    return `The branch ${branch} does not begin with ${prefixes.join(' or ')}; policy.branchPrefixes can allow others.`
  }
  return isBranchName(branch) ? null : `${JSON.stringify(branch)} is not a branch name git accepts.`
}

function eventRefusal(event: string, allowed: readonly string[]): string | null {
  return allowed.includes(event) ? null : `A review may not ${event}; policy.reviewEvents can allow it.`
}

function filesRefusal(
  { changes }: { changes: readonly FileChange[] },
  limits: { maxFiles: number; protectedPaths: readonly string[] },
) {
  if (changes.length > limits.maxFiles)
    return `${changes.length} files are more than the ${limits.maxFiles} that policy.maxFiles allows.`
  const isProtected = compileGlobs(limits.protectedPaths, PATH)
  const seen = new Set<string>()
  for (const { path } of changes) {
    if (!isPlainPath(path)) return `${JSON.stringify(path)} is not a path inside the repository.`
    // A file below a protected one would take its place.
    if (withParents(path).some(isProtected))
      return `The path ${path} is protected; policy.protectedPaths says which are.`
    if (seen.has(path)) return `The path ${path} is changed twice.`
    seen.add(path)
  }
  return null
}

/** `a`, `a/b` and `a/b/c` of `a/b/c`. */
function withParents(path: string): string[] {
  const parts = path.split('/')
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'))
}

/** The rules of `git check-ref-format`, and 255 bytes (GitHub's limit) for the whole reference. */
function isBranchName(branch: string): boolean {
  return (
    Buffer.byteLength(`refs/heads/${branch}`) <= 255 &&
    branch.isWellFormed() &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids them
    !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[/-]|[/.]$/.test(branch) &&
    branch.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'))
  )
}

// Characters that HFS+ ignores in names.
const IGNORED_IN_NAMES = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g

/**
 * Whether a part of a path is empty, `.` or `..`, or is `.git` to some file system: HFS+ ignores
 * case and some characters, NTFS also dots and spaces at the end and what follows a colon, and
 * has a short name for it.
 */
function isGitOrDots(part: string): boolean {
  return /^(?:\.{0,2}|(?:\.git|git~\d)[. ]*(?::.*)?)$/is.test(part.replace(IGNORED_IN_NAMES, ''))
}

function isPlainPath(path: string): boolean {
  return (
    path.isWellFormed() &&
    Buffer.byteLength(path) <= 1024 &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none belongs in a path
    !/[\u0000-\u001f\u007f\\]/.test(path) &&
    !path.split('/').some(isGitOrDots)
  )
}
