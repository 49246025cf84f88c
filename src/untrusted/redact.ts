// Takes values that look like secrets out of what is shown or committed: by the name of their key,
// and by their form.
import { isObject } from '../lib/json.ts'
import { REDACTED, redactText } from './redact-text.ts'

const MAX_DEPTH = 100

// A name's words are compared in snake case: `apiKey`, `x-api-key` and `OPENAI_API_KEY` alike.
const WORD_START = '(?:^|_)'
const SECRET_NAMES = [
  'pass(?:word|wd|phrase|code)s?',
  'pwd',
  'secrets?',
  'credentials?',
  'authorization',
  'cookies?',
  'private_?keys?',
  'api_?keys?',
  'dsn',
  'connection_?string',
].join('|')
// `api_key_2`, `api_key_prod`.
const SUFFIX = String.raw`(?:_?\d+|_(?:prod|production|staging|dev|live|test|value|json|base64))?`
const SECRET_NAME = new RegExp(`${WORD_START}(?:${SECRET_NAMES})${SUFFIX}$`)
// Names of texts only: `max_tokens`, `top_k` and `stop_token` are settings of a model, whereas
// `access_token` is a secret.
const SECRET_TEXT_NAME =
  /(?:^|_)(?:token|auth|bearer|pass)$|(?:^|_)(?:access|api|auth|bearer|refresh|session|github)_tokens$/
const KEY_NAME = /_key$/
const MODEL_TOKEN = /(?:^|_)(?:bos|eos|pad|unk|sep|cls|mask|start|stop|end|special|image)_token$/
// What stands for a token in a model's text (`<|user|>`, `[PAD]`), and what only refers to a value
// (`${API_KEY}`, `{{api_key}}`).
const NO_SECRET = /^(?:<[^<>]{1,40}>|\[[A-Z]{1,20}\]|\$\{[A-Za-z_]\w{0,80}\}|\{\{[\w .-]{1,80}\}\})$/
// `memory_key: "chat_history"` names a thing; a key itself has digits or is longer.
const PLAIN_WORD = /^[A-Za-z_.-]{1,31}$/
const SCHEMA_TYPES: readonly unknown[] = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null']
const SCHEMA_KEYS = new Set(['type', 'title', 'description', 'format', 'pattern', 'minLength', 'maxLength', 'nullable'])

/**
 * A JSON value with every secret in it replaced; `name` is the key it stood under. Values nested
 * deeper than 100 are cut off.
 */
export function redact(value: unknown, name = '', depth = 0): unknown {
  if (value === null || value === '') return value
  if (name !== '' && isSecretName(name, value) && !isSchema(value)) return REDACTED
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object') return value
  if (depth >= MAX_DEPTH) return '[nested too deep]'
  if (Array.isArray(value)) return value.map((item) => redact(item, '', depth + 1)).map(withoutPairValue)
  const label = labelOf(value as Record<string, unknown>)
  // fromEntries, because assigning a key named `__proto__` would not make a property.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      redactText(key),
      redact(item, key === 'value' && label !== '' ? label : key, depth + 1),
    ]),
  )
}

/** What `{"name": "x-api-key", "value": "…"}` says its value is. */
function labelOf({ name, key, header }: Record<string, unknown>): string {
  const label = name ?? key ?? header
  return typeof label === 'string' ? label : ''
}

/** The same for headers as pairs: `[["x-api-key", "…"]]`. */
function withoutPairValue(item: unknown): unknown {
  return Array.isArray(item) && item.length === 2 && typeof item[0] === 'string' && typeof item[1] === 'string'
    ? [item[0], redact(item[1], item[0])]
    : item
}

/**
 * Whether the value under a key of this name, or of this dotted path (`credentials.openai`), is a
 * secret.
 */
export function isSecretName(name: string, value: unknown): boolean {
  if (typeof value === 'boolean' || (typeof value === 'string' && NO_SECRET.test(value))) return false
  const steps = name.split(/(?<!\\)\./)
  // What a secret object contains is secret, whatever its own key is called.
  return steps.some((step, at) => isSecretStep(step, at === steps.length - 1 ? value : {}))
}

function isSecretStep(step: string, value: unknown): boolean {
  const words = step
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/_+$/, '')
    .toLowerCase()
  if (SECRET_NAME.test(words)) return true
  if (typeof value === 'number') return false
  if (KEY_NAME.test(words)) return typeof value === 'string' && !PLAIN_WORD.test(value)
  return SECRET_TEXT_NAME.test(words) && !MODEL_TOKEN.test(words)
}

/** A tool's parameter is described by a JSON Schema, which may well be called `password`. */
function isSchema(value: unknown): boolean {
  return (
    isObject(value) &&
    Object.keys(value).every((key) => SCHEMA_KEYS.has(key) && typeof value[key] !== 'object') &&
    SCHEMA_TYPES.includes(value.type)
  )
}
