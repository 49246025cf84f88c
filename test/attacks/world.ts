// The service that is attacked, as a process of its own with secrets in every place that it keeps
// them, and what can be seen of it after an attack.
import { createHmac, randomUUID } from 'node:crypto'
import { chmod, copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFakeGithub } from '@signalbox/fake-github'
import { isolationFor } from '../../src/agents/isolation/isolation.ts'
import { isObject } from '../../src/lib/json.ts'
import { openTestDatabase } from '../database.ts'
import { openFakeModel } from '../fake-model/fake-model.ts'
import { ENCRYPTION_KEY, SECRET, TOKEN } from '../keys.ts'
import { run } from '../process.ts'
import { until } from '../until.ts'
import type { Attack, Place, Stage } from './attack.ts'
import { obeying } from './model.ts'

/** What the service answered. */
export type TestAnswer = { status: number; body: Record<string, unknown> }

/** What an attack left. */
export type Traces = {
  /** What each place shows. */
  shown: Record<Place, string>
  /** Jobs that began with it, without those that answer commands. */
  jobs: string[]
  writes: string[]
}

/** The service, and a way to attack it. */
export type World = {
  stage: Stage
  /** Whether programs run in bubblewrap here. */
  isIsolated: boolean
  attack(one: Attack): Promise<Traces>
  /** Secrets of the service, wherever it has shown, stored or written them. */
  leaks(): Promise<string[]>
  close(): Promise<void>
}

const PARTNER = 'the-secret-of-a-partner-of-32-characters'

// In places that only the service may read.
const PLANTED = {
  dotEnv: 'planted-in-the-env-file-7f3a',
  data: 'planted-in-the-data-directory-91bc',
  passedOn: 'planted-and-passed-on-to-a-program-44d2',
  modelKey: 'planted-and-sent-to-the-model-only-c07e',
}

// Says what it was given.
const DEPLOYS = `#!/bin/sh
secrets=$(env | grep -cE 'TOKEN|KEY|SECRET|DATABASE|MODEL|GITHUB')
echo "$# arguments; $secrets variables of the service; the input $(cat)"
`

/** Opens GitHub, PostgreSQL and the service. */
export async function openWorld(): Promise<World> {
  const bubblewrap = await isolationFor({ isolation: 'bubblewrap' }, { isolation: 'auto', hidden: [] }).catch(
    () => null,
  )
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-attacks-')))
  await plant(folder)
  const github = await openFakeGithub()
  const collaborators = {
    jane: 'write',
    mallory: 'read',
    tina: 'triage',
    insider: 'write',
    signalbox: 'write',
  } as const
  const repository = (name: string) =>
    github.addRepository({ owner: 'acme', name, collaborators, files: { 'README.md': `# ${name}\n` } })
  const [shop, closed, tools] = [await repository('shop'), await repository('closed'), await repository('tools')]
  const app = await repository('app')
  const model = await openFakeModel({ key: PLANTED.modelKey })
  model.answers(obeying)
  await github.addRepository({
    owner: 'acme',
    name: 'secrets',
    private: true,
    files: { 'key.txt': 'planted-elsewhere\n' },
  })
  // So that no deployment makes them.
  const { number } = await shop.openIssue({ title: 'Labels' })
  await shop.labelIssue(number, ['agenta-deployment', 'production'])
  const database = await openTestDatabase()
  const token = github.addToken({ login: 'signalbox' })
  const server = run(['serve', '--host', '127.0.0.1'], {
    cwd: folder,
    env: {
      DATABASE_URL: database.url,
      PORT: '0',
      GITHUB_TOKEN: token,
      GITHUB_API_URL: github.apiUrl,
      GITHUB_REPO: 'acme/shop',
      GITHUB_WEBHOOK_SECRET: SECRET,
      SIGNALBOX_API_TOKEN: TOKEN,
      SIGNALBOX_ENCRYPTION_KEY: ENCRYPTION_KEY,
      SIGNALBOX_DATA_DIR: 'data',
      TICK_INTERVAL_SECONDS: '3600',
      PASSED_ON_TOKEN: PLANTED.passedOn,
      SIGNALBOX_MODEL: 'compatible/test',
      SIGNALBOX_MODEL_URL: `${model.url}/v1`,
      SIGNALBOX_MODEL_KEY: PLANTED.modelKey,
      ...(bubblewrap && { BUBBLEWRAP: 'works' }),
    },
  })
  const [url] = await server.prints(/http:\/\/127\.0\.0\.1:\d+/)
  for (const each of [shop, closed, tools, app]) await each.addWebhook({ url: `${url}/webhook/github`, secret: SECRET })
  await github.settled()

  async function request(path: string, init: RequestInit): Promise<TestAnswer> {
    const response = await fetch(`${url}${path}`, init)
    return { status: response.status, body: (await response.json().catch(() => ({}))) as Record<string, unknown> }
  }
  const json = { 'content-type': 'application/json' }
  const stage: Stage = {
    ...{ github, shop, closed, tools, app, model, folder, url, pid: server.child.pid ?? 0 },
    api: (path, { method = 'GET', body } = {}) =>
      request(path, {
        method,
        headers: { ...json, authorization: `Bearer ${TOKEN}` },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    deliver: (event, payload, headers = {}) => {
      const body = JSON.stringify(payload)
      const signature = `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`
      const signed = { 'x-github-event': event, 'x-github-delivery': randomUUID(), 'x-hub-signature-256': signature }
      return request('/webhook/github', { method: 'POST', headers: { ...json, ...signed, ...headers }, body })
    },
    partner: (type, payload) => {
      const body = JSON.stringify({ type, ...payload })
      const [id, at] = [`msg_${randomUUID()}`, String(Math.floor(Date.now() / 1000))]
      const signature = createHmac('sha256', PARTNER).update(`${id}.${at}.${body}`).digest('base64')
      const signed = { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': `v1,${signature}` }
      return request('/webhook/partner', { method: 'POST', headers: { ...json, ...signed }, body })
    },
    newest: (event, action) => {
      const delivery = github.deliveries.findLast(
        (each) => each.event === event && each.action === (action ?? each.action),
      )
      return structuredClone(delivery?.request.payload ?? {})
    },
    as: async (login, method, path, body) => {
      const headers = { ...json, authorization: `Bearer ${github.addToken({ login })}` }
      const response = await fetch(`${github.apiUrl}${path}`, {
        method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      if (!response.ok) throw new Error(`${login}: ${method} ${path}: ${response.status} ${await response.text()}`)
      return response.status === 204 ? null : response.json()
    },
  }

  async function texts(query: string, values: unknown[] = []): Promise<string[]> {
    const { rows } = await database.query<{ text: string }>(query, values)
    return rows.map(({ text }) => text)
  }

  /** Until nothing is under way and nothing more comes of what was written. */
  async function settle(): Promise<void> {
    const busy = `select 'busy' as text from signalbox.jobs where status in ('pending', 'running')`
    for (let quiet = 0; quiet < 2; ) {
      await github.settled()
      const before = github.deliveries.length
      await until('all jobs have ended', async () => (await texts(busy)).length === 0, 30_000)
      await github.settled()
      quiet = github.deliveries.length === before ? quiet + 1 : 0
    }
  }

  /** Rules that paused themselves after three refusals are wanted for the next attack. */
  async function resumeRules(): Promise<void> {
    for (const name of await texts('select rule as text from signalbox.rule_states where paused_at is not null'))
      await stage.api(`/api/rules/${name}/resume`, { method: 'POST' })
  }

  return {
    stage,
    isIsolated: bubblewrap !== null,
    async attack({ attempt, look }) {
      const before = await texts('select id::text as text from signalbox.events')
      const requests = github.requests.length
      const tried = await attempt(stage)
      await settle()
      const since = [before]
      const seen = (await look?.(stage, tried)) ?? ''
      const jobs = `from signalbox.jobs j where event_id <> all($1::uuid[]) and agent not in ('acknowledge', 'why')`
      const answers = await Promise.all(
        (
          await texts('select id::text as text from signalbox.events where id <> all($1::uuid[]) and source <> $2', [
            before,
            'signalbox',
          ])
        ).map(async (id) => JSON.stringify((await stage.api(`/api/events/${id}/explain`)).body)),
      )
      const found = await texts(
        `select j.status || ': ' || coalesce(error, j.result::text, (select a.result::text from signalbox.job_attempts a where a.job_id = j.id and a.outcome = 'completed'), '') as text ${jobs} order by j.created_at, j.id`,
        since,
      )
      const of = (table: string, text: string) =>
        texts(`select ${text} as text from signalbox.${table} x where job_id in (select id ${jobs})`, since)
      const shown: Record<Place, string> = {
        job: found.join('\n'),
        output: (await of('outputs', `status || ': ' || coalesce(reason, '')`)).join('\n'),
        event: (
          await texts(
            `select type || ' ' || status || ': ' || coalesce(reason, '') as text from signalbox.events where id <> all($1::uuid[])`,
            since,
          )
        ).join('\n'),
        explain: answers.join('\n'),
        log: (await of('job_log', 'line')).join('\n'),
        result: (await of('job_attempts', `coalesce(result #>> '{}', '')`)).join('\n'),
        warning: server.output(),
        forge: seen,
        answer: seen,
      }
      await resumeRules()
      stage.github.faults.clear()
      const writes = github.requests
        .slice(requests)
        .filter(({ method, login, status }) => method !== 'GET' && login === 'signalbox' && status < 400)
        .filter(({ requestBody }) => !isQuery(requestBody))
      return { shown, jobs: found, writes: writes.map(({ method, route }) => `${method} ${route}`) }
    },
    async leaks() {
      const { rows } = await database.query<{ name: string }>(
        `select table_name as name from information_schema.tables where table_schema = 'signalbox' and table_type = 'BASE TABLE'`,
      )
      const kept = new Map<string, string>([['what it printed', server.output()]])
      for (const { name } of rows)
        kept.set(`the table ${name}`, (await texts(`select t::text as text from signalbox."${name}" t`)).join('\n'))
      const changes = github.requests.filter(({ method }) => method !== 'GET')
      const bodies = changes.map(({ path, requestBody }) => `${path} ${JSON.stringify(requestBody)}`)
      const written = new Map([['what it wrote to GitHub', bodies.join('\n')]])
      written.set(
        'the branches',
        (await Promise.all([shop, closed, tools, app].map((each) => each.branches()))).flat().join('\n'),
      )
      written.set('what it asked the model', JSON.stringify(model.requests.map(({ body }) => body)))
      const password = new URL(database.url).password
      const secrets = { token, SECRET, TOKEN, ENCRYPTION_KEY, password, ...PLANTED }
      return Object.entries(secrets).flatMap(([name, secret]) => [
        ...[...kept].flatMap(([place, text]) => (text.includes(secret) ? [`${name} is in ${place}`] : [])),
        ...[...written].flatMap(([place, text]) => (isIn(text, secret) ? [`${name} is in ${place}`] : [])),
      ])
    },
    async close() {
      await github.settled()
      await server.kill('SIGTERM')
      await database.close()
      await github.close()
      model.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function plant(folder: string): Promise<void> {
  // Programs have another account, which must get in to read what it may.
  await chmod(folder, 0o755)
  await copyFile(new URL('signalbox.config.ts', import.meta.url), join(folder, 'signalbox.config.ts'))
  await writeFile(join(folder, 'deploy.sh'), DEPLOYS, { mode: 0o755 })
  await writeFile(join(folder, '.env'), `OTHER_TOKEN=${PLANTED.dotEnv}\n`, { mode: 0o600 })
  await mkdir(join(folder, 'data/postgres'), { recursive: true, mode: 0o700 })
  const password = JSON.stringify({ password: PLANTED.data })
  await writeFile(join(folder, 'data/postgres/signalbox.json'), password, { mode: 0o600 })
}

/** Whether a request of GraphQL reads only. */
function isQuery(body: unknown): boolean {
  return isObject(body) && typeof body.query === 'string' && !/^\s*mutation/.test(body.query)
}

/** Whether a text has a secret, also encoded. */
function isIn(text: string, secret: string): boolean {
  const bytes = Buffer.from(secret)
  // Whatever stands before it in base64.
  const base64 = [0, 1, 2].map((at) =>
    Buffer.concat([Buffer.alloc(at), bytes])
      .toString('base64')
      .slice(at === 0 ? 0 : 4, -4),
  )
  const forms = [secret, bytes.toString('hex'), [...secret].reverse().join(''), [...secret].join(' '), ...base64]
  return secret !== '' && forms.some((form) => text.includes(form))
}
