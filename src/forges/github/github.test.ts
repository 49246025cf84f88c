import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, afterEach, expect, test } from 'vitest'
import { openApiGuard } from '../../../fake-github/openapi.ts'
import { AppError, RetryAt } from '../../lib/error.ts'
import { silentLog } from '../../lib/log.ts'
import { readOnly } from '../read-only.ts'
import type { GithubOptions } from './connection.ts'
import { github } from './github.ts'
import { pace } from './pace.ts'
import { parseRepository } from './repository-name.ts'

const guard = openApiGuard()
const fake = await openFakeGithub({ onExchange: guard.onExchange })
const repo = await fake.addRepository({ owner: 'acme', name: 'shop', files: { 'a/b.txt': 'héllo\n' } })
const token = fake.addToken({ login: 'acme' })

function forgeAs(auth: GithubOptions['auth'] = { token }, more: Partial<GithubOptions> = {}) {
  return github({ apiUrl: fake.apiUrl, auth, log: silentLog, readRetries: 0, ...more })
}

function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  )
}

afterEach(() => fake.faults.clear())
afterAll(async () => {
  await fake.close()
  expect(guard.violations).toEqual([])
})

test('what is there is read, what is not is null', async () => {
  const forge = readOnly(forgeAs())
  expect(await forge.defaultBranch('acme/shop')).toBe('main')
  expect(await forge.branchSha('acme/shop', 'main')).toBe(await repo.head())
  expect(await forge.branchSha('acme/shop', 'no/such')).toBeNull()
  expect(await forge.readFile('acme/shop', 'a/b.txt', 'main')).toBe('héllo\n')
  expect(await forge.readFile('acme/shop', 'a', 'main')).toBeNull()
  expect(await forge.readFile('acme/shop', 'none', 'main')).toBeNull()
  expect(await forge.pullRequests('acme/shop', { state: 'all' })).toEqual([])
  expect(Object.keys(forge).sort()).toEqual(['branchSha', 'defaultBranch', 'pullRequests', 'readFile'])
})

test('a repository that is not there, or not shown, is said so', async () => {
  const error = await failure(forgeAs().defaultBranch('acme/none'))
  expect(error).toBeInstanceOf(AppError)
  expect(error).toMatchObject({
    code: 'forge_failed',
    detail: expect.stringContaining('GET /api/v3/repos/acme/none gave 404'),
  })
})

test.each(['shop', 'a/b/c', '../x', 'acme/..', 'acme/shop?x', '', 'acme/shop#1', '-x/y'])(
  '%j is no repository',
  (name) => {
    expect(() => parseRepository(name)).toThrow(AppError)
  },
)

test('a wrong token is said so, without naming it', async () => {
  const error = await failure(forgeAs({ token: 'ghp_wrong' }).defaultBranch('acme/shop'))
  expect(error).toMatchObject({ code: 'forge_failed', detail: expect.stringContaining('does not accept the token') })
  expect(JSON.stringify(error) + String(error)).not.toContain('ghp_wrong')
})

test('a missing permission is named', async () => {
  const weak = fake.addToken({
    login: 'acme',
    permissions: { contents: 'read', metadata: 'read', pull_requests: 'read' },
  })
  const error = await failure(forgeAs({ token: weak }).createBranch('acme/shop', 'agenta/x', (await repo.head()) ?? ''))
  expect(error).toMatchObject({ code: 'forge_failed', detail: expect.stringMatching(/may not do that/) })
})

test.each(['secondaryRateLimit', 'primaryRateLimit'] as const)(
  'a %s is a later try at the time GitHub gives',
  async (kind) => {
    fake.faults.add({ kind, retryAfterSeconds: 90 })
    const before = Date.now()
    const error = await failure(forgeAs({ token }, { readRetries: 2 }).defaultBranch('acme/shop'))
    expect(error).toBeInstanceOf(RetryAt)
    const waitMs = (error as RetryAt).when.getTime() - before
    expect(waitMs).toBeGreaterThan(85_000)
    expect(waitMs).toBeLessThan(95_000)
  },
)

test('a failing read is repeated, a failing or unanswered write never', async () => {
  const forge = forgeAs({ token }, { readRetries: 2 })
  const reads = fake.faults.add({ kind: 'status', status: 502, method: 'GET' })
  expect(await forge.defaultBranch('acme/shop')).toBe('main')
  expect(reads.hits).toBe(1)
  const issue = await repo.openIssue({ title: 'x' })
  for (const fault of [{ kind: 'status', status: 502 }, { kind: 'lostResponse' }] as const) {
    const writes = fake.faults.add({ ...fault, method: 'POST', times: 5 })
    const error = await failure(forge.createComment('acme/shop', { issue: issue.number }, 'hello'))
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(AppError)
    expect(writes.hits).toBe(1)
    writes.remove()
  }
  expect(await repo.issueComments(issue.number)).toHaveLength(1)
})

test.each(['retry-after', 'x-ratelimit-reset'])(
  'a rate limit that says "now" is not asked again at once',
  async (header) => {
    const headers = { [header]: '0', 'x-ratelimit-remaining': '0', 'content-type': 'application/json' }
    const send = async () => new Response('{"message":"secondary rate limit"}', { status: 403, headers })
    const before = Date.now()
    const error = await failure(forgeAs({ token }, { fetch: send }).defaultBranch('acme/shop'))
    expect((error as RetryAt).when.getTime()).toBeGreaterThanOrEqual(before + 1000)
  },
)

test('a request that takes too long is given up', async () => {
  fake.faults.add({ kind: 'timeout' })
  const error = await failure(forgeAs({ token }, { requestTimeoutMs: 100 }).defaultBranch('acme/shop'))
  expect(String(error)).toMatch(/gave no answer to GET \/api\/v3\/repos\/acme\/shop/)
})

// These two at once: octokit itself waits six seconds before it believes a 401 to a new token.
test.concurrent('an App finds its installation by repository, and gets a new token when one dies early', async () => {
  const app = fake.addApp({ slug: 'box', permissions: { contents: 'write', pull_requests: 'write', metadata: 'read' } })
  app.install('acme')
  const forge = forgeAs({ appId: app.appId, privateKey: app.privateKeyPem })
  expect(await forge.defaultBranch('acme/shop')).toBe('main')
  fake.faults.add({ kind: 'expireToken', method: 'POST', route: '/repos/{owner}/{repo}/git/refs' })
  expect(await forge.createBranch('acme/shop', 'agenta/app', (await repo.head()) ?? '')).toBe(true)
  expect(await forge.createBranch('acme/shop', 'agenta/app', (await repo.head()) ?? '')).toBe(false)
})

test.concurrent('an App that was removed and installed again is found again', async () => {
  const app = fake.addApp({ slug: 'again', permissions: { contents: 'read', metadata: 'read' } })
  app.install('acme')
  const forge = forgeAs({ appId: app.appId, privateKey: app.privateKeyPem })
  expect(await forge.defaultBranch('acme/shop')).toBe('main')
  app.uninstall('acme')
  expect(await failure(forge.defaultBranch('acme/shop'))).toMatchObject({ code: 'forge_failed' })
  app.install('acme')
  expect(await forge.defaultBranch('acme/shop')).toBe('main')
})

test('an App that is not installed is said so', async () => {
  const app = fake.addApp({ slug: 'stranger' })
  const error = await failure(forgeAs({ appId: app.appId, privateKey: app.privateKeyPem }).defaultBranch('acme/shop'))
  expect(error).toMatchObject({ code: 'forge_failed', detail: expect.stringContaining('/installation gave 404') })
})

test('labels that are missing are made once, also when two make them', async () => {
  const issue = await repo.openIssue({ title: 'y' })
  const add = () => forgeAs().addLabels('acme/shop', issue.number, ['a/b c', 'agenta-deployment'])
  const [first] = await Promise.all([add(), add()])
  expect(first).toEqual({ url: expect.stringMatching(/\/acme\/shop\/issues\/\d+$/) })
  const found = (await repo.issues()).find(({ number }) => number === issue.number)
  expect(found?.labels.map(({ name }) => name).sort()).toEqual(['a/b c', 'agenta-deployment'])
})

test('comments go on issues and on commits', async () => {
  const forge = forgeAs()
  const issue = await repo.openIssue({ title: 'z' })
  const commit = (await repo.head()) ?? ''
  for (const target of [{ issue: issue.number }, { commit }]) {
    const { id, url } = await forge.createComment('acme/shop', target, 'hi')
    expect(await forge.comments('acme/shop', target)).toEqual([{ id, url, body: 'hi' }])
  }
})

test('writes pass in a burst, then one each second; a long queue waits elsewhere', async () => {
  let now = 1_000_000
  const pass = pace({ burst: 3, everyMs: 1000, now: () => now })
  const started = performance.now()
  for (let write = 0; write < 3; write += 1) await pass()
  expect(performance.now() - started).toBeLessThan(500)
  const many = pace({ burst: 1, everyMs: 60_000, now: () => now })
  await many()
  const error = await failure(many())
  expect((error as RetryAt).when).toEqual(new Date(now + 60_000))
  now += 60_000
  await many()
})
