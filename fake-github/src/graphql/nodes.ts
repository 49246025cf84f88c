// What GraphQL shows of pull requests, threads and comments. Fields that take arguments, or cost
// something, are functions.

import type { Hub } from '../hub.ts'
import { isoTime } from '../hub.ts'
import type { Reaction, ReviewComment } from '../records.ts'
import { isOutdated } from '../reviews.ts'
import { issueCommentShape } from '../shapes/issues.ts'
import { nodeId } from '../shapes/node-id.ts'
import { fullName, repositoryPage } from '../shapes/repositories.ts'
import { reviewCommentShape } from '../shapes/reviews.ts'
import type { Account, IssueComment, PullIssue, Repository } from '../state.ts'
import type { PageArgs } from './connection.ts'
import { connectionOf } from './connection.ts'
import { graphqlError } from './error.ts'

/** Who looks, and at what. */
export type View = { hub: Hub; repo: Repository; viewer: Account }

/** A person, an organisation or a bot. */
export function actorNode(hub: Hub, { type, id, login }: Account) {
  return {
    __typename: type,
    id: nodeId(type, id),
    databaseId: id,
    // GraphQL leaves out what marks a bot.
    login: login.replace(/\[bot\]$/, ''),
    url: `${hub.url}/${login}`,
  }
}

/** A repository. */
export function repositoryNode({ hub, repo, viewer }: View) {
  return {
    __typename: 'Repository',
    id: nodeId('Repository', repo.id),
    databaseId: repo.id,
    name: repo.name,
    nameWithOwner: fullName(repo),
    url: repositoryPage(hub, repo),
    isPrivate: repo.private,
    pullRequest: ({ number }: { number: number }) => {
      const issue = repo.issues.get(number)
      if (issue?.pull) return pullNode({ hub, repo, viewer }, issue as PullIssue)
      throw graphqlError('NOT_FOUND', `Could not resolve to a PullRequest with the number of ${number}.`)
    },
  }
}

/** A pull request. */
export function pullNode(view: View, issue: PullIssue) {
  const { hub, repo } = view
  const { pull } = issue
  return {
    __typename: 'PullRequest',
    id: nodeId('PullRequest', issue.id),
    number: issue.number,
    title: issue.title,
    body: issue.body ?? '',
    state: pull.merged ? 'MERGED' : issue.state.toUpperCase(),
    isDraft: pull.draft,
    merged: pull.merged,
    url: `${repositoryPage(hub, repo)}/pull/${issue.number}`,
    author: actorNode(hub, issue.user),
    headRefName: pull.head.ref,
    headRefOid: pull.head.sha,
    baseRefName: pull.base.ref,
    baseRefOid: pull.base.sha,
    autoMergeRequest: pull.autoMerge && {
      enabledBy: actorNode(hub, pull.autoMerge.enabledBy),
      mergeMethod: pull.autoMerge.method.toUpperCase(),
      commitHeadline: pull.autoMerge.title,
      commitBody: pull.autoMerge.message,
    },
    comments: (args: PageArgs) => {
      const all = [...repo.issueComments.values()].filter((comment) => comment.issue === issue)
      return connectionOf('comments', all, args, (comment) => issueCommentNode(view, comment))
    },
    reviewThreads: (args: PageArgs) =>
      connectionOf('reviewThreads', threadsOf(view, issue), args, (first) => threadNode(view, first)),
  }
}

/** The comments that began a thread, of those that the viewer may see. */
function threadsOf({ repo, viewer }: View, issue: PullIssue): ReviewComment[] {
  return [...repo.reviewComments.values()].filter(
    ({ review, inReplyTo }) =>
      review.issue === issue && inReplyTo === null && (review.state !== 'PENDING' || review.user === viewer),
  )
}

/** The thread that a comment began. */
export function threadNode(view: View, first: ReviewComment) {
  const { place, review, resolvedBy } = first
  const current = async (line: number | null) => ((await isOutdated(view.repo, first)) ? null : line)
  return {
    __typename: 'PullRequestReviewThread',
    id: nodeId('PullRequestReviewThread', first.id),
    isResolved: resolvedBy !== null,
    isOutdated: () => isOutdated(view.repo, first),
    resolvedBy: resolvedBy && { ...actorNode(view.hub, resolvedBy), __typename: 'User' },
    path: place.path,
    line: () => current(place.line),
    originalLine: place.line,
    startLine: () => current(place.startLine),
    originalStartLine: place.startLine,
    diffSide: place.side,
    startDiffSide: place.startSide,
    pullRequest: () => pullNode(view, review.issue),
    comments: (args: PageArgs) =>
      connectionOf('comments', threadComments(view.repo, first), args, (comment) => reviewCommentNode(view, comment)),
  }
}

/** The comments of a thread, oldest first. */
export function threadComments(repo: Repository, first: ReviewComment): ReviewComment[] {
  return [...repo.reviewComments.values()].filter((each) => each === first || each.inReplyTo === first)
}

/** A comment on a line. */
export function reviewCommentNode({ hub, repo, viewer }: View, comment: ReviewComment) {
  const { html_url: url, path, diff_hunk: diffHunk } = reviewCommentShape(hub, repo, comment)
  return {
    ...commentNode({ hub, repo, viewer }, 'PullRequestReviewComment', comment),
    url,
    path,
    diffHunk,
    reactions: (args: PageArgs) =>
      connectionOf('reactions', comment.reactions, args, (reaction) => reactionNode(hub, reaction)),
  }
}

// The thumbs are the only ones that GraphQL calls otherwise than REST does.
const THUMBS: Record<string, string> = { '+1': 'THUMBS_UP', '-1': 'THUMBS_DOWN' }

function reactionNode(hub: Hub, { id, content, user, createdAtMs }: Reaction) {
  return {
    __typename: 'Reaction',
    id: nodeId('Reaction', id),
    databaseId: id,
    content: THUMBS[content] ?? content.toUpperCase(),
    createdAt: isoTime(createdAtMs),
    user: { ...actorNode(hub, user), __typename: 'User' },
  }
}

/** A comment on an issue or pull request. */
export function issueCommentNode({ hub, repo, viewer }: View, comment: IssueComment) {
  const { html_url: url } = issueCommentShape(hub, repo, comment)
  return { ...commentNode({ hub, repo, viewer }, 'IssueComment', comment), url }
}

function commentNode({ hub, viewer }: View, kind: string, comment: IssueComment | ReviewComment) {
  return {
    __typename: kind,
    id: nodeId(kind, comment.id),
    databaseId: comment.id,
    body: comment.body,
    author: actorNode(hub, comment.user),
    createdAt: isoTime(comment.createdAtMs),
    isMinimized: comment.minimizedReason !== null,
    minimizedReason: comment.minimizedReason,
    viewerDidAuthor: comment.user === viewer,
  }
}
