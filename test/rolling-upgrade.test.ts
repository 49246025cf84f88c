// A new version takes over from an old one on the same database, with a migration between them,
// while jobs run: none is lost, and none is done twice.
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database } from '../src/db/database.ts'
import { openTestDatabase } from './database.ts'
import { ENCRYPTION_KEY } from './keys.ts'
import { run } from './process.ts'
import { TOKEN, until } from './signalbox.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MIGRATION = '9999-adds-a-column.sql'

let folder: string
let database: Database
let closing: (() => Promise<unknown>)[]
beforeEach(async () => {
  closing = []
  folder = await mkdtemp(join(tmpdir(), 'signalbox-upgrade-'))
  database = await openTestDatabase()
})
afterEach(async () => {
  for (const close of closing.reverse()) await close()
  await database.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 10 })
})

/** The program as it will be: another version, with one migration more. */
async function newerProgram(): Promise<string> {
  const root = join(folder, 'newer')
  for (const name of ['src', 'migrations', 'bin']) await cp(join(ROOT, name), join(root, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  const description = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  await writeFile(join(root, 'package.json'), JSON.stringify({ ...description, version: '99.0.0' }))
  const { rows } = await database.query<{ newest: string }>('select max(name) as newest from signalbox.migrations')
  const sql =
    'alter table signalbox.jobs add column colour text; alter table signalbox.deliveries add column colour text'
  await writeFile(join(root, 'migrations', MIGRATION), `-- Colours.\n-- Works with: ${rows[0]?.newest}\n${sql};\n`)
  return join(root, 'bin/signalbox')
}

async function writeConfig(journal: string): Promise<void> {
  await writeFile(
    join(folder, 'signalbox.config.mjs'),
    `import { setTimeout as wait } from 'node:timers/promises'
     import { appendFileSync } from 'node:fs'
     import { defineAgent, defineConfig, z } from 'signalbox'
     export default defineConfig({ agents: [defineAgent({
       name: 'nap', description: 'For a test.', input: z.unknown(),
       async run({ job }) {
         await wait(50 + Math.random() * 200)
         appendFileSync(${JSON.stringify(journal)}, job.id + '\\n')
         return {}
       },
     })] })`,
  )
}

async function serve(command?: string) {
  const env = {
    DATABASE_URL: database.url,
    PORT: '0',
    SIGNALBOX_API_TOKEN: TOKEN,
    SIGNALBOX_ENCRYPTION_KEY: ENCRYPTION_KEY,
    MAX_CONCURRENT_JOBS: '4',
  }
  const server = run(['serve', '--host', '127.0.0.1'], { cwd: folder, env, ...(command ? { command } : {}) })
  closing.push(() => server.kill('SIGKILL'))
  const [url] = await server.prints(/http:\/\/127\.0\.0\.1:\d+/)
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
  const post = (path: string, body: object) =>
    fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return { server, post }
}

test('the old version goes on beside the new one, and drains when it is asked to', { timeout: 120_000 }, async () => {
  const journal = join(folder, 'journal')
  await writeConfig(journal)
  const command = await newerProgram()
  const old = await serve()
  let current = old
  let isOver = false
  let accepted = 0
  const sending = (async () => {
    while (!isOver) {
      // A sender repeats what nobody has acknowledged.
      const isAccepted = await current.post('/webhook/manual', { job_type: 'nap' }).then(
        ({ ok }) => ok,
        () => false,
      )
      if (isAccepted) accepted++
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  const ended = async () => (await database.query(`select from signalbox.jobs where status = 'completed'`)).rowCount
  const goneOn = async (what: string) => {
    const before = await ended()
    await until(what, async () => (await ended()) > before + 10)
  }
  await goneOn('the old version works')
  const next = await serve(command)
  expect(next.server.output()).toContain(MIGRATION)
  expect(next.server.output()).toMatch(
    /Live nodes run different versions of the program: \d+\.\d+\.\d+ \(.*99\.0\.0 \(/,
  )
  await goneOn('both versions work')
  const works = `select from signalbox.nodes where status <> 'stopped' and heartbeat_at > now() - interval '25 s'`
  await until('the old one works on the new tables', async () => (await database.query(works)).rowCount === 2)
  expect(old.server.output()).not.toContain('cannot be read')
  current = next
  const drained = await next.post('/api/nodes/drain-older', {})
  expect(((await drained.json()) as { items: unknown[] }).items).toHaveLength(1)
  expect(await old.server.exited).toBe(0)
  await goneOn('the new version works alone')
  isOver = true
  await sending
  await until('all jobs have ended', async () => (await ended()) === accepted)
  const done = (await readFile(journal, 'utf8')).trim().split('\n')
  expect([done.length, new Set(done).size]).toEqual([accepted, accepted])
  const { rows } = await database.query(
    `select outcome, count(distinct owner)::int as nodes from signalbox.job_attempts group by outcome`,
  )
  expect(rows).toEqual([{ outcome: 'completed', nodes: 2 }])
})
