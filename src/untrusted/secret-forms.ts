// What secrets look like: one table of the tokens that vendors issue, and one of what stands before
// a secret in a text.
import { SUFFIX } from './secret-name.ts'

/** The form of one vendor's tokens. */
type SecretForm = { vendor: string; pattern: RegExp }

// A token may follow `_` or `-`, but is never the end of a longer word.
const START = '(?<![A-Za-z0-9])'
// `sk-learn-based-classifier` is a word; a key has a digit early.
const HAS_DIGIT = String.raw`(?=[A-Za-z_-]{0,60}\d)`

function form(vendor: string, token: string): SecretForm {
  return { vendor, pattern: new RegExp(`${START}(?:${token})`, 'g') }
}

/**
 * The forms of tokens, as their vendors and the rules of gitleaks, secretlint and GitHub's secret
 * scanning described them in November 2026. The minimal lengths are lower than the real ones, so
 * that a longer or shorter format of tomorrow is found too. Every repetition is bounded, or cannot
 * fail after it, so that a hostile text costs no more than a plain one.
 */
export const TOKEN_FORMS: readonly SecretForm[] = [
  form('1Password', 'ops_eyJ[A-Za-z0-9_-]{20,}'),
  form('Adobe', 'p8e-[a-z0-9]{20,}'),
  form('age', 'AGE-SECRET-KEY-1[0-9A-Z]{20,}'),
  form('Airtable', String.raw`pat[A-Za-z0-9]{14}\.[a-f0-9]{32,}`),
  form('Atlassian', 'AT[AC]TT3[A-Za-z0-9_=-]{20,}|ATBB[A-Za-z0-9]{20,}'),
  form('AWS', '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])'),
  form('Azure', String.raw`[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}`),
  form('Cloudflare', 'cf(?:k|ut|at)_[A-Za-z0-9]{20,}'),
  form('Databricks', 'dapi[a-f0-9]{32}'),
  form('DigitalOcean', 'do[opr]_v1_[a-f0-9]{20,}'),
  form('Discord', String.raw`[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}`),
  form('Docker', 'dckr_[po]at_[A-Za-z0-9_-]{20,}'),
  form('Doppler', String.raw`dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{20,}`),
  form('Figma', 'fig[doru]_[A-Za-z0-9_-]{20,}'),
  form('Fly.io', 'fo1_[A-Za-z0-9_-]{20,}|fm[12][ar]?_[A-Za-z0-9+/=_-]{20,}'),
  form('GitHub', 'gh[pousr]_[A-Za-z0-9_]{20,}|github_pat_[A-Za-z0-9_]{20,}'),
  form('GitLab', 'gl(?:pat|ptt|dt|rt|rtr|cbt|ft|imt|agent|oas|soat|ffct|wt)-[A-Za-z0-9_.-]{16,}'),
  form('Google', 'AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{20,}'),
  form('Google OAuth', String.raw`ya29\.[A-Za-z0-9_-]{20,}`),
  form('Grafana', 'glsa_[A-Za-z0-9_]{20,}|glc_[A-Za-z0-9+/=]{20,}'),
  form('Groq', 'gsk_[A-Za-z0-9_]{16,}'),
  form('HashiCorp Terraform', String.raw`[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{20,}`),
  form('HashiCorp Vault', String.raw`hv[sbr]\.[A-Za-z0-9_-]{20,}`),
  form('Heroku', 'HRKU-[A-Za-z0-9_-]{20,}'),
  form('Hugging Face', '(?:hf|api_org)_[A-Za-z0-9]{20,}'),
  form('Jina', 'jina_[A-Za-z0-9_-]{20,}'),
  form('LangSmith', 'lsv2_(?:pt|sk)_[A-Za-z0-9_]{16,}'),
  form('Linear', 'lin_(?:api|oauth|wh)_[A-Za-z0-9_]{16,}'),
  form('Mailgun', 'key-[0-9a-f]{32}|pubkey-[0-9a-f]{32}'),
  form('Netlify', 'nf[cpou]_[A-Za-z0-9]{20,}'),
  form('New Relic', 'NRAK-[A-Z0-9]{20,}'),
  form('Notion', 'ntn_[A-Za-z0-9]{20,}|secret_[A-Za-z0-9]{40,}'),
  form('npm', 'npm_[A-Za-z0-9]{20,}'),
  form('NVIDIA', `nvapi-${HAS_DIGIT}[A-Za-z0-9_-]{16,}`),
  // And all others whose keys begin with sk, rk or pk, such as Anthropic, OpenRouter and Langfuse.
  form(
    'OpenAI, Stripe',
    `(?:sk|rk|pk)[-_](?:(?:proj|ant|or|lf|admin|svcacct|live|test)[-_]|${HAS_DIGIT})[A-Za-z0-9_-]{16,}`,
  ),
  form('Perplexity', `pplx-${HAS_DIGIT}[A-Za-z0-9_-]{16,}`),
  form('Pinecone', 'pcsk_[A-Za-z0-9_]{16,}'),
  form('PlanetScale', 'pscale_(?:tkn|pw|oauth|api)_[A-Za-z0-9_.-]{20,}'),
  form('Postman', 'PMAK-[a-f0-9]{24}-[a-f0-9]{20,}'),
  form('PyPI', `pypi-${HAS_DIGIT}[A-Za-z0-9_-]{16,}`),
  form('Replicate', 'r8_[A-Za-z0-9_]{16,}'),
  form('RubyGems', 'rubygems_[a-f0-9]{20,}'),
  form('SendGrid', String.raw`SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`),
  form('Sentry', 'sntry[su]_[A-Za-z0-9+/=_-]{20,}'),
  form('Shopify', 'shp(?:at|ca|pa|ss)_[A-Za-z0-9]{20,}'),
  form('Slack', String.raw`xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}`),
  form('Square', 'sq0[a-z]{3}-[A-Za-z0-9_-]{20,}'),
  form('Standard Webhooks', 'whs(?:ec|k)_[A-Za-z0-9+/=]{16,}'),
  form('Supabase', 'sbp_[A-Za-z0-9_]{20,}|sb_(?:secret|publishable)_[A-Za-z0-9_-]{16,}'),
  form('Tailscale', 'tskey-[a-z]{2,20}-[A-Za-z0-9_-]{16,}'),
  form('Tavily', `tvly-${HAS_DIGIT}[A-Za-z0-9_-]{16,}`),
  form('Telegram', String.raw`\d{8,12}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])`),
  form('Together', 'tgp_v1_[A-Za-z0-9_-]{20,}'),
  form('Twilio', '(?:SK|AC)[0-9a-f]{32}(?![A-Za-z0-9])'),
  form('Vercel', 'vc[pairk]_[A-Za-z0-9]{20,}'),
  form('xAI', `xai-${HAS_DIGIT}[A-Za-z0-9_-]{16,}`),
  // The search begins at no `-`, because each would begin a new one to the end of the text.
  form('JSON Web Token', String.raw`(?<!-|_)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`),
  form(
    'private key',
    String.raw`-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)`,
  ),
]

// `${NAME}`, `{{name}}` and `<name>` only refer to a secret.
const NO_REFERENCE = '(?![${<[])'
// A value in a text ends with a space, a quote or a separator.
const VALUE = String.raw`[^\s"'&;,()]`
const VALUE_IN_JSON = String.raw`[^\s"'&;,()\\]`

// The names of fields in connection strings and forms.
const FIELD = '(?:PG)?(?:password|passwd|pwd)|account_?key|shared_?access_?key|client_?secret'

const PASSWORD = 'pass(?:word|wd|phrase)'
// The names in addresses, settings and headers.
const SETTING = [
  '(?:api|access|account|auth|client|encryption|master|private|secret|session|shared|signing|webhook)[_-]?key',
  'secret[_-]?access[_-]?key',
  '(?:access|auth|api|refresh|session)[_-]?token',
  'token',
  'secret',
  'client[_-]?secret',
  'pwd',
  'sig',
].join('|')
// `PGPASSWORD=`, `DB_PASS=`, `api_key_2=`; but `tiktoken` is a name, and a first pass no password.
const NAME = `(?:${PASSWORD}|_pass|${START}(?:pass(?==)|${SETTING}))${SUFFIX}`
// A quote, escaped where JSON stands inside JSON.
const QUOTE = String.raw`\\?["']?`
const EQUALS = String.raw`\]?\s{0,3}(?::=|=>|[:=])\s{0,3}`
// Of a setting's value, because prompts write of tokens and passwords, too.
const HAS_LETTER_AND_DIGIT = String.raw`(?=${VALUE}{0,60}[A-Za-z])(?=${VALUE}{0,60}\d)`
const SETTING_VALUE = `${HAS_LETTER_AND_DIGIT}${NO_REFERENCE}${VALUE_IN_JSON}{6,}`
const NO_SCHEME = '(?!OAuth|AWS4|HMAC|Bearer|Basic|Token|ApiKey|Digest)'

/**
 * Secrets found by what stands before them, which is the first group and stays, so that a reader
 * sees what was there. Bounded like the forms of tokens.
 */
export const SECRETS_AFTER_NAMES: readonly RegExp[] = [
  /(\bauthorization["']?\s{0,9}[:=]\s{0,9}["']?(?:Bearer|Basic|Token|ApiKey|Digest)\s{1,9})(?![${<[])[^\s"',;]{4,}/gi,
  /(\b(?:Bearer|Basic)\s{1,9})(?=[A-Za-z._~+/=-]{0,60}\d)[A-Za-z0-9._~+/=-]{16,}/gi,
  // The password of a URL, up to the last `@` before its path.
  /(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@]{0,100}:)(?![${<[])[^\s/"'<>]{1,200}(?=@)/gi,
  /(\bhooks\.slack\.com\/(?:services|workflows|triggers)\/)[A-Za-z0-9/_-]{10,}/gi,
  /(\bdiscord(?:app)?\.com\/api\/webhooks\/\d{1,30}\/)[A-Za-z0-9_-]{20,}/gi,
  // `Password=…;`, `AccountKey=…`.
  new RegExp(`(${START}(?:${FIELD})=["']?)${NO_REFERENCE}${VALUE}{3,}`, 'gi'),
  // `api_key=…`, `X-Api-Key: …`, `"token": "…"`, `password = …`.
  new RegExp(`(${NAME}${QUOTE}${EQUALS}${QUOTE})${SETTING_VALUE}`, 'gi'),
  // `--password …`.
  new RegExp(String.raw`(--[a-z-]{0,30}(?:${PASSWORD}|${SETTING})\s{1,3}["']?)${SETTING_VALUE}`, 'gi'),
  new RegExp(String.raw`(\bauthorization${QUOTE}${EQUALS}${QUOTE})${NO_SCHEME}${SETTING_VALUE}`, 'gi'),
  // `?key=…`, and the signature of an address.
  new RegExp(`([?&](?:key|auth|(?:X-Amz-|X-Goog-)?signature)=)(?=${VALUE}{10})${SETTING_VALUE}`, 'gi'),
  // `githubToken: …`, but not a token of a model's text.
  new RegExp(
    `((?<!stop|end|eos|bos|pad|unk|sep|cls|mask)(?:(?<=[a-z])(?:Token|Secret|Pwd)|(?<=admin|db|smtp|user)Pass)${QUOTE}${EQUALS}${QUOTE})${SETTING_VALUE}`,
    'g',
  ),
  // `<password>…</password>`.
  new RegExp(
    String.raw`(<(?:${PASSWORD}|${SETTING})>)(?=[^\s<]{0,60}[a-z])(?=[^\s<]{0,60}\d)[^\s<]{6,200}(?=<\/)`,
    'gi',
  ),
  new RegExp(String.raw`(\bcookie${QUOTE}${EQUALS}${QUOTE}[\w.-]{1,40}=)(?=${VALUE}{10})${SETTING_VALUE}`, 'gi'),
  // `https://TOKEN@github.com`, `https://TOKEN:x-oauth-basic@github.com`.
  /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)(?=[\w.~%+-]{0,60}[a-z])(?=[\w.~%+-]{0,60}\d)(?:[\w.~%+-]{16,200}|(?=\w{0,15}[A-Z])\w{10,15})(?=(?::[^\s/@]{0,200})?@)/g,
  // `curl -u user:password`.
  /(\bcurl\s[^\n]{0,100}?(?<=\s)(?:-u|--user)[\s=]{0,3}["']?[^\s:"']{1,50}:)(?![${<[])[^\s"']{3,}/gi,
]
