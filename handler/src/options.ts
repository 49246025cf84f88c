// What a handler is set up with, checked when it is created: a sender of webhooks can do nothing
// about a wrong setting.
import { MIN_SECRET_CHARS, secretKey } from '@signalbox/sdk/scheme'
import type { DeploymentPrDefaults } from '../../src/agents/deployment-pr/answer.ts'
import { deploymentPrInput, repositoriesOf } from '../../src/agents/deployment-pr/options.ts'
import type { Forges } from '../../src/forges/forges.ts'
import { forgesFrom } from '../../src/forges/forges.ts'
import type { GithubAuth } from '../../src/forges/github/clients.ts'
import { github as githubForge } from '../../src/forges/github/github.ts'
import { AppError, errorText } from '../../src/lib/error.ts'
import { isHeaderValue } from '../../src/lib/header-value.ts'
import { silentLog } from '../../src/lib/log.ts'
import { DEFAULT_FORGE, parseRepositoryRef } from '../../src/lib/repository.ts'
import { describe, PARSING } from '../../src/lib/zod.ts'
import type { Policy, Written } from '../../src/publisher/policy.ts'
import { policyProblems } from '../../src/publisher/policy.ts'

const MAX_BODY_BYTES = 5 * 1024 * 1024

/**
 * How a handler is set up. Everything that `deployment-pr` may be set to (path, title, labels,
 * `customise`…) may be given too.
 */
export type HandlerOptions = Omit<DeploymentPrDefaults, 'repository' | 'base'> & {
  /** The secret shared with the sender, at least 20 characters. */
  secret?: string | undefined
  /** All live secrets, while one rotates. */
  secrets?: readonly string[] | undefined
  /**
   * Without a token (or an App) and a repository the handler answers, but every deployment is a
   * 502.
   */
  github?: GithubSettings | undefined
  /** What may be written. Default: pull requests, in the repositories that are set. */
  policy?: Written | undefined
  /** Default 5 MB; the sender's own configurations are far smaller. */
  maxBodyBytes?: number | undefined
  /** Receives one line at a time; standard output if absent. */
  log?: ((line: string) => void) | undefined
  /** The clock in milliseconds; `Date.now` if absent. */
  now?: (() => number) | undefined
}

type GithubSettings = {
  token?: string | undefined
  app?: Exclude<GithubAuth, { token: string }> | undefined
  /** `owner/name`. */
  repository?: string | undefined
  /** The repository's default branch if absent. */
  baseBranch?: string | undefined
  apiUrl?: string | undefined
}

/** The options as the handler uses them. */
export type Settings = {
  secrets: readonly string[]
  /** Null without a token or an App, and without a repository. */
  forges: Forges | null
  deployment: DeploymentPrDefaults
  policy: Policy
  maxBodyBytes: number
  now: () => number
  /** Writes lines to the log. */
  log: (...lines: string[]) => void
}

/**
 * Checks the options and completes them.
 * @throws AppError `config_invalid` when a secret is missing, short or malformed, a repository is
 * not one on GitHub, or an option is unknown or of the wrong type.
 */
export function readOptions(options: HandlerOptions): Settings {
  const { secret, secrets, github = {}, policy, maxBodyBytes, log, now, ...given } = options
  const write = log ?? ((line: string) => void process.stdout.write(`${line}\n`))
  const deployment = readDeploymentOptions(given, github)
  return {
    secrets: readSecrets(secret, secrets),
    deployment,
    forges: hasRepository(deployment) ? openForges(github) : null,
    policy: readPolicy(policy, deployment),
    maxBodyBytes: maxBodyBytes ?? MAX_BODY_BYTES,
    now: now ?? Date.now,
    log: (...lines) => {
      for (const line of lines) write(line)
    },
  }
}

function readPolicy(given: Written = {}, deployment: DeploymentPrDefaults): Policy {
  const problems = policyProblems(given)
  if (problems.length > 0) throw new AppError('config_invalid', problems.map((line) => `policy: ${line}`).join('\n'))
  return { ...given, repositories: given.repositories ?? repositoriesOf(deployment) }
}

function readSecrets(secret = '', more: readonly string[] = []): string[] {
  const secrets = [secret, ...more].map((one) => one.trim()).filter((one) => one !== '')
  if (secrets.length === 0 || secrets.some((one) => one.length < MIN_SECRET_CHARS)) {
    throw new AppError('config_invalid', `The webhook secret must have at least ${MIN_SECRET_CHARS} characters.`)
  }
  for (const one of secrets) requireKey(one)
  return secrets
}

function requireKey(secret: string): void {
  try {
    secretKey(secret, 'standard')
  } catch (error) {
    throw new AppError('config_invalid', `The webhook secret cannot be used: ${errorText(error)}.`)
  }
}

function readDeploymentOptions(
  { customise, ...given }: Omit<HandlerOptions, 'github'>,
  { repository, baseBranch }: GithubSettings,
): DeploymentPrDefaults {
  const parsed = deploymentPrInput.safeParse({ environments: ['production'], ...given }, PARSING)
  if (!parsed.success) throw new AppError('config_invalid', describe(parsed.error, { root: 'the options' }))
  const options = {
    ...parsed.data,
    ...(repository ? { repository } : {}),
    ...(baseBranch ? { base: baseBranch } : {}),
    ...(customise === undefined ? {} : { customise }),
  }
  requireGithub('github.repository', options.repository)
  for (const [app, name] of Object.entries(options.repositories ?? {})) requireGithub(`repositories.${app}`, name)
  return options
}

function requireGithub(field: string, repository: string | undefined): void {
  if (repository === undefined) return
  try {
    const { forge } = parseRepositoryRef(repository)
    if (forge === null || forge === DEFAULT_FORGE) return
  } catch {
    // The same refusal as for a repository on another forge.
  }
  throw new AppError(
    'config_invalid',
    `${field}: ${JSON.stringify(repository)} is not a repository on GitHub; write owner/name.`,
  )
}

function hasRepository({ repository, repositories = {} }: DeploymentPrDefaults): boolean {
  return repository !== undefined || Object.keys(repositories).length > 0
}

function openForges({ token, app, apiUrl }: GithubSettings): Forges | null {
  if (token && !isHeaderValue(token)) {
    throw new AppError('config_invalid', 'github.token: must be visible ASCII characters without spaces.')
  }
  const auth = app ?? (token ? { token } : null)
  if (auth === null) return null
  return forgesFrom({ github: githubForge({ auth, apiUrl, userAgent: 'signalbox-handler', log: silentLog }) })
}
