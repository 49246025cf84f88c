// Which client may read a webhook.
import type { Octokit } from 'octokit'
import type { GithubConnection } from './connection.ts'

/** Where webhooks are read: with a token or as an App, and as the App itself where there is one. */
export type HookConnections = { connection: GithubConnection; app: GithubConnection | null }

/**
 * Runs something with the client that may read what is there: the place is `app`,
 * `repos/acme/shop` or `orgs/acme`, or something below it.
 */
export function withHookClient<T>(
  { connection, app }: HookConnections,
  place: string,
  run: (octokit: Octokit) => Promise<T>,
): Promise<T> {
  const [kind, owner = '', name = ''] = place.split('/')
  if (kind === 'app') return (app ?? connection).withAccount(null, run)
  if (kind === 'orgs') return connection.withAccount(owner, run)
  return connection.withClient(`${owner}/${name}`, run)
}
