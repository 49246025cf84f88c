// A server that is killed by SIGKILL at each point where it stores what became of a commit that
// Agenta reports, or of a file that has drifted: there is one deployment, one event, one comment.
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database } from '../src/db/database.ts'
import { openTestDatabase } from './database.ts'
import { commitRequest, idOf } from './fake-agenta/commit.ts'
import type { FakeAgenta } from './fake-agenta/fake-agenta.ts'
import { openFakeAgenta } from './fake-agenta/fake-agenta.ts'
import { openTestFolder } from './folder.ts'
import type { Running } from './process.ts'
import { run } from './process.ts'
import { SECRET, TOKEN, until } from './signalbox.ts'

const PROJECT = '01961234-bbbb-7abc-9def-123456789abc'
const ENVIRONMENT = '019c2b74-d84f-7cf2-aff0-e45e116e26cb'
const APP = '019c2b74-d8b7-74e7-9f16-6a6a2c9cd111'
const VARIANT = '019c2b74-d8df-7f57-bb13-5e8c0c3f5222'
const FILE = 'deployments/bot/production.json'

/** Holds up the server before it stores something for the nth time. */
const POINTS = `
create table public.kill (at bigint);
create sequence public.points;
create function public.kill_point() returns trigger language plpgsql as $$
begin
  if nextval('public.points') = (select at from public.kill) then perform pg_sleep(600); end if;
  return new;
end $$;
create trigger kill before insert on signalbox.job_steps for each row execute function public.kill_point();
create trigger kill before insert or update on signalbox.outputs for each row execute function public.kill_point();
create trigger kill before insert on signalbox.deployments for each row execute function public.kill_point();
create trigger kill before insert on signalbox.job_attempts for each row execute function public.kill_point();
create trigger kill before insert on signalbox.events for each row
  when (new.type in ('environment.deployed', 'deployment.drifted')) execute function public.kill_point();
`

let agenta: FakeAgenta
let github: FakeGithub
let shop: RepositoryHandle
let database: Database
let port: number
let token: string
let folder: string
let server: Running
beforeEach(async () => {
  folder = await openTestFolder()
  // The same after a restart; none of those that the system gives to clients.
  port = 20_000 + Math.floor(Math.random() * 10_000)
  agenta = await openFakeAgenta()
  github = await openFakeGithub()
  shop = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'README.md': '# Shop\n' } })
  token = github.addToken({ login: 'acme' })
  database = await openTestDatabase()
  await database.query(POINTS)
})
afterEach(async () => {
  await server.kill('SIGTERM')
  agenta.close()
  await github.close()
  await database.close()
})

async function start(): Promise<void> {
  server = run(['serve', '--host', '127.0.0.1'], {
    cwd: folder,
    env: {
      PORT: String(port),
      DATABASE_URL: database.url,
      GITHUB_WEBHOOK_SECRET: SECRET,
      AGENTA_WEBHOOK_SECRET: SECRET,
      SIGNALBOX_API_TOKEN: TOKEN,
      GITHUB_TOKEN: token,
      GITHUB_API_URL: github.apiUrl,
      GITHUB_REPO: 'acme/shop',
      AGENTA_API_URL: agenta.url,
      AGENTA_API_KEY: agenta.key,
      TMPDIR: folder,
    },
  })
  await server.prints(/http:\/\/127\.0\.0\.1:\d+/)
}

function url(path: string): string {
  return `http://127.0.0.1:${port}${path}`
}

async function count(from: string): Promise<number | undefined> {
  return (await database.query<{ n: number }>(`select count(*)::int as n from ${from}`)).rows[0]?.n
}

async function ended(): Promise<void> {
  await github.settled()
  await until('every job has ended', async () => (await count('signalbox.jobs where finished_at is null')) === 0)
  await github.settled()
}

/** Does it, and kills the server at that point of what follows; `meanwhile` it is away. */
async function killedAt(point: number, act: () => Promise<unknown>, meanwhile = () => {}): Promise<void> {
  await database.query(`select setval('public.points', 1, false)`)
  await database.query('insert into public.kill values ($1)', [point])
  await act()
  const asleep = `select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`
  await until(`it is held up at ${point}`, async () => (await database.query(asleep)).rows.length > 0)
  await database.query('delete from public.kill')
  await server.kill('SIGKILL')
  await database.query(`select pg_terminate_backend(pid) from (${asleep}) as asleep`)
  // Its lease is over.
  await database.query(`update signalbox.jobs set available_at = now() where status = 'running'`)
  meanwhile()
  await start()
  await ended()
}

/** How many points there are in what follows. */
async function pointsOf(act: () => Promise<unknown>): Promise<number> {
  await database.query(`select setval('public.points', 1, false)`)
  await act()
  await ended()
  return (await database.query<{ n: number }>('select last_value::int as n from public.points')).rows[0]?.n ?? 0
}

/** Sends the commit of an environment's version, of the same version of an application. */
async function committed(version: number): Promise<void> {
  const about = { id: idOf(APP, version), version: String(version), message: `Version ${version}` }
  const data = { parameters: { temperature: version } }
  agenta.revisions.set(about.id, { ...about, application_id: APP, application_variant_id: VARIANT, data })
  const after = { application: { id: APP }, application_variant: { id: VARIANT }, application_revision: about }
  const environment_revision = { id: idOf(ENVIRONMENT, version), version: String(version) }
  const references = { environment: { id: ENVIRONMENT, slug: 'production' }, environment_revision }
  const attributes = { references, diff: { updated: { 'bot.revision': { old: {}, new: after } } } }
  const request = commitRequest({ id: idOf(PROJECT, version), project: PROJECT, attributes })
  expect((await fetch(url('/webhook/agenta'), request)).status).toBe(200)
}

test('a commit of Agenta is one deployment, event and pull request, wherever the server is killed', async () => {
  const slugs = ['bot', 'renamed']
  agenta.applications.set(APP, { id: APP, slug: 'bot' })
  agenta.variants.set(VARIANT, { id: VARIANT, slug: 'v' })
  await start()
  const points = await pointsOf(() => committed(1))
  expect(points).toBeGreaterThan(5)
  for (let point = 1; point <= points; point++) {
    const version = point + 1
    // Its name is another one when it is asked for again.
    await killedAt(
      point,
      () => committed(version),
      () => void agenta.applications.set(APP, { id: APP, slug: slugs[point % 2] ?? '' }),
    )
    const made = `signalbox.deployments where revision = ${version}`
    const failed = await database.query(`select type, status, error from signalbox.jobs where status <> 'completed'`)
    expect(failed.rows, `point ${point}`).toEqual([])
    expect(await count(made), `point ${point}`).toBe(1)
    expect(await count(`signalbox.events where id in (select event_id from ${made})`)).toBe(1)
    expect(await count(`signalbox.events where type = 'environment.deployed'`)).toBe(version)
  }
  const bodies = (await shop.pulls('all')).map(({ body }) => body ?? '')
  expect(bodies.filter((body) => body.includes(`Version ${points + 1}`))).toHaveLength(1)
}, 300_000)

test('a file that has drifted is one event and one comment, wherever the server is killed', async () => {
  await start()
  await shop.addWebhook({ url: url('/webhook/github'), secret: SECRET })
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
  const request = {
    project_id: 'p',
    app_name: 'bot',
    variant_name: 'v',
    environment: 'production',
    deployed_by: 'jane',
  }
  const body = JSON.stringify({ ...request, config: { a: 0 } })
  expect((await fetch(url('/api/deployments'), { method: 'POST', headers, body })).status).toBe(201)
  const pull = await until('its pull request is there', async () => (await shop.pulls())[0])
  await ended()
  await shop.mergePullRequest(pull.number, 'acme')
  await ended()
  const file = JSON.parse((await shop.readFile('main', FILE)) ?? '')
  const edit = (a: number) =>
    shop.commit({ message: 'By hand', files: { [FILE]: JSON.stringify({ ...file, config: { a } }) } })
  const points = await pointsOf(() => edit(1))
  expect(points).toBeGreaterThan(3)
  for (let point = 1; point <= points; point++) {
    let sha = ''
    await killedAt(point, async () => {
      sha = await edit(point + 1)
    })
    expect(await count(`signalbox.events where type = 'deployment.drifted'`), `point ${point}`).toBe(point + 1)
    const bodies = (await shop.commitComments(sha)).map((comment) => comment.body)
    const reports = bodies.filter((each) => each.includes('than was deployed last'))
    expect(reports, bodies.join('\n---\n')).toHaveLength(1)
  }
}, 300_000)
