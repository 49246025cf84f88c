// Signed webhooks: headers, encodings, deliveries, redelivery and trouble on the way.
import { createHmac } from 'node:crypto'
import { Octokit } from 'octokit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openFakeGithub } from '../src/index.ts'
import type { World } from './world.ts'
import { failure, openReceiver, openWorld, signatureIsValid } from './world.ts'

const SECRET = 'It’s a Secret to Everybody'
let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

test('a delivery carries the headers and signatures GitHub documents', async () => {
  const { github, repo, receiver } = world
  const hookId = await world.listen(SECRET)
  await repo.openIssue({ title: 'Ünïcödé' })
  await github.settled()
  const arrival = receiver.arrivals.find(({ event }) => event === 'issues')!
  expect(signatureIsValid(arrival, SECRET)).toBe(true)
  expect(signatureIsValid(arrival, 'another')).toBe(false)
  const sha1 = createHmac('sha1', SECRET).update(arrival.body).digest('hex')
  expect(arrival.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': expect.stringMatching(/^GitHub-Hookshot\/[0-9a-f]+$/),
    'x-github-delivery': expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    'x-github-event': 'issues',
    'x-github-hook-id': String(hookId),
    'x-github-hook-installation-target-id': String(repo.id),
    'x-github-hook-installation-target-type': 'repository',
    'x-hub-signature': `sha1=${sha1}`,
  })
  expect(arrival.payload).toMatchObject({
    action: 'opened',
    repository: { full_name: 'acme/app' },
    sender: { login: 'acme' },
  })
})

test('the documented test vector of GitHub verifies', () => {
  const headers = {
    'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
  }
  expect(signatureIsValid({ headers, body: 'Hello, World!' }, "It's a Secret to Everybody")).toBe(true)
})

test('the form encoding wraps the payload and is signed as sent; without a secret nothing is signed', async () => {
  const { github, repo, receiver } = world
  await repo.addWebhook({ url: receiver.url, secret: SECRET, contentType: 'form', events: ['issues'] })
  const plain = await openReceiver()
  await repo.addWebhook({ url: plain.url, events: ['issues'] })
  const inactive = await openReceiver()
  await repo.addWebhook({ url: inactive.url, active: false })
  await repo.openIssue({ title: 'x' })
  await github.settled()
  const arrival = receiver.arrivals.find(({ event }) => event === 'issues')!
  expect(arrival.headers['content-type']).toBe('application/x-www-form-urlencoded')
  expect(arrival.body).toMatch(/^payload=%7B/)
  expect(signatureIsValid(arrival, SECRET)).toBe(true)
  expect(receiver.names()).toEqual(['issues.opened', 'ping'])
  expect(plain.arrivals[0]?.headers['x-hub-signature-256']).toBeUndefined()
  expect(inactive.names()).toEqual(['ping'])
  await plain.close()
  await inactive.close()
})

test('nothing is sent again by itself; a redelivery keeps the guid and gets an id of its own', async () => {
  const { github, repo, owner, app } = world
  let status = 500
  const receiver = await openReceiver(() => status)
  const hook_id = await repo.addWebhook({ url: receiver.url, secret: SECRET, events: ['issues'] })
  await repo.openIssue({ title: 'x' })
  await github.settled()
  expect(receiver.names()).toEqual(['issues.opened', 'ping'])
  const { data: list } = await owner.rest.repos.listWebhookDeliveries({ ...app, hook_id, per_page: 1 })
  const failed = list[0]!
  expect(failed).toMatchObject({ event: 'issues', action: 'opened', status_code: 500, redelivery: false })
  expect(await owner.paginate(owner.rest.repos.listWebhookDeliveries, { ...app, hook_id, per_page: 1 })).toHaveLength(2)

  status = 200
  const attempt = { ...app, hook_id, delivery_id: failed.id }
  expect((await owner.rest.repos.redeliverWebhookDelivery(attempt)).status).toBe(202)
  await github.settled()
  const [first, second] = receiver.arrivals.filter(({ event }) => event === 'issues')
  expect(second?.headers['x-github-delivery']).toBe(first?.headers['x-github-delivery'])
  expect(second?.body).toBe(first?.body)
  const after = (await owner.rest.repos.listWebhookDeliveries({ ...app, hook_id })).data[0]!
  expect(after).toMatchObject({ guid: failed.guid, redelivery: true, status: 'OK', status_code: 200 })
  expect(after.id).not.toBe(failed.id)
  const { data: detail } = await owner.rest.repos.getWebhookDelivery({ ...app, hook_id, delivery_id: after.id })
  expect(detail.request.payload).toMatchObject({ action: 'opened' })
  expect(detail.request.headers).toMatchObject({ 'X-GitHub-Event': 'issues' })
  expect(detail.response).toMatchObject({ payload: 'thanks' })
  await receiver.close()
})

test('a receiver that is slow or gone leaves a failed delivery', async () => {
  await world.close()
  world = await openWorld({ webhookTimeoutMs: 300 })
  const { github, repo } = world
  const { promise, resolve } = Promise.withResolvers<number>()
  const slow = await openReceiver(() => promise)
  await repo.addWebhook({ url: slow.url })
  const gone = await openReceiver()
  await gone.close()
  await repo.addWebhook({ url: gone.url })
  await github.settled()
  expect(github.deliveries.map(({ status }) => status).toSorted()).toEqual(['failed to connect to host', 'timed out'])
  resolve(200)
  await slow.close()
})

test('hooks are managed by admins only, and their secret is never shown', async () => {
  const { owner, bot, app, github } = world
  const config = { url: 'http://127.0.0.1:9/hook', content_type: 'json', secret: SECRET }
  const { data: hook } = await owner.rest.repos.createWebhook({ ...app, config, events: ['push'] })
  expect(hook).toMatchObject({ active: true, events: ['push'], config: { secret: '********', content_type: 'json' } })
  expect((await failure(owner.rest.repos.createWebhook({ ...app, config }))).errors?.[0]?.message).toMatch(
    /already exists/,
  )
  expect((await failure(owner.rest.repos.createWebhook({ ...app, config: {} }))).status).toBe(422)
  expect((await failure(bot.rest.repos.listWebhooks(app))).status).toBe(404)
  expect((await failure(bot.rest.repos.createWebhook({ ...app, config }))).status).toBe(404)
  expect((await owner.rest.repos.listWebhooks(app)).data).toHaveLength(1)
  const hook_id = hook.id
  const updated = await owner.rest.repos.updateWebhook({ ...app, hook_id, add_events: ['issues'], active: false })
  expect(updated.data).toMatchObject({ events: ['push', 'issues'], active: false })
  // As `data`, because octokit takes `url` for its own.
  const data = { url: world.receiver.url, secret: 'other' }
  await owner.request('PATCH /repos/{owner}/{repo}/hooks/{hook_id}/config', { ...app, hook_id, data })
  expect((await owner.rest.repos.getWebhookConfigForRepo({ ...app, hook_id })).data.url).toBe(world.receiver.url)
  await owner.rest.repos.pingWebhook({ ...app, hook_id })
  await owner.rest.repos.updateWebhook({ ...app, hook_id, active: true })
  await owner.rest.repos.testPushWebhook({ ...app, hook_id })
  await github.settled()
  expect(world.receiver.names()).toEqual(['ping', 'push'])
  expect(signatureIsValid(world.receiver.arrivals[0]!, 'other')).toBe(true)
  expect((await owner.rest.repos.getWebhook({ ...app, hook_id })).data.last_response).toMatchObject({ code: 200 })
  await owner.rest.repos.deleteWebhook({ ...app, hook_id })
  expect((await failure(owner.rest.repos.getWebhook({ ...app, hook_id }))).status).toBe(404)
})

test('deliveries are dropped, doubled, tampered with and delayed on request', async () => {
  const { github, repo, receiver } = world
  await world.listen(SECRET)
  await github.settled()
  const of = (event: string) => receiver.arrivals.filter((arrival) => arrival.event === event)

  const drop = github.faults.addWebhook({ event: 'issues', action: 'opened', kind: 'drop' })
  await repo.openIssue({ title: 'lost' })
  await github.settled()
  expect([drop.hits, of('issues').length]).toEqual([1, 0])
  expect(github.deliveries.at(-1)).toMatchObject({ status: 'failed to connect to host', statusCode: 502 })

  github.faults.addWebhook({ event: 'issues', kind: 'duplicate' })
  await repo.openIssue({ title: 'twice' })
  await github.settled()
  expect(new Set(of('issues').map(({ headers }) => headers['x-github-delivery'])).size).toBe(1)
  expect(of('issues')).toHaveLength(2)

  github.faults.addWebhook({ event: 'issue_comment', kind: 'tamper' })
  await repo.comment(1, 'hello')
  await github.settled()
  expect(of('issue_comment').map((arrival) => signatureIsValid(arrival, SECRET))).toEqual([false])

  github.faults.addWebhook({ event: 'label', kind: 'delay', delayMs: 20 })
  await repo.labelIssue(1, 'late')
  await github.settled()
  expect(of('label')).toHaveLength(1)

  const delayed = github.faults.addWebhook({ event: 'push', kind: 'delay' })
  await repo.commit({ message: 'first', files: { a: '1' } })
  await repo.commit({ message: 'second', files: { a: '2' } })
  await github.settled()
  delayed.release()
  await expect.poll(() => of('push').length).toBe(2)
  await github.settled()
  expect(of('push').map(({ payload }) => payload.head_commit.message)).toEqual(['second', 'first'])
})

test('an organisation is named in the webhooks of its repositories', async () => {
  const { github, receiver } = world
  github.addUser('corp', { type: 'Organization' })
  const repo = await github.addRepository({ owner: 'corp', name: 'site', files: { a: 'a' } })
  await repo.addWebhook({ url: receiver.url })
  await repo.commit({ message: 'm', files: { a: 'b' } })
  await github.settled()
  const push = receiver.arrivals.find(({ event }) => event === 'push')
  expect(push?.payload).toMatchObject({
    organization: { login: 'corp' },
    repository: { owner: { type: 'Organization' } },
  })
})

test('the webhook of an organisation has the events of all its repositories, and deliveries of its own', async () => {
  const { github, receiver, client } = world
  const corp = github.addOrganization({ login: 'corp', owners: ['boss'], members: ['guest'] })
  const repo = await github.addRepository({ owner: 'corp', name: 'site', files: { a: 'a' } })
  const hook_id = corp.addWebhook({ url: receiver.url, secret: SECRET, events: ['issues'] })
  await repo.openIssue({ title: 'x' })
  await github.settled()
  expect(receiver.names()).toEqual(['issues.opened', 'ping'])
  expect(receiver.arrivals.at(-1)?.headers['x-github-hook-installation-target-type']).toBe('organization')

  const at = { org: 'corp', hook_id }
  const boss = client(github.addToken({ login: 'boss', scopes: ['admin:org_hook'] }))
  expect((await boss.rest.orgs.listWebhooks({ org: 'corp' })).data).toMatchObject([{ id: hook_id }])
  const { data: list } = await boss.rest.orgs.listWebhookDeliveries({ ...at, per_page: 1 })
  expect(list).toMatchObject([{ event: 'issues', status_code: 200, throttled_at: null }])
  expect(await boss.paginate(boss.rest.orgs.listWebhookDeliveries, { ...at, per_page: 1 })).toHaveLength(2)
  const delivery = { ...at, delivery_id: list[0]!.id as number }
  expect((await boss.rest.orgs.getWebhookDelivery(delivery)).data.request.headers).toMatchObject({
    'X-GitHub-Delivery': list[0]!.guid,
  })
  await boss.rest.orgs.redeliverWebhookDelivery(delivery)
  await github.settled()
  expect(github.deliveries.at(-1)).toMatchObject({ guid: list[0]!.guid, redelivery: true })

  const config = { url: 'http://127.0.0.1:9/hook', content_type: 'json' }
  const { data: other } = await boss.rest.orgs.createWebhook({ org: 'corp', name: 'web', config, active: false })
  await boss.rest.orgs.updateWebhook({ org: 'corp', hook_id: other.id, events: ['push'] })
  await boss.rest.orgs.pingWebhook({ org: 'corp', hook_id: other.id })
  expect((await boss.rest.orgs.getWebhook({ org: 'corp', hook_id: other.id })).data.events).toEqual(['push'])
  expect((await boss.rest.orgs.getWebhookConfigForOrg({ org: 'corp', hook_id: other.id })).data.url).toBe(config.url)
  await boss.rest.orgs.deleteWebhook({ org: 'corp', hook_id: other.id })
  const withoutScope = client(github.addToken({ login: 'boss' }))
  const member = client(github.addToken({ login: 'guest', scopes: ['admin:org_hook'] }))
  const limited = client(github.addToken({ login: 'boss', permissions: { members: 'read' } }))
  expect((await failure(withoutScope.rest.orgs.listWebhooks({ org: 'corp' }))).status).toBe(404)
  expect((await failure(member.rest.orgs.listWebhooks({ org: 'corp' }))).status).toBe(404)
  expect((await failure(limited.rest.orgs.listWebhooks({ org: 'corp' }))).status).toBe(403)
})

test('deliveries are listed for three days', async () => {
  let now = Date.now()
  const github = await openFakeGithub({ clock: () => now })
  const repo = await github.addRepository({ owner: 'acme', name: 'old', files: { a: 'a' } })
  const hook_id = await repo.addWebhook({ url: 'http://127.0.0.1:9/hook' })
  await github.settled()
  const client = new Octokit({ baseUrl: github.apiUrl, auth: github.addToken({ login: 'acme' }) })
  const list = async () =>
    (await client.rest.repos.listWebhookDeliveries({ owner: 'acme', repo: 'old', hook_id })).data.length
  expect(await list()).toBe(1)
  now += 3 * 24 * 60 * 60_000
  expect(await list()).toBe(0)
  await github.close()
})
