// A job that waits is rows alone: it survives that every process is killed.
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { JobDetail } from '../src/jobs/wire.ts'
import type { Running } from './process.ts'
import { isAlive, run } from './process.ts'
import { TOKEN, until } from './signalbox.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-waiting-'))
  // Root's PostgreSQL runs as somebody else, who must be able to get in.
  await chmod(folder, 0o711)
  await writeFile(
    join(folder, 'signalbox.config.mjs'),
    `import { defineAgent, defineConfig, z } from 'signalbox'
     import { appendFileSync } from 'node:fs'
     const waits = defineAgent({
       name: 'waits',
       description: 'For a test.',
       input: z.unknown(),
       async run({ step, sleep, approval, waitFor }) {
         const pid = await step('once', () => { appendFileSync(${JSON.stringify(join(folder, 'steps'))}, 'x'); return process.pid })
         await sleep('a moment', 100)
         const { approved, by } = await approval('ship', { reason: 'Ship it' })
         const never = await waitFor('never', { event: 'nothing', timeoutMs: 100 })
         return { result: { approved, by, never, pid } }
       },
     })
     export default defineConfig({ agents: [waits] })`,
  )
})
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }))

async function serve(): Promise<{ server: Running; ask(path: string, body?: object): Promise<Response> }> {
  const server = run(['serve', '--host', '127.0.0.1'], {
    cwd: folder,
    env: { PORT: '0', SIGNALBOX_API_TOKEN: TOKEN, TMPDIR: folder },
  })
  const [url] = await server.prints(/http:\/\/127\.0\.0\.1:\d+/)
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
  return {
    server,
    ask: (path, body) =>
      fetch(
        `${url}${path}`,
        body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) },
      ),
  }
}

test('a job in a child process waits over kill -9 of all processes, and goes on where it was', async () => {
  const first = await serve()
  expect((await first.ask('/webhook/manual', { job_type: 'waits' })).ok).toBe(true)
  const { items } = (await (await first.ask('/api/jobs')).json()) as { items: { id: string }[] }
  const id = items[0]?.id
  const show = async (one: typeof first) => (await (await one.ask(`/api/jobs/${id}`)).json()) as JobDetail
  const waiting = await until('it waits for approval', async () => {
    const job = await show(first)
    return job.status === 'waiting' && job.waits.some(({ kind }) => kind === 'approval') && job
  })
  expect(waiting.waits_for).toMatch(/^Approval of "ship": Ship it, since /)
  await first.server.kill('SIGKILL')
  const pid = Number(waiting.steps[0]?.result)
  await until('its child has ended', async () => !isAlive(pid))

  const second = await serve()
  expect(await show(second)).toMatchObject({ status: 'waiting', attempt: waiting.attempt, losses: 0, failures: 0 })
  expect((await second.ask(`/api/jobs/${id}/approve`, { by: 'ops' })).status).toBe(200)
  const done = await until('it has ended', async () => {
    const job = await show(second)
    return job.status === 'completed' && job
  })
  expect(done).toMatchObject({ losses: 0, failures: 0, result: { approved: true, by: 'ops', never: null, pid } })
  // A wait whose time is up before it has begun, as on a busy machine, ends no attempt.
  const outcomes = done.attempts.map(({ outcome }) => outcome)
  expect(new Set(outcomes.slice(0, -1))).toEqual(new Set(['waiting']))
  expect(outcomes.at(-1)).toBe('completed')
  expect(await readFile(join(folder, 'steps'), 'utf8')).toBe('x')
  await second.server.kill('SIGTERM')
})
