// What GraphQL changes: threads, hidden comments, drafts and auto-merge.
import type { Credentials, Need } from '../access.ts'
import { authorize, canSee } from '../access.ts'
import type { Actor } from '../events.ts'
import { emit } from '../events.ts'
import { GithubError } from '../github-error.ts'
import type { Hub } from '../hub.ts'
import { emitIssue, isPull } from '../pulls.ts'
import type { ReviewComment } from '../records.ts'
import { isBlocked } from '../required-checks.ts'
import { addReviewComment, beginReview, submitReview } from '../reviews.ts'
import { nodeId } from '../shapes/node-id.ts'
import { pullListShape } from '../shapes/pulls.ts'
import { reviewCommentShape } from '../shapes/reviews.ts'
import type { Account, AutoMerge, IssueComment, PullIssue, Repository } from '../state.ts'
import { graphqlError } from './error.ts'
import { issueCommentNode, pullNode, reviewCommentNode, threadComments, threadNode } from './nodes.ts'

/** Who asks. */
export type Asker = { hub: Hub; credentials: Credentials; account: Account }

type Found<T> = { repo: Repository; thing: T }
type Input<T> = { input: T & { clientMutationId?: string } }
type PullInput = Input<{ pullRequestId: string }>
type ThreadInput = Input<{ threadId: string }>

/** The thread of a global id, which is all that the fake finds by one. */
export function node(asker: Asker, id: string) {
  const { repo, thing: first } = find(asker, id, 'PullRequestReviewThread', reviewCommentsOf)
  return threadNode(viewOf(asker, repo), first)
}

/** The mutations, as graphql-js calls them. */
export function mutations(asker: Asker) {
  return {
    resolveReviewThread: ({ input }: ThreadInput) => setResolved(asker, input.threadId, true),
    unresolveReviewThread: ({ input }: ThreadInput) => setResolved(asker, input.threadId, false),
    addPullRequestReviewThreadReply: ({ input }: ReplyInput) => reply(asker, input),

    minimizeComment: ({ input }: Input<{ subjectId: string; classifier: string }>) => ({
      minimizedComment: setMinimized(asker, input.subjectId, input.classifier.toLowerCase().replaceAll('_', '-')),
    }),
    unminimizeComment: ({ input }: Input<{ subjectId: string }>) => ({
      unminimizedComment: setMinimized(asker, input.subjectId, null),
    }),

    convertPullRequestToDraft: ({ input }: PullInput) => setDraft(asker, input.pullRequestId, true),
    markPullRequestReadyForReview: ({ input }: PullInput) => setDraft(asker, input.pullRequestId, false),

    enablePullRequestAutoMerge: ({ input }: Input<PullInput['input'] & AutoMergeInput>) =>
      enableAutoMerge(asker, input),
    disablePullRequestAutoMerge: ({ input }: PullInput) => disableAutoMerge(asker, input.pullRequestId),
  }
}

type ReplyInput = Input<{ pullRequestReviewThreadId: string; body: string }>
type AutoMergeInput = {
  mergeMethod: string
  commitHeadline?: string
  commitBody?: string
  expectedHeadOid?: string
}

function setResolved(asker: Asker, id: string, isResolved: boolean) {
  const { repo, thing: first } = find(asker, id, 'PullRequestReviewThread', reviewCommentsOf)
  mayChange(asker, repo, first.review.issue.user, ['pull_requests:write', 'contents:write'])
  const actor = actorIn(asker, repo)
  if ((first.resolvedBy !== null) !== isResolved) {
    first.resolvedBy = isResolved ? asker.account : null
    emit(actor, 'pull_request_review_thread', {
      action: isResolved ? 'resolved' : 'unresolved',
      thread: {
        node_id: nodeId('PullRequestReviewThread', first.id),
        comments: threadComments(repo, first).map((comment) => reviewCommentShape(asker.hub, repo, comment)),
      },
      pull_request: pullListShape(asker.hub, repo, first.review.issue),
    })
  }
  return { thread: threadNode(viewOf(asker, repo), first) }
}

function reply(asker: Asker, { pullRequestReviewThreadId: id, body }: ReplyInput['input']) {
  const { repo, thing: first } = find(asker, id, 'PullRequestReviewThread', reviewCommentsOf)
  mayChange(asker, repo, asker.account, ['pull_requests:write'])
  if (body.trim() === '') throw graphqlError('UNPROCESSABLE', "Body can't be blank")
  const actor = actorIn(asker, repo)
  const review = beginReview(actor, first.review.issue, '', first.place.commitSha)
  const comment = addReviewComment(actor, review, { body, place: first.place, inReplyTo: first })
  submitReview(actor, review, 'COMMENT')
  return { comment: reviewCommentNode(viewOf(asker, repo), comment) }
}

function setMinimized(asker: Asker, id: string, reason: string | null) {
  const kind = kindOf(id)
  if (kind === 'IssueComment') {
    const { repo, thing } = find<IssueComment>(asker, id, kind, (each) => each.issueComments.values())
    mayChange(asker, repo, thing.user)
    thing.minimizedReason = reason
    return issueCommentNode(viewOf(asker, repo), thing)
  }
  const { repo, thing } = find(asker, id, 'PullRequestReviewComment', reviewCommentsOf)
  mayChange(asker, repo, thing.user)
  thing.minimizedReason = reason
  return reviewCommentNode(viewOf(asker, repo), thing)
}

async function setDraft(asker: Asker, id: string, isDraft: boolean) {
  const { repo, thing: issue } = findPull(asker, id)
  mayChange(asker, repo, issue.user)
  if (issue.state !== 'open') throw graphqlError('UNPROCESSABLE', 'Pull request is not open')
  if (issue.pull.draft !== isDraft) {
    issue.pull.draft = isDraft
    await emitIssue(actorIn(asker, repo), issue, isDraft ? 'converted_to_draft' : 'ready_for_review')
  }
  return { pullRequest: pullNode(viewOf(asker, repo), issue) }
}

async function enableAutoMerge(asker: Asker, input: PullInput['input'] & AutoMergeInput) {
  const { repo, issue } = findOpenPull(asker, input.pullRequestId)
  const { pull } = issue
  if (!repo.allowsAutoMerge) throw refused('Auto merge is not allowed for this repository')
  if (pull.draft) throw refused('Pull request is in draft status')
  // What could be merged at once has nothing to wait for.
  if (!isBlocked(repo, issue)) throw refused('Pull request is in clean status')
  if (input.expectedHeadOid !== undefined && input.expectedHeadOid !== pull.head.sha) {
    throw refused("Expected head oid doesn't match the current head")
  }
  pull.autoMerge = {
    enabledBy: asker.account,
    method: input.mergeMethod.toLowerCase() as AutoMerge['method'],
    title: input.commitHeadline ?? '',
    message: input.commitBody ?? '',
  }
  await emitIssue(actorIn(asker, repo), issue, 'auto_merge_enabled')
  return { pullRequest: pullNode(viewOf(asker, repo), issue) }
}

async function disableAutoMerge(asker: Asker, id: string) {
  const { repo, issue } = findOpenPull(asker, id)
  if (issue.pull.autoMerge === null) {
    throw graphqlError('UNPROCESSABLE', "Can't disable auto-merge for this pull request.")
  }
  issue.pull.autoMerge = null
  await emitIssue(actorIn(asker, repo), issue, 'auto_merge_disabled', { reason: 'Auto-merge was disabled manually' })
  return { pullRequest: pullNode(viewOf(asker, repo), issue) }
}

/** An open pull request that the asker may have merged. */
function findOpenPull(asker: Asker, id: string): { repo: Repository; issue: PullIssue } {
  const { repo, thing: issue } = findPull(asker, id)
  mayChange(asker, repo, null, ['pull_requests:write', 'contents:write'])
  if (issue.state !== 'open') throw graphqlError('UNPROCESSABLE', 'Pull request is not open')
  return { repo, issue }
}

/** GitHub names what it refuses to change before it says why. */
function refused(why: string) {
  return graphqlError('UNPROCESSABLE', `Pull request ${why}`)
}

function findPull(asker: Asker, id: string): Found<PullIssue> {
  return find<PullIssue>(asker, id, 'PullRequest', (repo) => [...repo.issues.values()].filter(isPull))
}

function reviewCommentsOf(repo: Repository): Iterable<ReviewComment> {
  return repo.reviewComments.values()
}

function kindOf(id: string): string {
  return Buffer.from(id, 'base64').toString().split(':')[0] ?? ''
}

/** What a global id names, in whatever repository it is. */
function find<T extends { id: number }>(
  { hub, credentials }: Asker,
  id: string,
  kind: string,
  thingsOf: (repo: Repository) => Iterable<T>,
): Found<T> {
  for (const repo of hub.state.repositories.values()) {
    if (!canSee(credentials, repo)) continue
    for (const thing of thingsOf(repo)) if (nodeId(kind, thing.id) === id) return { repo, thing }
  }
  throw graphqlError('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`)
}

// Of these permissions a token needs one.
const EITHER: Need[] = ['pull_requests:write|issues:write']

/**
 * Those who may write, and the author of what is changed, unless it is null. A limited token needs
 * all of these permissions; threads and auto-merge want `contents`, too.
 */
function mayChange({ credentials, account }: Asker, repo: Repository, author: Account | null, needs = EITHER): void {
  try {
    for (const need of needs) authorize(credentials, repo, need, account === author ? 'read' : 'write')
  } catch (error) {
    if (!(error instanceof GithubError)) throw error
    throw graphqlError('FORBIDDEN', `${account.login} does not have the correct permissions to execute this mutation`)
  }
}

function actorIn({ hub, account }: Asker, repo: Repository): Actor {
  return { hub, repo, account }
}

function viewOf({ hub, account: viewer }: Asker, repo: Repository) {
  return { hub, repo, viewer }
}
