// What only GraphQL can do: threads, hidden comments, drafts and auto-merge.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
let others = 0
beforeEach(async () => {
  world = await openWorld({}, { allowAutoMerge: true, requiredChecks: ['ci'] })
  await world.branch('feature')
  await world.repo.openPullRequest({ title: 'P', head: 'feature' }, 'bot')
})
afterEach(() => world.close())

const PULL = { owner: 'acme', repo: 'app', pull_number: 1 }

const THREADS = `query ($after: String) {
  repository(owner: "acme", name: "app") {
    pullRequest(number: 1) {
      id
      isDraft
      reviewThreads(first: 1, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes { id isResolved isOutdated line originalLine path comments(first: 10) { nodes { databaseId body } } }
      }
    }
  }
}`

type Thread = {
  id: string
  isResolved: boolean
  isOutdated: boolean
  line: number | null
  comments: { nodes: object[] }
}
type Threads = {
  repository: {
    pullRequest: {
      id: string
      isDraft: boolean
      reviewThreads: { totalCount: number; pageInfo: { hasNextPage: boolean; endCursor: string }; nodes: Thread[] }
    }
  }
}

function threads(after?: string) {
  return world.bot.graphql<Threads>(THREADS, { after }).then(({ repository }) => repository.pullRequest)
}

async function graphqlErrors(request: Promise<unknown>) {
  const error = (await request.then(
    () => null,
    (reason: unknown) => reason,
  )) as { errors?: { type?: string; message: string }[] }
  return error.errors
}

async function comment(line: number, body: string) {
  const commit_id = (await world.repo.head('feature')) ?? ''
  return (await world.owner.rest.pulls.createReviewComment({ ...PULL, commit_id, path: 'src/a.txt', line, body })).data
}

test('threads are listed in pages, resolved and opened again', async () => {
  const { bot, owner } = world
  const first = await comment(2, 'Why?')
  await comment(1, 'And here?')
  await bot.rest.pulls.createReplyForReviewComment({ ...PULL, comment_id: first.id, body: 'Because' })
  await world.listen()
  const page = await threads()
  const [thread] = page.reviewThreads.nodes
  expect(page.reviewThreads).toMatchObject({ totalCount: 2, pageInfo: { hasNextPage: true } })
  expect(thread).toMatchObject({ isResolved: false, isOutdated: false, line: 2, path: 'src/a.txt' })
  expect(thread?.comments.nodes).toMatchObject([{ databaseId: first.id, body: 'Why?' }, { body: 'Because' }])
  const rest = await threads(page.reviewThreads.pageInfo.endCursor)
  expect(rest.reviewThreads).toMatchObject({ pageInfo: { hasNextPage: false }, nodes: [{ line: 1 }] })
  const set = (name: string) => `mutation ($id: ID!) { ${name}(input: { threadId: $id }) { thread { isResolved } } }`
  const id = thread?.id
  expect(await owner.graphql(set('resolveReviewThread'), { id })).toEqual({
    resolveReviewThread: { thread: { isResolved: true } },
  })
  await owner.graphql(set('resolveReviewThread'), { id })
  await owner.graphql(set('unresolveReviewThread'), { id })
  const denied = await graphqlErrors(world.as('guest').graphql(set('resolveReviewThread'), { id }))
  expect(denied).toMatchObject([{ type: 'FORBIDDEN' }])
  const unknown = await graphqlErrors(owner.graphql(set('resolveReviewThread'), { id: 'x' }))
  expect(unknown).toMatchObject([
    { type: 'NOT_FOUND', message: "Could not resolve to a node with the global id of 'x'" },
  ])
  await world.github.settled()
  expect(world.receiver.names()).toEqual([
    'ping',
    'pull_request_review_thread.resolved',
    'pull_request_review_thread.unresolved',
  ])
})

test('a thread is outdated when its line has left the changes', async () => {
  await comment(2, 'Why?')
  await world.branch('feature', { 'src/a.txt': 'zero\none\nfeature\nthree\n' })
  expect((await threads()).reviewThreads.nodes).toMatchObject([{ isOutdated: false }])
  await world.branch('feature', { 'src/a.txt': 'one\nother\nthree\n' })
  expect((await threads()).reviewThreads.nodes).toMatchObject([{ isOutdated: true, line: null, originalLine: 2 }])
})

test('a comment is hidden and shown again', async () => {
  const line = await comment(2, 'Why?')
  const { node_id } = (await world.repo.comment(1, 'Old', 'bot')) as unknown as { node_id: string }
  const hide = `mutation ($id: ID!) {
    minimizeComment(input: { subjectId: $id, classifier: OFF_TOPIC }) { minimizedComment { isMinimized minimizedReason } }
  }`
  for (const id of [node_id, line.node_id]) {
    expect(await world.owner.graphql(hide, { id })).toEqual({
      minimizeComment: { minimizedComment: { isMinimized: true, minimizedReason: 'off-topic' } },
    })
  }
  const show = `mutation ($id: ID!) { unminimizeComment(input: { subjectId: $id }) { unminimizedComment { isMinimized } } }`
  expect(await world.bot.graphql(show, { id: node_id })).toEqual({
    unminimizeComment: { unminimizedComment: { isMinimized: false } },
  })
})

test('a thread is answered, with the events of its review, and shows who reacted', async () => {
  const { bot, owner } = world
  const first = await comment(2, 'Why?')
  const of = { owner: 'acme', repo: 'app', comment_id: first.id }
  await owner.rest.reactions.createForPullRequestReviewComment({ ...of, content: '+1' })
  await bot.rest.reactions.createForPullRequestReviewComment({ ...of, content: 'eyes' })
  await world.listen()
  const id = (await threads()).reviewThreads.nodes[0]?.id
  const answer = `mutation ($id: ID!, $body: String!) {
    addPullRequestReviewThreadReply(input: { pullRequestReviewThreadId: $id, body: $body }) { comment { body } }
  }`
  expect(await bot.graphql(answer, { id, body: 'Because' })).toEqual({
    addPullRequestReviewThreadReply: { comment: { body: 'Because' } },
  })
  expect(await graphqlErrors(bot.graphql(answer, { id, body: ' ' }))).toMatchObject([{ type: 'UNPROCESSABLE' }])
  const query = `{ repository(owner: "acme", name: "app") { pullRequest(number: 1) { reviewThreads(first: 1) { nodes {
    comments(first: 5) { nodes { body reactions(first: 5) { totalCount nodes { content user { login } } } } }
  } } } } }`
  const shown = await bot.graphql<Threads>(query)
  expect(shown.repository.pullRequest.reviewThreads.nodes[0]?.comments.nodes).toEqual([
    {
      body: 'Why?',
      reactions: {
        totalCount: 2,
        nodes: [
          { content: 'THUMBS_UP', user: { login: 'acme' } },
          { content: 'EYES', user: { login: 'bot' } },
        ],
      },
    },
    { body: 'Because', reactions: { totalCount: 0, nodes: [] } },
  ])
  await world.github.settled()
  expect(world.receiver.names()).toEqual([
    'ping',
    'pull_request_review.submitted',
    'pull_request_review_comment.created',
  ])
})

test('to resolve a thread, a limited token needs the right to write contents, too', async () => {
  await comment(2, 'Why?')
  const id = (await threads()).reviewThreads.nodes[0]?.id
  const resolve = 'mutation ($id: ID!) { resolveReviewThread(input: { threadId: $id }) { thread { isResolved } } }'
  const limited = (contents: 'read' | 'write') =>
    world.client(world.github.addToken({ login: 'acme', permissions: { contents, pull_requests: 'write' } }))
  expect(await graphqlErrors(limited('read').graphql(resolve, { id }))).toMatchObject([{ type: 'FORBIDDEN' }])
  expect(await limited('write').graphql(resolve, { id })).toMatchObject({ resolveReviewThread: {} })
})

test('auto-merge is for what waits: it is refused where it is not allowed, for drafts, and with nothing to wait for', async () => {
  const enable = `mutation ($id: ID!, $sha: GitObjectID) {
    enablePullRequestAutoMerge(input: { pullRequestId: $id, expectedHeadOid: $sha }) { pullRequest { title } }
  }`
  const refused = async (options: { allowAutoMerge?: boolean; requiredChecks?: string[] }, draft = false) => {
    const name = `other-${++others}`
    const files = { 'a.txt': 'a\n' }
    const repo = await world.github.addRepository({ owner: 'acme', name, files, ...options })
    await repo.commit({ message: 'c', files: { 'b.txt': 'b\n' }, branch: 'b' })
    const pull = { title: 'P', head: 'b', draft }
    const { node_id: id } = (await repo.openPullRequest(pull)) as unknown as { node_id: string }
    return (await graphqlErrors(world.owner.graphql(enable, { id, sha: 'a'.repeat(40) })))?.[0]?.message
  }
  const waits = { allowAutoMerge: true, requiredChecks: ['ci'] }
  expect(await refused({ requiredChecks: ['ci'] })).toBe('Pull request Auto merge is not allowed for this repository')
  expect(await refused({ allowAutoMerge: true })).toBe('Pull request Pull request is in clean status')
  expect(await refused(waits, true)).toBe('Pull request Pull request is in draft status')
  expect(await refused(waits)).toMatch('head oid')
})

test('what a required check is missing for is not merged', async () => {
  const at = { owner: 'acme', repo: 'strict' }
  const files = { 'a.txt': 'a\n' }
  const repo = await world.github.addRepository({ owner: 'acme', name: 'strict', files, requiredChecks: ['ci'] })
  const sha = await repo.commit({ message: 'c', files: { 'b.txt': 'b\n' }, branch: 'b' })
  await repo.openPullRequest({ title: 'P', head: 'b' })
  const state = async () => (await world.owner.rest.pulls.get({ ...at, pull_number: 1 })).data.mergeable_state
  expect(await state()).toBe('blocked')
  expect((await failure(world.owner.rest.pulls.merge({ ...at, pull_number: 1 }))).status).toBe(405)
  await world.owner.rest.repos.createCommitStatus({ ...at, sha, state: 'success', context: 'ci' })
  expect(await state()).toBe('clean')
  await repo.mergePullRequest(1)
})

test('a pull request becomes a draft, ready again, and is to be merged by itself', async () => {
  const { bot, repo } = world
  await world.listen()
  const { id } = await threads()
  const change = (name: string, input = '') =>
    bot.graphql(
      `mutation ($id: ID!) { ${name}(input: { pullRequestId: $id ${input} }) { pullRequest { isDraft autoMergeRequest { mergeMethod } } } }`,
      { id },
    )
  expect(await change('convertPullRequestToDraft')).toMatchObject({
    convertPullRequestToDraft: { pullRequest: { isDraft: true } },
  })
  expect((await bot.rest.pulls.get(PULL)).data.draft).toBe(true)
  expect((await failure(bot.rest.pulls.merge(PULL))).status).toBe(405)
  await change('markPullRequestReadyForReview')
  await change('enablePullRequestAutoMerge', ', mergeMethod: SQUASH')
  expect((await bot.rest.pulls.get(PULL)).data.auto_merge).toMatchObject({ merge_method: 'squash' })
  await change('disablePullRequestAutoMerge')
  expect(await graphqlErrors(change('disablePullRequestAutoMerge'))).toHaveLength(1)
  await repo.closePullRequest(1)
  expect(await graphqlErrors(change('markPullRequestReadyForReview'))).toHaveLength(1)
  await world.github.settled()
  expect(world.receiver.names()).toEqual([
    'ping',
    'pull_request.auto_merge_disabled',
    'pull_request.auto_merge_enabled',
    'pull_request.closed',
    'pull_request.converted_to_draft',
    'pull_request.ready_for_review',
  ])
})

test('a query that GitHub would refuse is refused', async () => {
  const { bot, client } = world
  expect((await failure(client().graphql('{ viewer { login } }'))).status).toBe(401)
  expect(await bot.graphql('{ viewer { login } }')).toEqual({ viewer: { login: 'bot' } })
  const messages = async (query: string) => (await graphqlErrors(bot.graphql(query)))?.map(({ message }) => message)
  expect(await messages('{ nothing }')).toEqual(['Cannot query field "nothing" on type "Query".'])
  expect(await messages('{ repository(owner: "acme", name: "none") { id } }')).toEqual([
    "Could not resolve to a Repository with the name 'acme/none'.",
  ])
  const unbounded =
    '{ repository(owner: "acme", name: "app") { pullRequest(number: 1) { reviewThreads { totalCount } } } }'
  expect(await messages(unbounded)).toEqual([expect.stringMatching(/must provide a `first` or `last`/)])
})
