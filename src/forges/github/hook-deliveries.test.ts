// GitHub's lists of what became of webhooks, against the fake: where webhooks are found, and every
// attempt with what was sent.
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openApiGuard } from '../../../fake-github/openapi.ts'
import { RetryAt } from '../../lib/error.ts'
import { silentLog } from '../../lib/log.ts'
import type { HookAttempt } from '../hooks.ts'
import type { GithubAuth } from './clients.ts'
import { connect } from './connection.ts'
import { githubHooks } from './hook-deliveries.ts'

const ADDRESS = 'http://127.0.0.1:9/webhook/github'
const LONG_AGO = new Date(0)
const guard = openApiGuard()
let github: FakeGithub
let repository: RepositoryHandle

beforeEach(async () => {
  github = await openFakeGithub({ onExchange: guard.onExchange })
  repository = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'README.md': '# Shop\n' } })
})
afterEach(async () => {
  await github.settled()
  await github.close()
  expect(guard.violations).toEqual([])
})

function hooksOf(auth: GithubAuth, options: { app?: GithubAuth; fetch?: typeof fetch; now?: () => number } = {}) {
  const { app = null, fetch: send, now } = options
  const open = (each: GithubAuth) =>
    connect({ apiUrl: github.apiUrl, auth: each, log: silentLog, readRetries: 0, fetch: send })
  const connection = open(auth)
  const asApp = 'token' in auth ? app && open(app) : connection
  return githubHooks({ connection, app: asApp }, now)
}

async function all(pages: AsyncIterable<readonly HookAttempt[]>): Promise<HookAttempt[]> {
  const attempts: HookAttempt[] = []
  for await (const page of pages) attempts.push(...page)
  return attempts
}

function owner() {
  return { token: github.addToken({ login: 'acme' }) }
}

test('the webhooks of a repository and of its organisation are found by their address', async () => {
  const corp = github.addOrganization({ login: 'corp', owners: ['boss'] })
  const site = await github.addRepository({ owner: 'corp', name: 'site', files: { a: 'a' } })
  await site.addWebhook({ url: 'http://127.0.0.1:9/other' })
  const ofOrganisation = corp.addWebhook({ url: ADDRESS, secret: 's' })
  const own = await repository.addWebhook({ url: ADDRESS, secret: 's' })
  const scopes = ['repo', 'admin:org_hook']
  expect(await hooksOf({ token: github.addToken({ login: 'boss', scopes }) }).find(ADDRESS, ['corp/site'])).toEqual({
    hooks: [`orgs/corp/hooks/${ofOrganisation}`],
    problems: [],
  })
  expect(await hooksOf(owner()).find(ADDRESS, ['acme/shop'])).toEqual({
    hooks: [`repos/acme/shop/hooks/${own}`],
    problems: [],
  })
})

test('one without a secret is not looked at, and it says so', async () => {
  const id = await repository.addWebhook({ url: ADDRESS })
  const problem = expect.stringMatching(/^It has no secret/)
  expect(await hooksOf(owner()).find(ADDRESS, ['acme/shop'])).toEqual({
    hooks: [],
    problems: [{ place: `repos/acme/shop/hooks/${id}`, problem }],
  })
  const other = await repository.addWebhook({ url: ADDRESS.replace('http', 'HTTP'), secret: 's' })
  expect(await hooksOf(owner()).find(ADDRESS, ['acme/shop'])).toEqual({
    hooks: [`repos/acme/shop/hooks/${other}`],
    problems: [],
  })
})

test('where none is found, it says what the token lacks, or that there is none', async () => {
  const reader = { token: github.addToken({ login: 'acme', permissions: { contents: 'read' } }) }
  const { hooks, problems } = await hooksOf(reader).find(ADDRESS, ['acme/shop'])
  expect(hooks).toEqual([])
  expect(problems).toEqual([
    {
      place: 'repos/acme/shop',
      problem: expect.stringMatching(/^The token may not do that.* needs "Webhooks: read" of the repository/),
    },
  ])
  expect((await hooksOf(owner()).find(ADDRESS, ['acme/shop'])).problems).toEqual([
    { place: 'repos/acme/shop', problem: expect.stringContaining(`No webhook of acme/shop posts to ${ADDRESS}.`) },
  ])
})

test('where no repository is named, it says so', async () => {
  const { hooks, problems } = await hooksOf(owner()).find(ADDRESS, [])
  expect({ hooks, problems }).toEqual({
    hooks: [],
    problems: [{ place: 'repos', problem: expect.stringMatching(/^No repository is named .* set GITHUB_REPO/) }],
  })
})

test('the webhook of an App is read as the App, also beside a token, and is enough', async () => {
  const app = github.addApp({ slug: 'box', webhookUrl: ADDRESS, webhookSecret: 's', events: ['issues'] })
  app.install('acme')
  const auth = { appId: app.appId, privateKey: app.privateKeyPem }
  await repository.openIssue({ title: 'x' })
  await github.settled()
  for (const hooks of [hooksOf(auth), hooksOf(owner(), { app: auth })]) {
    expect(await hooks.find(ADDRESS, ['acme/shop'])).toEqual({ hooks: ['app/hook'], problems: [] })
    const [attempt] = await all(hooks.attempts('app/hook', LONG_AGO))
    expect(attempt).toMatchObject({ event: 'issues.opened', status: 502 })
    expect(await hooks.sent('app/hook', attempt?.id ?? '')).toMatchObject({
      url: ADDRESS,
      headers: { 'x-github-event': 'issues', 'x-github-delivery': attempt?.guid },
    })
  }
})

test('attempts come page by page, as far back as is asked for', async () => {
  const id = await repository.addWebhook({ url: ADDRESS })
  for (let at = 0; at < 120; at++) await repository.openIssue({ title: `${at}` })
  await github.settled()
  const hook = `repos/acme/shop/hooks/${id}`
  const hooks = hooksOf(owner())
  expect(new Set((await all(hooks.attempts(hook, LONG_AGO))).map((each) => each.id)).size).toBe(121)
  expect(await all(hooks.attempts(hook, new Date(Date.now() + 60_000)))).toHaveLength(100)
  expect(await hooks.sent(hook, '1')).toBeNull()
})

test('numbers that no double can hold come as they were sent', async () => {
  const id = await repository.addWebhook({ url: ADDRESS })
  await github.settled()
  const [large, exact] = ['173923493432123393', '1.0']
  const send: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    const text = (await response.text()).replace(/^(\[\{|\{)"id":\d+/, `$1"id":${large}`)
    return new Response(text.replace('"zen":', `"large":${large},"exact":${exact},"zen":`), response)
  }
  const hooks = hooksOf(owner(), { fetch: send })
  const hook = `repos/acme/shop/hooks/${id}`
  const [attempt] = await all(hooks.attempts(hook, LONG_AGO))
  expect(attempt?.id).toBe(large)
  const real = github.deliveries[0]?.id
  expect((await hooks.sent(hook, String(real)))?.payload).toContain(`"large":${large},"exact":${exact}`)
})

test('a fifth of the requests of an hour is left to jobs', async () => {
  const id = await repository.addWebhook({ url: ADDRESS })
  await github.settled()
  const reset = 1_800_000_000
  const send: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    const headers = new Headers(response.headers)
    headers.set('x-ratelimit-remaining', '999')
    headers.set('x-ratelimit-reset', String(reset))
    return new Response(await response.text(), { status: response.status, headers })
  }
  let now = (reset - 60) * 1000
  const hooks = hooksOf(owner(), { fetch: send, now: () => now })
  const hook = `repos/acme/shop/hooks/${id}`
  expect(await all(hooks.attempts(hook, LONG_AGO))).toHaveLength(1)
  const refused = await hooks.sent(hook, '1').catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(RetryAt)
  expect((refused as RetryAt).when.getTime()).toBe(reset * 1000)
  now = reset * 1000
  expect(await hooks.sent(hook, '1')).toBeNull()
})
