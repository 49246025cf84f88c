// Which names say that what stands under them is a secret, and which of the values there are one.
import { isObject } from '../lib/json.ts'

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
const SUFFIX = String.raw`(?:_?\d+|_v\d+|_(?:prod|production|staging|dev|live|test|value|json|base64|old|new))?`
const SECRET_NAME = new RegExp(`${WORD_START}(?:${SECRET_NAMES})${SUFFIX}$`)
// Names of texts only: `max_tokens`, `top_k` and `stop_token` are settings of a model, whereas
// `access_token` is a secret.
const TOKEN_NAME = /(?:^|_)(?:token|auth|bearer|pass)$|(?:^|_)(?:access|api|auth|bearer|refresh|session|github)_tokens$/
const KEY_NAME = new RegExp(`_keys?${SUFFIX}$`)
const MODEL_TOKEN = /(?:^|_)(?:bos|eos|pad|unk|sep|cls|mask|start|stop|end|special|image)_token$/
// What stands for a token in a model's text (`<|user|>`, `[PAD]`), and what only refers to a value
// (`${API_KEY}`, `{{api_key}}`).
const NO_SECRET = /^(?:<[^<>]{1,40}>|\[[A-Z]{1,20}\]|\$\{[A-Za-z_]\w{0,80}\}|\{\{[\w .-]{1,80}\}\})$/
// `memory_key: "chat_history"` names a thing; a key itself has digits or is longer.
const PLAIN_WORD = /^[A-Za-z_.-]{1,31}$/
// A shorter number is a setting: `max_token: 200000`.
const MIN_NUMBER_DIGITS = 8
const SCHEMA_TYPES: readonly unknown[] = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null']
const SCHEMA_KEYS = new Set(['type', 'title', 'description', 'format', 'pattern', 'minLength', 'maxLength', 'nullable'])

/**
 * What a name says about everything under it: `all` of it is secret (`password`), what has the look
 * of a `token` or a `key` is, or nothing is known.
 */
export type Secrecy = 'all' | 'token' | 'key' | 'none'

const STRICTNESS: readonly Secrecy[] = ['none', 'key', 'token', 'all']

/** The stricter of the two: what a secret object contains is secret, whatever its own key is. */
export function stricter(a: Secrecy, b: Secrecy): Secrecy {
  return STRICTNESS.indexOf(a) > STRICTNESS.indexOf(b) ? a : b
}

/** What a key's name, or a dotted path of them (`credentials.openai`), says. */
export function secrecyOf(name: string): Secrecy {
  return name
    .split(/(?<!\\)\./)
    .map(secrecyOfStep)
    .reduce(stricter, 'none')
}

function secrecyOfStep(step: string): Secrecy {
  const words = step
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/(?<!_)_+$/, '')
    .toLowerCase()
  if (SECRET_NAME.test(words)) return 'all'
  if (TOKEN_NAME.test(words) && !MODEL_TOKEN.test(words)) return 'token'
  return KEY_NAME.test(words) ? 'key' : 'none'
}

/** Whether a text or number under a name of this secrecy is a secret. */
export function isSecretLeaf(value: string | number, secrecy: Secrecy): boolean {
  if (secrecy === 'none') return false
  if (typeof value === 'number') {
    return secrecy === 'all' || Math.abs(value) >= 10 ** (MIN_NUMBER_DIGITS - 1)
  }
  if (value === '' || NO_SECRET.test(value)) return false
  return secrecy !== 'key' || !isPlainWord(value)
}

/** Whether a text is an ordinary name, which says nothing by itself. */
export function isPlainWord(text: string): boolean {
  return PLAIN_WORD.test(text)
}

/** A tool's parameter is described by a JSON Schema, which may well be called `password`. */
export function isSchema(value: unknown): boolean {
  return (
    isObject(value) &&
    Object.keys(value).every((key) => SCHEMA_KEYS.has(key) && typeof value[key] !== 'object') &&
    SCHEMA_TYPES.includes(value.type)
  )
}
