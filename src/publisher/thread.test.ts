import { afterAll, expect, test } from 'vitest'
import { openWorld } from './fixtures/each-kind.ts'
import { openKindsStage } from './fixtures/kinds-stage.ts'
import { parseOutputs } from './output.ts'
import type { ThreadOutput } from './thread.ts'

const stage = await openKindsStage()
afterAll(() => stage.close())
const ownOnly = { repositories: ['**'], outputs: { thread: {} } }

async function openThread() {
  const { repo, world } = await openWorld(stage)
  const { thread } = world
  const output: ThreadOutput = { kind: 'thread', repository: repo.fullName, pullRequest: 1, thread, key: 'k' }
  return { repo, world, output }
}

test('a reply is in the thread, whose address the receipt has; to resolve alone says where the thread is', async () => {
  const { output, world } = await openThread()
  const receipt = await stage.send({ ...output, reply: 'Fixed' })
  const [thread] = await world.threads()
  expect(thread?.comments[1]).toMatchObject({
    url: receipt?.url,
    body: expect.stringMatching(/^Fixed\n\n<!-- signalbox:/),
  })
  expect(receipt).toEqual({ url: thread?.comments[1]?.url, number: 1, created: true })
  expect(thread?.isResolved).toBe(false)
  expect(await stage.send({ ...output, resolve: true })).toEqual({
    url: thread?.comments[0]?.url,
    number: 1,
    created: false,
  })
  expect(await world.threads()).toMatchObject([{ isResolved: true, resolvedBy: stage.bot }])
})

test('a marker that somebody else has copied into a reply says nothing', async () => {
  const { output, world } = await openThread()
  await stage.send({ ...output, reply: 'Fixed' })
  const [thread] = await world.threads()
  const copied = thread?.comments[1]?.body ?? ''
  const { output: other, world: there, repo: second } = await openThread()
  const [first] = await there.threads()
  const at = { owner: 'acme', repo: second.name, pull_number: 1, comment_id: first?.comments[0]?.id ?? 0 }
  await stage.clientOf('jane').rest.pulls.createReplyForReviewComment({ ...at, body: copied })
  expect(await stage.send({ ...other, reply: 'Fixed' })).toMatchObject({ created: true })
})

test('what others began is resolved only where the rule says so, and what our account began always', async () => {
  const { output, world, repo } = await openThread()
  const job = { id: 'a', policy: ownOnly }
  await expect(stage.send({ ...output, resolve: true }, job)).rejects.toThrow('Somebody else began the thread http')
  const comments = [{ path: 'src/a.txt', line: 2, body: 'Ours' }]
  const review = { kind: 'review', repository: repo.fullName, pullRequest: 1, commit: world.head } as const
  await stage.send({ ...review, body: 'R', comments, key: 'r' })
  const ours = (await world.threads()).at(-1)?.id ?? ''
  await stage.send({ ...output, thread: ours, resolve: true }, job)
  expect((await world.threads()).map(({ isResolved }) => isResolved)).toEqual([false, true])
})

test('a thread of another pull request is refused', async () => {
  const { output } = await openThread()
  const { world } = await openThread()
  await expect(stage.send({ ...output, thread: world.thread, resolve: true })).rejects.toThrow('has no review thread')
})

test('an output that neither replies nor resolves is refused', () => {
  const output = { kind: 'thread', repository: 'a/b', pullRequest: 1, thread: 't', key: 'k' }
  expect(() => parseOutputs([output])).toThrow('outputs.0.reply: is required, unless "resolve" is given')
})
