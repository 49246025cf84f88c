// Octokit, set up for Signalbox: a token or an App, a time limit per request, retries of reads
// only, paced writes.
import { Octokit } from 'octokit'
import { AppError } from '../../lib/error.ts'
import type { Log } from '../../lib/log.ts'
import { parseGithubPath } from '../../lib/repository.ts'
import { startStopwatch } from '../../lib/stopwatch.ts'
import type { Access } from '../access.ts'
import type { WriteGuard } from '../forge.ts'
import type { Clients, GithubAuth, Repository } from './clients.ts'
import { clientsOf } from './clients.ts'
import { githubFailure, unsent } from './github-failure.ts'
import { pace } from './pace.ts'
import { isRead, repeatReads } from './repeat-reads.ts'

const USER_AGENT = 'signalbox'
const PUBLIC_API = 'https://api.github.com'
const PUBLIC_PACE = { burst: 20, everyMs: 1000 }
// GitHub Enterprise Server has no rate limits unless its administrator sets some:
// https://docs.github.com/en/enterprise-server@latest/admin/configuring-settings/configuring-user-applications-for-your-enterprise/configuring-rate-limits
const ENTERPRISE_PACE = { burst: 50, everyMs: 100 }

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
   * Writes at once, and then one every so many milliseconds. Default 20 and 1000; 50 and 100 on
   * GitHub Enterprise Server.
   */
  writes?: { burst: number; everyMs: number } | undefined
  /** Called with what each answer says of a rate limit. */
  onLimit?: OnLimit | undefined
  /** In place of the global `fetch`. */
  fetch?: typeof fetch | undefined
}

/** What GitHub says of a rate limit: what is left of it, and when it is reset (Unix seconds). */
export type RateLimit = { resource: string; remaining: number; limit: number; resetAt: number }

/** Is given what GitHub says of its rate limits. */
export type OnLimit = (limit: RateLimit) => void

/** A way to call GitHub. */
export type GithubConnection = {
  apiUrl: string
  /**
   * Runs something with the client that may act on that repository. It runs once more from its
   * beginning when GitHub refuses a call because an App's token or installation has changed, so it
   * must be safe to repeat up to any call.
   * @throws what `githubFailure` makes of a failure; AppError `input_invalid` when it is not the
   * name of a repository.
   */
  withClient<T>(repository: string, run: (octokit: Octokit, at: Repository) => Promise<T>): Promise<T>
  /**
   * The same for what belongs to an account, such as an organisation; without one, as the App
   * itself.
   * @throws AppError `forge_failed` when there is no App to speak for.
   */
  withAccount<T>(owner: string | null, run: (octokit: Octokit) => Promise<T>): Promise<T>
  /** The account that writes are made as; null where GitHub does not say. */
  account(): Promise<string | null>
  /** The same connection, for writes that the guard must allow. */
  guarded(guard: WriteGuard): GithubConnection
  /** One that may do no more than this, in one repository; itself where there is only one token. */
  limited(repository: string, access: Access): Promise<Limited>
}

type Limited = { connection: GithubConnection; access: Access | null; close(): Promise<void> }

/** Opens nothing yet: connections are made by the first request. */
export function connect(options: GithubOptions): GithubConnection {
  const apiUrl = (options.apiUrl ?? PUBLIC_API).replace(/(?<!\/)\/+$/, '')
  return connection(apiUrl, clientsOf(options.auth, octokitMaker(options, apiUrl)))
}

function connection(apiUrl: string, clients: Clients, guard?: WriteGuard): GithubConnection {
  const own: GithubConnection = {
    apiUrl,
    account: () =>
      clients.account().catch((error: unknown) => {
        throw githubFailure(error)
      }),
    guarded: (stricter) => connection(apiUrl, clients, stricter),
    async limited(repository, access) {
      try {
        const limited = await clients.limited(parseGithubPath(repository), access)
        if (limited === null) return { connection: own, access: null, close: async () => {} }
        return { ...limited, connection: connection(apiUrl, limited.clients, guard) }
      } catch (error) {
        throw githubFailure(error)
      }
    },
    async withClient(repository, run) {
      // Every call is made with these options, so each finds the guard in its request.
      const at = { ...parseGithubPath(repository), request: { guard } }
      guard?.signal.throwIfAborted()
      return renewing(clients, at.owner, async () => run(await clients.of(at), at))
    },
    async withAccount(owner, run) {
      const app = clients.asApp()
      if (owner !== null) return renewing(clients, owner, async () => run(await clients.ofAccount(owner)))
      if (app === null) throw new AppError('forge_failed', 'There is no GitHub App to speak for.')
      return run(app).catch((error: unknown) => {
        throw githubFailure(error)
      })
    },
  }
  return own
}

/** Runs it once more when GitHub refuses because a token or an installation has changed. */
async function renewing<T>(clients: Clients, owner: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run().catch(async (error: unknown) => {
      if (!clients.mayRenew(error)) throw error
      clients.forget({ owner })
      return await run()
    })
  } catch (error) {
    throw githubFailure(error)
  }
}

// Nothing in a repository: the token of one job, made and revoked.
const TOKENS = ['/app/installations/{installation_id}/access_tokens', '/installation/token']

// How old the word of a guard may be when a write is sent.
const FRESH_MS = 100

function octokitMaker(options: GithubOptions, apiUrl: string): (auth: object) => Octokit {
  const send = options.fetch ?? fetch
  const timeoutMs = options.requestTimeoutMs ?? 10_000
  const log = quiet(options.log)
  const passGate = pace(options.writes ?? (apiUrl === PUBLIC_API ? PUBLIC_PACE : ENTERPRISE_PACE))
  const request = (url: string, init: RequestInit) =>
    send(url, { ...init, signal: AbortSignal.timeout(timeoutMs) }).then(
      (response) => {
        const limit = limitOf(response.headers)
        if (limit !== null) options.onLimit?.(limit)
        return response
      },
      (error: unknown) => {
        throw unsent(error, init.headers)
      },
    )
  return (auth) => {
    const client = new Octokit({
      ...auth,
      baseUrl: apiUrl,
      userAgent: options.userAgent ?? USER_AGENT,
      log,
      request: { log, fetch: request },
      // octokit's throttling spaces every write by 1 s and every pull request by 3 s, 7 s of a
      // sender's 10 for one publication, and sleeps through rate limits while the job keeps its
      // slot; `pace` and `RetryAt` take its place.
      throttle: { enabled: false },
      // `repeatReads` takes its place.
      retry: { enabled: false },
    })
    repeatReads(client, options.readRetries ?? 2)
    client.hook.before('request', async (given) => {
      if (isRead(given)) return
      const guard: WriteGuard | undefined = given.request?.guard
      if (!TOKENS.includes(given.url)) await passGate(guard?.signal)
      if (guard === undefined) return
      await guard.confirm()
      guard.signal.throwIfAborted()
      const confirmed = startStopwatch()
      // octokit has more to do before it sends, and the process may be frozen there, too.
      const confirming = async (url: string, init: RequestInit) => {
        if (confirmed.elapsedMs() > FRESH_MS) await guard.confirm()
        return request(url, init)
      }
      given.request = { ...given.request, fetch: confirming }
    })
    return client
  }
}

// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit
function limitOf(headers: Headers): RateLimit | null {
  const number = (name: string) => Number(headers.get(`x-ratelimit-${name}`) ?? Number.NaN)
  const [remaining, limit, resetAt] = [number('remaining'), number('limit'), number('reset')]
  const resource = headers.get('x-ratelimit-resource') ?? 'core'
  return [remaining, limit, resetAt].every(Number.isFinite) ? { resource, remaining, limit, resetAt } : null
}

function quiet(log: Log) {
  return {
    debug: (message: string) => log.debug(message),
    info: (message: string) => log.debug(message),
    warn: (message: string) => log.warn(message),
    error: (message: string) => log.debug(message),
  }
}
