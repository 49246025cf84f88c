// A server that is killed by SIGKILL at each of the points where it stores what a deployment has
// done, several deployments at once, each held up at another point: whatever was done and not yet
// stored, GitHub has one deployment with its statuses once, and the program is run at most once.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database } from '../src/db/database.ts'
import { openDatabase } from '../src/db/postgres.ts'
import { silentLog } from '../src/lib/log.ts'
import { openScript, shownDeployments } from './deploy-stage.ts'
import { githubHeaders } from './fixtures/signed.ts'
import type { Running } from './process.ts'
import { run } from './process.ts'
import { SECRET, TOKEN, until } from './signalbox.ts'

let folder: string
let github: FakeGithub
let token: string
let running: Running[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-deploy-'))
  // Root's PostgreSQL runs as somebody else, who must be able to get in.
  await chmod(folder, 0o711)
  github = await openFakeGithub()
  token = github.addToken({ login: 'acme' })
})
afterEach(async () => {
  for (const server of running) await server.kill('SIGTERM')
  running = []
  await github.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 10 })
})

type Started = { server: Running; url: string; database: Database }

async function start(): Promise<Started> {
  const server = run(['serve', '--host', '127.0.0.1'], {
    cwd: folder,
    env: {
      PORT: '0',
      GITHUB_WEBHOOK_SECRET: SECRET,
      SIGNALBOX_API_TOKEN: TOKEN,
      GITHUB_TOKEN: token,
      GITHUB_API_URL: github.apiUrl,
      SIGNALBOX_ISOLATION: 'none',
      MAX_CONCURRENT_JOBS: String(AT_ONCE),
      TMPDIR: folder,
    },
  })
  running.push(server)
  const [url] = await server.prints(/http:\/\/127\.0\.0\.1:\d+/)
  const databaseUrl = (await run(['db', 'url'], { cwd: folder }).prints(/postgres\S+/))[0]
  return { server, url, database: await openDatabase({ url: databaseUrl, log: silentLog }) }
}

// As many at once as leave a connection for the others.
const AT_ONCE = 8

/** Holds up a job of `held` before the server stores for the nth time what it has done. */
const POINTS = `
create table public.held (group_key text primary key, at int not null);
create table public.points (job_id uuid primary key, reached int not null);
create function public.hold() returns trigger language plpgsql as $$
declare
  of_job text := (select group_key from signalbox.jobs where id = new.job_id);
  now_at int;
begin
  insert into public.points values (new.job_id, 1)
  on conflict (job_id) do update set reached = points.reached + 1 returning reached into now_at;
  if exists (select from public.held where group_key = of_job and at = now_at) then perform pg_sleep(600); end if;
  return new;
end $$;
create trigger hold before insert on signalbox.job_steps for each row execute function public.hold();
create trigger hold before insert or update on signalbox.outputs for each row execute function public.hold();
grant all on public.held, public.points to public;
`

/** A repository that has had a release, which is live. */
async function openShop({ url }: Started, name: string): Promise<RepositoryHandle> {
  const shop = await github.addRepository({ owner: 'acme', name, files: { 'a.txt': 'a' } })
  await publish(url, shop, name, 'v0')
  return shop
}

async function publish(url: string, shop: RepositoryHandle, name: string, tag: string): Promise<string> {
  const sha = await shop.commit({ message: tag, files: { 'a.txt': tag } })
  await shop.publishRelease({ tag })
  const payload = {
    action: 'published',
    release: { tag_name: tag, published_at: new Date().toISOString(), prerelease: false, author: { login: 'acme' } },
    repository: { full_name: `acme/${name}` },
    sender: { login: 'acme', type: 'User' },
  }
  const body = Buffer.from(JSON.stringify(payload))
  const changes = { 'x-github-event': 'release', 'x-github-delivery': `delivery-${name}-${tag}` }
  const headers = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() }, changes)
  // Twice, as GitHub may.
  for (const _ of [1, 2])
    expect((await fetch(`${url}/webhook/github`, { method: 'POST', headers, body })).ok).toBe(true)
  return sha
}

async function settled({ database }: Started): Promise<void> {
  const open = 'select from signalbox.jobs where finished_at is null limit 1'
  await until('every job has ended', async () => (await database.query(open)).rows.length === 0, 60_000)
}

test('at whatever point it is killed, the program is run once, and each status is there once', async () => {
  const program = await openScript()
  const config = `import { defineConfig, deploy, defaultRules } from 'signalbox'
export default defineConfig({
  agents: [deploy({ environments: { production: { run: [${JSON.stringify(program.script)}] } } })],
  rules: [...defaultRules],
})`
  await writeFile(join(folder, 'signalbox.config.mjs'), config)
  let current = await start()
  await current.database.query(POINTS)
  const counted = await openShop(current, 'counted')
  await settled(current)
  await publish(current.url, counted, 'counted', 'v1')
  await settled(current)
  const { rows } = await current.database.query<{ n: number }>('select max(reached) as n from public.points')
  const points = rows[0]?.n ?? 0
  expect(points).toBeGreaterThan(12)
  const outcomes = new Set<string>()
  for (let first = 1; first <= points; first += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, points - first + 1) }, (_, i) => first + i)
    const shops = await Promise.all(batch.map((point) => openShop(current, `shop-${point}`)))
    await settled(current)
    const { database, server, url } = current
    const held = batch.map((point) => ({ group_key: `deploy:acme/shop-${point}:production`, at: point }))
    await database.query('insert into public.held select * from json_populate_recordset(null::public.held, $1)', [
      JSON.stringify(held),
    ])
    const shas = await Promise.all(shops.map((shop, i) => publish(url, shop, `shop-${batch[i]}`, 'v1')))
    const asleep = `select from pg_stat_activity where wait_event = 'PgSleep'`
    await until(`each is held up of ${batch}`, async () => (await database.query(asleep)).rows.length === batch.length)
    await database.query('delete from public.held')
    await server.kill('SIGKILL')
    await database.close().catch(() => {})
    current = await start()
    await settled(current)
    const ran = await program.ran()
    for (const [i, point] of batch.entries()) {
      const repository = `acme/shop-${point}`
      const [live, made, ...back] = await shownDeployments(github, token, repository)
      const runs = ran.filter((each) => each.repository === repository).map(({ kind }) => kind)
      expect([live?.states[2], runs.shift()]).toEqual(['success', 'deploy'])
      expect(made, `point ${point}`).toMatchObject({ sha: shas[i], version: 'v1' })
      const states = made?.states.join(' ') ?? ''
      outcomes.add(states)
      if (states === 'queued in_progress success') expect([runs, back]).toEqual([['deploy'], []])
      else {
        // The program was run, or was about to be, and its end is not known: it is not run again.
        expect(states, `point ${point}`).toBe('queued in_progress failure')
        expect(runs.filter((kind) => kind === 'deploy').length).toBeLessThanOrEqual(1)
        expect(back).toMatchObject([{ task: 'rollback', states: ['in_progress', 'success'] }])
      }
    }
  }
  expect([...outcomes].sort()).toEqual(['queued in_progress failure', 'queued in_progress success'])
  await current.database.close()
}, 600_000)
