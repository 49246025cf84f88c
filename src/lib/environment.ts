// The environment: every variable Signalbox reads, validated once at start.
import { privateKeyProblem } from '@signalbox/sdk/scheme'
import { z } from 'zod'
import { isAllowEntry } from './address-guard.ts'
import { AppError } from './error.ts'
import { LOG_LEVELS } from './log.ts'
import { githubPath } from './repository.ts'
import { NO_PROXIES, parseTrustedProxies } from './trusted-proxies.ts'
import type { Problem, Variables } from './variables.ts'
import {
  addressProblem,
  DEFAULT_DATA_DIR,
  DEFAULT_PORT,
  headerProblem,
  numberProblem,
  readValue,
  SERVER_PROBLEMS,
  secretProblem,
} from './variables.ts'
import { describe, PARSING, problemsIn } from './zod.ts'

const text = z.string()
const flag = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['true', 'false', '1', '0']))
  .transform((value) => value === 'true' || value === '1')
const url = textWithout(addressProblem)
const secret = textWithout(secretProblem)
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

const token = textWithout(headerProblem)

const trustedProxies = text.transform((value, context) => {
  const proxies = parseTrustedProxies(value)
  if (proxies !== null) return proxies
  const message = 'must be how many proxies there are, or a list of their addresses, such as loopback,10.0.0.0/8'
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

const smtpUrl = text.refine(
  (value) => URL.canParse(value) && /^smtps?:$/.test(new URL(value).protocol) && new URL(value).hostname !== '',
  'must be an address that begins with smtp:// or smtps://',
)
/** What stands in the header `From`: an address, or a name and an address. */
const sender = text.regex(
  /^(?:[^<>@\p{Cc}]{1,100}<[\w.+-]{1,64}@[\w.-]{1,190}>|[\w.+-]{1,64}@[\w.-]{1,190})$/u,
  'must be an address of mail, or "Name <address>"',
)

/** A webhook as GitHub's API addresses it; the numbers are in the addresses of its settings. */
const hookPath = text.regex(
  /^(?:app\/hook|orgs\/[\w-]{1,100}\/hooks\/\d{1,20}|repos\/[\w-]{1,100}\/[\w.-]{1,100}\/hooks\/\d{1,20})$/,
  'must be app/hook, repos/OWNER/NAME/hooks/NUMBER or orgs/NAME/hooks/NUMBER',
)

const variables = {
  DATABASE_URL: text.regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://').optional(),
  SUPABASE_URL: text.optional(),
  SUPABASE_KEY: text.optional(),
  SIGNALBOX_DATA_DIR: textWithout(SERVER_PROBLEMS.SIGNALBOX_DATA_DIR).default(DEFAULT_DATA_DIR),
  HOST: text.optional(),
  PORT: textWithout(SERVER_PROBLEMS.PORT).transform(Number).default(DEFAULT_PORT),
  TRUST_PROXY: trustedProxies.default(NO_PROXIES),
  RATE_LIMIT_REFUSED: wholeNumber(0, 1_000_000).default(60),
  RATE_LIMIT_SOURCE: wholeNumber(0, 100_000_000).default(60_000),
  RATE_LIMIT_API: wholeNumber(0, 100_000_000).default(6_000),
  MAX_CONNECTIONS: wholeNumber(1, 100_000).default(2_000),
  MAX_CONNECTIONS_PER_CLIENT: wholeNumber(1, 100_000).default(1_000),
  MAX_BODIES_MB: wholeNumber(64, 100_000).default(256),
  METRICS_HOST: text.default('127.0.0.1'),
  METRICS_PORT: wholeNumber(0, 65_535).optional(),
  SIGNALBOX_URL: textWithout(SERVER_PROBLEMS.SIGNALBOX_URL).optional(),
  SIGNALBOX_PUBLIC_URL: url.optional(),
  SIGNALBOX_API_TOKEN: textWithout(SERVER_PROBLEMS.SIGNALBOX_API_TOKEN).optional(),
  SIGNALBOX_ENCRYPTION_KEY: listOf(encryptionKey).default([]),
  SIGNALBOX_SIGNING_KEY: listOf(signingKey).default([]),
  GITHUB_WEBHOOK_SECRET: secrets.default([]),
  AGENTA_WEBHOOK_SECRET: secrets.default([]),
  AGENTA_API_URL: url.optional(),
  AGENTA_API_KEY: token.optional(),
  GITHUB_TOKEN: token.optional(),
  GITHUB_APP_ID: text.optional(),
  // Some programs pass the quotation marks of an .env file on.
  GITHUB_APP_PRIVATE_KEY: text.transform((key) => key.replace(/^"(.*)"$/s, '$1').replaceAll('\\n', '\n')).optional(),
  GITHUB_REPO: githubPath.optional(),
  GITHUB_BASE_BRANCH: text.optional(),
  GITHUB_API_URL: url.default('https://api.github.com'),
  GITHUB_HOOKS: listOf(hookPath).optional(),
  GITHUB_GAPS_INTERVAL_SECONDS: wholeNumber(0, 86_400).default(300),
  ANTHROPIC_API_KEY: token.optional(),
  ANTHROPIC_BASE_URL: url.optional(),
  OPENAI_API_KEY: token.optional(),
  OPENAI_BASE_URL: url.optional(),
  SIGNALBOX_MODEL: text.regex(/^\S{1,200}$/, 'must be one word, such as anthropic/claude-sonnet-4-5').optional(),
  SIGNALBOX_MODEL_URL: url.optional(),
  SIGNALBOX_MODEL_KEY: token.optional(),
  SIGNALBOX_DEPLOY_COMMAND: text.optional(),
  SMTP_URL: smtpUrl.optional(),
  SMTP_FROM: sender.optional(),
  ORCHESTRATOR_LOG_LEVEL: z.string().toUpperCase().pipe(z.enum(LOG_LEVELS)).default('INFO'),
  TICK_INTERVAL_SECONDS: wholeNumber(1, 3600).default(60),
  RETENTION_DAYS: wholeNumber(0, 36_500).default(180),
  RETENTION_BODIES_DAYS: wholeNumber(0, 36_500).default(30),
  RETENTION_LOGS_DAYS: wholeNumber(0, 36_500).optional(),
  RETENTION_ATTEMPTS_DAYS: wholeNumber(0, 36_500).optional(),
  RETENTION_DELIVERIES_DAYS: wholeNumber(0, 36_500).optional(),
  RETENTION_JOBS_DAYS: wholeNumber(0, 36_500).optional(),
  RETENTION_REFUSED_DAYS: wholeNumber(0, 36_500).optional(),
  RETENTION_EVENTS_DAYS: wholeNumber(0, 36_500).optional(),
  RETENTION_FINDINGS_DAYS: wholeNumber(0, 36_500).optional(),
  RETENTION_MAX_GB: wholeNumber(1, 1_000_000).optional(),
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
  return textWithout(numberProblem(min, max)).transform(Number)
}

function textWithout(problemOf: Problem) {
  return text.superRefine((value, context) => {
    const message = problemOf(value)
    if (message !== null) context.addIssue({ code: 'custom', message })
  })
}

/** The environment, validated: names as in `.env.example` and docs/configuration.md. */
export type Environment = z.infer<typeof schema>

// Other programs have them; nothing here reads what is in them.
const UNUSED = ['SUPABASE_URL', 'SUPABASE_KEY'] as const

/** One sentence for each variable that is set and means nothing here: what to set instead. */
export function unusedVariables(environment: Environment): string[] {
  const remedy =
    environment.DATABASE_URL === undefined ? 'set DATABASE_URL instead' : 'DATABASE_URL is used, so remove it'
  return UNUSED.filter((name) => environment[name] !== undefined).map(
    (name) =>
      `${name} is set and not used: Signalbox connects to PostgreSQL itself, with its connection string; ${remedy}.`,
  )
}

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
  'SUPABASE_KEY',
  'PGPASSWORD',
  'SIGNALBOX_API_TOKEN',
  'SIGNALBOX_ENCRYPTION_KEY',
  'SIGNALBOX_SIGNING_KEY',
  'GITHUB_WEBHOOK_SECRET',
  'AGENTA_WEBHOOK_SECRET',
  'AGENTA_API_KEY',
  'GITHUB_TOKEN',
  'GITHUB_APP_PRIVATE_KEY',
  'ANTHROPIC_API_KEY',
  'OPENAI_API_KEY',
  'SIGNALBOX_MODEL_KEY',
  'SMTP_URL',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
]

/**
 * The environment without the credentials of Signalbox itself, `others` among them, for the code of
 * others.
 */
export function withoutCredentials(env: Variables, others: readonly string[] = []): Variables {
  const isKept = (name: string) => !CREDENTIALS.includes(name) && !others.includes(name)
  return Object.fromEntries(Object.entries(env).filter(([name]) => isKept(name)))
}

function parse(env: Variables) {
  const set = VARIABLE_NAMES.map((name) => [name, textOf(env, name)]).filter(([, value]) => value !== undefined)
  return schema.safeParse(Object.fromEntries(set), PARSING)
}

function textOf(env: Variables, name: string): string | undefined {
  const small = PROXY_NAMES.includes(name) ? readValue(env, name.toLowerCase()) : undefined
  return small ?? readValue(env, name)
}
