// An installation token looking at itself.
import { reaches } from '../access.ts'
import { GithubError } from '../github-error.ts'
import type { Call } from '../route.ts'
import { noContent, pageOf, route } from '../route.ts'
import { selectionOf } from '../shapes/accounts.ts'
import { repositoryShape } from '../shapes/repositories.ts'
import type { Token } from '../state.ts'

/** https://docs.github.com/en/rest/apps/installations */
export const installationRoutes = [
  route('GET', '/installation/repositories', (call) => {
    const token = installationToken(call)
    const { hub } = call
    const repos = [...hub.state.repositories.values()].filter((repo) => reaches(token, repo))
    const selection = selectionOf(token.repositoryIds ?? token.installation?.repositoryIds ?? null)
    const wrap = (repositories: unknown[]) => ({
      total_count: repos.length,
      repository_selection: selection,
      repositories,
    })
    return pageOf(call, repos, (repo) => repositoryShape(hub, repo), wrap)
  }),

  route('DELETE', '/installation/token', (call) => {
    installationToken(call).revoked = true
    return noContent()
  }),
]

function installationToken({ credentials }: Call): Token {
  if (credentials.kind === 'anonymous') throw new GithubError(401, 'Requires authentication')
  if (credentials.kind !== 'token' || !credentials.token.installation) {
    throw new GithubError(
      403,
      'You must authenticate with an installation access token in order to list repositories for an installation.',
    )
  }
  return credentials.token
}
