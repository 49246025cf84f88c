// An App's token for one job: for one repository, with what its outputs need, and revoked after it.
import { afterAll, expect, test } from 'vitest'
import type { Access } from '../forges/access.ts'
import { forgesFrom } from '../forges/forges.ts'
import { silentLog } from '../lib/log.ts'
import { KINDS, openWorld } from './fixtures/each-kind.ts'
import { ANYTHING, openKindsStage } from './fixtures/kinds-stage.ts'
import type { Output } from './output.ts'
import { publishers } from './publish.ts'

const stage = await openKindsStage()
afterAll(() => stage.close())

const open = publishers({ forges: forgesFrom({ github: stage.forgeWith() }), isOwn: () => false, log: silentLog })
const guard = { signal: new AbortController().signal, confirm: async () => {} }

/** The tokens that were made since request `from`, and how many were revoked. */
function tokensSince(from: number) {
  const since = stage.fake.requests.slice(from)
  const made = since.filter(({ path }) => path.endsWith('/access_tokens')).map(({ requestBody }) => requestBody)
  return { made, revoked: since.filter(({ route }) => route === '/installation/token').length }
}

const NEEDED: Record<Output['kind'], Access> = {
  pull_request: { contents: 'write', pull_requests: 'write' },
  commit: { contents: 'write' },
  comment: { pull_requests: 'write' },
  labels: { pull_requests: 'write' },
  reaction: { pull_requests: 'write' },
  review: { pull_requests: 'write', contents: 'read' },
  thread: { pull_requests: 'write', contents: 'write' },
  check: { checks: 'write', statuses: 'write' },
  deployment_status: { deployments: 'write' },
  issue: { issues: 'write' },
}

test.each(KINDS.map((kind) => [kind.name, kind] as const))('%s is written with what it needs', async (_, kind) => {
  const { repo, world } = await openWorld(stage, true)
  const output = kind.output(repo, world)
  const from = stage.fake.requests.length
  const publisher = open({ id: 'a', policy: ANYTHING }, [output])
  expect(await publisher.publish(output, guard)).not.toBeNull()
  const access = { ...NEEDED[output.kind], metadata: 'read' }
  expect(publisher.access(output)).toEqual(access)
  await publisher.close()
  expect(tokensSince(from)).toEqual({ made: [{ repositories: [repo.name], permissions: access }], revoked: 1 })
})

test('the outputs of a job in one repository share a token, and another repository has another', async () => {
  const [one, two] = [await openWorld(stage, true), await openWorld(stage, true)]
  const comment = (repository: string): Output => ({
    kind: 'comment',
    repository,
    target: { issue: 1 },
    body: 'x',
    key: repository,
  })
  const labels: Output = { kind: 'labels', repository: one.repo.fullName, target: { pullRequest: 1 }, labels: ['a'] }
  const outputs = [comment(one.repo.fullName), labels, comment(`github:${two.repo.fullName}`)]
  const from = stage.fake.requests.length
  const publisher = open({ id: 'a', policy: ANYTHING }, outputs)
  for (const output of outputs) await publisher.publish(output, guard)
  await publisher.close()
  const both = { issues: 'write', pull_requests: 'write', metadata: 'read' }
  expect(tokensSince(from)).toEqual({
    made: [
      { repositories: [one.repo.name], permissions: both },
      { repositories: [two.repo.name], permissions: { issues: 'write', metadata: 'read' } },
    ],
    revoked: 2,
  })
})

test('a job that writes nothing has no token', async () => {
  const { repo } = await openWorld(stage)
  const output: Output = { kind: 'labels', repository: repo.fullName, target: { issue: 1 }, labels: ['a'] }
  const from = stage.fake.requests.length
  await open({ id: 'a', policy: ANYTHING }, [output]).close()
  expect(stage.fake.requests).toHaveLength(from)
})

test('such a token writes neither elsewhere nor anything else, and nothing once it is revoked', async () => {
  const [{ repo }, other] = [await openWorld(stage, true), await openWorld(stage, true)]
  const { forge, access, close } = await stage.forgeWith().limited(repo.fullName, { issues: 'write' })
  expect(access).toEqual({ issues: 'write', metadata: 'read' })
  await forge.createComment(repo.fullName, { issue: 1 }, 'x')
  await expect(forge.createComment(other.repo.fullName, { issue: 1 }, 'x')).rejects.toThrow()
  const commit = { branch: 'x', parent: (await repo.head()) ?? '', isNew: true, message: 'm' }
  await expect(forge.commitFiles(repo.fullName, { ...commit, changes: [{ path: 'a', content: 'b' }] })).rejects.toThrow(
    /Resource not accessible/,
  )
  const made = stage.fake.requests.findLast(({ path }) => path.endsWith('/access_tokens'))?.responseBody
  const authorization = `Bearer ${(made as { token: string }).token}`
  const ask = async () =>
    (await fetch(`${stage.fake.apiUrl}/repos/${repo.fullName}`, { headers: { authorization } })).status
  expect(await ask()).toBe(200)
  await close()
  expect(await ask()).toBe(401)
})

test('it asks for no more than the installation has', async () => {
  const app = stage.fake.addApp({ slug: 'reader', permissions: { issues: 'read', contents: 'write' } })
  app.install('acme')
  const forge = stage.forgeWith({ as: { appId: app.appId, privateKey: app.privateKeyPem } })
  const { repo } = await openWorld(stage)
  const limited = await forge.limited(repo.fullName, { issues: 'write', checks: 'write' })
  expect(limited.access).toEqual({ issues: 'read', metadata: 'read' })
})

test('a plain token stays what it is', async () => {
  const forge = stage.forgeWith({ as: { token: stage.fake.addToken({ login: 'acme' }) } })
  const { repo } = await openWorld(stage)
  const { access, close } = await forge.limited(repo.fullName, { issues: 'write' })
  await close()
  expect(access).toBeNull()
  expect(await forge.defaultBranch(repo.fullName)).toBe('main')
})
