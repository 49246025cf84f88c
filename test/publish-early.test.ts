// What agents write while they work, on a strict GitHub: it is there once, and settled whatever
// ends their jobs, also when the service is killed.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AppHandle, FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import type { JobDetail } from '@signalbox/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openApiGuard } from '../fake-github/openapi.ts'
import type { Running } from './process.ts'
import { run } from './process.ts'
import { SECRET, TOKEN, until } from './signalbox.ts'

const guard = openApiGuard()
let folder: string
let github: FakeGithub
let app: AppHandle
let shop: RepositoryHandle
let servers: Running[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-early-'))
  // Root's PostgreSQL runs as somebody else, who must be able to get in.
  await chmod(folder, 0o711)
  github = await openFakeGithub({ onExchange: guard.onExchange })
  shop = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'README.md': '# Shop\n' } })
  app = github.addApp({ slug: 'signalbox', permissions: { contents: 'read', checks: 'write', deployments: 'write' } })
  app.install('acme')
  await writeFile(
    join(folder, 'signalbox.config.mjs'),
    `import { defineAgent, defineConfig, z } from 'signalbox'
     const works = defineAgent({
       name: 'works',
       description: 'For a test.',
       input: z.unknown(),
       async run({ event, publish, step, sleep }) {
         const { repository, sha, branch } = event.facts
         const check = { kind: 'check', repository, commit: sha, check: 'work', key: 'work' }
         const deployment = {
           kind: 'deployment_status', repository, target: { ref: sha, environment: 'staging' }, key: 'deploy',
         }
         const [begun] = await publish(
           'start',
           [
             { ...check, status: 'in_progress', title: 'Working', summary: '', name: 'check' },
             { ...deployment, state: 'in_progress', description: 'Working' },
           ],
           {
             otherwise: [
               { ...check, status: 'completed', conclusion: 'cancelled', title: 'Ended', summary: '{{job.reason}}' },
               { ...deployment, state: 'error', description: '{{job.reason}}' },
             ],
           },
         )
         if (branch === 'fails') throw new Error('It broke at https://example.com/x')
         await sleep('a while', branch === 'quick' ? 10 : 3_600_000)
         const done = { ...check, status: 'completed', conclusion: 'success', title: 'Done', summary: 'See {{outputs.check.url}}' }
         return { outputs: [done, { ...deployment, state: 'success' }], result: begun }
       },
     })
     const rule = {
       agent: 'works', maxAttempts: 1, concurrency: { key: 'work:{branch}', mode: 'latest' }, outputs: { check: {}, deployment_status: {} },
     }
     export default defineConfig({
       agents: [works],
       rules: [
         { ...rule, name: 'works', on: 'push', when: { branch: ['!staged'] } },
         { ...rule, name: 'staged', on: 'push', when: { branch: 'staged' }, staged: true },
       ],
     })`,
  )
})
afterEach(async () => {
  for (const server of servers) await server.kill('SIGTERM')
  servers = []
  await github.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 10 })
  expect(guard.violations).toEqual([])
})

async function serve() {
  const server = run(['serve', '--host', '127.0.0.1'], {
    cwd: folder,
    env: {
      PORT: '0',
      SIGNALBOX_API_TOKEN: TOKEN,
      TMPDIR: folder,
      GITHUB_WEBHOOK_SECRET: SECRET,
      GITHUB_APP_ID: String(app.appId),
      GITHUB_APP_PRIVATE_KEY: app.privateKeyPem,
      GITHUB_API_URL: github.apiUrl,
    },
  })
  servers.push(server)
  const [url] = await server.prints(/http:\/\/127\.0\.0\.1:\d+/)
  const headers = { authorization: `Bearer ${TOKEN}` }
  const ask = async (path: string, method = 'GET') => (await fetch(`${url}${path}`, { method, headers })).json()
  const jobs = async () => ((await ask('/api/jobs')) as { items: JobDetail[] }).items
  return {
    server,
    url,
    jobs,
    cancel: (id: string) => ask(`/api/jobs/${id}/cancel`, 'POST'),
    show: async (id: string) => (await ask(`/api/jobs/${id}`)) as JobDetail,
    /** The job of a push, when it is like that. */
    job: (sha: string, status: string) =>
      until(`the job of ${sha} is ${status}`, async () => {
        const found = (await jobs()).filter((job) => job.job_type !== 'settle' && job.status === status)
        for (const { id } of found) {
          const job = (await ask(`/api/jobs/${id}`)) as JobDetail
          if (job.outputs.some(({ body }) => body.commit === sha)) return job
        }
        return null
      }),
    /** All that settle others are done. */
    settled: (count: number) =>
      until(`${count} are settled`, async () => {
        const those = (await jobs()).filter((job) => job.job_type === 'settle' && job.status === 'completed')
        return those.length === count && those
      }),
  }
}

async function read(path: string) {
  const headers = { authorization: `Bearer ${github.addToken({ login: 'acme' })}` }
  return (await fetch(`${github.apiUrl}/repos/acme/shop/${path}`, { headers })).json() as Promise<unknown>
}

/** What GitHub shows of a commit: its checks, and the statuses of its deployments, newest first. */
async function shown(sha: string) {
  const { check_runs: checks } = (await read(`commits/${sha}/check-runs`)) as {
    check_runs: { status: string; conclusion: string | null; output: { title: string; summary: string } }[]
  }
  const deployments = (await read(`deployments?ref=${sha}`)) as { id: number }[]
  const statuses = deployments.map(async ({ id }) => {
    const all = (await read(`deployments/${id}/statuses`)) as { state: string; description: string }[]
    return all.map(({ state, description }) => `${state}: ${description}`)
  })
  return {
    checks: checks.map(({ status, conclusion, output }) => [conclusion ?? status, output.title, output.summary]),
    deployments: await Promise.all(statuses),
  }
}

function push(branch: string) {
  return shop.commit({ message: `Change ${Math.random()}`, branch, files: { 'a.txt': branch } })
}

test('a check and a deployment are settled when the job completes, fails or is superseded, and a staged job writes nothing', async () => {
  const one = await serve()
  await shop.addWebhook({ url: `${one.url}/webhook/github`, secret: SECRET })
  const quick = await push('quick')
  expect(await one.job(quick, 'completed')).toMatchObject({ result: { created: true } })
  expect(await shown(quick)).toMatchObject({
    checks: [['success', 'Done', expect.stringMatching(/^See http/)]],
    deployments: [['success: ', 'in_progress: Working']],
  })

  const fails = await push('fails')
  await one.job(fails, 'failed')
  await one.settled(1)
  expect(await shown(fails)).toEqual({
    checks: [['cancelled', 'Ended', expect.stringContaining('It broke at')]],
    deployments: [[expect.stringMatching(/^error: It broke at/), 'in_progress: Working']],
  })

  const older = await push('main')
  await one.job(older, 'waiting')
  const newer = await push('main')
  await one.job(older, 'cancelled')
  await one.job(newer, 'waiting')
  await one.settled(2)
  expect(await shown(older)).toEqual({
    checks: [['cancelled', 'Ended', expect.stringContaining('Superseded by job')]],
    deployments: [[expect.stringMatching(/^error: Superseded by job/), 'in_progress: Working']],
  })
  expect(await shown(newer)).toEqual({
    checks: [['in_progress', 'Working', '']],
    deployments: [['in_progress: Working']],
  })

  const staged = await push('staged')
  const { id } = await one.job(staged, 'waiting')
  await one.cancel(id)
  await one.settled(3)
  expect(await shown(staged)).toEqual({ checks: [], deployments: [] })
  expect((await one.show(id)).outputs.map(({ status }) => status)).toEqual([
    'staged',
    'staged',
    'otherwise',
    'otherwise',
  ])
})

test('over kill -9, before and after the job ends, each is written once', async () => {
  const first = await serve()
  await shop.addWebhook({ url: `${first.url}/webhook/github`, secret: SECRET })
  // Killed while GitHub has the first write and the service not its answer.
  const sha = await shop.commit({ message: 'Change', branch: 'main', files: { 'a.txt': 'b' } })
  await until('the check is there', async () => (await shown(sha)).checks.length === 1)
  await first.server.kill('SIGKILL')

  const second = await serve()
  const { id } = await second.job(sha, 'waiting')
  expect(await shown(sha)).toEqual({
    checks: [['in_progress', 'Working', '']],
    deployments: [['in_progress: Working']],
  })
  // Killed as soon as it has ended.
  await second.cancel(id)
  await second.server.kill('SIGKILL')

  const third = await serve()
  await third.settled(1)
  expect(await shown(sha)).toEqual({
    checks: [['cancelled', 'Ended', 'Cancelled by hand.']],
    deployments: [['error: Cancelled by hand.', 'in_progress: Working']],
  })
  expect(await third.show(id)).toMatchObject({ status: 'cancelled' })
})
