// Decides what is a secret: everything that is shown, committed or logged asks here. Secrets are
// found by the name of their key, by their form, and by a value that was found before.
import { isObject } from '../lib/json.ts'
import { encodedForms } from './encoded.ts'
import { replaceValues } from './exact-values.ts'
import { REDACTED, redactText } from './redact-text.ts'
import type { Secrecy } from './secret-name.ts'
import { isPlainWord, isSchema, isSecretLeaf, secrecyOf, stricter } from './secret-name.ts'

export { REDACTED } from './redact-text.ts'

const MAX_DEPTH = 100
const TOO_DEEP = '[nested too deep]'

const OPTION = /^--[A-Za-z][\w-]{1,60}$/
// Another option, or a number, which is a setting: `["--max-token", "512"]`.
const NO_ARGUMENT = /^--|^\d{1,7}$/

/** Takes the same secrets out of everything it is given. */
export type Redactor = {
  text(text: string): string
  /** Takes out only the values that are known, not what has the form of a secret. */
  known(text: string): string
  /**
   * A JSON value with every secret in it replaced; `name` is the key it stood under. Values nested
   * deeper than 100 are cut off.
   */
  value(value: unknown, name?: string): unknown
}

/**
 * A redactor for everything that is made of `sources`, which are JSON values. A secret in one of
 * them is replaced wherever it stands, so that none is readable in one place and redacted in
 * another. `secrets` are known values.
 */
export function redactor(sources: readonly unknown[] = [], secrets: readonly string[] = []): Redactor {
  const known = new Set(secrets.flatMap(encodedForms))
  const found = (secret: string) => {
    if (isPlainWord(secret.trim())) return
    for (const form of encodedForms(secret)) known.add(form)
  }
  const finder: Walk = { text: (text) => redactText(text, found), found, isKnown: () => false }
  for (const source of sources) redacted(finder, source, 'none', 0)
  const withoutKnown = replaceValues(known, REDACTED)
  const text = (given: string) => redactText(withoutKnown(given))
  const walk: Walk = { text, found() {}, isKnown: (given) => withoutKnown(given) === REDACTED }
  return { text, known: withoutKnown, value: (value, name = '') => redacted(walk, value, secrecyOf(name), 0) }
}

const plain = redactor()

/** A JSON value with every secret in it replaced, by its name or form. */
export function redact(value: unknown, name = ''): unknown {
  return plain.value(value, name)
}

type Walk = {
  text: (text: string) => string
  found: (secret: string) => void
  isKnown: (text: string) => boolean
}

function redacted(walk: Walk, value: unknown, inherited: Secrecy, depth: number): unknown {
  if (typeof value === 'string' || typeof value === 'number') return redactedLeaf(walk, value, inherited)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return TOO_DEEP
  const secrecy = isSchema(value) ? 'none' : inherited
  if (secrecy === 'all' || secrecy === 'token') return hidden(walk, value, depth)
  if (Array.isArray(value)) {
    return value.map((item, at) =>
      redactedItem(walk, item, stricter(secrecy, afterOption(value[at - 1], item)), depth + 1),
    )
  }
  return redactedObject(walk, value as Record<string, unknown>, secrecy, depth)
}

function redactedLeaf(walk: Walk, value: string | number, secrecy: Secrecy): unknown {
  if (isSecretLeaf(value, secrecy)) {
    walk.found(String(value))
    return REDACTED
  }
  if (typeof value === 'number') return walk.isKnown(String(value)) ? REDACTED : value
  return walk.text(value)
}

function redactedObject(walk: Walk, value: Record<string, unknown>, secrecy: Secrecy, depth: number): unknown {
  const label = labelOf(value)
  const counts = new Map<string, number>()
  // fromEntries, because assigning a key named `__proto__` would not make a property.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const name = isValueKey(key) && label !== '' ? label : key
      return [
        uniqueName(redactedKey(walk, key), counts),
        redacted(walk, item, stricter(secrecy, secrecyOf(name)), depth + 1),
      ]
    }),
  )
}

/** A pair is a header: `["x-api-key", "…"]`. */
function redactedItem(walk: Walk, item: unknown, secrecy: Secrecy, depth: number): unknown {
  if (Array.isArray(item) && item.length === 2 && typeof item[0] === 'string' && typeof item[1] === 'string') {
    return [redactedLeaf(walk, item[0], secrecy), redactedLeaf(walk, item[1], stricter(secrecy, secrecyOf(item[0])))]
  }
  return redacted(walk, item, secrecy, depth)
}

/** What an option says of the argument after it: `["--password", "…"]`. */
function afterOption(option: unknown, argument: unknown): Secrecy {
  if (typeof option !== 'string' || typeof argument !== 'string') return 'none'
  return OPTION.test(option) && !NO_ARGUMENT.test(argument) ? secrecyOf(option) : 'none'
}

/** In a path of a difference, dots of a key are escaped. */
function redactedKey(walk: Walk, key: string): string {
  const text = key.replace(/\\([\\.])/g, '$1')
  const shown = walk.text(text)
  return shown === text ? key : shown
}

/** Two keys may have become the same. */
function uniqueName(name: string, counts: Map<string, number>): string {
  const count = (counts.get(name) ?? 0) + 1
  counts.set(name, count)
  return count === 1 ? name : uniqueName(`${name} (${count})`, counts)
}

/** Nothing of a secret object is shown, but that it changed: `{old, new}` stays one. */
function hidden(walk: Walk, value: object, depth: number): unknown {
  noteAll(walk, value, depth)
  const isChange = isObject(value) && Object.keys(value).length === 2 && 'old' in value && 'new' in value
  return isChange ? { old: hiddenSide(value.old), new: hiddenSide(value.new) } : REDACTED
}

function hiddenSide(value: unknown): unknown {
  return value === null || value === '' || typeof value === 'boolean' ? value : REDACTED
}

/** All texts and numbers in a secret object are secrets. */
function noteAll(walk: Walk, value: unknown, depth: number): void {
  if (typeof value === 'string' || typeof value === 'number') walk.found(String(value))
  if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH) return
  for (const [key, item] of Object.entries(value)) {
    if (!Array.isArray(value)) walk.found(key)
    noteAll(walk, item, depth + 1)
  }
}

/** The keys that name what stands under `value` beside them. */
const NAMING_KEYS = ['name', 'key', 'header']

/** What `{"name": "x-api-key", "value": "…"}` says its value is; several names as a dotted path. */
export function labelOf(value: Record<string, unknown>): string {
  return Object.entries(value)
    .flatMap(([key, label]) => (isNamingKey(key) && typeof label === 'string' ? [label] : []))
    .join('.')
}

export function isValueKey(key: string): boolean {
  return key.toLowerCase() === 'value'
}

export function isNamingKey(key: string): boolean {
  return NAMING_KEYS.includes(key.toLowerCase())
}

/** Whether an object is a secret beside its name, such as `{"name": "x-api-key", "value": "…"}`. */
export function isNamedSecret(value: Record<string, unknown>): boolean {
  return secrecyOf(labelOf(value)) !== 'none' && Object.keys(value).some(isValueKey)
}
