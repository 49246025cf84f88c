// GitHub as the environment sets it up: with a token, or as an App.
import type { Environment } from '../../lib/environment.ts'
import type { Log } from '../../lib/log.ts'
import type { ForgeKind } from '../configured.ts'
import type { HookForge, OpenForge } from '../hooks.ts'
import type { GithubAuth } from './clients.ts'
import { connect } from './connection.ts'
import { github } from './github.ts'
import type { HookConnections } from './hook-client.ts'
import { githubHooks } from './hook-deliveries.ts'
import { openThings } from './open-things.ts'

/** GitHub with the credentials of the environment. */
export const githubFromEnvironment: ForgeKind = {
  fromEnvironment(environment, log, onLimit) {
    const auth = githubAuth(environment)
    return auth === null ? null : github({ apiUrl: environment.GITHUB_API_URL, auth, log, onLimit })
  },
  remedy(environment) {
    const missing = missingOfApp(environment)
    return missing === null
      ? 'set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY'
      : `set ${missing} too: the GitHub App is only half set up`
  },
}

/** What stands open on GitHub, for the credentials of the environment; null without any. */
export function githubOpenThingsFrom(environment: Environment, log: Log): OpenForge | null {
  const auth = githubAuth(environment)
  return auth === null ? null : openThings(connect({ apiUrl: environment.GITHUB_API_URL, auth, log }))
}

/** The webhooks of GitHub as the credentials of the environment may read them; null without any. */
export function githubHooksFrom(environment: Environment, log: Log): HookForge | null {
  const connections = hookConnectionsFrom(environment, log)
  return connections === null ? null : githubHooks(connections)
}

/** The ways to GitHub's webhooks that the environment has credentials for; null without any. */
export function hookConnectionsFrom(environment: Environment, log: Log): HookConnections | null {
  const [auth, app] = [githubAuth(environment), appAuth(environment)]
  if (auth === null) return null
  const apiUrl = environment.GITHUB_API_URL
  const connection = connect({ apiUrl, auth, log })
  const asApp = app === null || !('token' in auth) ? connection : connect({ apiUrl, auth: app, log })
  return { connection, app: app === null ? null : asApp }
}

/** What is unset of a GitHub App of which the other half is set; null where both are, or none. */
export function missingOfApp(environment: Environment): 'GITHUB_APP_ID' | 'GITHUB_APP_PRIVATE_KEY' | null {
  const { GITHUB_APP_ID: appId, GITHUB_APP_PRIVATE_KEY: privateKey } = environment
  if ((appId === undefined) === (privateKey === undefined)) return null
  return appId === undefined ? 'GITHUB_APP_ID' : 'GITHUB_APP_PRIVATE_KEY'
}

/** The credentials of the environment; a token comes before an App, half of which is none. */
export function githubAuth(environment: Environment): GithubAuth | null {
  const { GITHUB_TOKEN: token } = environment
  return token === undefined ? appAuth(environment) : { token }
}

/** The App of the environment, also where a token comes before it; null where half is unset. */
function appAuth(environment: Environment): Extract<GithubAuth, { appId: unknown }> | null {
  const { GITHUB_APP_ID: appId, GITHUB_APP_PRIVATE_KEY: privateKey } = environment
  return appId !== undefined && privateKey !== undefined ? { appId, privateKey } : null
}
