// Outages: GitHub sends each webhook once, and what nobody answered is fetched from it afterwards.
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import type { Gap, GapCheck, GapDetail } from '@signalbox/sdk'
import { Octokit } from 'octokit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/agents/agent.ts'
import type { Config } from '../src/config/config-file.ts'
import type { Database } from '../src/db/database.ts'
import { silentLog } from '../src/lib/log.ts'
import { openTestDatabase } from './database.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, until } from './signalbox.ts'

const worker = defineAgent({
  name: 'worker',
  description: 'Does nothing.',
  input: z.unknown(),
  run: async () => ({ outputs: [] }),
})
const config: Config = {
  agents: [worker],
  rules: [{ name: 'labelled', on: 'issues.labeled', when: { label: 'agent' }, who: 'anyone', agent: 'worker' }],
}

let github: FakeGithub
let repository: RepositoryHandle
let database: Database
let token: string
let hookId: number
let running: TestSignalbox[]

beforeEach(async () => {
  github = await openFakeGithub()
  repository = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'README.md': '# Shop\n' } })
  token = github.addToken({ login: 'acme' })
  database = await openTestDatabase()
  running = []
  hookId = await repository.addWebhook({ url: 'http://127.0.0.1:9/webhook/github', secret: SECRET })
  await github.settled()
})
afterEach(async () => {
  await Promise.all(running.map((each) => each.close()))
  await github.settled()
  await github.close()
  await database.close()
})

/** Starts a server that looks at the webhook, which posts to it from now on. */
async function start(env: Record<string, string> = {}): Promise<TestSignalbox> {
  const server = await openTestSignalbox({
    config,
    database,
    env: {
      GITHUB_TOKEN: token,
      GITHUB_API_URL: github.apiUrl,
      GITHUB_HOOKS: `repos/acme/shop/hooks/${hookId}`,
      ...env,
    },
  })
  running.push(server)
  const client = new Octokit({ baseUrl: github.apiUrl, auth: token, log: silentLog })
  const data = { url: `${server.url}/webhook/github`, secret: SECRET, content_type: 'json' }
  await client.request('PATCH /repos/{owner}/{repo}/hooks/{hook_id}/config', {
    owner: 'acme',
    repo: 'shop',
    hook_id: hookId,
    data,
  })
  return server
}

async function stop(server: TestSignalbox): Promise<void> {
  await server.close()
  running = running.filter((each) => each !== server)
}

/** Two webhooks each. */
async function labelIssues(count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    const { number } = await repository.openIssue({ title: `Issue ${at}` })
    await repository.labelIssue(number, at % 2 === 0 ? 'agent' : 'other')
  }
  await github.settled()
}

async function check(server: TestSignalbox, query = ''): Promise<GapCheck> {
  const answer = await server.api(`/api/gaps/check${query}`, { method: 'POST' })
  expect(answer.status).toBe(200)
  return (await answer.json()) as GapCheck
}

async function gaps(server: TestSignalbox): Promise<Gap[]> {
  return ((await (await server.api('/api/gaps')).json()) as { items: Gap[] }).items
}

const OFF = { GITHUB_GAPS_INTERVAL_SECONDS: '0' }

test('every webhook of an outage is recorded once when the server is back, with its jobs and a report', async () => {
  const first = await start()
  await until('it has looked', () => first.count('signalbox.hook_cursors', 'looked_at is not null'))
  await labelIssues(2)
  await stop(first)
  const before = await countOf('signalbox.events', "source = 'github'")
  await labelIssues(100)
  const missed = github.deliveries.filter(({ event, statusCode }) => event !== 'ping' && statusCode === 502)
  expect(missed).toHaveLength(200)

  const second = await start()
  const [gap] = await until('the gap is reported', async () => {
    const found = await gaps(second)
    return found[0]?.pending === 0 && found
  })
  expect(await second.count('signalbox.events', "source = 'github'")).toBe(before + 200)
  expect(await second.count('signalbox.events', 'recovered_at is not null')).toBe(200)
  expect(await second.count('signalbox.jobs')).toBe(51)
  const times = missed.map(({ deliveredAtMs }) => deliveredAtMs - (deliveredAtMs % 1000))
  expect(gap).toMatchObject({
    hook: `repos/acme/shop/hooks/${hookId}`,
    began_at: new Date(Math.min(...times)).toISOString(),
    ended_at: new Date(Math.max(...times)).toISOString(),
    deliveries: 200,
    recovered: 200,
    matched: 50,
    arrived: 0,
    lost: 0,
  })
  const reported = await second.database.query<{ body: Buffer }>(
    "select body from signalbox.events where type = 'gap.found'",
  )
  expect(reported.rows.map(({ body }) => JSON.parse(body.toString()).data)).toMatchObject([
    { gap_id: gap?.id, deliveries: 200, recovered: 200, matched: 50 },
  ])
  const detail = (await (await second.api(`/api/gaps/${gap?.id}`)).json()) as GapDetail
  expect(detail.events).toHaveLength(200)
  const opened = { type: 'issues.opened', status: 502, outcome: 'recovered', reason: null, jobs: 0 }
  expect(detail.events).toContainEqual(expect.objectContaining(opened))
  // Their bytes are those that GitHub signed.
  const unsigned = "source = 'github' and headers ->> 'x-hub-signature-256' is null"
  expect(await second.count('signalbox.events', unsigned)).toBe(0)
  expect(await check(second)).toMatchObject({ complete: true, hooks: [{ missed: 0, gaps: [] }] })
})

test('a server that is killed while it fetches leaves nothing out, and nothing is there twice', async () => {
  const first = await start(OFF)
  await labelIssues(2)
  expect(await check(first)).toMatchObject({ complete: true })
  await stop(first)
  await labelIssues(15)
  // The connection of the forge breaks, and the process stops, in the middle of it.
  github.faults.add({ route: /\/deliveries\/\d+$/, skip: 10, times: 1000, kind: 'status', status: 500 })
  const second = await start(OFF)
  const found = await check(second)
  expect(found).toMatchObject({ complete: false, hooks: [{ missed: 30, recovered: 10, pending: 20 }] })
  // As if it had been killed before it could store what it had found.
  await database.query('delete from signalbox.gaps')
  await stop(second)
  github.faults.clear()

  const third = await start(OFF)
  expect(await check(third)).toMatchObject({ complete: true, hooks: [{ missed: 30, recovered: 30, pending: 0 }] })
  expect(await gaps(third)).toMatchObject([{ deliveries: 30, recovered: 30, matched: 8 }])
  expect(await countOf('signalbox.events', 'recovered_at is not null')).toBe(30)
  expect(
    await countOf(
      "(select delivery_id from signalbox.events where source = 'github' group by 1 having count(*) > 1) as twice",
    ),
  ).toBe(0)
  expect(await countOf('signalbox.jobs')).toBe(9)
})

test('a server that is back before the lease of the killed one has ended does not wait for its next turn', async () => {
  const first = await start(OFF)
  await labelIssues(2)
  await check(first)
  await stop(first)
  await labelIssues(1)
  await database.query(
    `update signalbox.hook_cursors set owner = gen_random_uuid(), leased_until = now() + interval '3 s'`,
  )
  await start()
  await until('it has looked', async () => (await countOf('signalbox.events', 'recovered_at is not null')) === 2)
})

test('what is redelivered at the same time is there once', async () => {
  const first = await start(OFF)
  await labelIssues(2)
  await check(first)
  await stop(first)
  await labelIssues(10)
  const missed = github.deliveries.filter(({ event, statusCode }) => event !== 'ping' && statusCode === 502)
  const second = await start(OFF)
  const client = new Octokit({ baseUrl: github.apiUrl, auth: token, log: silentLog, throttle: { enabled: false } })
  const [found] = await Promise.all([
    check(second),
    ...missed.map(({ id }) =>
      client.rest.repos.redeliverWebhookDelivery({ owner: 'acme', repo: 'shop', hook_id: hookId, delivery_id: id }),
    ),
  ])
  await github.settled()
  const [look] = found.hooks
  expect((look?.recovered ?? 0) + (look?.arrived ?? 0)).toBe(look?.missed)
  expect(await countOf('signalbox.events', `delivery_id = any('{${missed.map(({ guid }) => guid)}}')`)).toBe(20)
  expect(await countOf('signalbox.jobs')).toBe(6)
  expect(await check(second)).toMatchObject({ complete: true, hooks: [{ missed: 0 }] })
})

test('two servers that look at the same time fetch once', async () => {
  const first = await start(OFF)
  await labelIssues(2)
  await check(first)
  await stop(first)
  await labelIssues(5)
  const both = [await start(OFF), await start(OFF)] as const
  const found = await Promise.all(both.map((server) => check(server)))
  expect(found.map(({ hooks }) => hooks[0]?.recovered).toSorted()).toEqual([0, 10])
  expect(await gaps(both[0])).toMatchObject([{ deliveries: 10, recovered: 10 }])
})

test('what a webhook with another secret sent is refused when it comes, and recorded on the word of GitHub', async () => {
  const first = await start(OFF)
  await labelIssues(2)
  await check(first)
  await stop(first)
  const second = await start({ ...OFF, GITHUB_WEBHOOK_SECRET: 'another secret than that of the webhook' })
  await labelIssues(1)
  expect(await countOf('signalbox.events', "status = 'rejected'")).toBe(2)
  expect(await check(second)).toMatchObject({ hooks: [{ missed: 2, recovered: 2 }] })
  expect(await gaps(second)).toMatchObject([{ deliveries: 2, refused: 2, recovered: 2 }])
  // Its own signature is not kept as if it had been verified.
  expect(
    await countOf('signalbox.events', "recovered_at is not null and headers->>'x-hub-signature-256' is null"),
  ).toBe(2)
})

test('a second webhook, of somebody who does not know the secret, has nothing recorded a second time', async () => {
  const first = await start(OFF)
  await labelIssues(1)
  await stop(first)
  const url = 'http://127.0.0.1:9/webhook/github'
  const other = await repository.addWebhook({ url, secret: 'known to the administrator of one repository' })
  const hooks = [hookId, other].map((id) => `repos/acme/shop/hooks/${id}`).join()
  const second = await start({ ...OFF, GITHUB_HOOKS: hooks })
  await labelIssues(1)
  const before = [await countOf('signalbox.events', "source = 'github'"), await countOf('signalbox.jobs')]
  expect((await check(second)).hooks[1]).toMatchObject({ missed: 2, recovered: 0, arrived: 2 })
  expect([await countOf('signalbox.events', "source = 'github'"), await countOf('signalbox.jobs')]).toEqual(before)
})

test('a dry run says what is missing, and changes nothing', async () => {
  const first = await start(OFF)
  await labelIssues(2)
  await check(first)
  await stop(first)
  await labelIssues(5)
  const second = await start(OFF)
  const dry = await check(second, '?dry_run=true')
  expect(dry).toMatchObject({ dry_run: true, hooks: [{ missed: 10, recovered: 0, pending: 10, gaps: [] }] })
  expect(await gaps(second)).toEqual([])
  expect(await countOf('signalbox.events', 'recovered_at is not null')).toBe(0)
})

test('what GitHub does not keep any more is reported with its reason, and not fetched again', async () => {
  const first = await start(OFF)
  await labelIssues(2)
  await check(first)
  await stop(first)
  await labelIssues(1)
  github.faults.add({ route: /\/deliveries\/\d+$/, kind: 'status', status: 404 })
  const second = await start(OFF)
  expect(await check(second)).toMatchObject({ complete: true, hooks: [{ missed: 2, recovered: 1, lost: 1 }] })
  const [gap] = await gaps(second)
  const detail = (await (await second.api(`/api/gaps/${gap?.id}`)).json()) as GapDetail
  expect(detail.events).toContainEqual(
    expect.objectContaining({ outcome: 'lost', reason: 'The forge does not keep it any more.' }),
  )
  expect(await check(second)).toMatchObject({ complete: true, hooks: [{ missed: 0 }] })
})

async function countOf(table: string, where = 'true'): Promise<number> {
  const { rows } = await database.query<{ n: number }>(`select count(*)::int as n from ${table} where ${where}`)
  return rows[0]?.n ?? -1
}
