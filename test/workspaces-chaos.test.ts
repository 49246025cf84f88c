// Fifty jobs over five repositories on four slots, in two processes that share their mirrors and
// are killed at random, with space for two mirrors.
import { createHash } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openFakeGithub } from '@signalbox/fake-github'
import { execa } from 'execa'
import { expect, onTestFinished, test } from 'vitest'
import { idFor } from '../src/lib/id.ts'
import { openTestDatabase } from './database.ts'
import { openTestFolder } from './folder.ts'
import type { Running } from './process.ts'
import { run } from './process.ts'
import { TOKEN, until } from './signalbox.ts'

const REPOSITORIES = 5
const JOBS = 50
const KILLS = 6
const BYTES_EACH = 1_200_000
const CAP_MB = 3

// Every file must be that of the commit, and Git must agree; some attempts stay for a while.
const CONFIG = `
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { defineAgent, defineConfig, z } from 'signalbox'

const reader = defineAgent({
  name: 'reader',
  description: 'For a test.',
  input: z.object({ repository: z.string(), ref: z.string(), text: z.string(), waitMs: z.number() }),
  async run({ checkout, input }) {
    const { folder } = await checkout({ repository: input.repository, ref: input.ref })
    await wait(input.waitMs)
    const text = await readFile(folder + '/text', 'utf8')
    if (text !== input.text) throw new Error('it has the files of another commit: ' + text)
    const git = (...args) => execFileSync('git', args, { cwd: folder, encoding: 'utf8', maxBuffer: 1e8 })
    if (git('status', '--short') !== '') throw new Error('its files are not those of the commit')
    git('log', '-p')
    return { result: text }
  },
})
export default defineConfig({ agents: [reader], rules: [{ name: 'r', on: 'never.sent', agent: 'reader', repositories: ['acme/*'], maxAttempts: 3 }] })
`

/** Text that compresses to so many bytes, the same at each run. */
function noise(bytes: number, of: string): string {
  return createHash('shake256', { outputLength: bytes }).update(of).digest('base64')
}

async function fsck(mirror: string) {
  const { stdout, stderr } = await execa('git', ['-C', mirror, 'fsck', '--full', '--strict', '--no-dangling'])
  // A mirror has branches and no branch of its own.
  return `${stdout}${stderr}`.replace('notice: HEAD points to an unborn branch (master)', '')
}

test('share mirrors without a clash, and leave neither a folder nor a broken mirror', async () => {
  const folder = await openTestFolder()
  const temporary = await openTestFolder()
  await writeFile(join(folder, 'signalbox.config.mjs'), CONFIG)
  const github = await openFakeGithub()
  onTestFinished(() => github.close())
  const commits: { repository: string; ref: string; text: string }[] = []
  for (let n = 0; n < REPOSITORIES; n++) {
    const big = noise(BYTES_EACH, `${n}`)
    const repo = await github.addRepository({ owner: 'acme', name: `shop-${n}`, private: true, files: { big } })
    for (const branch of ['main', 'topic', 'other']) {
      const text = `${n} ${branch}`
      const ref = await repo.commit({ message: text, files: { text }, branch })
      commits.push({ repository: repo.fullName, ref, text })
    }
  }
  const database = await openTestDatabase()
  const serve = async (): Promise<{ process: Running; url: string }> => {
    const process = run(['serve', '--host', '127.0.0.1'], {
      cwd: folder,
      env: {
        DATABASE_URL: database.url,
        PORT: '0',
        SIGNALBOX_API_TOKEN: TOKEN,
        GITHUB_TOKEN: github.addToken({ login: 'acme' }),
        GITHUB_API_URL: github.apiUrl,
        GIT_MIRRORS_MAX_MB: String(CAP_MB),
        MAX_CONCURRENT_JOBS: '2',
        TICK_INTERVAL_SECONDS: '1',
        TMPDIR: temporary,
      },
    })
    const [url] = await process.prints(/http:\/\/127\.0\.0\.1:\d+/)
    return { process, url: url ?? '' }
  }
  const servers = await Promise.all([serve(), serve()])
  onTestFinished(async () => {
    await Promise.all(servers.map(({ process }) => process.kill('SIGTERM')))
    await database.close()
  })
  for (let n = 0; n < JOBS; n++) {
    const commit = commits[(n * 7) % commits.length]
    const headers = {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      'idempotency-key': idFor('n', `${n}`),
    }
    const body = JSON.stringify({ job_type: 'reader', payload: { ...commit, waitMs: (n % 4) * 100 } })
    const answer = await fetch(`${servers[n % 2]?.url}/webhook/manual`, { method: 'POST', headers, body })
    expect(answer.status).toBe(200)
  }
  const count = async (where: string) => {
    const { rows } = await database.query<{ n: number }>(`select count(*)::int as n from signalbox.jobs where ${where}`)
    return rows[0]?.n ?? 0
  }
  for (let kill = 0; kill < KILLS; kill++) {
    const done = await count(`status = 'completed'`)
    await until(
      'a few more jobs are done',
      async () => (await count(`status = 'completed'`)) >= Math.min(done + 3, JOBS),
      60_000,
    )
    const at = Math.floor(Math.random() * 2)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 300))
    await servers[at]?.process.kill('SIGKILL')
    servers[at] = await serve()
    // In place of waiting until the leases of the killed process have ended.
    await database.query(`update signalbox.jobs set available_at = now() where status = 'running'`)
  }
  await until('all jobs have ended', async () => (await count(`status in ('completed', 'failed')`)) === JOBS, 120_000)
  const { rows: failed } = await database.query(
    `select j.status, a.outcome, a.error from signalbox.jobs j join signalbox.job_attempts a on a.job_id = j.id
     where a.outcome in ('failed', 'retried')`,
  )
  expect(failed).toEqual([])
  expect(await count(`status = 'completed'`)).toBe(JOBS)
  const owner = join(folder, '.signalbox/mirrors/github/acme')
  const mirrors = async () => (await readdir(owner)).map((name) => join(owner, name))
  await until('the mirrors fit', async () => (await mirrors()).length <= 2)
  await Promise.all(servers.map(({ process }) => process.kill('SIGTERM')))
  for (const mirror of await mirrors()) {
    expect(mirror).toMatch(/\.git$/)
    expect(await fsck(mirror)).toBe('')
    expect(await readdir(mirror)).not.toContain('worktrees')
  }
  // The last one to start swept what killed ones had left.
  const last = await serve()
  const left = async () => (await readdir(temporary)).filter((name) => name.startsWith('signalbox-job-'))
  await until('no worktree is left', async () => (await left()).length === 0)
  await last.process.kill('SIGTERM')
}, 300_000)
