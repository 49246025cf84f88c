import { existsSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openFakeGithub } from '../../../fake-github/src/index.ts'
import { openTestDatabase } from '../../../test/database.ts'
import { openTestFolder } from '../../../test/folder.ts'
import { call } from '../../../test/terminal.ts'
import { UNISOLATED } from '../../agents/isolation/isolation.ts'
import { lockOwner } from '../../db/embedded/owner.ts'
import { readEnvironment } from '../../lib/environment.ts'
import type { Check } from './check.ts'
import { checkText } from './check.ts'
import { databaseChecks } from './database.ts'
import { closedChecks, configChecks, envFileChecks, environmentChecks, nodeCheck } from './environment.ts'
import { githubChecks, repositoryCheck } from './github.ts'
import { portCheck, publicUrlCheck } from './server.ts'

function brief(checks: readonly Check[]): string[] {
  return checks.map(({ name, status, detail }) => `${status} ${name}: ${detail}`)
}
function environmentWith(env: Record<string, string>) {
  return readEnvironment({ PORT: '0', ...env })
}

test('every wrong variable is a problem of its own, and the rest is still looked at', () => {
  const env = { PORT: 'x', GITHUB_WEBHOOK_SECRET: 'short', GITHUB_REPO: 'acme/shop', MAX_CONCURRENT_JOBS: '0' }
  const { checks, environment } = environmentChecks(env)
  expect(checks.map(({ name, status }) => `${status} ${name}`)).toEqual(
    expect.arrayContaining(['problem PORT', 'problem GITHUB_WEBHOOK_SECRET.0', 'problem MAX_CONCURRENT_JOBS']),
  )
  expect(checks).toHaveLength(3)
  expect(environment).toMatchObject({ PORT: 8000, GITHUB_REPO: 'acme/shop' })
})

test('however many are wrong, and whatever depends on them, none is left out and none is added', () => {
  const short = Array.from({ length: 40 }, () => 'short').join(',')
  const wrong = { GITHUB_WEBHOOK_SECRET: short, AGENTA_WEBHOOK_SECRET: short, DATABASE_URL: 'mysql://db', PORT: 'x' }
  const { checks, environment } = environmentChecks({ ...wrong, SUPABASE_URL: 'https://x.supabase.co' })
  expect(checks).toHaveLength(82)
  expect(checks.map(({ name }) => name)).not.toContain('SUPABASE_URL')
  expect(environment).toMatchObject({ GITHUB_WEBHOOK_SECRET: [], PORT: 8000 })
})

test('SUPABASE_URL alone is explained', () => {
  const { checks } = environmentChecks({ SUPABASE_URL: 'https://x.supabase.co' })
  expect(brief(checks)).toEqual([
    expect.stringMatching(/^problem SUPABASE_URL: is set and DATABASE_URL is not: in the Supabase/),
  ])
})

test('a .env file that others can read is a warning that says how to close it', async () => {
  const folder = await openTestFolder()
  expect(await envFileChecks({ folder })).toEqual([])
  await writeFile(join(folder, '.env'), 'PORT=1\n', { mode: 0o600 })
  expect(brief(await envFileChecks({ folder }))).toEqual(['ok .env file: nobody else can read it'])
  await chmod(join(folder, '.env'), 0o644)
  const [check] = await envFileChecks({ folder })
  expect(check).toMatchObject({ status: 'warning', hint: 'Run: chmod 600 .env' })
})

test('each mistake of the configuration is a problem of its own', async () => {
  const folder = await openTestFolder()
  const rules = [{ name: 'a', on: 'push', agent: 'ping', priority: 11, maxAttempts: 0 }]
  await writeFile(join(folder, 'signalbox.config.mjs'), `export default ${JSON.stringify({ rules })}`)
  expect(brief(await configChecks({ folder }, environmentWith({}), undefined))).toEqual([
    'problem configuration: rules[0] "a": priority: must be at most 10',
    'problem configuration: rules[0] "a": maxAttempts: must be at least 1',
  ])
})

test('an event that no source sends is a warning', async () => {
  const folder = await openTestFolder()
  const endpoints = [{ name: 'b', url: 'https://example.com', secret: 'x'.repeat(32), events: ['enviroment.deployed'] }]
  const config = { rules: [{ name: 'a', on: 'pshu', agent: 'ping' }], endpoints }
  await writeFile(join(folder, 'signalbox.config.mjs'), `export default ${JSON.stringify(config)}`)
  expect(brief(await configChecks({ folder }, environmentWith({}), undefined)).slice(1, 3)).toEqual([
    'warning events: rules[0] "a": on: no known event is called "pshu"; did you mean "push"?',
    expect.stringMatching(/^warning events: endpoints\[0\] "b": events: .*; did you mean "environment.deployed"\?$/),
  ])
})

test('an endpoint that only "dev" would notify is a warning, and one that neither would a problem', async () => {
  const checked = async (url: string, env: Record<string, string> = {}) => {
    const folder = await openTestFolder()
    const config = { endpoints: [{ name: 'mine', url, secret: 'x'.repeat(32) }] }
    await writeFile(join(folder, 'signalbox.config.mjs'), `export default ${JSON.stringify(config)}`)
    return brief(await configChecks({ folder }, environmentWith(env), undefined))
  }
  const warned = 'warning endpoint mine: on this machine, which "dev" notifies and "serve" does not'
  expect(await checked('http://localhost:3000/')).toContain(warned)
  expect(await checked('http://localhost:3000/', { SIGNALBOX_ALLOW_HOSTS: 'localhost' })).not.toContain(warned)
  expect((await checked('http://handler:3000/'))[0]).toMatch(/^problem configuration: .*SIGNALBOX_ALLOW_HOSTS$/)
})

test('an old Node.js is a problem', () => {
  expect([nodeCheck('24.1.0').status, nodeCheck('22.9.0').status]).toEqual(['ok', 'problem'])
})

test('what is unset is a warning that says what to set; half an App is a problem', () => {
  expect(closedChecks(environmentWith({})).map(({ status }) => status)).toEqual(['warning', 'warning', 'warning'])
  expect(brief(closedChecks(environmentWith({ GITHUB_APP_ID: '1' })))[1]).toContain('problem GitHub App: half set up')
})

const REVIEW_RULES = 'review-push, review-pull-request, review-command'
const DEPLOY_RULES = 'deploy-release, deploy-command, rollback-command, deploy-merged'

test('closed sources say how to open them, and a configuration that does not load is a problem', async () => {
  const folder = { folder: tmpdir() }
  const checks = await configChecks(
    folder,
    environmentWith({ AGENTA_WEBHOOK_SECRET: 'a secret of 20 characters' }),
    undefined,
  )
  expect(brief(checks)).toEqual([
    expect.stringContaining('ok configuration: no file'),
    expect.stringContaining('warning source github: closed'),
    'ok source agenta: open, 1 live secret',
    `warning workflow code-review: off: ${REVIEW_RULES}`,
    `warning workflow deploy: off: ${DEPLOY_RULES}`,
    'warning workflow issue-to-pr: off: task-label, task-command, task-feedback',
    'warning workflow deployment-pr: off: deployment-pr',
    'warning workflow deployment-drift: off: deployment-drift',
    'warning workflow agenta-deployment: off: agenta-deployment',
    'ok model: none is set, so reviews are by rules alone; SIGNALBOX_MODEL sets one',
  ])
  expect(brief(await configChecks(folder, environmentWith({}), 'none.ts'))).toEqual([
    'problem configuration: There is no configuration file none.ts.',
  ])
})

test('a model without its key is a problem, and one that has it says how to try it', async () => {
  const folder = await openTestFolder()
  await writeFile(
    join(folder, 'signalbox.config.mjs'),
    `export default { rules: [{ name: 'r', on: 'push', agent: 'ping', model: 'openai/x' }],
       prices: { 'anthropic/x': { input: 1, output: 2 } } }`,
  )
  const environment = environmentWith({ SIGNALBOX_MODEL: 'anthropic/x', ANTHROPIC_API_KEY: 'a-key' })
  const checks = await configChecks({ folder }, environment, undefined)
  expect(brief(checks).filter((check) => check.includes('model '))).toEqual([
    'ok model anthropic/x: set up, with a price; "signalbox models test" tries it',
    'problem model openai/x: The model openai/x needs a key: set OPENAI_API_KEY in the environment of the service.',
  ])
})

test('each default workflow is on, or says what would switch it on; changed ones are on', async () => {
  const workflows = async (env: Record<string, string>, config?: string) => {
    const folder = await openTestFolder()
    if (config !== undefined) await writeFile(join(folder, 'signalbox.config.mjs'), `export default ${config}`)
    const checks = await configChecks({ folder }, environmentWith(env), undefined)
    return checks.filter(({ name }) => name.startsWith('workflow '))
  }
  expect(await workflows({ GITHUB_TOKEN: 'a-token' })).toEqual([
    { name: 'workflow code-review', status: 'ok', detail: `on: ${REVIEW_RULES}`, hint: null },
    {
      name: 'workflow deploy',
      status: 'warning',
      detail: `off: ${DEPLOY_RULES}`,
      hint: 'Set SIGNALBOX_DEPLOY_COMMAND to a program that deploys.',
    },
    {
      name: 'workflow issue-to-pr',
      status: 'warning',
      detail: 'off: task-label, task-command, task-feedback',
      hint: expect.stringMatching(/^Set SIGNALBOX_MODEL, for example .* the agent\.$/),
    },
    {
      name: 'workflow deployment-pr',
      status: 'warning',
      detail: 'off: deployment-pr',
      hint: 'Set GITHUB_REPO.',
    },
    { name: 'workflow deployment-drift', status: 'ok', detail: 'on: deployment-drift', hint: null },
    {
      name: 'workflow agenta-deployment',
      status: 'warning',
      detail: 'off: agenta-deployment',
      hint: 'Set AGENTA_API_URL and AGENTA_API_KEY.',
    },
  ])
  const agenta = { AGENTA_API_URL: 'https://cloud.agenta.ai/api', AGENTA_API_KEY: 'a-key' }
  const all = { GITHUB_TOKEN: 'a-token', GITHUB_REPO: 'acme/shop', SIGNALBOX_DEPLOY_COMMAND: process.execPath }
  expect(brief(await workflows({ ...all, ...agenta }))).toEqual([
    `ok workflow code-review: on: ${REVIEW_RULES}`,
    `ok workflow deploy: on: ${DEPLOY_RULES}`,
    'warning workflow issue-to-pr: off: task-label, task-command, task-feedback',
    'ok workflow deployment-pr: on: deployment-pr',
    'ok workflow deployment-drift: on: deployment-drift',
    'ok workflow agenta-deployment: on: agenta-deployment',
  ])
  expect(await workflows({}, '{ rules: [] }')).toEqual([])
})

test('an agent that cannot run on this machine is a problem', async () => {
  const folder = await openTestFolder()
  await writeFile(
    join(folder, 'signalbox.config.ts'),
    `const agent = { description: '', input: { safeParse: (data) => ({ data }) }, run: async () => ({}) }
     export default { agents: [
       { ...agent, name: 'notes', problem: () => 'there is no file /notes.sh' },
       { ...agent, name: 'fine', problem: () => null },
     ] }`,
  )
  const checks = await configChecks({ folder }, environmentWith({}), undefined)
  expect(brief(checks).filter((check) => check.includes('problem agent '))).toEqual([
    'problem agent notes: there is no file /notes.sh',
  ])
})

test('what programs without isolation can read is a warning', async () => {
  const folder = await openTestFolder()
  await writeFile(
    join(folder, 'signalbox.config.ts'),
    `const agent = { description: '', input: { safeParse: (data) => ({ data }) }, run: async () => ({}) }
     const rest = { network: { allow: ['api.example.com'] }, hidden: [] }
     export default { agents: [
       { ...agent, name: 'open', isolate: async () => ({ kind: 'none', reason: 'isolation is "none"', remedy: 'Remove it', ...rest }) },
       { ...agent, name: 'closed', isolate: async () => ({ kind: 'bubblewrap', account: null, ...rest }) },
       { ...agent, name: 'other', isolate: async () => ({ kind: 'user', account: { name: 'runner' }, ...rest }) },
     ] }`,
  )
  const checks = await configChecks({ folder }, environmentWith({}), undefined)
  expect(brief(checks).filter((check) => check.includes('program of'))).toEqual([
    `warning program of open: not isolated, isolation is "none": it can read ${UNISOLATED}`,
    'ok program of closed: isolated in bubblewrap, network allow: api.example.com',
    'ok program of other: isolated as the account runner',
  ])
  expect(checks.find(({ name }) => name === 'program of open')?.hint).toBe('Remove it; see docs/programs.md.')
})

test('a database that is up to date passes, and one without tables has to be migrated', async () => {
  const database = await openTestDatabase()
  const checks = await databaseChecks(environmentWith({ DATABASE_URL: database.url }))
  expect(brief(checks)).toEqual([
    expect.stringMatching(/^ok database: DATABASE_URL, PostgreSQL \d+/),
    'ok migrations: all applied',
    expect.stringContaining('ok stored bodies'),
    expect.stringContaining('ok size of the database'),
    expect.stringContaining('ok retention'),
    expect.stringContaining('warning orchestrator: none is running; none has run here yet'),
    'ok nodes: those that are alive run the same',
    'ok jobs: none is stuck',
    'ok agents of jobs: no job waits for an agent that is not there',
    'ok waiting: no job waits',
    'ok deliveries: none is stuck',
    'ok endpoints: none is failing, and none has asked for no more',
    'ok paused: nothing',
    'ok encryption key: unset; the first endpoint needs one',
    expect.stringContaining('ok notifications'),
    expect.stringContaining('ok clock'),
  ])
  await database.query(
    `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status,
       available_at)
     values (gen_random_uuid(), 'r', 't', 'a', '{}', 5, 5, 900000, 'running', now() - interval '1 hour'),
            (gen_random_uuid(), 'r', 't', 'a', '{}', 5, 5, 900000, 'pending', now() - interval '1 hour')`,
  )
  const stuck = (await databaseChecks(environmentWith({ DATABASE_URL: database.url }))).find(
    ({ name }) => name === 'jobs',
  )
  expect(stuck).toMatchObject({
    status: 'warning',
    detail: '1 were left by a process that died, 1 have been due for ten minutes',
  })
  await database.close()

  const empty = await openTestDatabase({ migrated: false })
  const [, migrations] = await databaseChecks(environmentWith({ DATABASE_URL: empty.url }))
  expect(migrations).toMatchObject({ status: 'warning', detail: expect.stringContaining('0001-init.sql') })
  await empty.close()
})

test('a data directory without a database is left without one', async () => {
  const dataDir = join(await openTestFolder(), 'data')
  const checks = await databaseChecks(environmentWith({ SIGNALBOX_DATA_DIR: dataDir }))
  expect(brief(checks)).toEqual([`ok database: none yet: the first start makes its own PostgreSQL in ${dataDir}`])
  expect(existsSync(dataDir)).toBe(false)
})

test('a PostgreSQL that its Signalbox cannot start is a problem, with the reason of its log', async () => {
  const dataDir = await openTestFolder()
  await mkdir(join(dataDir, 'postgres'))
  await writeFile(join(dataDir, 'postgres.log'), 'PANIC: could not write: No space left on device\nLOG: ended\n')
  const lock = await lockOwner(dataDir)
  onTestFinished(() => lock.release())
  expect(brief(await databaseChecks(environmentWith({ SIGNALBOX_DATA_DIR: dataDir })))).toEqual([
    `problem database: Signalbox runs, but its PostgreSQL does not. Its log ${dataDir}/postgres.log says: ` +
      'PANIC: could not write: No space left on device',
  ])
})

test('a host that is not known may be the rest of a password', async () => {
  const [check] = await databaseChecks(environmentWith({ DATABASE_URL: 'postgres://me:pa@ss.invalid@db.invalid/x' }))
  expect(check?.hint).toMatch(/in a password, write @ as %40/)
})

test('a database that is away is a problem that does not show the password', async () => {
  const checks = await databaseChecks(environmentWith({ DATABASE_URL: 'postgres://me:hunter2hunter2@127.0.0.1:9/x' }))
  expect(brief(checks)).toEqual([expect.stringContaining('problem database: cannot be reached: ')])
  expect(JSON.stringify(checks)).not.toContain('hunter2')
})

test('GitHub: the token, what it may do, and the base branch', async () => {
  const github = await openFakeGithub()
  await github.addRepository({ owner: 'acme', name: 'shop', files: { a: 'a' }, collaborators: { bot: 'write' } })
  const checkAs = (env: Record<string, string>) =>
    githubChecks(environmentWith({ GITHUB_API_URL: github.apiUrl, ...env }))
  const bot = { GITHUB_TOKEN: github.addToken({ login: 'bot' }), GITHUB_REPO: 'acme/shop' }
  expect(brief(await checkAs(bot))).toEqual([
    'ok GitHub token: accepted, of bot, scopes repo',
    expect.stringContaining('ok GitHub repository: acme/shop is visible'),
    'ok GitHub base branch: main',
  ])
  expect(brief(await checkAs({ ...bot, GITHUB_BASE_BRANCH: 'trunk' })).at(-1)).toBe(
    'problem GitHub base branch: there is no branch trunk',
  )
  expect(brief(await checkAs({ ...bot, GITHUB_REPO: 'acme/none' }))[1]).toMatch(
    /^problem GitHub repository: GitHub does not have that/,
  )
  expect(brief(await checkAs({ ...bot, GITHUB_TOKEN: 'wrong' }))).toEqual([
    'problem GitHub token: is not accepted: wrong, expired or revoked',
  ])
  expect(
    brief(await githubChecks(environmentWith({ GITHUB_API_URL: 'http://127.0.0.1:9', GITHUB_TOKEN: 'x' })))[0],
  ).toContain('GitHub cannot be reached')
  expect(await checkAs({})).toEqual([])
  await github.close()
})

test('a repository that may only be read is a problem', () => {
  const statuses = [true, undefined, false].map((mayWrite) => repositoryCheck('acme/shop', mayWrite).status)
  expect(statuses).toEqual(['ok', 'ok', 'problem'])
})

test('the port: free, a Signalbox, or somebody else', async () => {
  let answer: object = { service: 'signalbox', status: 'healthy', version: '9.9.9' }
  const server = createServer((_request, response) =>
    response.setHeader('connection', 'close').end(JSON.stringify(answer)),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const PORT = String((server.address() as AddressInfo).port)
  const look = () => portCheck(environmentWith({ PORT, HOST: '127.0.0.1' }))
  expect(await look()).toMatchObject({ status: 'ok', detail: 'Signalbox 9.9.9 listens there and is healthy' })
  const publicUrl = environmentWith({ SIGNALBOX_PUBLIC_URL: `http://127.0.0.1:${PORT}` })
  expect(await publicUrlCheck(publicUrl)).toMatchObject([{ status: 'ok' }])
  answer = { hello: 1 }
  expect(await look()).toMatchObject({ status: 'problem', hint: 'Stop the other program, or set PORT.' })
  expect(await publicUrlCheck(publicUrl)).toMatchObject([{ status: 'problem' }])
  await new Promise((resolve) => server.close(resolve))
  expect(await look()).toMatchObject({ status: 'ok', detail: 'free' })
  expect(await publicUrlCheck(publicUrl)).toMatchObject([{ status: 'warning' }])
})

test('a finding is one line', () => {
  const paint = (_style: string, text: string) => text
  const line = checkText({ paint }, { name: 'PORT', status: 'problem', detail: 'is\nwrong', hint: 'Correct it.' })
  expect(line).toBe('✗ PORT                         is wrong → Correct it.')
})

describe('the command', () => {
  test('goes through everything in order, and passes with warnings', async () => {
    const database = await openTestDatabase()
    onTestFinished(() => database.close())
    const { code, out } = await call(['doctor'], { env: { DATABASE_URL: database.url, PORT: '0' } })
    expect(code).toBe(0)
    const names = out.split('\n').flatMap((line) => /^[✓!✗] (.{28})/.exec(line)?.[1]?.trim() ?? [])
    expect(names).toEqual([
      'Node.js',
      'environment',
      'configuration',
      'source github',
      'source agenta',
      'workflow code-review',
      'workflow deploy',
      'workflow issue-to-pr',
      'workflow deployment-pr',
      'workflow deployment-drift',
      'workflow agenta-deployment',
      'model',
      'API token',
      'GitHub',
      'GitHub repository',
      'database',
      'migrations',
      'stored bodies',
      'size of the database',
      'retention',
      'orchestrator',
      'nodes',
      'jobs',
      'agents of jobs',
      'waiting',
      'deliveries',
      'endpoints',
      'paused',
      'encryption key',
      'notifications',
      'clock',
      'disk',
      'Git',
      'port',
    ])
    expect(out).toMatch(/\n\nIt works, with 12 warnings\.\n$/)
  })

  test('ends with 1 and one object for a problem with --json, and says nothing else', async () => {
    const env = { DATABASE_URL: 'postgres://127.0.0.1:9/x', PORT: '0' }
    const { code, out, err } = await call(['doctor', '--json'], { env })
    expect({ code, err }).toEqual({ code: 1, err: '' })
    const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: Check[] }
    expect(ok).toBe(false)
    expect(checks.filter(({ status }) => status === 'problem')).toEqual([
      {
        name: 'database',
        status: 'problem',
        detail: expect.any(String),
        hint: expect.stringContaining('DATABASE_URL'),
      },
    ])
    expect(checks.filter(({ status, hint }) => status !== 'ok' && hint === null)).toEqual([])
  })

  test('names a configuration file that is not there', async () => {
    const env = { DATABASE_URL: 'postgres://127.0.0.1:9/x', PORT: '0' }
    const { code, out } = await call(['doctor', '--config', 'none.ts'], { env })
    expect(code).toBe(1)
    expect(out).toMatch(/^✗ configuration +There is no configuration file none\.ts\. → /m)
    expect(out).toMatch(/\n2 problems to put right, /)
  })
})
