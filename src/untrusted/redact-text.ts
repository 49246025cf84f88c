// Takes what has the form of a secret out of a text: tokens by their looks, passwords by what
// stands before them.

/** What stands in a secret's place. */
export const REDACTED = '[redacted]'

/** The text without what has the form of a token, key or password. */
export function redactText(text: string): string {
  const whole = TOKENS.reduce((rest, token) => rest.replace(token, REDACTED), text)
  return AFTER_NAMES.reduce((rest, secret) => rest.replace(secret, `$1${REDACTED}`), whole)
}

// Repetitions are bounded, and look-aheads short, so that a hostile megabyte costs no more than a
// plain one.
const TOKENS = [
  // GitHub, GitLab.
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  // OpenAI, Anthropic, Stripe: with a digit or a known part, because "sk-learn-based-classifier" is
  // a word.
  /\b(?:sk|rk|pk)[-_](?:(?:proj|ant|or|lf|admin|svcacct|live|test)[-_]|(?=[A-Za-z_-]{0,60}\d))[A-Za-z0-9_-]{16,}/g,
  // Groq, Replicate, Pinecone, LangSmith.
  /\b(?:gsk|r8|pcsk|lsv2_pt|lsv2_sk)_[A-Za-z0-9_]{16,}/g,
  // xAI, Perplexity, Tavily, NVIDIA.
  /\b(?:xai|pplx|tvly|nvapi)-(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{16,}/g,
  // AWS.
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  // Slack.
  /\bxox[a-z]-[A-Za-z0-9-]{10,}/g,
  // Google.
  /\bAIza[A-Za-z0-9_-]{35}/g,
  /\bya29\.[A-Za-z0-9_-]{20,}/g,
  // SendGrid.
  /\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}/g,
  // Hugging Face, npm.
  /\b(?:hf|npm)_[A-Za-z0-9]{20,}/g,
  // Standard Webhooks.
  /\bwhsec_[A-Za-z0-9+/=]{16,}/g,
  // A Telegram bot.
  /\b\d{8,12}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g,
  // A JSON Web Token. Not by `\b`: a dash is one, and each would begin a new search to the end.
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
]

// `${NAME}`, `{{name}}` and `<name>` only refer to a secret.
const NO_REFERENCE = '(?![${<[])'
// A value in a text ends with a space, a quote or a separator.
const VALUE = String.raw`[^\s"'&;,()]`
const VALUE_IN_JSON = String.raw`[^\s"'&;,()\\]`
const NAME_START = '(?<![A-Za-z0-9])'

// The names of fields in connection strings and forms.
const FIELD = 'password|passwd|pwd|account_?key|shared_?access_?key|client_?secret'

// The names in addresses, settings and headers.
const SETTING = [
  'api[_-]?key',
  '(?:access|auth|api|refresh|session)[_-]?token',
  'token',
  'secret',
  'secret[_-]?(?:access[_-]?)?key',
  'client[_-]?secret',
  'password',
  'passwd',
  'pwd',
  'sig',
].join('|')
// A quote, escaped where JSON stands inside JSON.
const QUOTE = String.raw`\\?["']?`
const EQUALS = String.raw`(?:=|\s{0,3}:\s{0,3})`
// Of a setting's value, because prompts write of tokens and passwords, too.
const HAS_LETTER_AND_DIGIT = String.raw`(?=${VALUE}{0,60}[a-z])(?=${VALUE}{0,60}\d)`

// What comes before the secret stays, so that a reader sees what was there: it is the first group.
const AFTER_NAMES = [
  /(\bauthorization["']?\s{0,9}[:=]\s{0,9}["']?(?:Bearer|Basic|Token|ApiKey|Digest)\s{1,9})(?![${<[])[^\s"',;]{4,}/gi,
  /(\b(?:Bearer|Basic)\s{1,9})(?=[A-Za-z._~+/=-]{0,60}\d)[A-Za-z0-9._~+/=-]{16,}/gi,
  // The password of a URL, up to the last `@` before its path.
  /(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@]{0,100}:)(?![${<[])[^\s/"'<>]{1,200}(?=@)/gi,
  /(\bhooks\.slack\.com\/(?:services|workflows|triggers)\/)[A-Za-z0-9/_-]{10,}/gi,
  /(\bdiscord(?:app)?\.com\/api\/webhooks\/\d{1,30}\/)[A-Za-z0-9_-]{20,}/gi,
  // `Password=…;`, `AccountKey=…`.
  new RegExp(`(${NAME_START}(?:${FIELD})=["']?)${NO_REFERENCE}${VALUE}{3,}`, 'gi'),
  // `api_key=…`, `X-Api-Key: …`, `"token": "…"`.
  new RegExp(
    `(${NAME_START}(?:${SETTING})${QUOTE}${EQUALS}${QUOTE})${HAS_LETTER_AND_DIGIT}${NO_REFERENCE}${VALUE_IN_JSON}{6,}`,
    'gi',
  ),
]
