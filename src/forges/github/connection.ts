// Octokit, set up for us: a token or an App, a time limit per request, retries of reads only, paced
// writes.
import { createAppAuth } from '@octokit/auth-app'
import { Octokit, RequestError } from 'octokit'
import type { Log } from '../../lib/log.ts'
import { githubFailure, statusOf } from './github-failure.ts'
import { pace } from './pace.ts'
import { parseRepository } from './repository-name.ts'

const USER_AGENT = 'signalbox'
const PUBLIC_API = 'https://api.github.com'
const PUBLIC_PACE = { burst: 20, everyMs: 1000 }
// GitHub Enterprise Server has no rate limits unless its administrator sets some:
// https://docs.github.com/en/enterprise-server@latest/admin/configuring-settings/configuring-user-applications-for-your-enterprise/configuring-rate-limits
const OWN_PACE = { burst: 50, everyMs: 100 }

/**
 * A personal access token, or a GitHub App; without `installationId` the App's installation is
 * found by repository.
 */
export type GithubAuth =
  | { token: string }
  | { appId: string | number; privateKey: string; installationId?: number | undefined }

/** How to reach GitHub. */
export type GithubOptions = {
  /** `https://api.github.com`, or `https://HOST/api/v3` for GitHub Enterprise Server. */
  apiUrl?: string | undefined
  auth: GithubAuth
  userAgent?: string | undefined
  log: Log
  /** How long one request may take. Default 10 s. */
  requestTimeoutMs?: number | undefined
  /** How often a failed read is repeated at once. Default 2; a write never is. */
  readRetries?: number | undefined
  /**
   * Writes at once, and then one every so many milliseconds. Default 20 and 1000; ten a second on a
   * GitHub of your own.
   */
  writes?: { burst: number; everyMs: number } | undefined
  /** In place of the global `fetch`. */
  fetch?: typeof fetch | undefined
}

/**
 * Runs something against GitHub as whoever may act on that repository; failures come out as
 * `githubFailure` says.
 */
export type GithubConnection = {
  apiUrl: string
  as<T>(repository: string, run: (octokit: Octokit, at: { owner: string; repo: string }) => Promise<T>): Promise<T>
}

/** Opens nothing yet: connections are made by the first request. */
export function connect(options: GithubOptions): GithubConnection {
  const apiUrl = (options.apiUrl ?? PUBLIC_API).replace(/\/+$/, '')
  const octokit = octokitMaker(options, apiUrl)
  const { auth } = options
  const clients = 'token' in auth ? oneClient(octokit({ auth: auth.token })) : installations(auth, octokit)
  return {
    apiUrl,
    async as(repository, run) {
      const at = parseRepository(repository)
      try {
        return await run(await clients.of(at), at).catch(async (error: unknown) => {
          if (!clients.mayRenew(error)) throw error
          clients.forget(at)
          return await run(await clients.of(at), at)
        })
      } catch (error) {
        throw githubFailure(error)
      }
    },
  }
}

type Repository = { owner: string; repo: string }

/** Whom to be: one client per account, made when it is first needed. */
type Clients = {
  of(at: Repository): Promise<Octokit>
  /**
   * Whether a failure may be due to a token or an installation that is no more; a call refused for
   * that did nothing.
   */
  mayRenew(error: unknown): boolean
  forget(at: Repository): void
}

function oneClient(client: Octokit): Clients {
  return { of: async () => client, mayRenew: () => false, forget: () => {} }
}

function installations(auth: Exclude<GithubAuth, { token: string }>, octokit: (auth: object) => Octokit): Clients {
  const { appId, privateKey } = auth
  const app = octokit({ authStrategy: createAppAuth, auth: { appId, privateKey } })
  const byOwner = new Map<string, Octokit>()
  return {
    async of(at) {
      const known = byOwner.get(at.owner)
      if (known !== undefined) return known
      const installationId = auth.installationId ?? (await app.rest.apps.getRepoInstallation(at)).data.id
      const client = octokit({ authStrategy: createAppAuth, auth: { appId, privateKey, installationId } })
      byOwner.set(at.owner, client)
      return client
    },
    // A token may die early (a changed permission, a rotated key), and an App that is installed
    // anew has another installation.
    mayRenew: (error) => statusOf(error) === 401 || isOfToken(error),
    forget: (at) => void byOwner.delete(at.owner),
  }
}

function isOfToken(error: unknown): boolean {
  return error instanceof RequestError && error.status === 404 && error.request.url.endsWith('/access_tokens')
}

function octokitMaker(options: GithubOptions, apiUrl: string): (auth: object) => Octokit {
  const send = options.fetch ?? fetch
  const timeoutMs = options.requestTimeoutMs ?? 10_000
  const log = quiet(options.log)
  const passGate = pace(options.writes ?? (apiUrl === PUBLIC_API ? PUBLIC_PACE : OWN_PACE))
  return (auth) => {
    const client = new Octokit({
      ...auth,
      baseUrl: apiUrl,
      userAgent: options.userAgent ?? USER_AGENT,
      log,
      request: {
        log,
        fetch: (url: string, init: RequestInit) => send(url, { ...init, signal: AbortSignal.timeout(timeoutMs) }),
      },
      // octokit's throttling spaces every write by 1 s and every pull request by 3 s, 7 s of a
      // sender's 10 for one publication, and sleeps through rate limits with the job's slot in its
      // hands; `pace` and `RetryAt` do it here.
      throttle: { enabled: false },
      // Quick, and for reads only: the plugin would repeat a POST whose answer was lost, which
      // makes a second comment.
      retry: {
        retryAfterBaseValue: 200,
        retries: options.readRetries ?? 2,
        doNotRetry: [400, 401, 403, 404, 409, 410, 422, 429, 451],
      },
    })
    client.hook.before('request', async (request) => {
      if (request.method === 'GET') return
      request.request = { ...request.request, retries: 0 }
      await passGate()
    })
    return client
  }
}

function quiet(log: Log) {
  return {
    debug: (message: string) => log.debug(message),
    info: (message: string) => log.debug(message),
    warn: (message: string) => log.warn(message),
    error: (message: string) => log.debug(message),
  }
}
