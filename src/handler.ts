// The webhook receiver a user deploys: a web-standard function that turns a signed deployment event
// into a pull request. No database.
import { verifyAgenta, verifyStandard, WebhookVerificationError } from '@signalbox/sdk'
import type { DeploymentEvent } from './agents/deployment-pr/deployment-event.ts'
import type { DeploymentPrDefaults } from './agents/deployment-pr/deployment-pr.ts'
import { answerDeployment } from './agents/deployment-pr/deployment-pr.ts'
import type { Forges } from './forges/forges.ts'
import { forgesFrom } from './forges/forges.ts'
import type { GithubAuth } from './forges/github/connection.ts'
import { github as githubForge } from './forges/github/github.ts'
import { AppError, errorText, GiveUp, RetryAt } from './lib/error.ts'
import { silentLog } from './lib/log.ts'
import { parseRepositoryRef } from './lib/repository.ts'
import type { PullRequestOutput, Receipt } from './publisher/output.ts'
import { parseOutputs } from './publisher/output.ts'
import type { Policy } from './publisher/policy.ts'
import { publish } from './publisher/publish.ts'
import { visible } from './untrusted/inert.ts'

const SERVICE = 'Signalbox webhook handler'
const MIN_SECRET_CHARS = 20
const MAX_BODY_BYTES = 5 * 1024 * 1024

/**
 * How a handler is set up; everything of `deployment-pr` (path, title, labels, `customise`…) may be
 * given too.
 */
export type HandlerOptions = Omit<DeploymentPrDefaults, 'repository' | 'base'> & {
  /** The secret shared with the sender, at least 20 characters. */
  secret?: string
  /** All live secrets, while one rotates. */
  secrets?: readonly string[]
  /**
   * Without a token (or App) and a repository the handler answers, but every deployment is a 502.
   */
  github?: {
    token?: string | undefined
    app?: Exclude<GithubAuth, { token: string }> | undefined
    repository?: string | undefined
    /** The repository's default branch if absent. */
    baseBranch?: string | undefined
    apiUrl?: string | undefined
  }
  policy?: Policy
  /** Default 5 MB; the sender's own configurations are far smaller. */
  maxBodyBytes?: number
  /** One line at a time; standard output if absent. */
  log?: (line: string) => void
  /** The clock in milliseconds. */
  now?: () => number
}

type Handling = HandlerOptions & {
  keys: string[]
  forges: Forges
  say: (...lines: string[]) => void
}

/**
 * A function from `Request` to `Response` for `POST …/webhook` and `GET …/health`. Verifies
 * Standard Webhooks or `X-Agenta-Signature`, opens the pull request at most once for a deployment,
 * and answers 200, or an error as `{code, detail}`: 502 when the pull request failed, so that the
 * sender tries again.
 * @throws `AppError('config_invalid')`.
 */
export function createHandler(options: HandlerOptions): (request: Request) => Promise<Response> {
  const keys = [options.secret ?? '', ...(options.secrets ?? [])].map((key) => key.trim()).filter((key) => key !== '')
  if (keys.length === 0 || keys.some((key) => key.length < MIN_SECRET_CHARS)) {
    throw new AppError('config_invalid', `The webhook secret must have at least ${MIN_SECRET_CHARS} characters.`)
  }
  checkRepositories(options)
  const write = options.log ?? ((line: string) => void process.stdout.write(`${line}\n`))
  const handling: Handling = {
    environments: ['production'],
    ...options,
    keys,
    forges: forgesFrom({ github: openGithub(options.github) }),
    say: (...lines) => {
      for (const line of lines) write(line)
    },
  }
  return async (request) => {
    try {
      return await route(request, handling)
    } catch (error) {
      return failed(error, handling)
    }
  }
}

/** At the start, because the sender of a webhook can do nothing about it. */
function checkRepositories({ github, repositories = {} }: HandlerOptions): void {
  try {
    for (const name of [github?.repository, ...Object.values(repositories)]) if (name) parseRepositoryRef(name)
  } catch (error) {
    throw new AppError('config_invalid', errorText(error))
  }
}

function openGithub(given: HandlerOptions['github'] = {}) {
  const auth = given.app ?? (given.token ? { token: given.token } : null)
  return auth === null
    ? null
    : githubForge({ auth, apiUrl: given.apiUrl, userAgent: 'signalbox-handler', log: silentLog })
}

/** By the last part of the path, so that any prefix a platform adds (`/api`, a stage) is fine. */
async function route(request: Request, handling: Handling): Promise<Response> {
  const place = new URL(request.url).pathname.split('/').findLast((part) => part !== '')
  if (place === 'health') {
    requireMethod(request, 'GET', 'HEAD')
    return Response.json({ status: 'healthy', service: SERVICE, github_configured: isConfigured(handling) })
  }
  if (place !== 'webhook') throw new AppError('not_found')
  requireMethod(request, 'POST')
  return Response.json(await receive(request, handling))
}

function requireMethod(request: Request, ...allowed: string[]): void {
  if (!allowed.includes(request.method)) {
    throw new AppError('method_not_allowed', undefined, { headers: { allow: allowed.join(', ') } })
  }
}

function isConfigured({ forges, github, repositories }: Handling): boolean {
  return forges.names.length > 0 && (Boolean(github?.repository) || Object.keys(repositories ?? {}).length > 0)
}

async function receive(request: Request, handling: Handling): Promise<object> {
  const body = await readBody(request, handling.maxBodyBytes ?? MAX_BODY_BYTES)
  await verify(request.headers, body, handling)
  const payload = parse(body)
  const { event, timestamp, delivery_id } = payload
  handling.say(
    `📨 Received event: ${shown(event)}`,
    `   Timestamp: ${shown(timestamp)}`,
    `   Delivery ID: ${shown(delivery_id)}`,
    '',
  )
  if (event !== 'environment.deployed') return { received: true }
  if (!isConfigured(handling)) {
    throw new AppError('forge_failed', 'GitHub is not configured: set GITHUB_TOKEN and GITHUB_REPO.')
  }
  const answer = readDeployment(payload, handling)
  return 'skipped' in answer ? { received: true } : await openPullRequest(answer, handling)
}

async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = new AppError('body_too_large', `The request body is larger than ${maxBytes} bytes.`)
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const VERIFICATION_CODES = {
  missing_header: 'header_missing',
  malformed_header: 'header_invalid',
  malformed_body: 'body_invalid',
  timestamp_too_old: 'signature_invalid',
  timestamp_too_new: 'signature_invalid',
  signature_mismatch: 'signature_invalid',
  no_secret: 'source_closed',
  invalid_secret: 'source_closed',
} as const

/**
 * Standard Webhooks decides alone as soon as one of its headers is there, so that its time cannot
 * be stripped with one header.
 */
async function verify(headers: Headers, body: Uint8Array, { keys, now }: Handling): Promise<void> {
  const isStandard = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].some((name) => headers.has(name))
  const input = { headers, body, secrets: keys, ...(now === undefined ? {} : { nowSeconds: now() / 1000 }) }
  try {
    await (isStandard ? verifyStandard(input) : verifyAgenta(input))
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error
    throw new AppError(VERIFICATION_CODES[error.code], error.message)
  }
}

function parse(body: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // The same refusal as for JSON that is not an object.
  }
  throw new AppError('body_invalid', 'The request body is not a JSON object in UTF-8.')
}

type Deployment = { event: DeploymentEvent; output: PullRequestOutput }

function readDeployment(payload: unknown, handling: Handling): Deployment | { skipped: string } {
  const { repository, baseBranch } = handling.github ?? {}
  const where = { ...(repository ? { repository } : {}), ...(baseBranch ? { base: baseBranch } : {}) }
  try {
    return answerDeployment(payload, { ...handling, ...where })
  } catch (error) {
    if (error instanceof GiveUp) throw new AppError('body_invalid', error.message)
    throw error
  }
}

async function openPullRequest({ event, output }: Deployment, { forges, policy, say }: Handling): Promise<object> {
  // A `customise` of the user's may have made anything of it.
  parseOutputs([output])
  const { app_name, variant_name, environment } = event.data
  say(
    `🎯 ${capital(shown(environment))} deployment detected!`,
    `   App: ${shown(app_name)}`,
    `   Variant: ${shown(variant_name)}`,
    '',
  )
  const { forge, path } = forges.of(output.repository)
  const base = output.base ?? (await forge.defaultBranch(path))
  say('📝 Creating GitHub PR...', `   Repository: ${output.repository}`, `   Base branch: ${base}`)
  say(`   Creating branch: ${output.branch}`, '')
  const job = { id: `${event.delivery_id ?? event.data.deployment_id}` }
  return report(await publish(forges, { ...output, base }, { job, policy }), say)
}

function report(receipt: Receipt | null, say: Handling['say']): object {
  if (receipt === null) {
    say('✅ Nothing to change: the base branch holds this deployment already')
    return { received: true, pr_created: false }
  }
  say(`✅ GitHub PR ${receipt.created ? 'created' : 'is there'}: ${receipt.url}`)
  return { received: true, pr_created: true, pr_url: receipt.url, pr_number: receipt.number, branch: receipt.branch }
}

function failed(error: unknown, { say }: Handling): Response {
  const known = toAppError(error)
  say(`❌ ${known.code}: ${shown(known.detail)}`)
  // A bug's stack is for the log, never for the sender.
  if (known.cause instanceof Error) say(known.cause.stack ?? String(known.cause))
  return Response.json({ code: known.code, detail: known.detail }, { status: known.status, headers: known.headers })
}

function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof RetryAt) {
    const seconds = Math.max(1, Math.ceil((error.when.getTime() - Date.now()) / 1000))
    return new AppError('forge_failed', error.message, { headers: { 'retry-after': String(seconds) } })
  }
  if (error instanceof GiveUp) return new AppError('forge_failed', errorText(error))
  // Outages of GitHub are plain errors, and so are bugs: either way the pull request is not there
  // and the sender should try again.
  return new AppError('forge_failed', 'The pull request could not be opened.', { cause: error })
}

/** A value in a log line: one line, nothing hidden, not endless. */
function shown(value: unknown): string {
  return visible(String(value ?? 'unknown').slice(0, 200)).replace(/\s+/g, ' ')
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
