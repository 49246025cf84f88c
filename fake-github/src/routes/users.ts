// People, and the meter of requests.
import { accountOf } from '../access.ts'
import { GithubError, notFound } from '../github-error.ts'
import { json, route } from '../route.ts'
import { profileShape } from '../shapes/accounts.ts'
import { accountKey } from '../state.ts'

/** https://docs.github.com/en/rest/users/users and /rate-limit */
export const userRoutes = [
  route('GET', '/user', ({ hub, credentials }) => {
    const account = accountOf(credentials)
    if (!account) throw new GithubError(401, 'Requires authentication')
    if (credentials.kind === 'app' || account.type === 'Bot') {
      throw new GithubError(403, 'Resource not accessible by integration')
    }
    return json({ ...profileShape(hub, account), ...PRIVATE })
  }),

  route('GET', '/users/{username}', ({ hub, params }) => {
    const account = hub.state.accounts.get(accountKey(params.username ?? ''))
    if (!account) throw notFound()
    return json(profileShape(hub, account))
  }),

  route('GET', '/rate_limit', ({ hub, credentials }) => {
    const used = credentials.kind === 'token' ? credentials.token.used : 0
    const reset = (Math.floor(hub.clock() / 3_600_000) + 1) * 3600
    const rate = { limit: 5000, used, remaining: Math.max(0, 5000 - used), reset }
    return json({ resources: { core: rate, search: rate }, rate })
  }),
]

const PRIVATE = {
  private_gists: 0,
  total_private_repos: 0,
  owned_private_repos: 0,
  disk_usage: 0,
  collaborators: 0,
  two_factor_authentication: true,
}
