// The clients that call GitHub: one for a token, one for each account an App is installed on.
import { createAppAuth } from '@octokit/auth-app'
import type { Octokit } from 'octokit'
import { RequestError } from 'octokit'
import type { Access } from '../access.ts'
import type { WriteGuard } from '../forge.ts'
import { githubText, isForbidden, statusOf } from './github-failure.ts'
import type { LimitedClients } from './limited-clients.ts'
import { limitedClients } from './limited-clients.ts'

/**
 * A personal access token, or a GitHub App; without `installationId` the App's installation is
 * found by repository.
 */
export type GithubAuth =
  | { token: string }
  | { appId: string | number; privateKey: string; installationId?: number | undefined }

/** A repository as octokit names it, with the options of the requests about it. */
export type Repository = { owner: string; repo: string; request?: { guard?: WriteGuard | undefined } }

/** The clients, each made when it is first needed. */
export type Clients = {
  of(at: Repository): Promise<Octokit>
  /**
   * Whether a failure may be due to a token or an installation that is no longer valid; a call
   * refused for that did nothing.
   */
  mayRenew(error: unknown): boolean
  forget(at: Pick<Repository, 'owner'>): void
  /** The client for what an account has besides its repositories, such as an organisation. */
  ofAccount(owner: string): Promise<Octokit>
  /** The client that speaks for the App itself; null where there is one token. */
  asApp(): Octokit | null
  /** Clients for one repository and no more than this access; null where there is one token. */
  limited(at: Repository, access: Access): Promise<LimitedClients | null>
  /** The account that writes are made as; null where GitHub does not say. */
  account(): Promise<string | null>
}

// What the token of an installation is answered, which is no user: the one of GitHub Actions, say.
const OF_INSTALLATION = /resource not accessible by integration/i

/** The clients of a token or an App; `octokit` makes one. */
export function clientsOf(auth: GithubAuth, octokit: (auth: object) => Octokit): Clients {
  return 'token' in auth ? oneClient(octokit({ auth: auth.token })) : installations(auth, octokit)
}

function oneClient(client: Octokit): Clients {
  return {
    of: async () => client,
    mayRenew: () => false,
    forget: () => {},
    ofAccount: async () => client,
    asApp: () => null,
    limited: async () => null,
    account: once(async () => {
      try {
        return (await client.rest.users.getAuthenticated()).data.login
      } catch (error) {
        if (isForbidden(error) && OF_INSTALLATION.test(githubText(error))) return null
        throw error
      }
    }),
  }
}

function installations(auth: Exclude<GithubAuth, { token: string }>, octokit: (auth: object) => Octokit): Clients {
  const { appId, privateKey } = auth
  const app = octokit({ authStrategy: createAppAuth, auth: { appId, privateKey } })
  const { installationId } = auth
  const byOwner = new Map<string, Octokit>()
  const account = once(async () => {
    const slug = (await app.rest.apps.getAuthenticated()).data?.slug
    return slug === undefined ? null : `${slug}[bot]`
  })
  const clientOf = async (owner: string, findInstallation: () => Promise<{ data: { id: number } }>) => {
    const known = byOwner.get(owner)
    if (known !== undefined) return known
    const id = installationId ?? (await findInstallation()).data.id
    const client = octokit({ authStrategy: createAppAuth, auth: { appId, privateKey, installationId: id } })
    byOwner.set(owner, client)
    return client
  }
  return {
    of: (at) => clientOf(at.owner, () => app.rest.apps.getRepoInstallation(at)),
    ofAccount: (owner) => clientOf(owner, () => app.rest.apps.getUserInstallation({ username: owner })),
    asApp: () => app,
    // A token may die early (a changed permission, a rotated key), and an App that is installed
    // again has another installation.
    mayRenew: (error) => statusOf(error) === 401 || isOfToken(error),
    forget: (at) => void byOwner.delete(at.owner),
    limited: (at, access) => limitedClients({ app, octokit, at, access, installationId, account }),
    account,
  }
}

/** Asks until there is an answer, and then never again. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined
  return () => {
    answer ??= ask().catch((error: unknown) => {
      answer = undefined
      throw error
    })
    return answer
  }
}

function isOfToken(error: unknown): boolean {
  return error instanceof RequestError && error.status === 404 && error.request.url.endsWith('/access_tokens')
}
