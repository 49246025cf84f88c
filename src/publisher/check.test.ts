import { afterAll, expect, test } from 'vitest'
import { RetryAt } from '../lib/error.ts'
import type { CheckOutput } from './check.ts'
import { openKindsStage } from './fixtures/kinds-stage.ts'

const stage = await openKindsStage()
const { send, forgeWith, fake, owner } = stage
afterAll(() => stage.close())

async function openCommit() {
  const repo = await stage.makeRepository()
  const commit = (await repo.head()) ?? ''
  const output: CheckOutput = {
    kind: 'check',
    repository: repo.fullName,
    commit,
    check: 'review',
    status: 'in_progress',
    title: 'Looking',
    summary: 'Reading the changes',
    key: 'k',
  }
  const at = { owner: 'acme', repo: repo.name, ref: commit }
  return {
    repo,
    commit,
    output,
    runs: async () => (await owner.checks.listForRef({ ...at, filter: 'all' })).data.check_runs,
    statuses: async () => (await owner.repos.listCommitStatusesForRef(at)).data,
  }
}

const finding = { path: 'src/a.txt', startLine: 1, endLine: 2, level: 'notice', message: 'm', title: 't' } as const

test('later outputs of a job with the same key change the check, and what is so already is not written', async () => {
  const { output, runs, commit } = await openCommit()
  const first = await send(output)
  const done = { ...output, status: 'completed', conclusion: 'success', title: 'Good', annotations: [finding] } as const
  expect(await send(done)).toEqual({ ...first, created: false })
  const before = fake.requests.length
  expect(await send(done)).toEqual({ url: first?.url, sha: commit, created: false })
  expect(fake.requests.slice(before).filter(({ method }) => method !== 'GET' && method !== 'POST')).toEqual([])
  expect(await runs()).toMatchObject([
    { status: 'completed', conclusion: 'success', output: { title: 'Good', annotations_count: 1 } },
  ])
  await send(done, { id: 'b' })
  expect(await runs()).toHaveLength(2)
})

test('a check of another App with our id is not ours', async () => {
  const { output, runs, repo, commit } = await openCommit()
  const other = fake.addApp({ slug: 'other', permissions: { checks: 'write', metadata: 'read' } })
  other.install('acme')
  const forge = forgeWith({ as: { appId: other.appId, privateKey: other.privateKeyPem } })
  const forged = {
    sha: commit,
    name: 'review',
    externalId: 'job=a/k',
    status: 'queued',
    title: 't',
    summary: 's',
  } as const
  await forge.createCheck(repo.fullName, forged, [])
  expect(await send(output)).toMatchObject({ created: true })
  expect((await runs()).map(({ app }) => app?.slug).toSorted()).toEqual(['other', 'signalbox'])
})

test('a rate limit is waited for, and is no reason for a status in place of the check', async () => {
  const { output, runs, statuses } = await openCommit()
  const route = '/repos/{owner}/{repo}/check-runs'
  fake.faults.add({ method: 'POST', route, kind: 'secondaryRateLimit' })
  await expect(send(output)).rejects.toBeInstanceOf(RetryAt)
  expect(await statuses()).toEqual([])
  await send(output)
  expect(await runs()).toHaveLength(1)
})

test('with a token that may make no checks the commit gets a status, once', async () => {
  const { output, statuses, commit, repo } = await openCommit()
  const forge = forgeWith({ as: { token: fake.addToken({ login: 'jane' }) } })
  const failed = { ...output, status: 'completed', conclusion: 'timed_out', title: 'é'.repeat(200) } as const
  const details = { ...failed, detailsUrl: 'https://ci.example/1' }
  expect(await send(output, { id: 'a' }, forge)).toEqual({
    url: `${repo.htmlUrl}/commit/${commit}`,
    sha: commit,
    created: true,
  })
  for (const created of [true, false]) expect(await send(details, { id: 'a' }, forge)).toMatchObject({ created })
  expect((await statuses()).map(({ state, context, target_url }) => [state, context, target_url])).toEqual([
    ['failure', 'review', 'https://ci.example/1'],
    ['pending', 'review', null],
  ])
  expect((await statuses())[0]?.description?.length).toBeLessThanOrEqual(140)
})

test('a check of a commit that was not made is not written', async () => {
  const { output, runs } = await openCommit()
  expect(await send({ ...output, commit: '(none)' })).toBeNull()
  expect(await runs()).toEqual([])
})
