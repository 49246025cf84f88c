// Globs, compiled once: what a rule may write for a branch, a label, a login or an event's type.
import picomatch from 'picomatch'
import type { Globs } from './rule.ts'

/** Tells whether a value is one that was asked for. */
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

/**
 * Compiles one or several globs: `*`, `**`, `?`, `{a,b}`, `!(a|b)`, and in paths `[0-9]`. One that
 * begins with `!` takes values out again: `['release/*', '!release/0.*']`; alone it means "any
 * but". A value that is written exactly like the glob always matches it, so that `dependabot[bot]`
 * and `C++` need no escaping. Throws for an empty glob.
 */
export function compileGlobs(globs: Globs, kind: GlobKind): Matcher {
  const patterns = typeof globs === 'string' ? [globs] : globs
  const wanted = patterns.filter((pattern) => !isExclusion(pattern)).map((pattern) => compile(pattern, kind))
  const unwanted = patterns.filter(isExclusion).map((pattern) => compile(pattern.slice(1), kind))
  return (value) =>
    (wanted.length === 0 || wanted.some((matches) => matches(value))) && !unwanted.some((matches) => matches(value))
}

/** `!(a|b)` is an ordinary glob, `!a` an exclusion. */
function isExclusion(pattern: string): boolean {
  return pattern.startsWith('!') && !pattern.startsWith('!(')
}

function compile(pattern: string, { path, ignoreCase }: GlobKind): Matcher {
  const matches = picomatch(pattern, {
    dot: true,
    nocase: ignoreCase,
    nonegate: true,
    // The same rule means the same on every machine.
    windows: false,
    // `bash` lets a star cross slashes. Brackets are letters of a login (`renovate[bot]`): as a
    // class they would admit `renovateb`.
    ...(path ? {} : { bash: true, literalBrackets: true }),
  })
  const exact = ignoreCase ? pattern.toLowerCase() : pattern
  return (value) => (ignoreCase ? value.toLowerCase() : value) === exact || matches(value)
}
