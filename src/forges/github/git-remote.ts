// How git reads a repository on GitHub: its address, and a token that can do no more than read it.
import { parseGithubPath } from '../../lib/repository.ts'
import type { WriteForge } from '../forge.ts'
import type { GithubConnection } from './connection.ts'
import { webUrl } from './web-url.ts'

/** See `WriteForge`. */
export function gitRemotes({ apiUrl, withClient }: GithubConnection): Pick<WriteForge, 'gitRemote'> {
  return {
    gitRemote(repository) {
      const { owner, repo } = parseGithubPath(repository)
      return {
        url: `${webUrl(apiUrl)}/${owner}/${repo}.git`,
        credential: () =>
          withClient(repository, async (octokit) => {
            // An App's client makes a token for this; a token's own has nothing else to give.
            const wanted = { type: 'installation', repositoryNames: [repo], permissions: { contents: 'read' } }
            const { token } = (await octokit.auth(wanted)) as { token: string }
            return { username: 'x-access-token', password: token }
          }),
        // GitHub counts in kilobytes.
        bytes: () => withClient(repository, async (octokit, at) => (await octokit.rest.repos.get(at)).data.size * 1000),
      }
    },
  }
}
