// The environment: every variable Signalbox reads, validated once at start.
import { MIN_SECRET_CHARS, privateKeyProblem } from '@signalbox/sdk/scheme'
import { z } from 'zod'
import { isAllowEntry } from './address-guard.ts'
import { AppError } from './error.ts'
import { isHeaderValue } from './header-value.ts'
import { LOG_LEVELS } from './log.ts'
import { githubPath } from './repository.ts'
import { describe, PARSING, problemsIn } from './zod.ts'

const text = z.string()
const flag = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['true', 'false', '1', '0']))
  .transform((value) => value === 'true' || value === '1')
const url = text.refine(
  (value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
  'must be an address that begins with http:// or https://',
)

const secret = text.refine((value) => value.length >= MIN_SECRET_CHARS, {
  message: `must be at least ${MIN_SECRET_CHARS} characters; "signalbox secret generate" makes one`,
})
// Several secrets are live while one is replaced by another.
const secrets = listOf(secret)
const encryptionKey = text.refine((value) => /^[\w+/-]{43}=?$/.test(value), {
  message: 'must be base64 of 32 bytes; "openssl rand -base64 32" makes one',
})

const signingKey = text.refine((value) => privateKeyProblem(value) === null, {
  message: 'must be whsk_ and base64 of 32 or 64 bytes; "signalbox secret generate --ed25519" makes one',
})
const allowedHosts = text
  .transform((value) => value.split(',').map((one) => one.trim()))
  .pipe(
    z.array(text.refine(isAllowEntry, 'must be a host, "*." and a domain, an address or a block such as 10.0.0.0/8')),
  )
const proxy = text.transform((value) => (value.includes('://') ? value : `http://${value}`)).pipe(url)

/** Sent in a header, and an error about one quotes it: a line break inside would show the token. */
const token = text.refine(isHeaderValue, 'must be visible ASCII characters without spaces')

const smtpUrl = text.refine(
  (value) => URL.canParse(value) && /^smtps?:$/.test(new URL(value).protocol) && new URL(value).hostname !== '',
  'must be an address that begins with smtp:// or smtps://',
)
/** What stands in the header `From`: an address, or a name and an address. */
const sender = text.regex(
  /^(?:[^<>@\p{Cc}]{1,100}<[\w.+-]{1,64}@[\w.-]{1,190}>|[\w.+-]{1,64}@[\w.-]{1,190})$/u,
  'must be an address of mail, or "Name <address>"',
)

const variables = {
  DATABASE_URL: text.regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://').optional(),
  SUPABASE_URL: text.optional(),
  SIGNALBOX_DATA_DIR: text.default('.signalbox'),
  HOST: text.optional(),
  PORT: wholeNumber(0, 65_535).default(8000),
  SIGNALBOX_URL: url.optional(),
  SIGNALBOX_PUBLIC_URL: url.optional(),
  SIGNALBOX_API_TOKEN: secret.and(token).optional(),
  SIGNALBOX_ENCRYPTION_KEY: listOf(encryptionKey).default([]),
  SIGNALBOX_SIGNING_KEY: listOf(signingKey).default([]),
  GITHUB_WEBHOOK_SECRET: secrets.default([]),
  AGENTA_WEBHOOK_SECRET: secrets.default([]),
  GITHUB_TOKEN: token.optional(),
  GITHUB_APP_ID: text.optional(),
  GITHUB_APP_PRIVATE_KEY: text.transform((key) => key.replaceAll('\\n', '\n')).optional(),
  GITHUB_REPO: githubPath.optional(),
  GITHUB_BASE_BRANCH: text.optional(),
  GITHUB_API_URL: url.default('https://api.github.com'),
  ANTHROPIC_API_KEY: token.optional(),
  ANTHROPIC_BASE_URL: url.optional(),
  OPENAI_API_KEY: token.optional(),
  OPENAI_BASE_URL: url.optional(),
  SIGNALBOX_MODEL: text.regex(/^\S{1,200}$/, 'must be one word, such as anthropic/claude-sonnet-4-5').optional(),
  SIGNALBOX_MODEL_URL: url.optional(),
  SIGNALBOX_MODEL_KEY: token.optional(),
  SMTP_URL: smtpUrl.optional(),
  SMTP_FROM: sender.optional(),
  ORCHESTRATOR_LOG_LEVEL: z.string().toUpperCase().pipe(z.enum(LOG_LEVELS)).default('INFO'),
  TICK_INTERVAL_SECONDS: wholeNumber(1, 3600).default(60),
  GIT_SYNC_ENABLED: flag.default(true),
  GIT_MIRRORS_DIR: text.optional(),
  GIT_MIRRORS_MAX_MB: wholeNumber(1, 1_000_000_000).default(10_000),
  MAX_CONCURRENT_JOBS: wholeNumber(1, 1000).default(3),
  AGENT_MEMORY_MB: wholeNumber(32, 1_000_000).default(512),
  SIGNALBOX_ISOLATION: z.enum(['auto', 'bubblewrap', 'user', 'none']).default('auto'),
  SIGNALBOX_PROGRAM_USER: text.optional(),
  SIGNALBOX_ALLOW_HOSTS: allowedHosts.default([]),
  HTTPS_PROXY: proxy.optional(),
  HTTP_PROXY: proxy.optional(),
  NO_PROXY: text.optional(),
} as const

// In small letters too, which win, as with other programs.
const PROXY_NAMES = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY']

const schema = z
  .object(variables)
  .refine((env) => env.SUPABASE_URL === undefined || env.DATABASE_URL !== undefined, {
    path: ['SUPABASE_URL'],
    message:
      'is set and DATABASE_URL is not: in the Supabase dashboard press "Connect", copy the connection string of the ' +
      'session pooler (or the direct one), and set it as DATABASE_URL',
  })
  .refine((env) => env.SMTP_URL === undefined || env.SMTP_FROM !== undefined, {
    path: ['SMTP_URL'],
    message: 'is set and SMTP_FROM is not: set it to the address that mails are from',
  })

/** Several values, separated by commas. */
function listOf<Value extends z.ZodType<string, string>>(value: Value) {
  return text.transform((all) => all.split(',').map((one) => one.trim())).pipe(z.array(value))
}

function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((n) => n >= min && n <= max, `must be from ${min} to ${max}`)
}

/** The environment, validated: names as in `.env.example` and docs/configuration.md. */
export type Environment = z.infer<typeof schema>

/** The names of all variables. A test compares them with the documentation. */
export const VARIABLE_NAMES: readonly string[] = Object.keys(variables)

/**
 * Reads and validates the environment. An empty variable counts as unset, as in an untouched `.env`
 * file.
 * @throws AppError `config_invalid` when variables are wrong, naming all of them at once.
 */
export function readEnvironment(env: Variables): Environment {
  const { data, error } = parse(env)
  if (error) throw new AppError('config_invalid', describe(error))
  return data
}

/**
 * What is wrong with the environment: one problem for each mistake, none when it can be read.
 * `place` is the variable, or one of the values in it (`GITHUB_WEBHOOK_SECRET.0`).
 */
export function environmentProblems(env: Variables): { variable: string; place: string; sentence: string }[] {
  const { error } = parse(env)
  return error === undefined
    ? []
    : problemsIn(error).map((problem) => ({ variable: problem.place.split('.')[0] ?? '', ...problem }))
}

// PGPASSWORD is PostgreSQL's own.
const CREDENTIALS: readonly string[] = [
  'DATABASE_URL',
  'PGPASSWORD',
  'SIGNALBOX_API_TOKEN',
  'SIGNALBOX_ENCRYPTION_KEY',
  'SIGNALBOX_SIGNING_KEY',
  'GITHUB_WEBHOOK_SECRET',
  'AGENTA_WEBHOOK_SECRET',
  'GITHUB_TOKEN',
  'GITHUB_APP_PRIVATE_KEY',
  'ANTHROPIC_API_KEY',
  'OPENAI_API_KEY',
  'SIGNALBOX_MODEL_KEY',
  'SMTP_URL',
]

/**
 * The environment without the credentials of Signalbox itself, `others` among them, for the code of
 * others.
 */
export function withoutCredentials(env: Variables, others: readonly string[] = []): Variables {
  const isKept = (name: string) => !CREDENTIALS.includes(name) && !others.includes(name)
  return Object.fromEntries(Object.entries(env).filter(([name]) => isKept(name)))
}

type Variables = Record<string, string | undefined>

function parse(env: Variables) {
  const set = VARIABLE_NAMES.map((name) => [name, textOf(env, name)]).filter(([, value]) => value)
  return schema.safeParse(Object.fromEntries(set), PARSING)
}

function textOf(env: Variables, name: string): string | undefined {
  const small = PROXY_NAMES.includes(name) ? env[name.toLowerCase()]?.trim() : ''
  return small || env[name]?.trim()
}
