// Merging pull requests, with real merge commits.
import { z } from 'zod'
import { readRef, resolveCommit } from '../git.ts'
import { readCommit, writeCommit } from '../git-commits.ts'
import { isAncestor, mergeTrees } from '../git-history.ts'
import { GithubError, notFound, unprocessable } from '../github-error.ts'
import { mergeIntoBranch } from '../merge-branches.ts'
import { closePull, setIssueState } from '../pulls.ts'
import { setRef } from '../ref-changes.ts'
import { missingChecks } from '../required-checks.ts'
import type { ChangeCall } from '../route.ts'
import { change, json, noContent, read, readBody } from '../route.ts'
import { commitShape } from '../shapes/git.ts'
import { pullCommits } from '../shapes/pulls.ts'
import { repositoryUrl } from '../shapes/repositories.ts'
import { signatureOf, webCommitter } from '../signatures.ts'
import type { PullIssue } from '../state.ts'
import { findPull } from './pulls.ts'

const mergeBody = z.object({
  commit_title: z.string().optional(),
  commit_message: z.string().optional(),
  sha: z.string().optional(),
  merge_method: z.enum(['merge', 'squash']).default('merge'),
})
type MergeBody = z.infer<typeof mergeBody>

const updateBody = z.object({ expected_head_sha: z.string().optional() })
const branchBody = z.object({ base: z.string(), head: z.string(), commit_message: z.string().optional() })

/**
 * https://docs.github.com/en/rest/pulls/pulls#merge-a-pull-request (without `rebase`) and
 * https://docs.github.com/en/rest/branches/branches#merge-a-branch
 */
export const mergeRoutes = [
  change('POST', '/repos/{owner}/{repo}/merges', { need: 'contents:write' }, mergeBranch),

  read('/repos/{owner}/{repo}/pulls/{pull_number}/merge', 'pull_requests:read', (call) => {
    if (!findPull(call).pull.merged) throw notFound()
    return noContent()
  }),

  change(
    'PUT',
    '/repos/{owner}/{repo}/pulls/{pull_number}/update-branch',
    { need: 'pull_requests:write' },
    updateBranch,
  ),

  change('PUT', '/repos/{owner}/{repo}/pulls/{pull_number}/merge', { need: 'contents:write' }, async (call) => {
    const { hub, repo, account } = call
    const issue = findPull(call)
    const { pull } = issue
    const body = readBody(call, 'PullRequest', mergeBody)
    if (issue.state === 'closed') throw new GithubError(405, 'Pull Request is not mergeable')
    if (pull.draft) throw new GithubError(405, 'Pull Request is still a draft')
    const [missing] = missingChecks(repo, issue)
    if (missing !== undefined) throw new GithubError(405, `Required status check "${missing}" is expected.`)
    if (body.sha && body.sha !== pull.head.sha) {
      throw new GithubError(409, 'Head branch was modified. Review and try the merge again.')
    }
    const sha = await commitMerge(call, issue, body)
    // Before the base moves: otherwise the push would look like somebody else's merge.
    Object.assign(pull, { merged: true, mergedAtMs: hub.clock(), mergedBy: account, mergeCommitSha: sha })
    await closePull(call, issue)
    await setRef(call, `refs/heads/${pull.base.ref}`, sha)
    if (pull.base.ref === repo.defaultBranch) await closeMentioned(call, issue)
    return json({ sha, merged: true, message: 'Pull Request successfully merged' })
  }),
]

/** Merges the base into the head. */
async function updateBranch(call: ChangeCall) {
  const { hub, repo } = call
  const { pull } = findPull(call)
  const { expected_head_sha: expected } = readBody(call, 'PullRequest', updateBody)
  if (expected !== undefined && expected !== pull.head.sha) {
    throw unprocessable("expected head sha didn't match current head ref.")
  }
  const base = await readRef(repo.dir, `refs/heads/${pull.base.ref}`)
  if (!base || (await isAncestor(repo.dir, base, pull.head.sha))) {
    throw unprocessable('There are no new commits on the base branch.')
  }
  const merged = await mergeIntoBranch(call, {
    branch: pull.head.ref,
    into: pull.head.sha,
    from: base,
    message: `Merge branch '${pull.base.ref}' into ${pull.head.ref}`,
  })
  if (!merged) throw unprocessable('merge conflict between base and head')
  const url = `${repositoryUrl(hub, repo)}/pulls/${call.params.pull_number}`
  return json({ message: 'Updating pull request branch.', url }, 202)
}

async function mergeBranch(call: ChangeCall) {
  const { hub, repo } = call
  const body = readBody(call, 'Merge', branchBody)
  const base = await readRef(repo.dir, `refs/heads/${body.base}`)
  const head = await resolveCommit(repo.dir, body.head)
  if (!base) throw new GithubError(404, 'Base does not exist')
  if (!head) throw new GithubError(404, 'Head does not exist')
  if (await isAncestor(repo.dir, head, base)) return noContent()
  const message = body.commit_message ?? `Merge ${body.head} into ${body.base}`
  const sha = await mergeIntoBranch(call, { branch: body.base, into: base, from: head, message })
  if (!sha) throw new GithubError(409, 'Merge conflict')
  const commit = await readCommit(repo.dir, sha)
  return json(commit && commitShape(hub, repo, commit), 201)
}

async function commitMerge({ hub, repo, account }: ChangeCall, issue: PullIssue, body: MergeBody): Promise<string> {
  const { pull, number, title } = issue
  const base = await readRef(repo.dir, `refs/heads/${pull.base.ref}`)
  const tree = base && (await mergeTrees(repo.dir, base, pull.head.sha))
  if (!base || !tree) throw new GithubError(405, 'Pull Request is not mergeable')
  const squash = body.merge_method === 'squash'
  const subject = squash
    ? `${title} (#${number})`
    : `Merge pull request #${number} from ${repo.owner.login}/${pull.head.ref}`
  const text = body.commit_message ?? (squash ? await messages(repo.dir, await pullCommits(repo, pull)) : title)
  return writeCommit(repo.dir, {
    tree,
    parents: squash ? [base] : [base, pull.head.sha],
    author: signatureOf(hub, squash ? issue.user : account),
    committer: webCommitter(hub),
    message: [body.commit_title ?? subject, text].filter(Boolean).join('\n\n'),
  })
}

async function messages(dir: string, shas: string[]): Promise<string> {
  const commits = await Promise.all(shas.map((sha) => readCommit(dir, sha)))
  return commits.map((commit) => `* ${commit?.message ?? ''}`).join('\n\n')
}

/** "Fixes #7" in the description closes issue 7 once merged into the default branch. */
async function closeMentioned(call: ChangeCall, { body }: PullIssue): Promise<void> {
  for (const [, number] of (body ?? '').matchAll(/\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):? #(\d+)\b/gi)) {
    const issue = call.repo.issues.get(Number(number))
    if (issue && !issue.pull) await setIssueState(call, issue, 'closed', 'completed')
  }
}
