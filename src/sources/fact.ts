// Reading single facts out of a payload nobody has validated: a value of the wrong kind is an
// absent fact, never an error.
import type { Facts } from '../events/facts.ts'
import { isObject } from '../lib/json.ts'

/** Facts as they are being read; `undefined` means absent. */
export type LooseFacts = { [Name in keyof Facts]?: Facts[Name] | undefined }

const NOTHING: Record<string, unknown> = Object.freeze({})
const MAX_TEXT_CHARS = 512
const MAX_LABELS = 100

/** The object, or an empty one, so that reading further finds nothing. */
export function part(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : NOTHING
}

// Two characters PostgreSQL's text and jsonb refuse (NUL, half a surrogate pair), and those that
// would move a terminal's cursor.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSTORABLE = /[\u0000-\u001f\u007f]/g

/**
 * A text fit for a column, an index and a terminal: at most 512 characters, control characters
 * replaced; undefined if it is not text or empty.
 */
export function text(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const short = value.length > MAX_TEXT_CHARS ? value.slice(0, MAX_TEXT_CHARS) : value
  return short.replace(UNSTORABLE, '\ufffd').toWellFormed()
}

/** A positive whole number, such as an issue's; undefined otherwise. */
export function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined
}

/** A commit's hash; undefined for anything else and for the zeros git uses for "none". */
export function sha(value: unknown): string | undefined {
  return typeof value === 'string' && /^[0-9a-f]{40,64}$/.test(value) && !/^0+$/.test(value) ? value : undefined
}

/** The branch or the tag of a full ref, `refs/heads/main`. */
export function refFacts(value: unknown): LooseFacts {
  if (typeof value !== 'string') return {}
  if (value.startsWith('refs/heads/')) return { branch: text(value.slice('refs/heads/'.length)) }
  if (value.startsWith('refs/tags/')) return { tag: text(value.slice('refs/tags/'.length)) }
  return {}
}

/** The names in a list of labels; undefined when there is none. */
export function labelNames(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined
  const names = value.slice(0, MAX_LABELS).flatMap((label) => text(part(label).name) ?? [])
  return names.length > 0 ? names : undefined
}

/** Facts without the absent ones. */
export function facts(loose: LooseFacts): Facts {
  const kept: LooseFacts = {}
  for (const name in loose) {
    const key = name as keyof Facts
    if (loose[key] !== undefined) Object.assign(kept, { [key]: loose[key] })
  }
  return kept as Facts
}
