// Reading a repository: https://docs.github.com/en/rest/repos
import type { WriteForge } from '../forge.ts'
import type { GithubConnection } from './connection.ts'
import { nullOn } from './null-on.ts'
import { beforeMargin, firstPages, PAGE_SIZE } from './pages.ts'
import { webUrl } from './web-url.ts'

const MAX_COMMIT_PAGES = 10

/** See `ReadForge`. */
export function repositories({
  apiUrl,
  withClient,
}: GithubConnection): Pick<
  WriteForge,
  'defaultBranch' | 'branchSha' | 'tagSha' | 'readFile' | 'commitsBetween' | 'newCommits' | 'commitUrl' | 'filesUrl'
> {
  return {
    commitUrl: (repository, sha) => `${webUrl(apiUrl)}/${repository}/commit/${sha}`,

    filesUrl: (repository, sha) => `${webUrl(apiUrl)}/${repository}/blob/${sha}`,

    newCommits: (repository, branch, since) =>
      withClient(repository, (octokit, at) =>
        octokit.paginate(
          octokit.rest.repos.listCommits,
          { ...at, sha: branch, per_page: PAGE_SIZE, ...(since === undefined ? {} : { since: beforeMargin(since) }) },
          firstPages(MAX_COMMIT_PAGES, (data: CommitAnswer[]) => data.map(toCommit)),
        ),
      ),

    defaultBranch: (repository) =>
      withClient(repository, async (octokit, at) => (await octokit.rest.repos.get(at)).data.default_branch),

    branchSha: (repository, branch) =>
      withClient(repository, (octokit, at) =>
        // 409 is GitHub's answer for a repository without any commit.
        nullOn(
          [404, 409],
          async () => (await octokit.rest.git.getRef({ ...at, ref: `heads/${branch}` })).data.object.sha,
        ),
      ),

    tagSha: (repository, tag) =>
      withClient(repository, (octokit, at) =>
        nullOn([404, 409], async () => {
          const { data } = await octokit.rest.git.getRef({ ...at, ref: `tags/${tag}` })
          const { object } = data
          if (object.type !== 'tag') return object.sha
          return (await octokit.rest.git.getTag({ ...at, tag_sha: object.sha })).data.object.sha
        }),
      ),

    readFile: (repository, path, ref) =>
      withClient(repository, (octokit, at) =>
        nullOn([404], async () => {
          const { data } = await octokit.rest.repos.getContent({ ...at, path, ref })
          if (Array.isArray(data) || data.type !== 'file' || !('content' in data)) return null
          if (data.encoding === 'base64') return Buffer.from(data.content, 'base64').toString('utf8')
          // Above 1 MB the content is left out (encoding "none") and must be asked for as a blob.
          const blob = await octokit.rest.git.getBlob({ ...at, file_sha: data.sha })
          return Buffer.from(blob.data.content, 'base64').toString('utf8')
        }),
      ),

    commitsBetween: (repository, base, head) =>
      withClient(repository, (octokit, at) =>
        octokit.paginate(
          'GET /repos/{owner}/{repo}/compare/{basehead}',
          { ...at, basehead: `${base}...${head}`, per_page: PAGE_SIZE },
          firstPages(MAX_COMMIT_PAGES, ({ commits }) => commits.map(toCommit)),
        ),
      ),
  }
}

type CommitAnswer = { sha: string; commit: { message: string }; author: { login?: string } | null }

function toCommit({ sha, commit, author }: CommitAnswer) {
  return { sha, message: commit.message, author: author?.login ?? null }
}
