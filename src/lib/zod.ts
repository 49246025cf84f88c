// What is wrong with an input, in sentences for people.
import type { z } from 'zod'
import { cut } from './cut.ts'
import { didYouMean } from './nearest.ts'

const MAX_CHARS = 1000
const MAX_SENTENCE_CHARS = 300

/**
 * How every input is parsed: `schema.safeParse(input, PARSING)`. An unknown field then comes with
 * the nearest known one, and what is absent is known to be absent.
 */
export const PARSING = { error: unknownFields, reportInput: true }

/** One mistake: where it is, and a sentence without the place. */
type Problem = { path: readonly PropertyKey[]; sentence: string }

/** Every mistake by itself, each once: its place as `path.to.field`, and the sentence. */
export function problemsIn(error: z.core.$ZodError): { place: string; sentence: string }[] {
  return [...problemsByText(error, '').values()].map(({ path, sentence }) => ({
    place: path.map(inPath).join('.'),
    sentence: cut(sentence, MAX_SENTENCE_CHARS),
  }))
}

/**
 * Every mistake as `path.to.field: sentence`, one a line, at most 1,000 characters. `root` names
 * the input itself, as in "the request: must be an object, not a list"; without it a mistake of the
 * whole input is the sentence alone. `intro` is before one mistake, and on a line before several.
 */
export function describe(error: z.core.$ZodError, options: { root?: string; intro?: string } = {}): string {
  const lines = problemLines(error, options)
  if (options.intro === undefined) return lines.join('\n')
  return lines.length === 1 ? `${options.intro} ${lines[0]}` : [options.intro, ...lines].join('\n')
}

/** The lines of `describe`. */
export function problemLines(error: z.core.$ZodError, { root = '' }: { root?: string } = {}): string[] {
  const sentences = [...problemsByText(error, root).keys()]
  const shown: string[] = []
  let chars = 0
  for (const sentence of sentences) {
    chars += sentence.length + 1
    // Space is left for the count of the others.
    if (chars > MAX_CHARS - 30) break
    shown.push(sentence)
  }
  const others = sentences.length - shown.length
  return [...shown, ...(others > 0 ? [`and ${others} more`] : [])]
}

/** An entry of a list in the configuration, with the name it has: `rules[0] "review"`. */
export function entryLabel(list: string, index: number, entry: unknown): string {
  const name: unknown = Object(entry).name
  return `${list}[${index}]${typeof name === 'string' && name !== '' ? ` ${quoted(cut(name, 100))}` : ''}`
}

/** The error of fields that an object does not have, a line for each; zod's own for all others. */
export function unknownFields(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'unrecognized_keys') return undefined
  const known = Object.keys((issue.inst?._zod.def as { shape?: object } | undefined)?.shape ?? {})
  return issue.keys.map((key) => `unknown field ${quoted(key)}${didYouMean(key, known)}`).join('\n')
}

function problemsByText(error: z.core.$ZodError, root: string): Map<string, Problem> {
  const problems = error.issues.flatMap((issue) => problemsOf(issue, []))
  return new Map(problems.map((problem) => [withPlace(problem, root), problem]))
}

function withPlace({ path, sentence }: Problem, root: string): string {
  const place = path.length === 0 ? root : path.map(inPath).join('.')
  return cut(place === '' ? sentence : `${place}: ${sentence}`, MAX_SENTENCE_CHARS)
}

/** A key of an untrusted object may be any text; quoted, it stays one readable word. */
function inPath(key: PropertyKey): string {
  const text = String(key)
  return /^[\w$-]+$/.test(text) ? text : quoted(text)
}

/** The text in quotes, without control characters: JSON escapes them only below U+0020. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function problemsOf(issue: z.core.$ZodIssue, parent: readonly PropertyKey[]): Problem[] {
  const path = [...parent, ...issue.path]
  if (isMissing(issue)) return [{ path, sentence: 'is required' }]
  switch (issue.code) {
    case 'invalid_union':
      return unionProblems(issue, path)
    case 'invalid_key':
    case 'invalid_element': {
      const what = issue.code === 'invalid_key' ? 'the key' : 'the element'
      const inner = issue.issues.flatMap((one) => problemsOf(one, []))
      return [{ path, sentence: `${what} is not valid: ${inner.map((one) => withPlace(one, '')).join(' and ')}` }]
    }
    case 'unrecognized_keys': {
      const isPlain = issue.message.startsWith('Unrecognized key')
      const sentences = isPlain ? issue.keys.map((key) => `unknown field ${quoted(key)}`) : issue.message.split('\n')
      return sentences.map((sentence) => ({ path, sentence }))
    }
    default:
      return [{ path, sentence: inWords(issue) }]
  }
}

/**
 * Whether there is no value at all. An issue has its input only when the schema was asked to report
 * it; else the message is all there is.
 */
function isMissing(issue: z.core.$ZodIssue): boolean {
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_value') return false
  return 'input' in issue ? issue.input === undefined : issue.message.endsWith(', received undefined')
}

const ZODS_OWN = /^(?:Invalid (?:input|option|string|number)|Too (?:small|big)): /

/** zod's own messages in plainer words; a schema's own message is left alone. */
function inWords(issue: z.core.$ZodIssue): string {
  const { message } = issue
  if (message === 'Invalid input') return 'is not acceptable'
  if (message === 'Invalid ISO datetime') return 'must be a time such as 2026-01-31T12:00:00Z'
  if (!ZODS_OWN.test(message)) return message.replace(/^Invalid ([\w -]+)$/, 'is not a valid $1')
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_value':
      return mustBe(wantedBy(issue), receivedBy(issue))
    case 'too_small':
      return limited(issue, issue.minimum, issue.inclusive === false ? 'more than' : 'at least')
    case 'too_big':
      return limited(issue, issue.maximum, issue.inclusive === false ? 'less than' : 'at most')
    default:
      return message.replace(ZODS_OWN, '')
  }
}

const UNITS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ['character', 'characters'],
  file: ['byte', 'bytes'],
  array: ['item', 'items'],
  set: ['item', 'items'],
  map: ['entry', 'entries'],
}

/** `must have at most 3 items`, `must be more than 0`. */
function limited(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, bound: number | bigint, limit: string) {
  const units = UNITS[issue.origin]
  const words = issue.exact ? 'exactly' : limit
  return units ? `must have ${words} ${bound} ${units[Number(bound) === 1 ? 0 : 1]}` : `must be ${words} ${bound}`
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a big integer',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
  record: 'an object',
  function: 'a function',
  date: 'a date',
}

/** What would have been accepted in place of the value at fault, in words. */
function wantedBy(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_type') return [TYPES[issue.expected] ?? issue.expected]
  if (issue.code === 'invalid_value') {
    return issue.values.map((value) => (typeof value === 'string' ? quoted(value) : String(value)))
  }
  return issue.code === 'invalid_union' ? issue.errors.flat().filter(isOfRoot).flatMap(wantedBy) : []
}

/** The type of the value at fault, in words: `a list`. Null where the error does not say it. */
function receivedBy(issue: z.core.$ZodIssue): string | null {
  if (issue.code === 'invalid_union') return issue.errors.flat().filter(isOfRoot).map(receivedBy).find(Boolean) ?? null
  const type = /, received (\w+)$/.exec(issue.message)?.[1]
  if (type === undefined || type === 'NaN') return null
  // Of a wrong whole number, zod says that it is a number.
  if (issue.code === 'invalid_type' && issue.expected === 'int' && type === 'number') return null
  return type === 'boolean' ? 'a boolean' : (TYPES[type] ?? type)
}

/** `must be "a", "b" or a number, not a list`. */
function mustBe(wanted: readonly string[], received: string | null): string {
  const distinct = [...new Set(wanted)]
  const last = distinct.pop() ?? 'something else'
  const list = distinct.length === 0 ? last : `${distinct.join(', ')} or ${last}`
  return `must be ${list}${received === null ? '' : `, not ${received}`}`
}

function isOfRoot(issue: z.core.$ZodIssue): boolean {
  return issue.path.length === 0
}

/**
 * A union fails with the mistakes of each option. Those of another type altogether say little, so
 * what is shown are the options with the fewest mistakes among the others.
 */
function unionProblems(issue: z.core.$ZodIssueInvalidUnion, path: readonly PropertyKey[]): Problem[] {
  if ('options' in issue && issue.options !== undefined) {
    const names = issue.options.map((option) => (typeof option === 'string' ? quoted(option) : String(option)))
    return [{ path, sentence: mustBe(names, null) }]
  }
  if (issue.message !== 'Invalid input' || issue.errors.length === 0) return [{ path, sentence: inWords(issue) }]
  const sameType = issue.errors.filter((option) => !isOtherType(option))
  if (sameType.length === 0) return [{ path, sentence: otherTypes(issue) }]
  const fewest = Math.min(...sameType.map((option) => option.length))
  const [closest = [], ...alternatives] = sameType.filter((option) => option.length === fewest)
  if (alternatives.length === 0) return closest.flatMap((one) => problemsOf(one, path))
  const each = [closest, ...alternatives].map((option) =>
    option
      .flatMap((one) => problemsOf(one, []))
      .map((one) => withPlace(one, ''))
      .join(' and '),
  )
  return [{ path, sentence: [...new Set(each)].join(', or ') }]
}

function isOtherType(option: readonly z.core.$ZodIssue[]): boolean {
  return option.some(
    ({ path, ...issue }) =>
      path.length === 0 &&
      (issue.code === 'invalid_type' ||
        issue.code === 'invalid_value' ||
        (issue.code === 'invalid_union' && issue.errors.length > 0 && issue.errors.every(isOtherType))),
  )
}

/** Of a union that has no option of the type that came. */
function otherTypes(issue: z.core.$ZodIssueInvalidUnion): string {
  const problems = issue.errors
    .flat()
    .filter(isOfRoot)
    .flatMap((one) => problemsOf(one, []))
  if (problems.every(({ sentence }) => sentence === 'is required')) return 'is required'
  return mustBe(wantedBy(issue), receivedBy(issue))
}
