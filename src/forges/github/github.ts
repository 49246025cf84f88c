// GitHub as a forge: one REST call per method, so that a crash falls between two of them.
import type { WriteForge } from '../forge.ts'
import { comments, createComment } from './comments.ts'
import type { GithubConnection, GithubOptions } from './connection.ts'
import { connect } from './connection.ts'
import { createBranch, createCommit, createTree, updateBranch } from './git-data.ts'
import { statusOf } from './github-failure.ts'
import { addLabels } from './labels.ts'
import { createPullRequest, pullRequests, updatePullRequest } from './pull-requests.ts'

/**
 * A forge that writes to GitHub as `auth`; `readOnly(forge)` is what agents get. Nothing is
 * connected until the first call.
 */
export function github(options: GithubOptions): WriteForge {
  const connection = connect(options)
  return {
    ...reading(connection),
    createTree: (repository, tree) => createTree(connection, repository, tree),
    createCommit: (repository, commit) => createCommit(connection, repository, commit),
    createBranch: (repository, branch, sha) => createBranch(connection, repository, branch, sha),
    updateBranch: (repository, branch, sha) => updateBranch(connection, repository, branch, sha),
    pullRequests: (repository, selection) => pullRequests(connection, repository, selection),
    createPullRequest: (repository, pull) => createPullRequest(connection, repository, pull),
    updatePullRequest: (repository, number, change) => updatePullRequest(connection, repository, number, change),
    addLabels: (repository, issue, labels) => addLabels(connection, repository, issue, labels),
    comments: (repository, target) => comments(connection, repository, target),
    createComment: (repository, target, body) => createComment(connection, repository, target, body),
  }
}

function reading({
  as,
}: GithubConnection): Pick<WriteForge, 'defaultBranch' | 'branchSha' | 'readFile' | 'commit' | 'commitsBetween'> {
  return {
    defaultBranch: (repository) =>
      as(repository, async (octokit, at) => (await octokit.rest.repos.get(at)).data.default_branch),

    branchSha: (repository, branch) =>
      as(repository, (octokit, at) =>
        // 409 is GitHub's answer for a repository without any commit.
        absentOn(
          [404, 409],
          async () => (await octokit.rest.git.getRef({ ...at, ref: `heads/${branch}` })).data.object.sha,
        ),
      ),

    readFile: (repository, path, ref) =>
      as(repository, (octokit, at) =>
        absentOn([404], async () => {
          const { data } = await octokit.rest.repos.getContent({ ...at, path, ref })
          if (Array.isArray(data) || data.type !== 'file' || !('content' in data)) return null
          if (data.encoding === 'base64') return Buffer.from(data.content, 'base64').toString('utf8')
          // Above 1 MB the content is left out (encoding "none") and must be asked for as a blob.
          const blob = await octokit.rest.git.getBlob({ ...at, file_sha: data.sha })
          return Buffer.from(blob.data.content, 'base64').toString('utf8')
        }),
      ),

    commit: (repository, sha) =>
      as(repository, async (octokit, at) => {
        const { data } = await octokit.rest.git.getCommit({ ...at, commit_sha: sha })
        const parents = data.parents.map((parent) => parent.sha)
        return { sha: data.sha, message: data.message, treeSha: data.tree.sha, parents }
      }),

    commitsBetween: (repository, base, head) =>
      as(repository, async (octokit, at) => {
        const { data } = await octokit.rest.repos.compareCommitsWithBasehead({ ...at, basehead: `${base}...${head}` })
        return data.commits.map(({ sha, commit }) => ({ sha, message: commit.message }))
      }),
  }
}

async function absentOn<T>(statuses: number[], look: () => Promise<T>): Promise<T | null> {
  try {
    return await look()
  } catch (error) {
    if (statuses.includes(statusOf(error) ?? 0)) return null
    throw error
  }
}
