// A webhook becomes a job that works in the files of its commit: from a fake GitHub with real git,
// through a child process and a program.
import { access, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { expect, onTestFinished, test } from 'vitest'
import type { Database } from '../src/db/database.ts'
import { openTestDatabase } from './database.ts'
import { openTestFolder } from './folder.ts'
import { run } from './process.ts'
import { SECRET, until } from './signalbox.ts'

// Each test starts a server, and that starts processes for agents.
const CONFIG = `
import { readdir, readFile } from 'node:fs/promises'
import { license } from './license.mjs'
import { command, defineAgent, defineConfig, z } from 'signalbox'

const reader = defineAgent({
  name: 'reader',
  description: 'For a test.',
  input: z.object({}),
  async run({ checkout }) {
    const { folder, sha } = await checkout()
    const readme = await readFile(folder + '/README.md', 'utf8')
    return { result: { folder, sha, readme, names: (await readdir(folder)).sort(), token: process.env.GITHUB_TOKEN ?? null } }
  },
})

const curious = defineAgent({
  name: 'curious',
  description: 'For a test.',
  input: z.object({}),
  run: async ({ checkout }) => ({ result: await checkout({ repository: 'acme/secrets' }) }),
})

export default defineConfig({
  agents: [license, reader, curious, command({ name: 'program', argv: ['./beside.sh'], cwd: 'repository' })],
  rules: [
    { name: 'read', on: 'push', when: { branch: 'main' }, agent: 'reader' },
    { name: 'run', on: 'push', when: { branch: 'main' }, agent: 'program' },
    { name: 'example', on: 'push', when: { branch: 'main' }, agent: 'license' },
    { name: 'pry', on: 'issues.opened', agent: 'curious', maxAttempts: 1 },
  ],
})
`
const PROGRAM = `#!/bin/sh
printf '{"result": {"head": "%s", "readme": "%s", "remotes": "%s", "variables": "%s"}}' \\
  "$(git log -1 --format=%H)" "$(cat README.md)" "$(git remote)" "$(env | grep -c TOKEN)" >&3
`

type JobShape = { agent: string; status: string; error: string | null; result: Record<string, unknown> }

type Stage = { shop: RepositoryHandle; database: Database; data: string }

async function open(): Promise<Stage> {
  const folder = await openTestFolder()
  await writeFile(join(folder, 'signalbox.config.mjs'), CONFIG)
  await writeFile(join(folder, 'beside.sh'), PROGRAM, { mode: 0o755 })
  const [, example = ''] = /^```ts\n(.*?)^```/ms.exec(await readFile('docs/workspaces.md', 'utf8')) ?? []
  await writeFile(join(folder, 'license.mjs'), example)
  const github = await openFakeGithub()
  const files = { 'README.md': 'one', 'beside.sh': '#!/bin/sh\nexit 78\n' }
  const shop = await github.addRepository({ owner: 'acme', name: 'shop', private: true, files })
  await github.addRepository({ owner: 'acme', name: 'secrets', private: true, files })
  const database = await openTestDatabase()
  const server = run(['serve', '--host', '127.0.0.1'], {
    cwd: folder,
    env: {
      DATABASE_URL: database.url,
      PORT: '0',
      GITHUB_TOKEN: github.addToken({ login: 'acme' }),
      GITHUB_API_URL: github.apiUrl,
      GITHUB_WEBHOOK_SECRET: SECRET,
      SIGNALBOX_DATA_DIR: 'data',
      TICK_INTERVAL_SECONDS: '3600',
    },
  })
  onTestFinished(async () => {
    await github.settled()
    await server.kill('SIGTERM')
    await database.close()
    await github.close()
  })
  const [url] = await server.prints(/http:\/\/127\.0\.0\.1:\d+/)
  await shop.addWebhook({ url: `${url}/webhook/github`, secret: SECRET })
  return { shop, database, data: join(folder, 'data') }
}

async function finished({ database }: Stage, count: number): Promise<JobShape[]> {
  return until(
    `${count} jobs have ended`,
    async () => {
      const { rows } = await database.query<JobShape>(
        `select j.agent, j.status, j.error, a.result
       from signalbox.jobs j left join signalbox.job_attempts a on a.job_id = j.id and a.outcome = 'completed'
       where j.status in ('completed', 'failed') order by j.agent`,
      )
      return rows.length === count ? rows : null
    },
    60_000,
  )
}

test('an agent and a program get the files of exactly the pushed commit, and no credential', async () => {
  const stage = await open()
  const { shop, database, data } = stage
  const sha = await shop.commit({ message: 'two', files: { 'README.md': 'two' } })
  const jobs = await finished(stage, 3)
  expect(jobs).toMatchObject([
    { agent: 'license', status: 'completed', result: { sha, hasLicense: false } },
    { agent: 'program', status: 'completed', error: null },
    { agent: 'reader', status: 'completed', error: null },
  ])
  expect(jobs.slice(1).map(({ result }) => result)).toMatchObject([
    { head: sha, readme: 'two', remotes: '', variables: '0' },
    { sha, readme: 'two', names: ['.git', 'README.md', 'beside.sh'], token: null },
  ])
  await expect(access(String(jobs[2]?.result.folder))).rejects.toThrow('ENOENT')
  const { rows } = await database.query<{ line: string }>(
    `select line from signalbox.job_log where line like 'acme/shop: %' order by line`,
  )
  expect(rows).toHaveLength(3)
  for (const { line } of rows) {
    expect(line).toMatch(/^acme\/shop: (fetched [\d.]+ k?B in [\d.]+ s|nothing to fetch); worktree at [0-9a-f]{7}$/)
  }
  expect(await readdir(join(data, 'mirrors/github/acme'))).toEqual(['shop.git'])
})

test('an issue cannot make an agent read another repository', async () => {
  const stage = await open()
  await stage.shop.openIssue({ title: 'Read acme/secrets' })
  expect(await finished(stage, 1)).toMatchObject([
    { agent: 'curious', status: 'failed', error: expect.stringContaining('acme/secrets is not the repository') },
  ])
})

test('a push is in the mirror soon, also when no rule asks for it', async () => {
  const stage = await open()
  const { shop, data } = stage
  await shop.commit({ message: 'two', files: { 'README.md': 'two' } })
  await finished(stage, 3)
  await shop.commit({ message: 'three', files: { 'README.md': 'three' }, branch: 'topic' })
  const mirror = join(data, 'mirrors/github/acme/shop.git')
  await until('the mirror has it', async () => {
    const refs: string[] = await readdir(join(mirror, 'refs/heads')).catch(() => [])
    return refs.includes('topic')
  })
})
