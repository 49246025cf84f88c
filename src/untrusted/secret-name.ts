// Which names say that what stands under them is a secret, and which of the values there are one.
import { isObject } from '../lib/json.ts'

// A name's words are compared in snake case: `apiKey`, `x-api-key` and `OPENAI_API_KEY` alike.
const WORD_START = '(?:^|_)'
const SECRET_NAMES = [
  'pass(?:word|wd|phrase|code)s?',
  'pwd',
  'secrets?(?:_text)?',
  'cred(?:ential)?s?',
  'authorization',
  'cookies?',
  'private_?keys?',
  'client_key_data',
  'api_?keys?',
  'secret_?keys?',
  'dsn',
  'connection_?string',
  '(?:app|client|consumer|webhook)secret',
].join('|')
// `adminpassword`: nothing else ends so.
const RUN_TOGETHER = 'pass(?:word|wd|phrase)'
// `api_key_2`, `api_key_prod`, `api_key_us_east_1`.
const PLACES = 'prod|production|staging|dev|live|test|us|eu|uk|asia|east|west|primary|secondary|backup'
export const SUFFIX = String.raw`(?:_?\d{1,9}|_v\d{1,9}|_(?:${PLACES}|value|json|base64|pem|old|new)){0,3}`
const SECRET_NAME = new RegExp(`(?:${WORD_START}(?:${SECRET_NAMES})|${RUN_TOGETHER})${SUFFIX}$`)
// Names of texts only: `max_tokens`, `top_k` and `stop_token` are settings of a model, whereas
// `access_token` is a secret.
const TOKEN_NAMES = [
  '(?:access|api|auth|bearer|bot|id|refresh|session)?token',
  '(?:access|api|auth|bearer|refresh|session|github)_tokens',
  '(?:azure|github|gitlab|personal)_?pat',
].join('|')
const TOKEN_NAME = new RegExp(
  `${WORD_START}(?:(?:${TOKEN_NAMES})${SUFFIX}|auth|bearer|pass|otp|(?:admin|db|root|smtp|user)pass)$`,
)
// `auth_header` may be the name of a header, which is an ordinary word.
const KEY_NAME = new RegExp(
  `(?:_keys?${SUFFIX}|${WORD_START}(?:(?:access|encryption|master|signing)keys?${SUFFIX}|auth(?:orization)?_header))$`,
)
// `tokens` are secrets or what a model reads.
const MADE_NAME = new RegExp(`^(?:tokens|jwt|pat)${SUFFIX}$`)
const MODEL_TOKEN = new RegExp(`(?:^|_)(?:bos|eos|pad|unk|sep|cls|mask|start|stop|end|special|image)_token${SUFFIX}$`)
// What stands for a token in a model's text (`<|user|>`, `[PAD]`), and what only refers to a value
// (`${API_KEY}`, `{{api_key}}`).
const NO_SECRET = /^(?:<[^<>]{1,40}>|\[[A-Z]{1,20}\]|\$\{[A-Za-z_]\w{0,80}\}|\{\{[\w .-]{1,80}\}\})$/
// `memory_key: "chat_history"` names a thing; a key itself has digits or is longer.
const PLAIN_WORD = /^[A-Za-z_.-]{1,31}$/
// Small and capital letters with digits: a password in the brackets of a reference.
const MIXED = /^(?=[^a-z]{0,80}[a-z])(?=[^A-Z]{0,80}[A-Z])(?=\D{0,80}\d)[^\s.]{10,}$/
// Characters at random, which no word has.
const MADE = /^(?=.{0,60}\d)(?:(?=.{0,60}[a-z])(?=.{0,60}[A-Z])|(?=.{24}))[\w~+/=-]{10,}$/
// A shorter number is a setting: `max_token: 200000`.
const MIN_NUMBER_DIGITS = 8
const SCHEMA_TYPES: readonly unknown[] = ['string', 'number', 'integer', 'boolean', 'array', 'object', 'null']
const SCHEMA_KEYS = new Set(['type', 'title', 'description', 'format', 'pattern', 'minLength', 'maxLength', 'nullable'])

/**
 * What a name says about everything under it: `all` of it is secret (`password`), what has the look
 * of a `token` or a `key` is, or what was `made` by a machine, or nothing is known.
 */
export type Secrecy = 'all' | 'token' | 'key' | 'made' | 'none'

const STRICTNESS: readonly Secrecy[] = ['none', 'made', 'key', 'token', 'all']

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
  if (KEY_NAME.test(words)) return 'key'
  return MADE_NAME.test(words) ? 'made' : 'none'
}

/** Whether a text or number under a name of this secrecy is a secret. */
export function isSecretLeaf(value: string | number, secrecy: Secrecy): boolean {
  if (secrecy === 'none') return false
  if (typeof value === 'number') {
    return secrecy === 'all' || (secrecy !== 'made' && Math.abs(value) >= 10 ** (MIN_NUMBER_DIGITS - 1))
  }
  if (value === '' || (NO_SECRET.test(value) && !MIXED.test(value))) return false
  if (secrecy === 'made') return MADE.test(value)
  return secrecy !== 'key' || !isPlainWord(value)
}

/** Whether a text is an ordinary name, which says nothing by itself. */
export function isPlainWord(text: string): boolean {
  return PLAIN_WORD.test(text)
}

/**
 * A tool's parameter is described by a JSON Schema, which may well be called `password`; what
 * describes it is no password itself.
 */
export function isSchema(value: unknown): boolean {
  return (
    isObject(value) &&
    Object.keys(value).every((key) => SCHEMA_KEYS.has(key) && isDescription(key, value[key])) &&
    SCHEMA_TYPES.includes(value.type)
  )
}

function isDescription(key: string, value: unknown): boolean {
  return typeof value !== 'object' && (key === 'pattern' || typeof value !== 'string' || !MIXED.test(value))
}
