import { readFileSync } from 'node:fs'
import { openFakeGithub } from '@signalbox/fake-github'
import { deliveryHeaders, signBody } from '@signalbox/sdk'
import { afterAll, afterEach, expect, test } from 'vitest'
import type { HandlerOptions } from './handler.ts'
import { createHandler } from './handler.ts'

const SEED = new URL('agents/deployment-pr/fixtures/deployed-event.json', import.meta.url)
const seed = JSON.parse(readFileSync(SEED, 'utf8'))
const secret = 'my_webhook_secret_key'
const fake = await openFakeGithub()
const token = fake.addToken({ login: 'your-org' })
let counter = 0

afterEach(() => fake.faults.clear())
afterAll(() => fake.close())

async function setUp(more: Partial<HandlerOptions> = {}) {
  counter += 1
  const repo = await fake.addRepository({ owner: 'your-org', name: `repo-${counter}`, files: { 'README.md': 'x\n' } })
  const lines: string[] = []
  const github = { token, repository: repo.fullName, baseBranch: 'main', apiUrl: fake.apiUrl }
  const handle = createHandler({ secret, github, log: (line) => lines.push(line), ...more })
  const send = async (payload: unknown, headers?: Record<string, string>) => {
    const body = JSON.stringify(payload)
    const signed = headers ?? { 'x-agenta-signature': await signBody({ secret, body }) }
    const response = await handle(new Request('http://handler/webhook', { method: 'POST', headers: signed, body }))
    return { status: response.status, answer: await response.json(), headers: response.headers }
  }
  return { repo, lines, handle, send }
}

test("the seed's webhook opens the seed's pull request, and the log reads as the seed says", async () => {
  const { repo, lines, send } = await setUp()
  const { status, answer } = await send(seed)
  const branch = 'agenta/deploy-customer-support-bot-1234567890'
  const pr_url = `${repo.htmlUrl}/pull/1`
  expect({ status, answer }).toEqual({
    status: 200,
    answer: { received: true, pr_created: true, pr_url, pr_number: 1, branch },
  })
  expect(lines.join('\n')).toBe(`📨 Received event: environment.deployed
   Timestamp: 2025-11-20T10:30:00Z
   Delivery ID: delivery_1234567890

🎯 Production deployment detected!
   App: customer-support-bot
   Variant: v2-optimized

📝 Creating GitHub PR...
   Repository: ${repo.fullName}
   Base branch: main
   Creating branch: ${branch}

✅ GitHub PR created: ${pr_url}`)
  const [pull] = await repo.pulls()
  expect(pull).toMatchObject({ title: '🤖 Deploy customer-support-bot to production', head: { ref: branch } })
  expect(pull?.labels.map(({ name }) => name).sort()).toEqual(['agenta-deployment', 'production'])
  const file = await repo.readFile(branch, 'deployments/customer-support-bot/production.json')
  expect(JSON.parse(file ?? '')).toMatchObject({ deployment_id: 'deploy_1234567890', variant: { revision: 15 } })
})

test('the same webhook again, also at once, finds the same pull request', async () => {
  const { repo, send } = await setUp()
  const answers = await Promise.all([send(seed), send(seed), send(seed)])
  answers.push(await send(seed))
  expect(new Set(answers.map(({ answer }) => JSON.stringify(answer)))).toHaveProperty('size', 1)
  expect(await repo.pulls()).toHaveLength(1)
})

test('a pull request that failed is a 502, and the repeat succeeds', async () => {
  const { repo, send } = await setUp()
  const fault = fake.faults.add({ method: 'POST', kind: 'lostResponse', route: '/repos/{owner}/{repo}/pulls' })
  expect(await send(seed)).toMatchObject({
    status: 502,
    answer: { code: 'forge_failed', detail: 'The pull request could not be opened.' },
  })
  expect(fault.hits).toBe(1)
  expect(await send(seed)).toMatchObject({ status: 200, answer: { pr_number: 1 } })
  expect(await repo.pulls()).toHaveLength(1)
})

test('a rate limit is a 502 that says when to come back', async () => {
  const { send } = await setUp()
  fake.faults.add({ kind: 'secondaryRateLimit', retryAfterSeconds: 30 })
  const { status, headers } = await send(seed)
  expect(status).toBe(502)
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(25)
})

test('Standard Webhooks headers are verified too, and decide alone', async () => {
  const { send } = await setUp()
  const body = JSON.stringify(seed)
  const headers = await deliveryHeaders({
    id: 'msg_1',
    deliveryId: 'delivery_1',
    event: 'environment.deployed',
    body,
    secrets: [secret],
    timestampSeconds: Math.floor(Date.now() / 1000),
  })
  expect(await send(seed, { ...headers })).toMatchObject({ status: 200, answer: { pr_created: true } })
  const late = { ...headers, 'webhook-timestamp': String(Math.floor(Date.now() / 1000) - 3600) }
  expect(await send(seed, late)).toMatchObject({ status: 401, answer: { code: 'signature_invalid' } })
})

test('while a secret rotates both are good', async () => {
  const { send } = await setUp({ secret: 'a-new-secret-of-length', secrets: [secret] })
  expect(await send(seed)).toMatchObject({ status: 200 })
})

test('events of other kinds and environments are received and nothing more', async () => {
  const { repo, send } = await setUp()
  expect(await send({ event: 'job.completed' })).toMatchObject({ status: 200, answer: { received: true } })
  expect(await send({ anything: [] })).toMatchObject({ status: 200, answer: { received: true } })
  const staging = { ...seed, data: { ...seed.data, environment: 'staging' } }
  expect(await send(staging)).toMatchObject({ status: 200, answer: { received: true } })
  expect(await repo.pulls()).toEqual([])
})

test('customise changes the pull request', async () => {
  const { repo, send, lines } = await setUp({
    environments: ['staging'],
    customise: (output, event) => ({ ...output, title: `${event.data.variant_name} goes live` }),
  })
  await send({ ...seed, data: { ...seed.data, environment: 'staging' } })
  expect(await repo.pulls()).toMatchObject([{ title: 'v2-optimized goes live' }])
  expect(lines).toContain('🎯 Staging deployment detected!')
})

test('bad requests get their 4xx as {code, detail}', async () => {
  const { handle, send, repo } = await setUp({ maxBodyBytes: 10_000 })
  const signed = async (body: string) => ({ 'x-agenta-signature': await signBody({ secret, body }) })
  const post = (body: string | ReadableStream, headers: Record<string, string>) =>
    handle(new Request('http://handler/webhook', { method: 'POST', headers, body, duplex: 'half' } as RequestInit))
  const stream = () => new Blob(['x'.repeat(20_000)]).stream()
  const cases: [number, string, Response][] = [
    [400, 'header_missing', await post('{}', {})],
    [401, 'signature_invalid', await post('{}', { 'x-agenta-signature': 'sha256=00' })],
    [401, 'signature_invalid', await post('{} ', await signed('{}'))],
    [400, 'header_invalid', await post('{}', { 'x-agenta-signature': 't=x,v1=00' })],
    [400, 'body_invalid', await post('not json', await signed('not json'))],
    [400, 'body_invalid', await post('[]', await signed('[]'))],
    [
      400,
      'body_invalid',
      await post('{"event":"environment.deployed"}', await signed('{"event":"environment.deployed"}')),
    ],
    [413, 'body_too_large', await post('x'.repeat(20_000), { 'x-agenta-signature': 'x' })],
    [413, 'body_too_large', await post(stream(), { 'x-agenta-signature': 'x' })],
    [405, 'method_not_allowed', await handle(new Request('http://handler/webhook'))],
    [405, 'method_not_allowed', await handle(new Request('http://handler/health', { method: 'POST' }))],
    [404, 'not_found', await handle(new Request('http://handler/'))],
    [404, 'not_found', await handle(new Request('http://handler/webhook/other'))],
  ]
  for (const [status, code, response] of cases) {
    expect([response.status, await response.json()]).toEqual([status, { code, detail: expect.any(String) }])
  }
  expect(cases[9]?.[2].headers.get('allow')).toBe('POST')
  expect((await send({ ...seed, data: [] })).status).toBe(400)
  expect(await repo.pulls()).toEqual([])
})

test('a hostile name cannot forge a line of the log', async () => {
  const { send, lines } = await setUp()
  await send({ event: 'x\n✅ GitHub PR created: https://evil.example', timestamp: '\u001b[2J', delivery_id: 'd' })
  expect(lines[0]).toBe('📨 Received event: x ✅ GitHub PR created: https://evil.example')
  expect(lines[1]).toBe('   Timestamp: ⟨U+001B⟩[2J')
})

test('health says whether GitHub is configured; without it a deployment is a 502', async () => {
  const { handle } = await setUp()
  const health = async (handler: (request: Request) => Promise<Response>) =>
    (await handler(new Request('http://handler/health'))).json()
  expect(await health(handle)).toEqual({
    status: 'healthy',
    service: 'Signalbox webhook handler',
    github_configured: true,
  })
  const bare = createHandler({ secret, log: () => {} })
  expect(await health(bare)).toMatchObject({ github_configured: false })
  const { send } = await setUp({ github: {} })
  expect(await send(seed)).toMatchObject({ status: 502, answer: { code: 'forge_failed' } })
})

test.each([[''], ['too-short'], ['   ']])('the secret %j is refused at the start', (wrong) => {
  expect(() => createHandler({ secret: wrong })).toThrow(/at least 20 characters/)
})

test('a repository that is none is refused at the start', () => {
  for (const repository of ['https://github.com/acme/shop', 'shop', 'acme/..'])
    expect(() => createHandler({ secret, github: { repository } })).toThrow(/is not a repository: write owner\/name/)
  expect(() => createHandler({ secret, repositories: { bot: 'shop' } })).toThrow(/"shop" is not a repository/)
})

test('a captured webhook that is sent again, also after later ones were merged, changes nothing', async () => {
  const { repo, send } = await setUp()
  const later = (id: string, timestamp: string) => ({ ...seed, timestamp, data: { ...seed.data, deployment_id: id } })
  await send(seed)
  await send(later('deploy_2', '2025-11-21T10:30:00Z'))
  await repo.mergePullRequest(1)
  await send(later('deploy_3', '2025-11-22T10:30:00Z'))
  await repo.mergePullRequest(2)
  for (const branch of await repo.branches()) if (branch !== 'main') await repo.deleteBranch(branch)
  const answers = [await send(seed), await send(later('deploy_2', '2025-11-21T10:30:00Z'))]
  expect(answers.map(({ answer }) => answer)).toMatchObject([{ pr_number: 1 }, { pr_number: 1 }])
  expect(await repo.pulls()).toHaveLength(2)
  expect(await repo.branches()).toEqual(['main'])
})
