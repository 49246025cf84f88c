// The main promise: a server that is killed again and again while webhooks arrive loses nothing and does nothing twice.
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../src/db/postgres.ts'
import { silentLog } from '../src/lib/log.ts'
import { githubHeaders } from './fixtures/signed.ts'
import type { Running } from './process.ts'
import { run } from './process.ts'
import { SECRET, TOKEN, until } from './signalbox.ts'

const WEBHOOKS = 200
const KILLS = 5
const SENDERS = 10

let folder: string
let github: FakeGithub
let repository: RepositoryHandle
let commits: string[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-crash-'))
  // Root's PostgreSQL runs as somebody else, who must be able to get in.
  await chmod(folder, 0o711)
  await cp(
    fileURLToPath(new URL('fixtures/crash/signalbox.config.ts', import.meta.url)),
    join(folder, 'signalbox.config.ts'),
  )
  github = await openFakeGithub()
  repository = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'a.txt': 'a' } })
  commits = []
  for (let i = 0; i < 20; i++) commits.push(await repository.commit({ message: `c${i}`, files: { 'a.txt': `${i}` } }))
})
afterAll(async () => {
  await github.close()
  await rm(folder, { recursive: true, force: true })
})

const start = (): Running =>
  run(['serve', '--host', '127.0.0.1'], {
    cwd: folder,
    env: {
      PORT: '0',
      GITHUB_WEBHOOK_SECRET: SECRET,
      SIGNALBOX_API_TOKEN: TOKEN,
      GITHUB_TOKEN: github.addToken({ login: 'acme' }),
      GITHUB_API_URL: github.apiUrl,
      MAX_CONCURRENT_JOBS: '4',
      ORCHESTRATOR_LOG_LEVEL: 'WARNING',
    },
  })
const urlOf = async (server: Running) => (await server.prints(/http:\/\/127\.0\.0\.1:\d+/))[0]

test(`${WEBHOOKS} signed webhooks at a server that is killed ${KILLS} times: each event and each effect exists exactly once`, async () => {
  let server = start()
  let url = await urlOf(server)
  let acknowledged = 0

  const deliver = async (id: string, sha: string): Promise<void> => {
    const payload = {
      ref: 'refs/heads/main',
      after: sha,
      repository: { full_name: repository.fullName },
      sender: { login: 'acme' },
    }
    const body = Buffer.from(JSON.stringify(payload))
    const headers = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() }, { 'x-github-delivery': id })
    await until(
      `${id} is acknowledged`,
      async () => {
        const response = await fetch(`${url}/webhook/github`, { method: 'POST', headers, body }).catch(() => null)
        await response?.arrayBuffer().catch(() => null)
        return response?.ok
      },
      60_000,
    )
    acknowledged++
  }
  const ids = Array.from({ length: WEBHOOKS }, (_, i) => `delivery-${i}`)
  const queue = [...ids.entries()]
  const sending = Promise.all(
    Array.from({ length: SENDERS }, async () => {
      for (let next = queue.shift(); next; next = queue.shift())
        await deliver(next[1], commits[next[0] % commits.length] ?? '')
    }),
  )
  for (let kill = 1; kill <= KILLS; kill++) {
    const after = Math.floor((WEBHOOKS / (KILLS + 1)) * (kill - Math.random() * 0.8))
    await until(`${after} are acknowledged`, async () => acknowledged >= after, 60_000)
    expect(await server.kill('SIGKILL')).toBe('SIGKILL')
    server = start()
    url = await urlOf(server)
  }
  await sending

  const databaseUrl = (await run(['db', 'url'], { cwd: folder }).prints(/postgres\S+/))[0]
  const database = await openDatabase({ url: databaseUrl, log: silentLog })
  const count = async (what: string) =>
    (await database.query<{ n: number }>(`select count(*)::int as n from ${what}`)).rows[0]?.n
  await until(
    'every job has ended',
    async () => (await count(`signalbox.jobs where status in ('completed', 'failed')`)) === WEBHOOKS,
    90_000,
  )
  expect(await count(`signalbox.events where type = 'push'`)).toBe(WEBHOOKS)
  expect(await count(`(select distinct delivery_id from signalbox.events where type = 'push') as d`)).toBe(WEBHOOKS)
  expect(await count(`signalbox.jobs where status = 'completed'`)).toBe(WEBHOOKS)
  expect(await count(`signalbox.events where type = 'job.completed'`)).toBe(WEBHOOKS)
  const comments = (await Promise.all(commits.map((sha) => repository.commitComments(sha)))).flat()
  const saw = comments.map((comment) => /saw (delivery-\d+)\./.exec(comment.body)?.[1])
  expect(saw.sort()).toEqual([...ids].sort())
  await database.close()
  expect(await server.kill('SIGTERM')).toBe(0)
}, 240_000)
