// GitHub Apps: JSON web tokens, installations, narrowed tokens and the App's own webhook.
import { createSign } from 'node:crypto'
import { App, Octokit } from 'octokit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AppHandle } from '../src/index.ts'
import type { World } from './world.ts'
import { failure, openWorld, signatureIsValid } from './world.ts'

let now = 0
let world: World
let handle: AppHandle
beforeEach(async () => {
  now = Date.now()
  world = await openWorld({ clock: () => now })
  await world.github.addRepository({ owner: 'acme', name: 'other', private: true, files: { a: 'a' } })
  handle = world.github.addApp({
    slug: 'signalbox',
    permissions: { contents: 'write', issues: 'write', pull_requests: 'read' },
    events: ['issues', 'push'],
    webhookUrl: world.receiver.url,
    webhookSecret: 'the secret of the App',
  })
})
afterEach(() => world.close())

function jwt(claims: object, key = handle.privateKeyPem): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`
}

function seconds(): number {
  return Math.floor(now / 1000)
}

function asApp() {
  return world.client(jwt({ iss: handle.appId, iat: seconds() - 60, exp: seconds() + 540 }))
}

test('octokit’s own App class finds its installation and works as the bot', async () => {
  const { github, app, repo } = world
  const { id } = handle.install('acme')
  const octokitApp = new App({
    appId: handle.appId,
    privateKey: handle.privateKeyPem,
    Octokit: Octokit.defaults({ baseUrl: github.apiUrl, throttle: { enabled: false } }),
  })
  const found = await octokitApp.octokit.request('GET /repos/{owner}/{repo}/installation', app)
  expect(found.data.id).toBe(id)
  const seen: string[] = []
  for await (const { repository } of octokitApp.eachRepository.iterator()) seen.push(repository.full_name)
  expect(seen).toEqual(['acme/app', 'acme/other'])
  const bot = await octokitApp.getInstallationOctokit(id)
  await bot.rest.issues.create({ ...app, title: 'By the bot' })
  expect((await repo.issues())[0]).toMatchObject({
    user: { login: 'signalbox[bot]', type: 'Bot' },
    performed_via_github_app: { slug: 'signalbox' },
  })
})

test('the App is shown with its installations', async () => {
  const { id } = handle.install('acme', ['app'])
  const { rest } = asApp()
  expect((await rest.apps.getAuthenticated()).data).toMatchObject({ slug: 'signalbox', installations_count: 1 })
  expect((await rest.apps.listInstallations()).data.map((each) => each.id)).toEqual([id])
  expect((await rest.apps.getInstallation({ installation_id: id })).data.repository_selection).toBe('selected')
  expect((await rest.apps.getUserInstallation({ username: 'acme' })).data.id).toBe(id)
  expect((await failure(rest.apps.getRepoInstallation({ owner: 'acme', repo: 'other' }))).status).toBe(404)
  expect((await failure(rest.apps.getInstallation({ installation_id: 5 }))).status).toBe(404)
  world.github.addUser('corp', { type: 'Organization' })
  const corp = handle.install('corp').id
  expect((await rest.apps.getOrgInstallation({ org: 'corp' })).data.id).toBe(corp)
  expect(handle.installations).toEqual([
    { id, account: 'acme' },
    { id: corp, account: 'corp' },
  ])
})

test('bad JSON web tokens are refused in the words of GitHub', async () => {
  const ask = (token: string) => failure(world.client(token).rest.apps.getAuthenticated())
  const iat = seconds()
  const iss = handle.appId
  const other = world.github.addApp({ slug: 'other' }).privateKeyPem
  expect(await ask(jwt({ iss, iat, exp: iat + 3600 }))).toMatchObject({
    status: 401,
    message: expect.stringMatching(/too far in the future/),
  })
  expect(await ask(jwt({ iss, iat: iat - 900, exp: iat - 300 }))).toMatchObject({
    status: 401,
    message: expect.stringMatching(/'exp'\) must be/),
  })
  expect(await ask(jwt({ iss, iat: iat + 300, exp: iat + 400 }))).toMatchObject({
    status: 401,
    message: expect.stringMatching(/'iat'\) must be/),
  })
  expect(await ask(jwt({ iss, iat, exp: iat + 60 }, other))).toEqual({
    status: 401,
    message: 'A JSON web token could not be decoded',
  })
  expect(await ask(jwt({ iss: 1, iat, exp: iat + 60 }))).toEqual({ status: 404, message: 'Integration not found' })
  expect((await ask(world.github.addToken({ login: 'acme' }))).status).toBe(401)
})

test('an installation token reaches only its repositories and permissions', async () => {
  const { app, client } = world
  const installation_id = handle.install('acme').id
  const { data } = await asApp().rest.apps.createInstallationAccessToken({
    installation_id,
    repositories: ['other'],
    permissions: { contents: 'read' },
  })
  expect(data).toMatchObject({ permissions: { contents: 'read' }, repository_selection: 'selected' })
  expect(data.repositories?.map(({ name }) => name)).toEqual(['other'])
  const { rest } = client(data.token)
  const other = { owner: 'acme', repo: 'other' }
  const refused = { status: 403, message: 'Resource not accessible by integration' }
  expect((await rest.git.getRef({ ...other, ref: 'heads/main' })).status).toBe(200)
  expect(await failure(rest.git.createBlob({ ...other, content: 'x' }))).toEqual(refused)
  expect(await failure(rest.issues.listForRepo(other))).toEqual(refused)
  expect(await failure(rest.issues.create({ ...app, title: 'x' }))).toEqual(refused)
  expect((await rest.apps.listReposAccessibleToInstallation()).data).toMatchObject({ total_count: 1 })

  const mint = (fields: object) => asApp().rest.apps.createInstallationAccessToken({ installation_id, ...fields })
  expect((await failure(mint({ permissions: { administration: 'write' } }))).status).toBe(422)
  expect((await failure(mint({ permissions: { pull_requests: 'write' } }))).status).toBe(422)
  expect((await failure(mint({ repositories: ['none'] }))).status).toBe(422)
})

test('an installation limited to one repository does not see the private other', async () => {
  const installation_id = handle.install('acme', ['app']).id
  const { data } = await asApp().rest.apps.createInstallationAccessToken({ installation_id })
  const { rest } = world.client(data.token)
  expect((await failure(rest.repos.get({ owner: 'acme', repo: 'other' }))).status).toBe(404)
  expect((await rest.repos.get(world.app)).status).toBe(200)
})

test('an installation token ends after an hour, or when it is given back', async () => {
  const installation_id = handle.install('acme').id
  const mint = async () => (await asApp().rest.apps.createInstallationAccessToken({ installation_id })).data
  const first = await mint()
  expect(first.expires_at).toBe(new Date(now + 3_600_000).toISOString().replace(/\.\d+/, ''))
  const { rest } = world.client(first.token)
  now += 3_599_000
  expect((await rest.repos.get(world.app)).status).toBe(200)
  now += 2000
  expect(await failure(rest.repos.get(world.app))).toEqual({ status: 401, message: 'Bad credentials' })
  const second = world.client((await mint()).token)
  await second.rest.apps.revokeInstallationAccessToken()
  expect((await failure(second.rest.repos.get(world.app))).status).toBe(401)
})

test('the App’s webhook hears its events with the installation, and can be redelivered', async () => {
  const { github, repo, receiver } = world
  const { id } = handle.install('acme')
  await repo.openIssue({ title: 'x' })
  await repo.comment(1, 'not subscribed')
  await github.settled()
  expect(receiver.names()).toEqual(['installation.created', 'issues.opened'])
  const arrival = receiver.arrivals.find(({ event }) => event === 'issues')!
  expect(arrival.payload.installation.id).toBe(id)
  expect(signatureIsValid(arrival, 'the secret of the App')).toBe(true)
  expect(arrival.headers).toMatchObject({
    'x-github-hook-installation-target-type': 'integration',
    'x-github-hook-installation-target-id': String(handle.appId),
  })
  const { rest } = asApp()
  const { data: list } = await rest.apps.listWebhookDeliveries()
  const delivery = list.find(({ event }) => event === 'issues')!
  expect((await rest.apps.getWebhookDelivery({ delivery_id: delivery.id })).data.guid).toBe(delivery.guid)
  await rest.apps.redeliverWebhookDelivery({ delivery_id: delivery.id })
  await github.settled()
  expect((await rest.apps.listWebhookDeliveries()).data[0]).toMatchObject({ guid: delivery.guid, redelivery: true })
  await rest.apps.updateWebhookConfigForApp({ secret: 'a new secret for it' })
  expect((await rest.apps.getWebhookConfigForApp()).data).toMatchObject({ url: receiver.url, secret: '********' })
})

test('an App is made from a manifest, and its credentials are fetched once', async () => {
  const { github, receiver, client } = world
  const { code, redirectUrl, app } = github.confirmManifest(
    {
      name: 'My Agents',
      url: 'https://agents.example',
      redirect_url: 'https://agents.example/created',
      hook_attributes: { url: receiver.url },
      default_permissions: { issues: 'write' },
      default_events: ['issues'],
    },
    'acme',
  )
  expect(redirectUrl).toBe(`https://agents.example/created?code=${code}`)
  const { data } = await client().rest.apps.createFromManifest({ code })
  expect(data).toMatchObject({ id: app.appId, slug: 'my-agents', owner: { login: 'acme' }, events: ['issues'] })
  expect(data.pem).toBe(app.privateKeyPem)
  expect((await failure(client().rest.apps.createFromManifest({ code }))).status).toBe(404)
  app.install('acme')
  await github.settled()
  const arrival = receiver.arrivals.find(({ event }) => event === 'installation')!
  expect(signatureIsValid(arrival, data.webhook_secret ?? '')).toBe(true)
})
