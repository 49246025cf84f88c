import type { RepositoryHandle } from '@signalbox/fake-github'
import { afterAll, expect, test } from 'vitest'
import { openStage } from './fixtures/stage.ts'

const stage = await openStage()
const { fake, makeRepository, forgeWith, send, expectExactlyOne, expectUpdated } = stage
afterAll(() => fake.close())

type How = 'dies after' | 'loses the answer of'

/**
 * A connection that breaks at the n-th write: the process dies and sends nothing more, or only the
 * answer is lost.
 */
function breaking(at: number, how: How) {
  const seen = { writes: 0 }
  let isDead = false
  const send: typeof fetch = async (url, init) => {
    if (isDead) throw new Error('the process is dead')
    const response = await fetch(url, init)
    if (init?.method !== 'GET') seen.writes += 1
    if (init?.method === 'GET' || seen.writes !== at) return response
    isDead = how === 'dies after'
    throw new Error('interrupted')
  }
  return { send, seen }
}

// A read changes nothing, so dying at one is the same as dying after the write before it: these are
// all the places.
const WAYS: How[] = ['dies after', 'loses the answer of']

async function writesOf(repo: RepositoryHandle, id: number) {
  const counting = breaking(0, 'dies after')
  await send(repo, id, {}, forgeWith({ send: counting.send }))
  return counting.seen.writes
}

/** Each place on a repository of its own, all at once. */
function atEach(writes: number, run: (at: number) => Promise<void>) {
  return Promise.all(Array.from({ length: writes }, (_, index) => run(index + 1)))
}

test.each(WAYS)('a run that %s any one call, and is repeated, leaves exactly one of everything', async (how) => {
  const writes = await writesOf(await makeRepository(), 1)
  expect(writes).toBe(7)
  await atEach(writes, async (at) => {
    const repo = await makeRepository()
    await expect(send(repo, 1, {}, forgeWith({ send: breaking(at, how).send }))).rejects.toThrow()
    // The base moves between the two attempts, as it would.
    await repo.commit({ message: 'Meanwhile', files: { 'OTHER.md': `${at}` } })
    expect(await send(repo, 1)).toMatchObject({ number: 1 })
    await expectExactlyOne(repo, 1)
  })
})

test('an update that dies after any one call, and is repeated, leaves one commit for each', {
  timeout: 120_000,
}, async () => {
  const first = await makeRepository()
  await send(first, 1)
  const writes = await writesOf(first, 2)
  expect(writes).toBe(4)
  await atEach(writes, async (at) => {
    const repo = await makeRepository()
    await send(repo, 1)
    await expect(send(repo, 2, {}, forgeWith({ send: breaking(at, 'dies after').send }))).rejects.toThrow()
    expect(await send(repo, 2)).toMatchObject({ number: 1, branch: 'agenta/deploy-bot-1' })
    await expectUpdated(repo)
  })
})

test.each(['merge', 'squash'] as const)(
  'an update that dies after any one call, and is repeated after a %s with the branch deleted, is on one pull request',
  async (merge_method) => {
    await atEach(4, async (at) => {
      const repo = await makeRepository()
      await send(repo, 1)
      await expect(send(repo, 2, {}, forgeWith({ send: breaking(at, 'dies after').send }))).rejects.toThrow()
      await repo.mergePullRequest(1, 'acme', { merge_method })
      await repo.deleteBranch('agenta/deploy-bot-1')
      // The third of the calls moves the branch: from then on the merged pull request holds the
      // work.
      const expected = at < 3 ? { number: 2, created: true } : { number: 1, created: false }
      expect(await send(repo, 2)).toMatchObject(expected)
      expect(await send(repo, 2)).toMatchObject({ ...expected, created: false })
      const pulls = await repo.pulls()
      expect(pulls).toHaveLength(expected.number)
      // The marker says so, for it is how GitHub's webhook is matched with the deployment.
      expect(pulls.filter(({ body }) => body?.includes('key=deployment=2 '))).toMatchObject([
        { number: expected.number },
      ])
    })
  },
)
