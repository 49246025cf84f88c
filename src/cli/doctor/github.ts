// The doctor on GitHub: who the token or the App is, and whether it may do what it is for.
import { createPrivateKey } from 'node:crypto'
import type { GithubAuth } from '../../forges/github/clients.ts'
import { connect } from '../../forges/github/connection.ts'
import { githubAuth } from '../../forges/github/environment.ts'
import type { Environment } from '../../lib/environment.ts'
import { AppError, errorText } from '../../lib/error.ts'
import { silentLog } from '../../lib/log.ts'
import type { Check } from './check.ts'
import { ok, problem } from './check.ts'

const TIMEOUT_MS = 8_000
const UNREACHABLE_HINT = 'Check the network, the proxy and GITHUB_API_URL.'
const KEY_HINT = 'Generate a private key on the page of the App, and set GITHUB_APP_PRIVATE_KEY to the whole file.'
const NEEDED = 'contents, pull requests and issues: write'

/**
 * Everything that can be asked of GitHub without changing anything there; nothing when no
 * credentials are set.
 */
export async function githubChecks(environment: Environment): Promise<Check[]> {
  const auth = githubAuth(environment)
  if (auth === null) return []
  const who =
    'token' in auth ? await tokenCheck(environment.GITHUB_API_URL, auth.token) : await appCheck(environment, auth)
  if (environment.GITHUB_REPO === undefined || who.status === 'problem') return [who]
  return [who, ...(await repositoryChecks(environment, auth, environment.GITHUB_REPO))]
}

function connectionFor({ GITHUB_API_URL: apiUrl }: Environment, auth: GithubAuth) {
  return connect({ apiUrl, auth, log: silentLog, requestTimeoutMs: TIMEOUT_MS, readRetries: 0 })
}

/** Asks as the App itself who it is, which needs no installation. */
async function appCheck(environment: Environment, auth: Extract<GithubAuth, { appId: unknown }>): Promise<Check> {
  const unusable = keyProblem(auth.privateKey)
  if (unusable !== null) return problem('GitHub App', `GITHUB_APP_PRIVATE_KEY ${unusable}`, KEY_HINT)
  try {
    const account = await connectionFor(environment, auth).account()
    return ok('GitHub App', account === null ? 'accepted' : `accepted, as ${account}`)
  } catch (error) {
    return error instanceof AppError
      ? problem('GitHub App', `is not accepted: ${error.detail}`, `GITHUB_APP_ID must be of the same App. ${KEY_HINT}`)
      : problem('GitHub App', errorText(error), UNREACHABLE_HINT)
  }
}

/** Why this is no key of an App, which are RSA; null if it may be one. Says nothing of its text. */
function keyProblem(pem: string): string | null {
  try {
    const { asymmetricKeyType: type } = createPrivateKey(pem)
    return type === 'rsa' ? null : `is a key of the type ${type}, not RSA`
  } catch {
    if (!pem.includes('-----BEGIN')) return 'is no private key in PEM: it has no line -----BEGIN RSA PRIVATE KEY-----'
    if (!pem.trim().includes('\n')) return 'has all of its PEM in one line; write \\n for the ends of lines'
    return 'is no private key in PEM that can be read: it is cut off or changed'
  }
}

/**
 * Asks for the rate limit, which every kind of token may and which costs nothing, and for whom it
 * belongs to.
 */
async function tokenCheck(apiUrl: string, token: string): Promise<Check> {
  const headers = { authorization: `Bearer ${token}`, 'user-agent': 'signalbox', accept: 'application/vnd.github+json' }
  const get = (path: string) =>
    fetch(`${apiUrl.replace(/(?<!\/)\/+$/, '')}${path}`, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
  try {
    const [limit, user] = await Promise.all([get('/rate_limit'), get('/user')])
    if (limit.status === 401) {
      return problem(
        'GitHub token',
        'is not accepted: wrong, expired or revoked',
        'Make a new one and set GITHUB_TOKEN.',
      )
    }
    // A token of an App's installation has no user, and only classic tokens show their scopes.
    const { login } = (await user.json().catch(() => ({}))) as { login?: string }
    const scopes = user.headers.get('x-oauth-scopes')
    const parts = [login ? `accepted, of ${login}` : 'accepted', ...(scopes ? [`scopes ${scopes}`] : [])]
    return ok('GitHub token', parts.join(', '))
  } catch (error) {
    const reason = errorText(error instanceof Error && error.cause ? error.cause : error)
    return problem('GitHub token', `GitHub cannot be reached: ${reason}`, UNREACHABLE_HINT)
  }
}

async function repositoryChecks(environment: Environment, auth: GithubAuth, repository: string): Promise<Check[]> {
  try {
    return await connectionFor(environment, auth).withClient(repository, async (octokit, at) => {
      const { data } = await octokit.rest.repos.get(at)
      const mayWrite = 'token' in auth ? data.permissions?.push : await appMayWrite(octokit, at)
      const seen = repositoryCheck(data.full_name, mayWrite)
      const branch = environment.GITHUB_BASE_BRANCH ?? data.default_branch
      return [seen, await branchCheck(octokit, { ...at, branch })]
    })
  } catch (error) {
    const hint =
      error instanceof AppError
        ? `Check GITHUB_REPO, and that the token or App has access to it (${NEEDED}).`
        : 'Try again later.'
    return [problem('GitHub repository', errorText(error), hint)]
  }
}

/**
 * What a repository that can be seen means; whether it may be written is unknown where GitHub does
 * not say.
 */
export function repositoryCheck(repository: string, mayWrite: boolean | undefined): Check {
  if (mayWrite === true) return ok('GitHub repository', `${repository} is visible, and may be written`)
  if (mayWrite === undefined)
    return ok('GitHub repository', `${repository} is visible; GitHub does not say whether it may be written`)
  const hint = `Give the token or App write access (${NEEDED}).`
  return problem('GitHub repository', `${repository} is visible but may not be written`, hint)
}

type Octokit = Parameters<Parameters<ReturnType<typeof connect>['withClient']>[1]>[0]
type At = { owner: string; repo: string }

// For an App the repository's own `permissions` are a user's and all false; the installation's
// count.
async function appMayWrite(octokit: Octokit, at: At): Promise<boolean> {
  const { permissions } = (await octokit.rest.apps.getRepoInstallation(at)).data
  return permissions.contents === 'write' && permissions.pull_requests === 'write'
}

async function branchCheck(octokit: Octokit, at: At & { branch: string }): Promise<Check> {
  try {
    await octokit.rest.repos.getBranch(at)
    return ok('GitHub base branch', at.branch)
  } catch (error) {
    if ((error as { status?: number }).status !== 404) throw error
    return problem(
      'GitHub base branch',
      `there is no branch ${at.branch}`,
      'Push it, or set GITHUB_BASE_BRANCH to one that exists.',
    )
  }
}
