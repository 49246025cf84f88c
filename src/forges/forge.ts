// What the rest of the program knows of a forge: reading for agents, writing for the publisher
// only. Each forge has a folder beside this file.
import type { JsonObject } from '../lib/json.ts'
import type { Permission } from '../lib/permission.ts'
import type { Access, LimitedForge } from './access.ts'
import type { CheckForge } from './checks.ts'
import type { DeploymentForge } from './deployments.ts'
import type { IssueForge } from './issues.ts'
import type { ReviewForge } from './reviews.ts'
import type { CommentTarget, LabelTarget, ReactionTarget } from './target.ts'

export type PullRequest = {
  number: number
  url: string
  state: 'open' | 'closed' | 'merged'
  /** The account that opened it; null when that is gone. */
  author: string | null
  head: string
  headSha: string
  /**
   * Whether the head branch lives in another repository (or in one that is gone), so that anybody
   * may have written it.
   */
  fromFork: boolean
  base: string
  baseSha: string
  title: string
  body: string
  labels: string[]
  assignees: string[]
  /** The accounts that are asked to review and have not yet. */
  reviewers: string[]
  /** The teams, by slug. */
  teamReviewers: string[]
  /** The account that set it to merge by itself; null when it does not. */
  autoMergeBy: string | null
}

/** How a pull request is merged. */
export const MERGE_METHODS = ['merge', 'squash', 'rebase'] as const
export type MergeMethod = (typeof MERGE_METHODS)[number]

/** A pull request's head, and when something was last pushed to its repository. */
export type PullRequestHead = { sha: string; fromFork: boolean; pushedAt: Date | null }

/** What an agent may do: look. */
export type ReadForge = {
  /**
   * The default branch's name.
   * @throws AppError `forge_failed` when the repository cannot be seen.
   */
  defaultBranch(repository: string): Promise<string>
  /** The commit a branch points at; null when there is no such branch. */
  branchSha(repository: string, branch: string): Promise<string | null>
  /** The commit a tag stands for; null when there is no such tag. */
  tagSha(repository: string, tag: string): Promise<string | null>
  /**
   * Whether the account `author` is the one that this forge writes as. Where that cannot be known,
   * it is when it is a program's: no person can have such a name.
   */
  isOwn(repository: string, author: string | null): Promise<boolean>
  /** A text file's content at a ref; null when it does not exist. */
  readFile(repository: string, path: string, ref: string): Promise<string | null>
  /**
   * Pull requests, newest first, all of them or those of one head branch. Of the open ones (the
   * default) the newest 1,000 are returned; of those in any state the newest 100.
   */
  pullRequests(repository: string, options: { head?: string; state?: 'open' | 'all' }): Promise<PullRequest[]>
  /** Where a pull request's head is now; null when there is no such pull request. */
  pullRequestHead(repository: string, number: number): Promise<PullRequestHead | null>
  /** What an account may do in a repository; `none` also for one that does not exist. */
  permission(repository: string, login: string): Promise<Permission>
  /**
   * Whether an account is a member of a team, `acme/core`. The repository says by which credentials
   * to ask; without the right to see the team the answer is no.
   */
  isTeamMember(repository: string, team: string, login: string): Promise<boolean>
  /**
   * The commits that `head` has and `base` has not (`base...head`; branches, tags or shas), oldest
   * first. The first 1,000 are returned.
   */
  commitsBetween(repository: string, base: string, head: string): Promise<BranchCommit[]>
  /**
   * The comments, oldest first; with `since` those written or edited after that, and perhaps some
   * from before. The first 3,000 are returned.
   */
  comments(repository: string, target: CommentTarget, options?: { since?: Date | undefined }): Promise<Comment[]>
} & Pick<IssueForge, 'issue'> &
  Pick<ReviewForge, 'pullRequest' | 'diff' | 'reviews' | 'reviewThreads'> &
  Pick<CheckForge, 'checks'> &
  Pick<DeploymentForge, 'deployments' | 'deploymentStatuses'>

/**
 * What happens to one file in a commit. A `string` is stored as UTF-8. Without `executable` a file
 * stays as it is, and a new one is not executable. Deleting a file that is not there does nothing.
 */
export type Change =
  | { path: string; content: string | Uint8Array; executable?: boolean | undefined }
  | { path: string; deleted: true }

/** A commit to make on a branch. */
export type Commit = {
  branch: string
  /**
   * The commit to build on. A branch only ever moves forward, so it must be at this commit or at an
   * ancestor of it.
   */
  parent: string
  /** Whether the branch does not exist yet and is to be made. */
  isNew: boolean
  message: string
  changes: readonly Change[]
}

/**
 * `committed`: the branch is at the new commit `sha`. `unchanged`: the parent, `sha`, has these
 * files already, and nothing was written. `moved`: somebody else made, moved or deleted the branch
 * meanwhile.
 */
export type Committed = { kind: 'committed' | 'unchanged'; sha: string } | { kind: 'moved' }

/** A commit of a branch; `author` is the account that the forge knows by the author's address. */
export type BranchCommit = { sha: string; message: string; author: string | null }

/**
 * What starts automation of a repository: an event of one's own with a payload, or one workflow at
 * a branch or tag, with its inputs.
 */
export type Dispatch =
  | { eventType: string; payload: JsonObject }
  | { workflow: string; ref: string; inputs: Record<string, string> }

/** A comment; `author` is the account that wrote it, null when that is gone. */
export type Comment = {
  id: number
  url: string
  body: string
  author: string | null
  /** What the account is to the repository, in GitHub's words: `OWNER`, `MEMBER`, `NONE`. */
  authorAssociation: string
  createdAt: Date
  updatedAt: Date
}

/** What one can feel about something. */
export const REACTIONS = ['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'rocket', 'eyes'] as const
export type Reaction = (typeof REACTIONS)[number]

/** What stops the writes of an attempt that has lost its job. */
export type WriteGuard = {
  /** Once aborted, nothing begins; a write that was sent is waited for. */
  signal: AbortSignal
  /**
   * Called right before each write, which is not made when this throws. Resolves when nobody else
   * will do the same work before the write has had its answer.
   */
  confirm(): Promise<void>
}

/** How git reads one repository. */
export type GitRemote = {
  /** Without credentials. */
  url: string
  /** What may read this repository, and no more where the forge can say so. */
  credential(): Promise<{ username: string; password: string }>
  /** About how large it is. */
  bytes(): Promise<number>
}

/** What the publisher may do: write. A call that dies half-way leaves nothing that anybody sees. */
export type WriteForge = ReadForge & Writing & IssueForge & ReviewForge & CheckForge & DeploymentForge

type Writing = {
  /** The longest body of a pull request or a comment. */
  readonly maxBodyChars: number
  /**
   * The account that this forge writes as in a repository; null where that cannot be known, as with
   * the token of a run of GitHub Actions.
   */
  account(repository: string): Promise<string | null>
  /**
   * Where git fetches a repository from, for the service itself: agents get neither URL nor
   * credential.
   * @throws AppError `input_invalid` when it is not the name of a repository.
   */
  gitRemote(repository: string): GitRemote
  /** The same forge for one attempt: it writes only as long as the guard allows. */
  guarded(guard: WriteGuard): WriteForge
  /** The same forge with no more access than this, in one repository, where it can be limited. */
  limited(repository: string, access: Access): Promise<LimitedForge>
  /**
   * Makes one commit and moves its branch there.
   * @throws GiveUp when a path leads through a file or names a directory.
   */
  commitFiles(repository: string, commit: Commit): Promise<Committed>
  /**
   * The commits of a branch that are newer than `since`, newest first, and perhaps some from
   * before. The newest 1,000 are returned.
   */
  newCommits(repository: string, branch: string, since?: Date): Promise<BranchCommit[]>
  /** The page of a commit. */
  commitUrl(repository: string, sha: string): string
  /** Where the pages of the files at a commit are: `/` and a file's path lead to one. */
  filesUrl(repository: string, sha: string): string
  /** Opens a pull request; null when one is open for that branch already. */
  createPullRequest(
    repository: string,
    pull: { head: string; base: string; title: string; body: string; draft?: boolean | undefined },
  ): Promise<PullRequest | null>
  /**
   * Has the pull request merged by the forge itself as soon as nothing is missing, unless its head
   * is no longer `sha`. One that is set to already stays as it is. Returns why the forge refuses;
   * null when it does not.
   */
  enableAutoMerge(repository: string, number: number, how: { method: MergeMethod; sha: string }): Promise<string | null>
  /** Has people merge it again; one that does not merge by itself is no mistake. */
  disableAutoMerge(repository: string, number: number): Promise<void>
  updatePullRequest(
    repository: string,
    number: number,
    change: { title?: string; body?: string; state?: 'closed' },
  ): Promise<PullRequest>
  /**
   * Creates labels the repository lacks, then adds all to the target; returns the target's page.
   */
  addLabels(repository: string, target: LabelTarget, labels: readonly string[]): Promise<{ url: string }>
  /** Takes labels off the target; those it does not have are no mistake. */
  removeLabels(repository: string, target: LabelTarget, labels: readonly string[]): Promise<{ url: string }>
  /** Reacts once, however often it is asked; returns the page of what was reacted to. */
  addReaction(
    repository: string,
    target: ReactionTarget,
    reaction: Reaction,
  ): Promise<{ url: string; created: boolean }>
  /**
   * Writes a comment.
   * @throws RetryAt when no answer came: it may appear a little later, so look for it then.
   */
  createComment(repository: string, target: CommentTarget, body: string): Promise<{ id: number; url: string }>
  updateComment(repository: string, target: CommentTarget, id: number, body: string): Promise<void>
  /** Deletes a comment, unless it is gone. */
  deleteComment(repository: string, target: CommentTarget, id: number): Promise<void>
  /** Starts automation of a repository. It may start twice when no answer came. */
  dispatch(repository: string, dispatch: Dispatch): Promise<void>
}
