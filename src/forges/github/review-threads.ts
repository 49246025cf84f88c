// Threads of reviews, which only GraphQL shows and resolves:
// https://docs.github.com/en/graphql/reference/objects#pullrequestreviewthread
import type { Octokit } from 'octokit'
import type { Reaction } from '../forge.ts'
import type { ReviewForge, ReviewThread, Side, ThreadComment } from '../reviews.ts'
import type { Repository } from './clients.ts'
import type { GithubConnection } from './connection.ts'
import { mutate, query } from './graphql.ts'
import { waitIfInDoubt } from './in-doubt.ts'

// A page of 50 threads with 20 comments each costs 11 points of the 5,000 an hour.
const MAX_PAGES = 20
const MAX_COMMENT_PAGES = 25

const COMMENTS = `
  pageInfo { hasNextPage endCursor }
  nodes {
    databaseId url body createdAt
    author { __typename login }
    reactions(first: 20) { nodes { content user { login } } }
  }`
const THREADS = `query ($owner: String!, $repo: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $repo) { pullRequest(number: $number) { reviewThreads(first: 50, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id path line diffSide isResolved isOutdated
      resolvedBy { login }
      comments(first: 20) { ${COMMENTS} }
    }
  } } }
}`
const MORE_COMMENTS = `query ($id: ID!, $after: String) {
  node(id: $id) { ... on PullRequestReviewThread { comments(first: 20, after: $after) { ${COMMENTS} } } }
}`
const RESOLVE = 'mutation ($id: ID!) { resolveReviewThread(input: { threadId: $id }) { thread { id } } }'

type Page<Node> = { pageInfo: { hasNextPage: boolean; endCursor: string | null }; nodes: Node[] }
type Person = { login: string; __typename?: string } | null
type CommentNode = {
  databaseId: number
  url: string
  body: string
  createdAt: string
  author: Person
  reactions: { nodes: { content: string; user: Person }[] }
}
type ThreadNode = {
  id: string
  path: string
  line: number | null
  diffSide: Side
  isResolved: boolean
  isOutdated: boolean
  resolvedBy: Person
  comments: Page<CommentNode>
}
type ThreadsAnswer = { repository: { pullRequest: { reviewThreads: Page<ThreadNode> } } }

/** See `ReviewForge`. */
export function reviewThreads({
  withClient,
  account,
}: GithubConnection): Pick<ReviewForge, 'reviewThreads' | 'replyInThread' | 'resolveThread'> {
  return {
    reviewThreads: (repository, number) =>
      withClient(repository, async (octokit, at) => {
        const { owner, repo } = at
        const nodes = await allPages(MAX_PAGES, null, async (after) => {
          const answer = await query<ThreadsAnswer>(octokit, at, THREADS, { owner, repo, number, after })
          return answer.repository.pullRequest.reviewThreads
        })
        const own = await account()
        const threads: ReviewThread[] = []
        for (const node of nodes) threads.push(toThread(node, await commentsOf(octokit, at, node), own))
        return threads
      }),

    replyInThread: (repository, number, comment, body) =>
      withClient(repository, async (octokit, at) => {
        const reply = { ...at, pull_number: number, comment_id: comment, body }
        const creating = octokit.rest.pulls.createReplyForReviewComment(reply)
        const { data } = await waitIfInDoubt('a new reply', creating)
        return { url: data.html_url }
      }),

    resolveThread: (repository, id) => withClient(repository, (octokit, at) => mutate(octokit, at, RESOLVE, { id })),
  }
}

/** The items of a list from its first page on, which may be known. */
async function allPages<Node>(
  maxPages: number,
  first: Page<Node> | null,
  read: (after: string | null) => Promise<Page<Node>>,
): Promise<Node[]> {
  let page = first ?? (await read(null))
  const nodes = [...page.nodes]
  for (let pages = 1; pages < maxPages && page.pageInfo.hasNextPage; pages += 1) {
    page = await read(page.pageInfo.endCursor)
    nodes.push(...page.nodes)
  }
  return nodes
}

function commentsOf(octokit: Octokit, at: Repository, { id, comments }: ThreadNode): Promise<CommentNode[]> {
  return allPages(MAX_COMMENT_PAGES, comments, async (after) => {
    const { node } = await query<{ node: ThreadNode | null }>(octokit, at, MORE_COMMENTS, { id, after })
    // It was deleted meanwhile.
    return node?.comments ?? { pageInfo: { hasNextPage: false, endCursor: null }, nodes: [] }
  })
}

function toThread(node: ThreadNode, comments: readonly CommentNode[], own: string | null): ReviewThread {
  const { id, path, line, diffSide: side, isResolved, isOutdated } = node
  const resolvedBy = userName(node.resolvedBy, own)
  return {
    id,
    path,
    line,
    side,
    isResolved,
    resolvedBy,
    isOutdated,
    comments: comments.map((each) => toComment(each, own)),
  }
}

function toComment(
  { databaseId: id, url, body, createdAt, author, reactions }: CommentNode,
  own: string | null,
): ThreadComment {
  return {
    id,
    url,
    body,
    author: author && (author.__typename === 'Bot' ? `${author.login}[bot]` : author.login),
    createdAt: new Date(createdAt),
    reactions: reactions.nodes.map(({ content, user }) => ({
      content: toReaction(content),
      author: userName(user, own),
    })),
  }
}

/** GraphQL leaves out what marks an App's account, and here also that it is one; ours is known. */
function userName(user: Person, own: string | null): string | null {
  if (user === null) return null
  return own === `${user.login}[bot]` ? own : user.login
}

function toReaction(content: string): Reaction {
  if (content === 'THUMBS_UP') return '+1'
  return content === 'THUMBS_DOWN' ? '-1' : (content.toLowerCase() as Reaction)
}
