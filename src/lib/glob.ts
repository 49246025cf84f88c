// Globs, compiled once: one dialect for rules, endpoints, policies and filters.
import { compilePattern } from './glob-pattern.ts'

/** A glob (`release/*`), or several of which one must match. */
export type Globs = string | readonly string[]

/** Whether a value is one of those wanted. */
export type Matcher = (value: string) => boolean

/** How the values of a field compare. */
export type GlobKind = {
  /**
   * `*` stops at a `/`, and `**` does not. Otherwise `*` matches anything, as in `kind/*` and `*`.
   */
  path: boolean
  /** As GitHub compares repositories, labels and logins. */
  ignoreCase: boolean
}

/** Event types, environments, applications, actions. */
export const NAME: GlobKind = { path: false, ignoreCase: false }

/** Logins and labels. */
export const LOGIN: GlobKind = { path: false, ignoreCase: true }

/** Branches and tags. */
export const REF: GlobKind = { path: true, ignoreCase: false }

/** Repositories. */
export const REPOSITORY: GlobKind = { path: true, ignoreCase: true }

/** Paths of files. Case is ignored, because some file systems ignore it. */
export const PATH: GlobKind = { path: true, ignoreCase: true }

/**
 * Compiles one or several globs: `*`, `**`, `?`, `{a,b}`, `!(a|b)`, and in paths `[0-9]`. One that
 * begins with `!` excludes values, wherever it stands: `['release/*', '!release/0.*']`; alone it
 * means "any but". An empty list matches nothing. A value written exactly like the glob always
 * matches it, so that `dependabot[bot]` and `C++` need no escaping.
 * @throws TypeError when a glob is empty.
 */
export function compileGlobs(globs: Globs, kind: GlobKind): Matcher {
  const patterns = typeof globs === 'string' ? [globs] : globs
  const wanted = patterns.filter((pattern) => !isExclusion(pattern)).map((pattern) => compile(pattern, kind))
  const unwanted = patterns.filter(isExclusion).map((pattern) => compile(pattern.slice(1), kind))
  const isAnyBut = wanted.length === 0 && unwanted.length > 0
  return (value) =>
    (isAnyBut || wanted.some((matches) => matches(value))) && !unwanted.some((matches) => matches(value))
}

/** Whether it excludes something, if it is an exclusion: `!` alone is not a glob. */
export function isGlob(text: string): boolean {
  return text !== '!'
}

/**
 * The pattern for SQL's `like` that matches as one `NAME` glob does, as long as its only special
 * character is `*`. The others (`?`, `{a,b}`, a leading `!`) have no counterpart and are literal
 * here: a filter finds a type that contains them only when it is written exactly so.
 */
export function likePattern(glob: string): string {
  return glob.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%')
}

/** `!(a|b)` is an ordinary glob, `!a` an exclusion. */
function isExclusion(pattern: string): boolean {
  return pattern.startsWith('!') && !pattern.startsWith('!(')
}

function compile(pattern: string, { path, ignoreCase }: GlobKind): Matcher {
  if (pattern === '') throw new TypeError('A glob must not be empty.')
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text)
  const exact = fold(pattern)
  const matches = compilePattern(exact, { path })
  return (value) => {
    const text = fold(value)
    return text === exact || matches(text)
  }
}
