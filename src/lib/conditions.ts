// Conditions on JSON: which values an event must have to be wanted (pure).
import { z } from 'zod'
import { cut } from './cut.ts'
import type { Matcher } from './glob.ts'
import { compileGlobs, isGlob, NAME } from './glob.ts'
import type { Json } from './json.ts'

const MAX_SHOWN_CHARS = 80
const PATH_PART = /(?:^|\.)([^.[\]"]{1,200})|\[(\d{1,6})\]|\["([^"]{1,200})"\]/y

// Payloads have texts of megabytes, and the time of a negation after a star grows with the square.
const glob = z
  .string()
  .min(1)
  .max(200)
  .refine(isGlob, 'must name what it excludes after "!"')
  .refine((text) => !text.includes('!('), 'must not contain "!(": use the operator not, or eq for these characters')
const scalar = z.union([glob, z.number(), z.boolean(), z.null()])
const scalars = z.union([scalar, z.array(scalar).min(1).max(100)])
const limit = z.union([z.number(), z.string().max(200)])
const exact = z.union([z.string().max(1000), z.number(), z.boolean(), z.null()])
const operators = z
  .strictObject({
    eq: exact,
    in: z.array(exact).min(1).max(100),
    not: scalars,
    gt: limit,
    gte: limit,
    lt: limit,
    lte: limit,
    exists: z.boolean(),
  })
  .partial()
  .refine((given) => Object.keys(given).length > 0, 'must name at least one operator')

/**
 * Values of the payload by their paths, all of which must hold: a value, globs, or operators. An
 * absent one meets only `exists: false` and `not`.
 */
export const conditions = z
  .record(
    z.string().refine((path) => partsOf(path) !== null, 'must be a path such as data.config.model or commits[0].id'),
    z.union([scalars, operators]),
  )
  .refine((given) => Object.keys(given).length <= 20, 'must have at most 20 paths')

/**
 * What somebody wants of a payload: `{ "data.revision": { "gte": 3 }, "ref": "refs/heads/*" }`.
 */
export type Conditions = z.infer<typeof conditions>

/**
 * Why a payload is not wanted: `it wants data.revision >= 3, and this is 2`; null when all
 * conditions hold. Undefined is an event that says nothing.
 */
export function conditionObjection(wanted: Conditions, payload: Json | undefined): string | null {
  for (const check of compile(wanted)) {
    const actual = valueAt(payload, check.parts)
    if (check.holds(actual)) continue
    const found = actual === undefined ? 'there is none' : `this is ${shown(actual)}`
    return `it wants ${check.text}, and ${found}`
  }
  return null
}

type Check = { parts: readonly (string | number)[]; text: string; holds(actual: Json | undefined): boolean }

// Compiled once for every copy.
const compiled = new WeakMap<Conditions, readonly Check[]>()

function compile(wanted: Conditions): readonly Check[] {
  const known = compiled.get(wanted)
  if (known !== undefined) return known
  const checks = Object.entries(wanted).flatMap(([path, value]) => {
    const parts = partsOf(path) ?? []
    return checksOf(value).map(({ holds, text }): Check => ({ parts, holds, text: text(path) }))
  })
  compiled.set(wanted, checks)
  return checks
}

type Test = { holds: Check['holds']; text(path: string): string }

function checksOf(value: Conditions[string]): Test[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [oneOf(value)]
  const { eq, in: among, not, exists, ...limits } = value
  const unwanted = not === undefined ? null : matcherOf(not)
  return [
    ...(eq === undefined ? [] : [anyOf([eq])]),
    ...(among === undefined ? [] : [anyOf(among)]),
    ...(not === undefined || unwanted === null
      ? []
      : [{ holds: (actual) => !unwanted(actual), text: (path) => `${path} not ${listed(not)}` } satisfies Test]),
    ...Object.entries(limits).flatMap(([name, bound]) =>
      bound === undefined ? [] : limitTest(name as keyof typeof LIMITS, bound),
    ),
    ...(exists === undefined ? [] : [existence(exists)]),
  ]
}

function oneOf(value: z.infer<typeof scalars>): Test {
  return { holds: matcherOf(value), text: (path) => `${path} ${listed(value)}` }
}

function anyOf(values: readonly z.infer<typeof exact>[]): Test {
  return { holds: (actual) => values.some((value) => value === actual), text: (path) => `${path} ${listed(values)}` }
}

function existence(wanted: boolean): Test {
  return { holds: (actual) => (actual !== undefined) === wanted, text: (path) => (wanted ? path : `no ${path}`) }
}

const LIMITS = {
  gt: { sign: '>', holds: (a: number | string, b: number | string) => a > b },
  gte: { sign: '>=', holds: (a: number | string, b: number | string) => a >= b },
  lt: { sign: '<', holds: (a: number | string, b: number | string) => a < b },
  lte: { sign: '<=', holds: (a: number | string, b: number | string) => a <= b },
} as const

/** Numbers compare with numbers, and texts, such as times in ISO 8601, with texts. */
function limitTest(name: keyof typeof LIMITS, bound: number | string): Test {
  const { sign, holds } = LIMITS[name]
  return {
    holds: (actual) =>
      (typeof actual === 'number' || typeof actual === 'string') &&
      typeof actual === typeof bound &&
      holds(actual, bound),
    text: (path) => `${path} ${sign} ${shown(bound)}`,
  }
}

/** Texts are globs, of which one must match and none that begins with `!`; the rest is equal. */
function matcherOf(value: z.infer<typeof scalars>): (actual: Json | undefined) => boolean {
  const values = [value].flat()
  const texts = values.filter((each) => typeof each === 'string')
  const matches: Matcher = texts.length === 0 ? () => false : compileGlobs(texts, NAME)
  return (actual) => (typeof actual === 'string' ? matches(actual) : values.some((each) => each === actual))
}

/** The keys and indices of a path; null when it is not one. */
function partsOf(path: string): (string | number)[] | null {
  const parts: (string | number)[] = []
  for (PATH_PART.lastIndex = 0; PATH_PART.lastIndex < path.length; ) {
    const match = PATH_PART.exec(path)
    if (match === null) return null
    parts.push(match[2] === undefined ? (match[1] ?? match[3] ?? '') : Number(match[2]))
  }
  return parts.length > 0 && parts.length <= 20 ? parts : null
}

function valueAt(value: Json | undefined, [part, ...rest]: readonly (string | number)[]): Json | undefined {
  if (part === undefined) return value
  // Own properties only: a payload's `__proto__` or `length` is a key like any other.
  const isThere = typeof value === 'object' && value !== null && Array.isArray(value) === (typeof part === 'number')
  return isThere && Object.hasOwn(value, part)
    ? valueAt((value as Record<string | number, Json>)[part], rest)
    : undefined
}

function listed(values: Json | readonly Json[]): string {
  return [values].flat().map(shown).join(' or ')
}

function shown(value: Json): string {
  return cut(JSON.stringify(value), MAX_SHOWN_CHARS)
}
