// A promise of the whole: PostgreSQL goes away and comes back while webhooks arrive and jobs run,
// and nothing is lost or done twice.
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/agents/agent.ts'
import type { Config } from '../src/config/config-file.ts'
import { clusterDir } from '../src/db/embedded/cluster.ts'
import type { Embedded } from '../src/db/embedded/embedded.ts'
import { openEmbedded } from '../src/db/embedded/embedded.ts'
import { openDatabase } from '../src/db/postgres.ts'
import { silentLog } from '../src/lib/log.ts'
import { githubHeaders } from './fixtures/signed.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from './signalbox.ts'

const WEBHOOKS = 200
// A busy machine may take longer than GitHub waits to start a server again.
const PATIENCE_MS = 120_000
// Our writes to a GitHub of one's own are paced at ten a second: 40 s for as many comments.
const FINISH_MS = 120_000

const witness = defineAgent({
  name: 'witness',
  description: 'Leaves one comment a push, naming its delivery.',
  input: z.unknown(),
  run: async ({ event, step }) => ({
    outputs: [
      {
        kind: 'comment',
        key: 'witness',
        repository: event?.facts.repository ?? '',
        target: { commit: event?.facts.sha ?? '' },
        body: `saw ${await step('name', () => event?.deliveryId)}.`,
      },
    ],
  }),
})

let folder: string
let postgres: Embedded
let github: FakeGithub
let repository: RepositoryHandle
let commits: string[]
let closing: (() => Promise<unknown>)[]

function startPostgres(): Promise<Embedded> {
  return openEmbedded({ dataDir: join(folder, 'data'), spareRoot: join(folder, 'spare'), log: silentLog })
}

beforeEach(async () => {
  closing = []
  folder = await mkdtemp(join(tmpdir(), 'signalbox-restart-'))
  // Root's PostgreSQL runs as somebody else, who must be able to get in.
  await chmod(folder, 0o711)
  postgres = await startPostgres()
  github = await openFakeGithub()
  repository = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'a.txt': 'a' } })
  commits = []
  for (let i = 0; i < 10; i++) commits.push(await repository.commit({ message: `c${i}`, files: { 'a.txt': `${i}` } }))
})
afterEach(async () => {
  for (const close of closing.reverse()) await close()
  await github.close()
  await postgres.close()
  await rm(folder, { recursive: true, force: true })
})

/** A receiver that answers 200 and remembers every `webhook-id`. */
async function openSubscriber() {
  const notified = new Set<string>()
  const server = createServer((request, response) => {
    notified.add(String(request.headers['webhook-id']))
    request.resume().on('end', () => response.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  return { notified, url }
}

async function stopAndStart(): Promise<void> {
  const { url } = postgres
  await postgres.close()
  postgres = await startPostgres()
  expect(postgres.url).toBe(url)
}

/**
 * As a machine short of memory would: without a word. The embedded server starts it again by
 * itself.
 */
async function killPostgres(): Promise<void> {
  const pidFile = join(await clusterDir(join(folder, 'data')), 'postmaster.pid')
  process.kill(Number((await readFile(pidFile, 'utf8')).split('\n')[0]), 'SIGKILL')
}

test(`${WEBHOOKS} signed webhooks while PostgreSQL is stopped, killed and started again: each event, effect and delivery exists once`, async () => {
  const subscriber = await openSubscriber()
  const config: Config = {
    agents: [witness],
    rules: [{ name: 'witness', on: 'push', agent: 'witness' }],
    endpoints: [{ name: 'subscriber', url: subscriber.url, secret: SECRET, events: ['push'], environments: null }],
  }
  const env = {
    GITHUB_TOKEN: github.addToken({ login: 'acme' }),
    GITHUB_API_URL: github.apiUrl,
    MAX_CONCURRENT_JOBS: '8',
  }
  const database = await openDatabase({ url: postgres.url, log: silentLog })
  closing.push(database.close)
  const signalbox = await openTestSignalbox({ config, env, database, patienceMs: PATIENCE_MS })
  closing.push(signalbox.close)
  const answers = new Set<string>()
  let acknowledged = 0

  // Each is sent once, as GitHub does it, at 100 a second.
  const deliver = async (id: string, sha: string): Promise<void> => {
    const { fullName: full_name } = repository
    const payload = { ref: 'refs/heads/main', after: sha, repository: { full_name }, delivery: id }
    const body = Buffer.from(JSON.stringify(payload))
    const headers = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() }, { 'x-github-delivery': id })
    const response = await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', headers, body })
    const { duplicate } = (await response.json()) as { duplicate?: boolean }
    answers.add(`${response.status} ${duplicate}`)
    acknowledged++
  }
  const ids = Array.from({ length: WEBHOOKS }, (_, i) => `delivery-${i}`)
  const sending: Promise<void>[] = []
  const pace = setInterval(() => {
    const i = sending.length
    if (i < WEBHOOKS) sending.push(deliver(ids[i] ?? '', commits[i % commits.length] ?? ''))
  }, 10)
  closing.push(async () => clearInterval(pace))
  for (const [i, disturb] of [stopAndStart, killPostgres, stopAndStart].entries()) {
    await until('more are acknowledged', async () => acknowledged >= (WEBHOOKS / 4) * (i + 1) - 10)
    await disturb()
  }
  await until('all are sent', async () => sending.length === WEBHOOKS)
  await Promise.all(sending)

  const { count } = signalbox
  await until(
    'all is done',
    async () =>
      (await count('signalbox.jobs', `status in ('completed', 'failed')`)) === WEBHOOKS &&
      (await count('signalbox.deliveries', `status in ('succeeded', 'failed')`)) === WEBHOOKS,
    FINISH_MS,
  )
  expect(await count('signalbox.events', `type = 'push'`)).toBe(WEBHOOKS)
  expect(await count('signalbox.jobs', `status = 'completed'`)).toBe(WEBHOOKS)
  expect(await count('signalbox.events', `type = 'job.completed'`)).toBe(WEBHOOKS)
  expect(await count('signalbox.deliveries', `status = 'succeeded'`)).toBe(WEBHOOKS)
  expect(subscriber.notified.size).toBe(WEBHOOKS)
  const comments = (await Promise.all(commits.map((sha) => repository.commitComments(sha)))).flat()
  const saw = comments.map((comment) => /saw (delivery-\d+)\./.exec(comment.body)?.[1])
  expect(saw.sort()).toEqual([...ids].sort())
  // Every webhook was answered as new, also one whose commit lost its answer.
  expect([...answers]).toEqual(['200 false'])
}, 300_000)
