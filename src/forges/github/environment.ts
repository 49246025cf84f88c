// GitHub as the environment sets it up: with a token, or as an App.
import type { Environment } from '../../lib/environment.ts'
import type { ForgeKind } from '../configured.ts'
import type { GithubAuth } from './clients.ts'
import { github } from './github.ts'

/** GitHub with the credentials of the environment. */
export const githubFromEnvironment: ForgeKind = {
  fromEnvironment(environment, log) {
    const auth = githubAuth(environment)
    return auth === null ? null : github({ apiUrl: environment.GITHUB_API_URL, auth, log })
  },
  remedy(environment) {
    const missing = missingOfApp(environment)
    return missing === null
      ? 'set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY'
      : `set ${missing} too: the GitHub App is only half set up`
  },
}

/** What is unset of a GitHub App of which the other half is set; null where both are, or none. */
export function missingOfApp(environment: Environment): 'GITHUB_APP_ID' | 'GITHUB_APP_PRIVATE_KEY' | null {
  const { GITHUB_APP_ID: appId, GITHUB_APP_PRIVATE_KEY: privateKey } = environment
  if ((appId === undefined) === (privateKey === undefined)) return null
  return appId === undefined ? 'GITHUB_APP_ID' : 'GITHUB_APP_PRIVATE_KEY'
}

/** The credentials of the environment; a token comes before an App, half of which is none. */
export function githubAuth(environment: Environment): GithubAuth | null {
  const { GITHUB_TOKEN: token, GITHUB_APP_ID: appId, GITHUB_APP_PRIVATE_KEY: privateKey } = environment
  if (token !== undefined) return { token }
  return appId !== undefined && privateKey !== undefined ? { appId, privateKey } : null
}
