// Takes what has the form of a secret out of a text: tokens by their looks, passwords by what
// stands before them.

/** What stands in a secret's place. */
export const REDACTED = '[redacted]'

// Repetitions are bounded, and look-aheads short, so that a hostile megabyte costs no more than a
// plain one.
const SECRET_FORMS = [
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  // A digit or a known vendor's prefix, because "sk-learn-based-classifier" is none.
  /\b(?:sk|rk|pk)[-_](?:(?:proj|ant|or|lf|admin|svcacct|live|test)[-_]|(?=[A-Za-z_-]{0,60}\d))[A-Za-z0-9_-]{16,}/g,
  // Groq, Replicate, Pinecone, LangSmith, xAI, Perplexity, Tavily, NVIDIA.
  /\b(?:gsk|r8|pcsk|lsv2_pt|lsv2_sk)_[A-Za-z0-9_]{16,}/g,
  /\b(?:xai|pplx|tvly|nvapi)-(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{16,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bxox[a-z]-[A-Za-z0-9-]{10,}/g,
  /\bAIza[A-Za-z0-9_-]{35}/g,
  /\bya29\.[A-Za-z0-9_-]{20,}/g,
  /\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}/g,
  /\b(?:hf|npm)_[A-Za-z0-9]{20,}/g,
  /\bwhsec_[A-Za-z0-9+/=]{16,}/g,
  // A Telegram bot's.
  /\b\d{8,12}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
]

// What comes before stays, so that a reader sees what was there. References (`${NAME}`, `{{name}}`,
// `<name>`) are no secrets.
const SECRET_AFTER = [
  /(\bauthorization["']?\s{0,9}[:=]\s{0,9}["']?(?:Bearer|Basic|Token|ApiKey|Digest)\s{1,9})(?![${<[])[^\s"',;]{4,}/gi,
  /(\b(?:Bearer|Basic)\s{1,9})(?=[A-Za-z._~+/=-]{0,60}\d)[A-Za-z0-9._~+/=-]{16,}/gi,
  // The password of a URL, up to the last `@` before its path.
  /(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@]{0,100}:)(?![${<[])[^\s/"'<>]{1,200}(?=@)/gi,
  /(\bhooks\.slack\.com\/(?:services|workflows|triggers)\/)[A-Za-z0-9/_-]{10,}/gi,
  /(\bdiscord(?:app)?\.com\/api\/webhooks\/\d{1,30}\/)[A-Za-z0-9_-]{20,}/gi,
  // Connection strings and forms: `Password=…;`, `AccountKey=…`.
  /((?<![A-Za-z0-9])(?:password|passwd|pwd|account_?key|shared_?access_?key|client_?secret)=["']?)(?![${<[])[^\s"'&;,()]{3,}/gi,
  // Addresses, settings and headers in a text: `api_key=…`, `X-Api-Key: …`, `"token": "…"`; with a
  // letter and a digit, for prompts speak of tokens.
  /((?<![A-Za-z0-9])(?:api[_-]?key|(?:access|auth|api|refresh|session)[_-]?token|token|secret|secret[_-]?(?:access[_-]?)?key|client[_-]?secret|password|passwd|pwd|sig)\\?["']?(?:=|\s{0,3}:\s{0,3})\\?["']?)(?=[^\s"'&;,()]{0,60}[a-z])(?=[^\s"'&;,()]{0,60}\d)(?![${<[])[^\s"'&;,()\\]{6,}/gi,
]

/** The text without what has the form of a token, key or password. */
export function redactText(text: string): string {
  const whole = SECRET_FORMS.reduce((left, form) => left.replace(form, REDACTED), text)
  return SECRET_AFTER.reduce((left, form) => left.replace(form, `$1${REDACTED}`), whole)
}
