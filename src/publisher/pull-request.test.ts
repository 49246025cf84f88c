import type { RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openApiGuard } from '../../fake-github/openapi.ts'
import type { WriteForge } from '../forges/forge.ts'
import { github } from '../forges/github/github.ts'
import { GiveUp } from '../lib/error.ts'
import { silentLog } from '../lib/log.ts'
import type { PullRequestOutput } from './output.ts'
import { publish } from './publish.ts'

const guard = openApiGuard()
const fake = await openFakeGithub({ onExchange: guard.onExchange })
const job = { id: 'job-1' }
let token: string
let counter = 0

beforeAll(() => {
  token = fake.addToken({ login: 'acme' })
})
afterAll(async () => {
  await fake.close()
  expect(guard.violations).toEqual([])
  expect(guard.checked).toBeGreaterThan(100)
})

const makeRepository = () => {
  counter += 1
  return fake.addRepository({ owner: 'acme', name: `shop-${counter}`, files: { 'README.md': 'shop\n' } })
}

const forgeWith = (send: typeof fetch = fetch): WriteForge =>
  github({
    apiUrl: fake.apiUrl,
    auth: { token },
    log: silentLog,
    fetch: send,
    readRetries: 0,
    writes: { burst: 1000, everyMs: 1 },
  })

const deployment = (repo: RepositoryHandle, id: number, more: Partial<PullRequestOutput> = {}): PullRequestOutput => ({
  kind: 'pull_request',
  repository: repo.fullName,
  branch: `agenta/deploy-bot-${id}`,
  title: `Deploy bot ${id}`,
  body: `Deployment ${id}`,
  commitMessage: `Deploy v${id} to production`,
  files: [{ path: 'deployments/bot/production.json', content: `{"deployment": ${id}}\n` }],
  labels: ['agenta-deployment', 'production'],
  key: `deployment=${id}`,
  series: 'deploy:bot:production',
  order: id,
  ...more,
})

const send = (repo: RepositoryHandle, id: number, more: Partial<PullRequestOutput> = {}, forge = forgeWith()) =>
  publish(forge, deployment(repo, id, more), { job })

/** The commits a branch has over main, newest last. */
const commitsOn = async (repo: RepositoryHandle, branch: string) =>
  (await forgeWith().commitsBetween(repo.fullName, 'main', branch)).map(({ message }) => message.split('\n')[0])

const expectExactlyOne = async (repo: RepositoryHandle, id: number) => {
  const branch = `agenta/deploy-bot-${id}`
  expect((await repo.branches()).sort()).toEqual([branch, 'main'])
  expect(await commitsOn(repo, branch)).toEqual([`Deploy v${id} to production`])
  expect(await repo.readFile(branch, 'deployments/bot/production.json')).toBe(`{"deployment": ${id}}\n`)
  const pulls = await repo.pulls()
  expect(pulls).toHaveLength(1)
  expect(pulls[0]).toMatchObject({
    state: 'open',
    title: `Deploy bot ${id}`,
    head: { ref: branch },
    base: { ref: 'main' },
  })
  expect(pulls[0]?.labels.map(({ name }) => name).sort()).toEqual(['agenta-deployment', 'production'])
  expect(pulls[0]?.body).toBe(
    `Deployment ${id}\n\n<!-- signalbox:key=deployment=${id} series=deploy:bot:production order=${id} -->`,
  )
}

type How = 'dies after' | 'loses the answer of'

/** A connection that breaks at the n-th write: the process dies and sends nothing more, or only the answer is lost. */
const breaking = (at: number, how: How) => {
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

// A read changes nothing, so dying at one is the same as dying after the write before it: these are all the places.
const WAYS: How[] = ['dies after', 'loses the answer of']

const writesOf = async (repo: RepositoryHandle, id: number) => {
  const counting = breaking(0, 'dies after')
  await send(repo, id, {}, forgeWith(counting.send))
  return counting.seen.writes
}

test('a pull request is opened with one commit, its labels and one hidden marker', async () => {
  const repo = await makeRepository()
  const receipt = await send(repo, 1)
  await expectExactlyOne(repo, 1)
  const sha = await repo.head('agenta/deploy-bot-1')
  expect(receipt).toEqual({
    url: `${repo.htmlUrl}/pull/1`,
    number: 1,
    branch: 'agenta/deploy-bot-1',
    sha,
    created: true,
  })
  expect(await send(repo, 1)).toEqual({ ...receipt, created: false })
  await expectExactlyOne(repo, 1)
})

test.each(WAYS)(
  'a run that %s any one call, and is repeated, leaves exactly one of everything',
  { timeout: 120_000 },
  async (how) => {
    const writes = await writesOf(await makeRepository(), 1)
    expect(writes).toBe(7)
    for (let at = 1; at <= writes; at += 1) {
      const repo = await makeRepository()
      await expect(send(repo, 1, {}, forgeWith(breaking(at, how).send))).rejects.toThrow()
      // The base moves between the two tries, as it would.
      await repo.commit({ message: 'Meanwhile', files: { 'OTHER.md': `${at}` } })
      expect(await send(repo, 1)).toMatchObject({ number: 1 })
      await expectExactlyOne(repo, 1)
    }
  },
)

test('an update that dies after any one call, and is repeated, leaves one commit for each', {
  timeout: 120_000,
}, async () => {
  const first = await makeRepository()
  await send(first, 1)
  const writes = await writesOf(first, 2)
  expect(writes).toBe(4)
  for (let at = 1; at <= writes; at += 1) {
    const repo = await makeRepository()
    await send(repo, 1)
    await expect(send(repo, 2, {}, forgeWith(breaking(at, 'dies after').send))).rejects.toThrow()
    expect(await send(repo, 2)).toMatchObject({ number: 1, branch: 'agenta/deploy-bot-1' })
    await expectUpdated(repo)
  }
})

const expectUpdated = async (repo: RepositoryHandle) => {
  expect((await repo.branches()).sort()).toEqual(['agenta/deploy-bot-1', 'main'])
  expect(await commitsOn(repo, 'agenta/deploy-bot-1')).toEqual(['Deploy v1 to production', 'Deploy v2 to production'])
  const pulls = await repo.pulls()
  expect(pulls).toMatchObject([{ state: 'open', title: 'Deploy bot 2' }])
  expect(pulls[0]?.body).toBe(
    'Deployment 2\n\n<!-- signalbox:key=deployment=1 key=deployment=2 series=deploy:bot:production order=2 -->',
  )
}

test('a second deployment while the first is open goes on the same pull request', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  const receipt = await send(repo, 2)
  expect(receipt).toMatchObject({ number: 1, created: false, sha: await repo.head('agenta/deploy-bot-1') })
  await expectUpdated(repo)
  expect(await send(repo, 1)).toMatchObject({ number: 1, created: false })
  expect(await send(repo, 2)).toEqual(receipt)
  await expectUpdated(repo)
})

test('twice at once, and ten times at once, leaves exactly one of everything', async () => {
  const repo = await makeRepository()
  const receipts = await Promise.all(Array.from({ length: 10 }, () => send(repo, 1)))
  expect(new Set(receipts.map((receipt) => receipt?.number))).toEqual(new Set([1]))
  expect(receipts.filter((receipt) => receipt?.created)).toHaveLength(1)
  await expectExactlyOne(repo, 1)
})

test('an update twice at once makes one commit', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  await Promise.all([send(repo, 2), send(repo, 2), send(repo, 2)])
  await expectUpdated(repo)
})

test('two updates at once both arrive, and the newer one wins', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  await Promise.all([send(repo, 3), send(repo, 2)])
  expect(await repo.readFile('agenta/deploy-bot-1', 'deployments/bot/production.json')).toBe('{"deployment": 3}\n')
  expect(await repo.pulls()).toHaveLength(1)
})

test('a late older deployment does not overwrite a newer one, and is remembered', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  await send(repo, 3)
  expect(await send(repo, 2)).toMatchObject({ number: 1, created: false })
  expect(await commitsOn(repo, 'agenta/deploy-bot-1')).toEqual(['Deploy v1 to production', 'Deploy v3 to production'])
  const [pull] = await repo.pulls()
  expect(pull).toMatchObject({ title: 'Deploy bot 3' })
  expect(pull?.body).toBe(
    'Deployment 3\n\n<!-- signalbox:key=deployment=1 key=deployment=3 key=deployment=2 series=deploy:bot:production order=3 -->',
  )
  await repo.mergePullRequest(1)
  expect(await send(repo, 2)).toMatchObject({ number: 1, created: false })
  expect(await repo.pulls()).toHaveLength(1)
})

test('"separate" gives each deployment a branch and a pull request of its own', async () => {
  const repo = await makeRepository()
  await send(repo, 1, { onOpenPullRequest: 'separate' })
  expect(await send(repo, 2, { onOpenPullRequest: 'separate' })).toMatchObject({ number: 2, created: true })
  expect(await send(repo, 2, { onOpenPullRequest: 'separate' })).toMatchObject({ number: 2, created: false })
  expect(await repo.pulls()).toHaveLength(2)
})

test('deployments of different apps never share a pull request', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  expect(await send(repo, 2, { series: 'deploy:other:production' })).toMatchObject({ number: 2, created: true })
})

test.each(['merge', 'squash'] as const)(
  'after a %s with the branch deleted, a repeat finds the merged pull request',
  async (merge_method) => {
    const repo = await makeRepository()
    await send(repo, 1)
    await send(repo, 2)
    await repo.mergePullRequest(1, 'acme', { merge_method })
    await repo.deleteBranch('agenta/deploy-bot-1')
    expect(await send(repo, 1)).toMatchObject({ number: 1, created: false })
    expect(await send(repo, 2)).toMatchObject({ number: 1, created: false })
    expect(await repo.branches()).toEqual(['main'])
    expect(await send(repo, 3)).toMatchObject({ number: 2, created: true })
  },
)

test('a pull request that was closed stays closed: there is never a second', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  await repo.closePullRequest(1)
  expect(await send(repo, 1)).toMatchObject({ number: 1, created: false })
  expect(await repo.pulls()).toMatchObject([{ state: 'closed' }])
  expect(await send(repo, 2)).toMatchObject({ number: 2, created: true })
})

test('a pull request merged while its update is on the way: the work gets its own', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  fake.faults.add({ method: 'PATCH', route: /\/git\/refs\//, before: () => repo.mergePullRequest(1) })
  expect(await send(repo, 2)).toMatchObject({ number: 2, created: true, branch: 'agenta/deploy-bot-2' })
  expect(await repo.readFile('agenta/deploy-bot-2', 'deployments/bot/production.json')).toBe('{"deployment": 2}\n')
  expect(await send(repo, 2)).toMatchObject({ number: 2, created: false })
})

test('a branch that moves during the update is read again and kept', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  fake.faults.add({
    method: 'PATCH',
    route: /\/git\/refs\//,
    before: () => repo.commit({ message: 'By hand', files: { 'NOTES.md': 'x' }, branch: 'agenta/deploy-bot-1' }),
  })
  await send(repo, 2)
  expect(await commitsOn(repo, 'agenta/deploy-bot-1')).toEqual([
    'Deploy v1 to production',
    'By hand',
    'Deploy v2 to production',
  ])
})

test('a branch that never stops moving is a failure worth a retry', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  const fault = fake.faults.add({
    method: 'PATCH',
    route: /\/git\/refs\//,
    times: 100,
    before: () => repo.commit({ message: 'Again', files: { n: String(Math.random()) }, branch: 'agenta/deploy-bot-1' }),
  })
  await expect(send(repo, 2)).rejects.toThrow(/moves faster/)
  fault.remove()
})

test('files that are as they should be need no pull request', async () => {
  const repo = await makeRepository()
  const files = { 'deployments/bot/production.json': '{"deployment": 1}\n' }
  await repo.commit({ message: 'By hand', files })
  expect(await send(repo, 1)).toBeNull()
  expect(await repo.branches()).toEqual(['main'])
})

test("somebody else's branch of that name is left alone", async () => {
  const repo = await makeRepository()
  await repo.commit({ message: 'Mine', files: { a: 'b' }, branch: 'agenta/deploy-bot-1' })
  await expect(send(repo, 1)).rejects.toThrow(GiveUp)
  expect(await commitsOn(repo, 'agenta/deploy-bot-1')).toEqual(['Mine'])
})

test('an empty branch of that name is used', async () => {
  const repo = await makeRepository()
  await forgeWith().createBranch(repo.fullName, 'agenta/deploy-bot-1', (await repo.head()) ?? '')
  await repo.commit({ message: 'Meanwhile', files: { a: 'b' } })
  await send(repo, 1)
  await expectExactlyOne(repo, 1)
})

test('a forged marker on a branch that is not ours attracts nothing', async () => {
  const repo = await makeRepository()
  await repo.commit({ message: 'Forged', files: { a: 'b' }, branch: 'feature' })
  await repo.openPullRequest({
    title: 'x',
    head: 'feature',
    body: '<!-- signalbox:key=deployment=1 series=deploy:bot:production -->',
  })
  expect(await send(repo, 1)).toMatchObject({ number: 2, created: true })
  expect(await commitsOn(repo, 'feature')).toEqual(['Forged'])
})

test('another base branch is respected, a missing one is not worth a retry', async () => {
  const repo = await makeRepository()
  await repo.commit({ message: 'Release', files: { a: 'b' }, branch: 'release' })
  await send(repo, 1, { base: 'release' })
  expect(await repo.pulls()).toMatchObject([{ base: { ref: 'release' } }])
  await expect(send(repo, 2, { base: 'gone' })).rejects.toThrow(/no branch gone/)
})

test('an empty repository is not worth a retry', async () => {
  counter += 1
  const repo = await fake.addRepository({ owner: 'acme', name: `shop-${counter}` })
  await expect(send(repo, 1)).rejects.toThrow(GiveUp)
})
