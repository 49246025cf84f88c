// Globs, compiled once: one dialect for rules, endpoints, policies and filters.
import picomatch from 'picomatch'

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
  if (!path && !/[?{}()\\]/.test(pattern)) return starMatcher(pattern, ignoreCase)
  const matches = picomatch(pattern, {
    dot: true,
    // `s`: a star matches a line break too.
    flags: ignoreCase ? 'is' : 's',
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

/**
 * A glob of names with no special character but `*`, matched exactly as `likePattern` does in SQL.
 * picomatch treats `.` and `/` as parts of a path even in names: its `a/**` matches `a`, and its
 * `*` does not match `..`.
 */
function starMatcher(pattern: string, ignoreCase: boolean): Matcher {
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text)
  const [first = '', ...rest] = fold(pattern).split(/\*+/)
  const last = rest.pop()
  if (last === undefined) return (value) => fold(value) === first
  return (value) => {
    const text = fold(value)
    const end = text.length - last.length
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false
    // Each part as early as it can be: a regular expression would try every way to place them, in
    // a time that grows with the power of the stars.
    let at = first.length
    for (const part of rest) {
      const found = text.indexOf(part, at)
      if (found === -1) return false
      at = found + part.length
    }
    return at <= end
  }
}
