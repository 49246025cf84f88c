// The main promise: a server that is killed again and again while webhooks arrive loses nothing and
// does nothing twice.
import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../src/db/postgres.ts'
import { silentLog } from '../src/lib/log.ts'
import { githubHeaders } from './fixtures/signed.ts'
import type { Running } from './process.ts'
import { run } from './process.ts'
import { SECRET, spread, TOKEN, until } from './signalbox.ts'

const WEBHOOKS = 200
const KILLS = 5
const SENDERS = 10

const CONFIG = fileURLToPath(new URL('fixtures/crash/signalbox.config.ts', import.meta.url))
const OUTPUTS = 12

let folder: string
let github: FakeGithub
let repository: RepositoryHandle
let commits: string[]
let running: Running[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-crash-'))
  // Root's PostgreSQL runs as somebody else, who must be able to get in.
  await chmod(folder, 0o711)
  github = await openFakeGithub()
  repository = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'a.txt': 'a' } })
  commits = []
  for (let i = 0; i < 20; i++) commits.push(await repository.commit({ message: `c${i}`, files: { 'a.txt': `${i}` } }))
})
afterEach(async () => {
  // Also when the test has failed: a server that is left would hold up the next one, and stay for
  // ever.
  for (const server of running) await server.kill('SIGTERM')
  running = []
  await github.close()
  await rm(folder, { recursive: true, force: true })
})

function start(): Running {
  const server = run(['serve', '--host', '127.0.0.1'], {
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
  running.push(server)
  return server
}
async function urlOf(server: Running) {
  return (await server.prints(/http:\/\/127\.0\.0\.1:\d+/))[0]
}

function push(id: string, sha: string) {
  const payload = {
    ref: 'refs/heads/main',
    after: sha,
    repository: { full_name: repository.fullName },
    delivery: id,
    sender: { login: 'acme' },
  }
  const body = Buffer.from(JSON.stringify(payload))
  const headers = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() }, { 'x-github-delivery': id })
  return { method: 'POST', headers, body }
}

async function openItsDatabase() {
  return openDatabase({ url: (await run(['db', 'url'], { cwd: folder }).prints(/postgres\S+/))[0], log: silentLog })
}

test(`${WEBHOOKS} signed webhooks at a server that is killed ${KILLS} times: each event and each effect exists exactly once`, async () => {
  await cp(CONFIG, join(folder, 'signalbox.config.ts'))
  let server = start()
  let url = await urlOf(server)
  let acknowledged = 0

  const deliver = async (id: string, sha: string): Promise<void> => {
    const request = push(id, sha)
    await until(
      `${id} is acknowledged`,
      async () => {
        const response = await fetch(`${url}/webhook/github`, request).catch(() => null)
        await response?.arrayBuffer().catch(() => null)
        return response?.ok
      },
      60_000,
    )
    acknowledged++
  }
  const ids = Array.from({ length: WEBHOOKS }, (_, i) => `delivery-${i}`)
  const sending = spread(ids, SENDERS, (id, i) => deliver(id, commits[i % commits.length] ?? ''))
  for (let kill = 1; kill <= KILLS; kill++) {
    const after = Math.floor((WEBHOOKS / (KILLS + 1)) * (kill - Math.random() * 0.8))
    await until(`${after} are acknowledged`, async () => acknowledged >= after)
    expect(await server.kill('SIGKILL')).toBe('SIGKILL')
    server = start()
    url = await urlOf(server)
  }
  await sending

  const database = await openItsDatabase()
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

test('a process killed between the outputs of one job: the next one goes on after the last, and each is written exactly once', async () => {
  const [sha = ''] = commits
  await writeFile(
    join(folder, 'signalbox.config.ts'),
    `import { defineAgent, defineConfig, z } from 'signalbox'
     const run = async ({ event }) => {
       const ran = Math.random()
       const one = { kind: 'comment', repository: event.facts.repository, target: { commit: event.facts.sha } }
       return { outputs: Array.from({ length: ${OUTPUTS} }, (_, i) => ({ ...one, key: String(i), body: \`output \${i}. run \${ran}\` })) }
     }
     const chatty = defineAgent({ name: 'chatty', description: 'Says much.', input: z.unknown(), run })
     export default defineConfig({ agents: [chatty], rules: [{ name: 'chatty', on: 'push', agent: 'chatty', outputs: { comment: { max: ${OUTPUTS} } } }] })
    `,
  )
  const written = async () => (await repository.commitComments(sha)).map(({ body }) => /output (\d+)\./.exec(body)?.[1])
  let server = start()
  expect((await fetch(`${await urlOf(server)}/webhook/github`, push('many', sha))).ok).toBe(true)
  for (const outputs of [2, 5, 8]) {
    await until(`${outputs} outputs are written`, async () => (await written()).length >= outputs)
    expect(await server.kill('SIGKILL')).toBe('SIGKILL')
    expect((await written()).length).toBeLessThan(OUTPUTS)
    server = start()
    await urlOf(server)
  }
  const database = await openItsDatabase()
  const read = async (text: string) => (await database.query(text)).rows
  await until(
    'the job has ended',
    async () => (await read('select from signalbox.jobs where finished_at is not null'))[0],
  )
  expect(await read('select status, attempt from signalbox.jobs')).toEqual([{ status: 'completed', attempt: 4 }])
  expect(await written()).toEqual(Array.from({ length: OUTPUTS }, (_, i) => String(i)))
  expect(await read(`select from signalbox.outputs where status = 'published' and receipt is not null`)).toHaveLength(
    OUTPUTS,
  )
  // All of them are of one run: no later attempt ran the agent again.
  const bodies = (await repository.commitComments(sha)).map(({ body }) => /run ([\d.]+)/.exec(body)?.[1])
  expect(new Set(bodies).size).toBe(1)
  expect(await read('select from signalbox.jobs where ran_at is not null')).toHaveLength(1)
  expect(await read('select outcome from signalbox.job_attempts order by attempt')).toEqual([
    { outcome: 'lost' },
    { outcome: 'lost' },
    { outcome: 'lost' },
    { outcome: 'completed' },
  ])
  await database.close()
})
