import { afterAll, expect, test } from 'vitest'
import { RetryAt } from '../../lib/error.ts'
import { failure, openGithubStage } from './fixtures/stage.ts'

const stage = await openGithubStage({ 'a.txt': 'one\n' })
const { fake, repo, forge } = stage
afterAll(() => stage.close())

const app = fake.addApp({ slug: 'robot', permissions: { contents: 'write', pull_requests: 'write' } })
app.install('acme')
function robot() {
  return forge({ auth: { appId: app.appId, privateKey: app.privateKeyPem } })
}

async function openPull(branch: string, lineCount = 3) {
  const content = Array.from({ length: lineCount }, (_, at) => `new ${at + 1}\n`).join('')
  const commit = await repo.commit({ message: 'c', files: { 'a.txt': content }, branch })
  const { number } = await repo.openPullRequest({ title: branch, head: branch })
  const comment = (line: number, body: string) => ({ path: 'a.txt', line, side: 'RIGHT' as const, body })
  const review = async (lines: number[], by = forge()) => {
    const comments = lines.map((line) => comment(line, `about ${line}`))
    await by.createReview('acme/shop', number, { commit, event: 'COMMENT', body: 'All', comments })
  }
  return { number, commit, review }
}

test('a thread has its place, its comments with their authors, and who reacted', async () => {
  const { number, review } = await openPull('one')
  await review([2], robot())
  const [{ id, comments: [first] = [] } = { id: '' }] = await forge().reviewThreads('acme/shop', number)
  const { url } = await forge().replyInThread('acme/shop', number, first?.id ?? 0, 'Because')
  await forge().addReaction('acme/shop', { reviewComment: first?.id ?? 0 }, '-1')
  await robot().addReaction('acme/shop', { reviewComment: first?.id ?? 0 }, 'rocket')
  const threads = await robot().reviewThreads('acme/shop', number)
  expect(threads).toEqual([
    {
      id,
      path: 'a.txt',
      line: 2,
      side: 'RIGHT',
      isResolved: false,
      resolvedBy: null,
      isOutdated: false,
      comments: [
        {
          id: first?.id,
          url: expect.stringMatching(/\/acme\/shop\/pull\/1#discussion_r\d+$/),
          body: 'about 2',
          author: 'robot[bot]',
          createdAt: expect.any(Date),
          reactions: [
            { content: '-1', author: 'acme' },
            { content: 'rocket', author: 'robot[bot]' },
          ],
        },
        { id: expect.any(Number), url, body: 'Because', author: 'acme', createdAt: expect.any(Date), reactions: [] },
      ],
    },
  ])
  await robot().resolveThread('acme/shop', id)
  await robot().resolveThread('acme/shop', id)
  await repo.commit({ message: 'c', files: { 'a.txt': 'other\n' }, branch: 'one' })
  expect(await robot().reviewThreads('acme/shop', number)).toMatchObject([
    { isResolved: true, resolvedBy: 'robot[bot]', isOutdated: true, line: null },
  ])
})

test('the threads of several pages are all read, and so are the comments of each', async () => {
  const { number, review } = await openPull('many', 60)
  await review(Array.from({ length: 55 }, (_, at) => at + 1))
  const [first] = await forge().reviewThreads('acme/shop', number)
  for (let each = 1; each <= 45; each += 1) {
    await forge().replyInThread('acme/shop', number, first?.comments[0]?.id ?? 0, `answer ${each}`)
  }
  const threads = await forge().reviewThreads('acme/shop', number)
  expect(threads.map(({ line }) => line)).toEqual(Array.from({ length: 55 }, (_, at) => at + 1))
  expect(threads[0]?.comments.map(({ body }) => body).slice(-2)).toEqual(['answer 44', 'answer 45'])
  expect(threads[0]?.comments).toHaveLength(46)
})

test('what GraphQL refuses is a refusal that says why', async () => {
  expect(await failure(forge().reviewThreads('acme/shop', 999))).toMatchObject({
    code: 'forge_failed',
    detail: expect.stringContaining('GitHub does not have that, or does not show it to this token (GraphQL: '),
  })
  const { number, review } = await openPull('limited')
  await review([1])
  const [thread] = await forge().reviewThreads('acme/shop', number)
  const token = fake.addToken({ login: 'acme', permissions: { contents: 'read', pull_requests: 'write' } })
  const refused = failure(forge({ auth: { token } }).resolveThread('acme/shop', thread?.id ?? ''))
  expect(await refused).toMatchObject({ detail: expect.stringContaining('The token may not do that') })
})

test('a read by GraphQL needs no lease and is repeated; a reply without an answer is looked for later', async () => {
  const { number, review } = await openPull('again')
  await review([1])
  const guard = { signal: new AbortController().signal, confirm: () => Promise.reject(new Error('lost')) }
  fake.faults.add({ kind: 'status', status: 502, method: 'POST', route: /graphql/, times: 1 })
  const [thread] = await forge({ readRetries: 1 }).guarded(guard).reviewThreads('acme/shop', number)
  const refused = forge()
    .guarded(guard)
    .resolveThread('acme/shop', thread?.id ?? '')
  await expect(refused).rejects.toThrow('lost')
  fake.faults.add({ kind: 'lostResponse', method: 'POST', route: /replies/, times: 1 })
  const lost = await failure(forge().replyInThread('acme/shop', number, thread?.comments[0]?.id ?? 0, 'Hi'))
  expect(lost).toBeInstanceOf(RetryAt)
  expect((await forge().reviewThreads('acme/shop', number))[0]?.comments).toHaveLength(2)
})
