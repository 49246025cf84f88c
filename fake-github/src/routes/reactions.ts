// Reactions to issues, pull requests and comments; they send no webhooks.
import { z } from 'zod'
import type { Need } from '../access.ts'
import { GithubError, notFound } from '../github-error.ts'
import type { Reaction } from '../records.ts'
import type { ChangeCall, RepositoryCall, Route } from '../route.ts'
import { change, json, noContent, numberParam, page, read, readBody } from '../route.ts'
import { reactionShape } from '../shapes/issues.ts'
import { findComment } from './comments.ts'
import { findCommitComment } from './commit-comments.ts'
import { findIssue } from './issues.ts'
import { findReviewComment } from './review-comments.ts'

/** What can be reacted to. */
type Reactable = { reactions: Reaction[] }

const REPO = '/repos/{owner}/{repo}'
const CONTENTS = ['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'rocket', 'eyes'] as const
const createBody = z.object({ content: z.enum(CONTENTS) })

/** https://docs.github.com/en/rest/reactions/reactions */
export const reactionRoutes = [
  ...reactionsTo(`${REPO}/issues/{issue_number}`, 'issues:write|pull_requests:write', findIssue),
  ...reactionsTo(`${REPO}/issues/comments/{comment_id}`, 'issues:write|pull_requests:write', findComment),
  ...reactionsTo(`${REPO}/pulls/comments/{comment_id}`, 'pull_requests:write', findReviewComment),
  ...reactionsTo(`${REPO}/comments/{comment_id}`, 'contents:write', findCommitComment),
]

function reactionsTo(path: string, need: Need, find: (call: RepositoryCall) => Reactable): Route[] {
  const readNeed = need.replaceAll('write', 'read') as Need
  return [
    read(`${path}/reactions`, readNeed, (call) => {
      const wanted = call.query.get('content')
      const reactions = find(call).reactions.filter(({ content }) => wanted === null || content === wanted)
      return page(call, reactions, (reaction) => reactionShape(call.hub, reaction))
    }),
    change('POST', `${path}/reactions`, { need, role: 'read' }, (call) => react(call, find(call))),
    change('DELETE', `${path}/reactions/{reaction_id}`, { need, role: 'read' }, (call) => takeBack(call, find(call))),
  ]
}

/** 201 for a new reaction, 200 for one that is already there. */
function react(call: ChangeCall, to: Reactable) {
  const { hub, account } = call
  const { content } = readBody(call, 'Reaction', createBody)
  const known = to.reactions.find((each) => each.user === account && each.content === content)
  if (known) return json(reactionShape(hub, known))
  const reaction: Reaction = { id: hub.state.nextId(), content, user: account, createdAtMs: hub.clock() }
  to.reactions.push(reaction)
  return json(reactionShape(hub, reaction), 201)
}

function takeBack(call: ChangeCall, from: Reactable) {
  const reaction = from.reactions.find(({ id }) => id === numberParam(call, 'reaction_id'))
  if (!reaction) throw notFound()
  if (reaction.user !== call.account) throw new GithubError(403, 'Must have admin rights to Repository.')
  from.reactions.splice(from.reactions.indexOf(reaction), 1)
  return noContent()
}
