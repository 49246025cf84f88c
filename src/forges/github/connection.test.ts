import { afterAll, afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { AppError, RetryAt } from '../../lib/error.ts'
import { silentLog } from '../../lib/log.ts'
import { connect } from './connection.ts'
import { failure, openGithubStage } from './fixtures/stage.ts'

const stage = await openGithubStage()
const { fake, repo, forge } = stage

afterEach(() => fake.faults.clear())
afterAll(() => stage.close())

/** A way to GitHub on which every answer is the same. */
function answering(status: number, headers: Record<string, string> = {}, message = 'no') {
  const send: typeof fetch = async () =>
    new Response(JSON.stringify({ message }), { status, headers: { 'content-type': 'application/json', ...headers } })
  return forge({ fetch: send })
}

function makeBranch(as: ReturnType<typeof forge>, branch: string, parent: string) {
  const changes = [{ path: `${branch}.txt`, content: branch }]
  return as.commitFiles('acme/shop', { branch, parent, isNew: true, message: 'm', changes })
}

test.each(['shop', 'a/b/c', '../x', 'acme/..', 'acme/shop?x', '', 'acme/shop#1', '-x/y', 'gitlab:acme/shop'])(
  '%j is no repository on GitHub, and is never asked for',
  async (name) => {
    const before = fake.requests.length
    expect(await failure(forge().defaultBranch(name))).toMatchObject({ code: 'input_invalid' })
    expect(fake.requests).toHaveLength(before)
  },
)

test('a repository that does not exist, or is not visible, is a refusal that names the call', async () => {
  const error = await failure(forge().defaultBranch('acme/none'))
  expect(error).toBeInstanceOf(AppError)
  expect(error).toMatchObject({
    code: 'forge_failed',
    detail: expect.stringContaining('GET /api/v3/repos/acme/none returned 404'),
  })
})

test('a wrong token is named as the reason, without being shown', async () => {
  const error = await failure(forge({ auth: { token: 'ghp_wrong' } }).defaultBranch('acme/shop'))
  expect(error).toMatchObject({ code: 'forge_failed', detail: expect.stringContaining('does not accept the token') })
  expect(JSON.stringify(error) + String(error)).not.toContain('ghp_wrong')
})

test('a missing permission is named', async () => {
  const permissions = { contents: 'read', metadata: 'read', pull_requests: 'read' } as const
  const weak = fake.addToken({ login: 'acme', permissions })
  const error = await failure(makeBranch(forge({ auth: { token: weak } }), 'agenta/x', (await repo.head()) ?? ''))
  expect(error).toMatchObject({ code: 'forge_failed', detail: expect.stringContaining('The token may not do that') })
})

test.each([
  ['fine-grained tokens and Apps', { 'x-accepted-github-permissions': 'contents=write' }, 'it needs contents=write'],
  ['classic tokens', { 'x-accepted-oauth-scopes': 'repo' }, 'it needs repo'],
])('what is needed is said to %s', async (_, headers, needed) => {
  const error = await failure(answering(403, headers).defaultBranch('acme/shop'))
  expect(error).toMatchObject({ code: 'forge_failed', detail: expect.stringContaining(needed) })
})

test('a request that GitHub calls invalid is a refusal with its own text, cut', async () => {
  const error = await failure(answering(422, {}, 'too long '.repeat(200)).defaultBranch('acme/shop'))
  expect(error).toMatchObject({
    code: 'forge_failed',
    detail: expect.stringMatching(/did not accept.*returned 422: too/),
  })
  expect((error as AppError).detail.length).toBeLessThan(700)
})

test('an outage puts the work off, and the call is named', async () => {
  const error = await failure(answering(503).defaultBranch('acme/shop'))
  expect(error).toBeInstanceOf(RetryAt)
  expect(String(error)).toContain('GitHub answered 503 to GET /api/v3/repos/acme/shop')
})

test.each(['secondaryRateLimit', 'primaryRateLimit'] as const)(
  'a %s defers the work to the time that GitHub names',
  async (kind) => {
    fake.faults.add({ kind, retryAfterSeconds: 90 })
    const before = Date.now()
    const error = await failure(forge({ readRetries: 2 }).defaultBranch('acme/shop'))
    expect(error).toBeInstanceOf(RetryAt)
    const waitMs = (error as RetryAt).when.getTime() - before
    expect(waitMs).toBeGreaterThan(85_000)
    expect(waitMs).toBeLessThan(95_000)
  },
)

test.each(['retry-after', 'x-ratelimit-reset'])(
  'a rate limit whose %s says "now" is not asked again at once',
  async (header) => {
    const before = Date.now()
    const limited = answering(403, { [header]: '0', 'x-ratelimit-remaining': '0' }, 'secondary rate limit')
    const error = await failure(limited.defaultBranch('acme/shop'))
    expect((error as RetryAt).when.getTime()).toBeGreaterThanOrEqual(before + 1000)
  },
)

test('a rate limit without a time is a pause of a minute', async () => {
  for (const limited of [answering(429), answering(403, {}, 'You have exceeded a secondary rate limit')]) {
    const before = Date.now()
    const error = (await failure(limited.defaultBranch('acme/shop'))) as RetryAt
    expect(error.when.getTime() - before).toBeGreaterThanOrEqual(60_000)
    expect(error.when.getTime() - before).toBeLessThan(70_000)
  }
})

test('a failing read is repeated, a failing or unanswered write never', async () => {
  const reads = fake.faults.add({ kind: 'status', status: 502, method: 'GET' })
  const retrying = forge({ readRetries: 2 })
  expect(await retrying.defaultBranch('acme/shop')).toBe('main')
  expect(reads.hits).toBe(1)
  const issue = await repo.openIssue({ title: 'x' })
  for (const fault of [{ kind: 'status', status: 502 }, { kind: 'lostResponse' }] as const) {
    const writes = fake.faults.add({ ...fault, method: 'POST', times: 5 })
    const error = await failure(retrying.createComment('acme/shop', { issue: issue.number }, 'hello'))
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(AppError)
    expect(writes.hits).toBe(1)
    writes.remove()
  }
  expect(await repo.issueComments(issue.number)).toHaveLength(1)
})

test('a clock that is set back does not delay a request', async () => {
  const startedAt = Date.now()
  let hours = 0
  const now = vi.spyOn(Date, 'now').mockImplementation(() => startedAt - hours++ * 3_600_000)
  onTestFinished(() => now.mockRestore())
  expect(await forge().defaultBranch('acme/shop')).toBe('main')
})

test('a request that takes too long is given up', async () => {
  fake.faults.add({ kind: 'timeout' })
  const error = await failure(forge({ requestTimeoutMs: 100 }).defaultBranch('acme/shop'))
  expect(String(error)).toMatch(/did not answer GET \/api\/v3\/repos\/acme\/shop/)
})

test('more writes than GitHub asks for wait elsewhere', async () => {
  const slow = forge({ writes: { burst: 1, everyMs: 60_000 } })
  const issue = await repo.openIssue({ title: 'x' })
  await slow.createComment('acme/shop', { issue: issue.number }, 'one')
  const error = await failure(slow.createComment('acme/shop', { issue: issue.number }, 'two'))
  expect(error).toBeInstanceOf(RetryAt)
  expect(await repo.issueComments(issue.number)).toHaveLength(1)
})

// These two at once: octokit itself waits six seconds before it believes a 401 to a new token.
test.concurrent('an App finds its installation by repository, and gets a new token when one dies early', async () => {
  const app = fake.addApp({ slug: 'box', permissions: { contents: 'write', pull_requests: 'write', metadata: 'read' } })
  app.install('acme')
  const as = forge({ auth: { appId: app.appId, privateKey: app.privateKeyPem } })
  expect(await as.defaultBranch('acme/shop')).toBe('main')
  // The commit is made already when the branch is refused: all of it is done again.
  fake.faults.add({ kind: 'expireToken', method: 'POST', route: '/repos/{owner}/{repo}/git/refs' })
  const parent = (await repo.head()) ?? ''
  expect(await makeBranch(as, 'agenta/app', parent)).toMatchObject({ kind: 'committed' })
  expect(await makeBranch(as, 'agenta/app', parent)).toEqual({ kind: 'moved' })
})

test.concurrent('an App that was removed and installed again is found again', async () => {
  const app = fake.addApp({ slug: 'again', permissions: { contents: 'read', metadata: 'read' } })
  app.install('acme')
  const as = forge({ auth: { appId: app.appId, privateKey: app.privateKeyPem } })
  expect(await as.defaultBranch('acme/shop')).toBe('main')
  app.uninstall('acme')
  expect(await failure(as.defaultBranch('acme/shop'))).toMatchObject({ code: 'forge_failed' })
  app.install('acme')
  expect(await as.defaultBranch('acme/shop')).toBe('main')
})

test('an App that is not installed is a refusal that names the call', async () => {
  const app = fake.addApp({ slug: 'elsewhere' })
  const auth = { appId: app.appId, privateKey: app.privateKeyPem }
  const error = await failure(forge({ auth }).defaultBranch('acme/shop'))
  expect(error).toMatchObject({ code: 'forge_failed', detail: expect.stringContaining('/installation returned 404') })
})

test('a named installation is not looked for', async () => {
  const app = fake.addApp({ slug: 'named', permissions: { contents: 'read', metadata: 'read' } })
  const { id } = app.install('acme')
  const before = fake.requests.length
  const auth = { appId: app.appId, privateKey: app.privateKeyPem, installationId: id }
  expect(await forge({ auth }).defaultBranch('acme/shop')).toBe('main')
  const paths = fake.requests.slice(before).map(({ path }) => path)
  expect(paths.some((path) => path.endsWith('/installation'))).toBe(false)
})

test('an App acts for each account by its own installation, each looked for once', async () => {
  await fake.addRepository({ owner: 'other', name: 'tool', files: { a: 'b' } })
  const app = fake.addApp({ slug: 'both', permissions: { contents: 'read', metadata: 'read' } })
  app.install('acme')
  app.install('other')
  const as = forge({ auth: { appId: app.appId, privateKey: app.privateKeyPem } })
  const before = fake.requests.length
  for (const repository of ['acme/shop', 'other/tool', 'acme/shop', 'other/tool'])
    expect(await as.defaultBranch(repository)).toBe('main')
  const looked = fake.requests.slice(before).filter(({ path }) => path.endsWith('/installation'))
  expect(looked).toHaveLength(2)
})

test('a token that is refused is not asked for again: it cannot be renewed', async () => {
  const asked: string[] = []
  const send: typeof fetch = async (url) => {
    asked.push(String(url))
    return new Response('{"message":"Bad credentials"}', {
      status: 401,
      headers: { 'content-type': 'application/json' },
    })
  }
  expect(await failure(forge({ fetch: send }).defaultBranch('acme/shop'))).toMatchObject({ code: 'forge_failed' })
  expect(asked).toHaveLength(1)
})

test('an error of the work itself stays as it is', async () => {
  const { withClient } = connect({ apiUrl: fake.apiUrl, auth: { token: 'x' }, log: silentLog })
  const bug = new TypeError('a bug')
  expect(await failure(withClient('acme/shop', () => Promise.reject(bug)))).toBe(bug)
})

test('a guarded connection writes nothing once its guard has stopped it, and reads nothing more', async () => {
  const stop = new AbortController()
  const guarded = forge({ writes: { burst: 1, everyMs: 9000 } }).guarded({
    signal: stop.signal,
    confirm: async () => {},
  })
  const { number: issue } = await repo.openIssue({ title: 'x' })
  await guarded.createComment('acme/shop', { issue }, 'one')
  // The second write waits for the pace when the stop comes.
  const second = failure(guarded.createComment('acme/shop', { issue }, 'two'))
  stop.abort(new Error('the attempt has ended'))
  expect(await second).toMatchObject({ message: 'the attempt has ended' })
  const before = fake.requests.length
  expect(String(await failure(guarded.comments('acme/shop', { issue })))).toContain('the attempt has ended')
  expect(fake.requests).toHaveLength(before)
  expect(await repo.issueComments(issue)).toHaveLength(1)
})

test('a guard is asked right before each write, which is not made unless it agrees', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  let asked = 0
  const confirm = async () => {
    asked += 1
    if (asked === 2) throw new Error('somebody else has the job')
  }
  const guarded = forge().guarded({ signal: new AbortController().signal, confirm })
  await guarded.comments('acme/shop', { issue })
  expect(asked).toBe(0)
  await guarded.createComment('acme/shop', { issue }, 'one')
  expect(await failure(guarded.createComment('acme/shop', { issue }, 'two'))).toMatchObject({
    message: 'somebody else has the job',
  })
  expect(await repo.issueComments(issue)).toHaveLength(1)
})

test('a guard is asked again when the process stood still between its word and the write', async () => {
  const { number: issue } = await repo.openIssue({ title: 'frozen' })
  let asked = 0
  const confirm = async () => {
    asked += 1
    if (asked === 2) throw new Error('somebody else has the job')
    void standStill()
  }
  const guarded = forge().guarded({ signal: new AbortController().signal, confirm })
  await failure(guarded.createComment('acme/shop', { issue }, 'one'))
  expect({ asked, comments: await repo.issueComments(issue) }).toEqual({ asked: 2, comments: [] })
})

/** Blocks the event loop a few turns of its promises later. */
async function standStill(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await null
  const until = performance.now() + 200
  while (performance.now() < until);
}

test('a write that was sent is waited for when its guard stops it', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  const stop = new AbortController()
  fake.faults.add({ method: 'POST', before: () => stop.abort(new Error('stop')) })
  const guarded = forge().guarded({ signal: stop.signal, confirm: async () => {} })
  expect(await guarded.createComment('acme/shop', { issue }, 'one')).toMatchObject({ id: expect.any(Number) })
})

test('no error shows the credential, whoever quotes it', async () => {
  for (const token of ['no such form of a token', 'ghp_0123456789abcdefghij0123456789abcdef']) {
    const quoting: typeof fetch = async (_, init) => {
      throw new TypeError(`Headers.append: "${new Headers(init?.headers).get('authorization')}" is not a header`)
    }
    const error = await failure(forge({ auth: { token }, fetch: quoting }).defaultBranch('acme/shop'))
    expect(String(error)).toContain('[redacted]')
    expect(String(error)).not.toContain(token)
  }
  const answer = String(await failure(answering(422, {}, 'bad ghs_0123456789abcdefghij').defaultBranch('acme/shop')))
  expect(answer).toContain('bad [redacted]')
})

test.each([
  ['a rate limit', { kind: 'primaryRateLimit' }],
  ['a second rate limit', { kind: 'secondaryRateLimit' }],
  ['a second rate limit with 429', { kind: 'secondaryRateLimit', status: 429 }],
  ['an outage', { kind: 'status', status: 502 }],
] as const)('the own account is asked for again after %s', async (_, fault) => {
  fake.faults.add({ route: '/user', ...fault })
  const own = forge()
  expect(await failure(own.isOwn('acme/shop', 'other[bot]'))).toBeInstanceOf(RetryAt)
  expect(await own.account('acme/shop')).toBe('acme')
  expect(await own.isOwn('acme/shop', 'other[bot]')).toBe(false)
})

test('only the token of an installation has no account; another refusal says nothing of it', async () => {
  expect(await failure(answering(403, {}, 'Your address is not allowed').account('acme/shop'))).toBeInstanceOf(AppError)
  expect(await answering(403, {}, 'Resource not accessible by integration').account('acme/shop')).toBeNull()
})

test('what GitHub says of its rate limits is passed on, of refusals too', async () => {
  const seen: object[] = []
  const headers = {
    'x-ratelimit-resource': 'core',
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '17',
    'x-ratelimit-reset': '1767225600',
  }
  const answers = [new Response('{}', { status: 404, headers }), new Response('{}', { status: 404 })]
  const send: typeof fetch = async () => answers.shift() ?? new Response('{}', { status: 404 })
  const asking = forge({ fetch: send, onLimit: (limit) => void seen.push(limit) })
  for (const _ of [1, 2]) await failure(asking.defaultBranch('acme/shop'))
  expect(seen).toEqual([{ resource: 'core', limit: 5000, remaining: 17, resetAt: 1767225600 }])
})
