// What is wrong with an input, as one sentence for people.
import type { z } from 'zod'
import { cut } from './cut.ts'

const MAX_CHARS = 1000
const MAX_SENTENCE_CHARS = 300

/** One mistake: where it is, and a sentence without the place. */
type Problem = { path: readonly PropertyKey[]; sentence: string }

/** Every mistake by itself, each once: its place as `path.to.field`, and the sentence. */
export function problemsIn(error: z.core.$ZodError): { place: string; sentence: string }[] {
  const problems = error.issues.flatMap((issue) => problemsOf(issue, []))
  const byText = new Map(problems.map((problem) => [withPlace(problem, ''), problem]))
  return [...byText.values()].map(({ path, sentence }) => ({
    place: path.map(inPath).join('.'),
    sentence: cut(sentence, MAX_SENTENCE_CHARS),
  }))
}

/**
 * Every mistake as `path.to.field: sentence`, joined by `; `, at most 1,000 characters. `root`
 * names the input itself, as in "the request: expected object, received array"; without it a
 * mistake of the whole input is the sentence alone.
 */
export function describe(error: z.core.$ZodError, { root = '' }: { root?: string } = {}): string {
  const problems = error.issues.flatMap((issue) => problemsOf(issue, []))
  const sentences = [...new Set(problems.map((problem) => withPlace(problem, root)))]
  const shown: string[] = []
  let chars = 0
  for (const sentence of sentences) {
    chars += sentence.length + 2
    // Space is left for the count of the others.
    if (chars > MAX_CHARS - 30) break
    shown.push(sentence)
  }
  const others = sentences.length - shown.length
  return [...shown, ...(others > 0 ? [`and ${others} more`] : [])].join('; ')
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
      const names = issue.keys.map(quoted).join(', ')
      return [{ path, sentence: `unknown field${issue.keys.length === 1 ? '' : 's'} ${names}` }]
    }
    default:
      return [{ path, sentence: plain(issue.message) }]
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

const SIZE = /^Too (?:small|big): expected \w+ to have ([<>]=)(\d+) (\w+)$/
const RANGE = /^Too (?:small|big): expected \w+ to be ([<>]=?)(\S+)$/
const LIMITS = { '>=': 'at least', '<=': 'at most', '>': 'more than', '<': 'less than' } as const

/** zod's own messages in plainer words; a schema's own message is left alone. */
function plain(message: string): string {
  if (message === 'Invalid input') return 'is not acceptable'
  return message
    .replace(SIZE, (_, limit: string, count: string, unit: string) => {
      const noun = unit.replace(/s$/, count === '1' ? '' : 's')
      return `must have ${limit === '>=' ? 'at least' : 'at most'} ${count} ${noun}`
    })
    .replace(RANGE, (_, limit: keyof typeof LIMITS, bound: string) => `must be ${LIMITS[limit]} ${bound}`)
    .replace(/^(?:Invalid (?:input|option|string|number)|Too (?:small|big)): /, '')
    .replace(/^Invalid ([\w -]+)$/, 'is not a valid $1')
}

/**
 * A union fails with the mistakes of each option. Those of another type altogether say little, so
 * what is shown are the options with the fewest mistakes among the others.
 */
function unionProblems(issue: z.core.$ZodIssueInvalidUnion, path: readonly PropertyKey[]): Problem[] {
  if ('options' in issue && issue.options !== undefined) {
    return [{ path, sentence: `expected one of ${issue.options.map((option) => JSON.stringify(option)).join('|')}` }]
  }
  if (issue.message !== 'Invalid input' || issue.errors.length === 0) return [{ path, sentence: plain(issue.message) }]
  const sameType = issue.errors.filter((option) => !isOtherType(option))
  if (sameType.length === 0) return [{ path, sentence: expectedTypes(issue.errors.flat()) }]
  const fewest = Math.min(...sameType.map((option) => option.length))
  const [closest = [], ...alternatives] = sameType.filter((option) => option.length === fewest)
  if (alternatives.length === 0) return closest.flatMap((one) => problemsOf(one, path))
  const inWords = [closest, ...alternatives].map((option) =>
    option
      .flatMap((one) => problemsOf(one, []))
      .map((one) => withPlace(one, ''))
      .join(' and '),
  )
  return [{ path, sentence: [...new Set(inWords)].join(', or ') }]
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

/** `expected string or array, received number`, out of one such sentence for each option. */
function expectedTypes(issues: readonly z.core.$ZodIssue[]): string {
  const sentences = issues.filter((issue) => issue.path.length === 0).flatMap((issue) => problemsOf(issue, []))
  const texts = [...new Set(sentences.map(({ sentence }) => sentence))]
  if (texts.every((text) => text === 'is required')) return 'is required'
  const received = texts.map((text) => /, received [^,]*$/.exec(text)?.[0]).find((text) => text !== undefined) ?? ''
  const types = texts.map((text) => text.replace(/^expected (?:one of )?/, '').replace(/, received [^,]*$/, ''))
  return `expected ${[...new Set(types)].join(' or ')}${received}`
}
