// Comments on commits.
import { z } from 'zod'
import { emit } from '../events.ts'
import { notFound } from '../github-error.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, noContent, numberParam, page, read, readBody } from '../route.ts'
import { commitCommentShape } from '../shapes/issues.ts'
import type { CommitComment } from '../state.ts'
import { findCommit } from './commits.ts'

const body = z.string().min(1)
const position = z.number().int().nullish()

/** https://docs.github.com/en/rest/commits/comments */
export const commitCommentRoutes = [
  change(
    'POST',
    '/repos/{owner}/{repo}/commits/{commit_sha}/comments',
    { need: 'contents:write', role: 'read' },
    async (call) => {
      const fields = z.object({ body, path: z.string().nullish(), position, line: position })
      const given = readBody(call, 'CommitComment', fields)
      const { hub, repo, account } = call
      const { sha } = await findCommit(repo.dir, call.params.commit_sha ?? '')
      const now = hub.clock()
      const comment: CommitComment = {
        id: hub.state.nextId(),
        sha,
        body: given.body,
        path: given.path ?? null,
        position: given.position ?? null,
        line: given.line ?? null,
        user: account,
        reactions: [],
        createdAtMs: now,
        updatedAtMs: now,
      }
      repo.commitComments.set(comment.id, comment)
      const shape = commitCommentShape(hub, repo, comment)
      emit(call, 'commit_comment', { action: 'created', comment: shape })
      return json(shape, 201, { location: shape.url })
    },
  ),

  read('/repos/{owner}/{repo}/commits/{commit_sha}/comments', 'contents:read', async (call) => {
    const { sha } = await findCommit(call.repo.dir, call.params.commit_sha ?? '')
    const comments = [...call.repo.commitComments.values()].filter((comment) => comment.sha === sha)
    return page(call, comments, (comment) => commitCommentShape(call.hub, call.repo, comment))
  }),

  read('/repos/{owner}/{repo}/comments', 'contents:read', (call) =>
    page(call, [...call.repo.commitComments.values()], (comment) => commitCommentShape(call.hub, call.repo, comment)),
  ),

  read('/repos/{owner}/{repo}/comments/{comment_id}', 'contents:read', (call) =>
    json(commitCommentShape(call.hub, call.repo, findCommitComment(call))),
  ),

  change('PATCH', '/repos/{owner}/{repo}/comments/{comment_id}', { need: 'contents:write' }, (call: ChangeCall) => {
    const comment = findCommitComment(call)
    comment.body = readBody(call, 'CommitComment', z.object({ body })).body
    comment.updatedAtMs = call.hub.clock()
    return json(commitCommentShape(call.hub, call.repo, comment))
  }),

  change('DELETE', '/repos/{owner}/{repo}/comments/{comment_id}', { need: 'contents:write' }, (call) => {
    call.repo.commitComments.delete(findCommitComment(call).id)
    return noContent()
  }),
]

/** The comment of the path; 404 when there is none. */
export function findCommitComment(call: RepositoryCall): CommitComment {
  const comment = call.repo.commitComments.get(numberParam(call, 'comment_id'))
  if (!comment) throw notFound()
  return comment
}
