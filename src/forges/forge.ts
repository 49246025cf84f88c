// What the rest of the house knows of a forge (GitHub today): reading for agents, writing for the
// publisher only.

export type PullRequest = {
  number: number
  url: string
  state: 'open' | 'closed' | 'merged'
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
}

/** What an agent may do: look. */
export type ReadForge = {
  /**
   * The default branch's name; throws `AppError('forge_failed')` when the repository cannot be
   * seen.
   */
  defaultBranch(repository: string): Promise<string>
  /** The commit a branch points at; null when there is no such branch. */
  branchSha(repository: string, branch: string): Promise<string | null>
  /** A text file's content at a ref; null when it does not exist. */
  readFile(repository: string, path: string, ref: string): Promise<string | null>
  /**
   * Pull requests with that head branch (or all, newest first), open ones only unless said
   * otherwise.
   */
  pullRequests(repository: string, options: { head?: string; state?: 'open' | 'all' }): Promise<PullRequest[]>
}

/**
 * What the publisher may do: write, one GitHub call each, so that a crash falls between two of
 * them.
 */
export type WriteForge = ReadForge & {
  /**
   * The tree that `baseTreeSha` becomes with these files (UTF-8); the same sha means that nothing
   * changes.
   */
  createTree(
    repository: string,
    tree: { baseTreeSha: string; files: readonly { path: string; content: string }[] },
  ): Promise<string>
  /**
   * A commit by the token's owner (so GitHub signs an App's); gives its sha. No branch is moved: an
   * unused one is harmless.
   */
  createCommit(repository: string, commit: { parentSha: string; treeSha: string; message: string }): Promise<string>
  /** False when the branch exists already. */
  createBranch(repository: string, branch: string, sha: string): Promise<boolean>
  /** Fast-forward only; false when the branch has moved meanwhile. */
  updateBranch(repository: string, branch: string, sha: string): Promise<boolean>
  commit(repository: string, sha: string): Promise<{ sha: string; message: string; treeSha: string; parents: string[] }>
  /**
   * What `head` has that `base` has not, oldest first (`base...head`, at most 250); branches, tags
   * or shas.
   */
  commitsBetween(repository: string, base: string, head: string): Promise<{ sha: string; message: string }[]>
  /** Null when GitHub says one is open for that branch already. */
  createPullRequest(
    repository: string,
    pull: { head: string; base: string; title: string; body: string },
  ): Promise<PullRequest | null>
  updatePullRequest(repository: string, number: number, change: { title?: string; body?: string }): Promise<PullRequest>
  /** Creates labels the repository lacks, then adds all to the issue; gives the issue's page. */
  addLabels(repository: string, issue: number, labels: readonly string[]): Promise<{ url: string }>
  comments(
    repository: string,
    target: { issue: number } | { commit: string },
  ): Promise<{ id: number; url: string; body: string }[]>
  createComment(
    repository: string,
    target: { issue: number } | { commit: string },
    body: string,
  ): Promise<{ id: number; url: string }>
}
