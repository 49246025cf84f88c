// Comments on issues and pull requests.
import { z } from 'zod'
import { hasRole, roleOf } from '../access.ts'
import { emit } from '../events.ts'
import { GithubError, notFound } from '../github-error.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, noContent, numberParam, page, read, readBody } from '../route.ts'
import { issueCommentShape, issueShape } from '../shapes/issues.ts'
import type { IssueComment } from '../state.ts'
import { findIssue } from './issues.ts'

const READ = 'issues:read|pull_requests:read'
const WRITE = 'issues:write|pull_requests:write'
const commentBody = z.object({ body: z.string().regex(/\S/) })

/** https://docs.github.com/en/rest/issues/comments */
export const commentRoutes = [
  read('/repos/{owner}/{repo}/issues/comments', READ, (call) => list(call, [...call.repo.issueComments.values()])),

  read('/repos/{owner}/{repo}/issues/comments/{comment_id}', READ, (call) =>
    json(issueCommentShape(call.hub, call.repo, findComment(call))),
  ),

  change('PATCH', '/repos/{owner}/{repo}/issues/comments/{comment_id}', { need: WRITE, role: 'read' }, editComment),

  change('DELETE', '/repos/{owner}/{repo}/issues/comments/{comment_id}', { need: WRITE, role: 'read' }, (call) => {
    const comment = ownComment(call)
    call.repo.issueComments.delete(comment.id)
    emitComment(call, comment, 'deleted')
    return noContent()
  }),

  read('/repos/{owner}/{repo}/issues/{issue_number}/comments', READ, (call) => {
    const issue = findIssue(call)
    return list(
      call,
      [...call.repo.issueComments.values()].filter((comment) => comment.issue === issue),
    )
  }),

  change('POST', '/repos/{owner}/{repo}/issues/{issue_number}/comments', { need: WRITE, role: 'read' }, createComment),
]

function createComment(call: ChangeCall) {
  const { hub, repo, account, app } = call
  const issue = findIssue(call, 'write')
  const isKeptOut = issue.locked && !app && !hasRole(roleOf(repo, account), 'write')
  if (isKeptOut) throw new GithubError(403, 'Unable to create comment because issue is locked.')
  const { body } = readBody(call, 'IssueComment', commentBody)
  const now = hub.clock()
  const comment: IssueComment = {
    id: hub.state.nextId(),
    issue,
    body,
    user: account,
    app,
    reactions: [],
    minimizedReason: null,
    createdAtMs: now,
    updatedAtMs: now,
  }
  repo.issueComments.set(comment.id, comment)
  issue.updatedAtMs = now
  emitComment(call, comment, 'created')
  const shape = issueCommentShape(hub, repo, comment)
  return json(shape, 201, { location: shape.url })
}

function editComment(call: ChangeCall) {
  const comment = ownComment(call)
  const { body } = readBody(call, 'IssueComment', commentBody)
  const changes = { body: { from: comment.body } }
  comment.body = body
  comment.updatedAtMs = call.hub.clock()
  emitComment(call, comment, 'edited', { changes })
  return json(issueCommentShape(call.hub, call.repo, comment))
}

function list(call: RepositoryCall, comments: IssueComment[]) {
  const since = Date.parse(call.query.get('since') ?? '1970-01-01T00:00:00Z')
  const recent = comments.filter((comment) => comment.updatedAtMs >= since)
  return page(call, recent, (comment) => issueCommentShape(call.hub, call.repo, comment))
}

/** The comment of the path; 404 when there is none. */
export function findComment(call: RepositoryCall): IssueComment {
  const comment = call.repo.issueComments.get(numberParam(call, 'comment_id'))
  if (!comment) throw notFound()
  return comment
}

function ownComment(call: ChangeCall): IssueComment {
  const comment = findComment(call)
  const may = comment.user === call.account || call.app || hasRole(roleOf(call.repo, call.account), 'write')
  if (!may) throw new GithubError(403, 'Must have admin rights to Repository.')
  return comment
}

function emitComment(call: ChangeCall, comment: IssueComment, action: string, more = {}): void {
  const { hub, repo } = call
  emit(call, 'issue_comment', {
    action,
    issue: issueShape(hub, repo, comment.issue),
    comment: issueCommentShape(hub, repo, comment),
    ...more,
  })
}
