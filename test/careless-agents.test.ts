// A careless agent costs its own attempt and nothing else: each way of dying, in a real server,
// beside an agent that does its work.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Running } from './process.ts'
import { run } from './process.ts'
import { TOKEN, until } from './signalbox.ts'

// Each attempt may start a process.
const AGENTS = {
  forgets: `async () => { void Promise.reject(new Error('nobody waits for this')); await never() }`,
  timer: `async () => { setTimeout(() => { throw new Error('in a timer') }, 1); await never() }`,
  exits: `async () => process.exit(3)`,
  loops: `async () => { for (;;) Math.random() }`,
  eats: `async () => { const kept = []; for (;;) kept.push(Array.from({ length: 100_000 }, () => ({}))) }`,
  dies: `async () => { process.kill(process.pid, 'SIGBUS'); await never() }`,
  sends: `async () => { process.send('ready'); process.send({ answer: 1, thrown: null }); await never() }`,
  environment: `async () => ({ result: process.env })`,
  healthy: `async ({ step, workspace, forge }) => {
    const folder = await step('folder', () => workspace())
    await new Promise((resolve) => setTimeout(resolve, 3000))
    return { result: { folder, readsForge: forge !== null } }
  }`,
}
type Name = keyof typeof AGENTS

let folder: string
let server: Running
let url: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-careless-'))
  // Root's PostgreSQL runs as somebody else, who must be able to get in.
  await chmod(folder, 0o711)
  const agents = Object.entries(AGENTS).map(([name, source]) => `agent('${name}', ${source})`)
  await writeFile(
    join(folder, 'signalbox.config.mjs'),
    `import { defineAgent, defineConfig, z } from 'signalbox'
     const agent = (name, run) => defineAgent({ name, description: 'For a test.', input: z.unknown(), run })
     const never = () => new Promise((resolve) => setTimeout(resolve, 2 ** 30))
     process.on('SIGUSR2', () => void Promise.reject(new Error('in the service, nobody waits')))
     process.on('SIGWINCH', () => setTimeout(() => { throw new Error('in the service, in a timer') }))
     const rules = [{ name: 'unused', on: 'push', agent: 'healthy' }]
     export default defineConfig({ rules, agents: [${agents.join(', ')}] })`,
  )
  server = run(['serve', '--host', '127.0.0.1'], {
    cwd: folder,
    env: {
      PORT: '0',
      SIGNALBOX_API_TOKEN: TOKEN,
      GITHUB_TOKEN: 'ghp_of_the_server',
      GITHUB_WEBHOOK_SECRET: 'a-secret-of-32-characters-or-so!',
      OWN_SETTING: 'kept',
      MAX_CONCURRENT_JOBS: '10',
      AGENT_MEMORY_MB: '64',
    },
  })
  url = (await server.prints(/http:\/\/127\.0\.0\.1:\d+/))[0]
})
afterAll(async () => {
  await server.kill('SIGTERM')
  await rm(folder, { recursive: true, force: true, maxRetries: 10 })
})

async function api(path: string, body?: unknown): Promise<Response> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
  return fetch(
    `${url}${path}`,
    body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) },
  )
}

async function start(agent: Name): Promise<string> {
  const answer = (await (await api('/webhook/manual', { job_type: agent })).json()) as { job_created: string }
  return answer.job_created
}

type Job = {
  status: string
  attempt: number
  result: unknown
  attempts: { attempt: number; outcome: string | null; error: string | null }[]
}

async function jobOf(id: string): Promise<Job> {
  return (await (await api(`/api/jobs/${id}`)).json()) as Job
}

function ended(id: string): Promise<Job> {
  return until(
    `job ${id} has ended`,
    async () => {
      const job = await jobOf(id)
      return ['completed', 'failed', 'cancelled'].includes(job.status) && job
    },
    60_000,
  )
}

/** The error of a job's first attempt. */
function firstError(id: string): Promise<string | null> {
  const find = async () => (await jobOf(id)).attempts.find(({ attempt, outcome }) => attempt === 1 && outcome !== null)
  return until(`job ${id} has ended an attempt`, find).then(({ error }) => error)
}

test('every way of dying ends its own attempt with the reason, and the neighbour completes its first', async () => {
  const neighbour = await start('healthy')
  const names = ['forgets', 'timer', 'exits', 'eats', 'dies', 'sends'] as const
  const ids = await Promise.all(names.map(start))
  expect(await Promise.all(ids.map(firstError))).toEqual([
    'The attempt was ended by an unhandled rejection: nobody waits for this',
    'The attempt was ended by an uncaught exception: in a timer',
    'The agent ended its process with exit code 3.',
    'The agent was out of memory (limit 64 MB, set by AGENT_MEMORY_MB).',
    "The agent's process was ended by SIGBUS.",
    'What the agent threw cannot be read.',
  ])
  expect(await ended(neighbour)).toMatchObject({ status: 'completed', attempt: 1, result: { readsForge: true } })
})

test('an agent that loops without end is cancelled, while the server answers', async () => {
  const loop = await start('loops')
  await until('it runs', async () => (await jobOf(loop)).status === 'running')
  const neighbour = await start('healthy')
  expect((await api(`/api/jobs/${loop}/cancel`, {})).status).toBe(200)
  expect(await ended(neighbour)).toMatchObject({ status: 'completed', attempt: 1 })
  expect((await fetch(`${url}/health`)).status).toBe(200)
  expect(await ended(loop)).toMatchObject({ status: 'cancelled' })
})

test('an agent sees the environment without the credentials of the server', async () => {
  const { result } = await ended(await start('environment'))
  expect(result).toMatchObject({ OWN_SETTING: 'kept', MAX_CONCURRENT_JOBS: '10' })
  expect(JSON.stringify(result)).not.toMatch(/ghp_of_the_server|a-secret-of-32|an-api-token/)
})

test('a rejection that nobody handles in the service itself is logged, and the service goes on', async () => {
  server.child.kill('SIGUSR2')
  await server.prints(/in the service, nobody waits/)
  expect(await ended(await start('healthy'))).toMatchObject({ status: 'completed', attempt: 1 })
})

// The last, because it ends the server.
test('an uncaught exception in the service lets running jobs end before it exits', async () => {
  const running = await start('healthy')
  await until('it runs', async () => (await jobOf(running)).status === 'running')
  server.child.kill('SIGWINCH')
  expect(await server.exited).toBe(70)
  expect(server.output()).toContain('in the service, in a timer')
  server = run(['serve', '--host', '127.0.0.1'], { cwd: folder, env: { PORT: '0', SIGNALBOX_API_TOKEN: TOKEN } })
  url = (await server.prints(/http:\/\/127\.0\.0\.1:\d+/))[0]
  expect(await jobOf(running)).toMatchObject({ status: 'completed', attempt: 1 })
})
