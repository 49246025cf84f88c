// Takes values that look like secrets out of what is shown or committed: by the name of their key, and by their form.

/** What stands in a secret's place. */
export const REDACTED = '[redacted]'

const MAX_DEPTH = 100

// `max_tokens`, `top_k` and `stop_token` are settings of a model; `api_key`, `access_token` and `client-secret` are not.
const SECRET_NAME =
  /(?:^|_)(?:pass(?:word|wd|phrase|code)|pwd|secrets?|credentials?|authorization|cookie|private_?key|api_?key|dsn|connection_string)$/
const SECRET_TEXT_NAME = /(?:^|_)(?:token|auth|bearer)$|_key$/
const MODEL_TOKEN = /(?:^|_)(?:bos|eos|pad|unk|sep|cls|mask|start|stop|end|special|image)_token$/

const SECRET_FORMS = [
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\b(?:sk|rk|pk)[-_][A-Za-z0-9_-]{16,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bxox[a-z]-[A-Za-z0-9-]{10,}/g,
  /\bAIza[A-Za-z0-9_-]{35}/g,
  /\b(?:hf|npm)_[A-Za-z0-9]{20,}/g,
  /\bwhsec_[A-Za-z0-9+/=]{16,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
]
// What comes before stays, so that a reader sees what was there.
const SECRET_AFTER = [
  /(\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{16,}/gi,
  /(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@]{0,100}:)[^\s/@]{1,200}(?=@)/gi,
]

/** Whether a key of this name holds a secret of that kind of value. */
export const isSecretName = (name: string, value: unknown): boolean => {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
  if (SECRET_NAME.test(words)) return true
  return (
    SECRET_TEXT_NAME.test(words) && !MODEL_TOKEN.test(words) && typeof value !== 'number' && typeof value !== 'boolean'
  )
}

/** The text without what has the form of a token, key or password. */
export const redactText = (text: string): string => {
  const whole = SECRET_FORMS.reduce((left, form) => left.replace(form, REDACTED), text)
  return SECRET_AFTER.reduce((left, form) => left.replace(form, `$1${REDACTED}`), whole)
}

/** A JSON value with every secret in it replaced; `name` is the key it stood under. Values nested deeper than 100 are cut off. */
export const redact = (value: unknown, name = '', depth = 0): unknown => {
  const isSecret = name !== '' && isSecretName(name, value)
  if (isSecret) return value === null || value === '' ? value : REDACTED
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return '[nested too deep]'
  if (Array.isArray(value)) return value.map((item) => redact(item, '', depth + 1))
  // fromEntries, because assigning a key named `__proto__` would not make a property.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [redactText(key), redact(item, key, depth + 1)]))
}
