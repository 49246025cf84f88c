// What only GraphQL can do: threads, hidden comments, drafts and auto-merge.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
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
