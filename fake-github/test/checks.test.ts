// Checks of commits, as an App makes them.
import { App, Octokit } from 'octokit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld } from './world.ts'

let world: World
let sha: string
beforeEach(async () => {
  world = await openWorld()
  sha = await world.branch('feature/x')
})
afterEach(() => world.close())

/** A client of an App's installation, which hears of checks. */
async function openApp(slug: string) {
  const { github, receiver } = world
  const handle = github.addApp({
    slug,
    permissions: { checks: 'write', contents: 'read' },
    events: ['check_run'],
    webhookUrl: receiver.url,
  })
  const { id } = handle.install('acme')
  const quiet = { debug() {}, info() {}, warn() {}, error() {} }
  const client = Octokit.defaults({ baseUrl: github.apiUrl, throttle: { enabled: false }, log: quiet })
  const app = new App({ appId: handle.appId, privateKey: handle.privateKeyPem, Octokit: client })
  return app.getInstallationOctokit(id)
}

test('an App checks a commit and says how it went', async () => {
  const { app, bot, repo, receiver } = world
  await repo.openPullRequest({ title: 'P', head: 'feature/x' })
  const { rest } = await openApp('checker')
  const { data: run } = await rest.checks.create({ ...app, name: 'prompts', head_sha: sha, status: 'in_progress' })
  expect(run).toMatchObject({ status: 'in_progress', conclusion: null, completed_at: null, head_sha: sha })
  expect(run.pull_requests.map(({ number }) => number)).toEqual([1])
  const one = { ...app, check_run_id: run.id }
  const note = { path: 'src/a.txt', start_line: 2, end_line: 2, annotation_level: 'warning', message: 'Odd' } as const
  const output = { title: 'T', summary: 'S', annotations: [note] }
  const done = await rest.checks.update({ ...one, conclusion: 'failure', output })
  expect(done.data).toMatchObject({ status: 'completed', output: { title: 'T', annotations_count: 1 } })
  expect((await bot.rest.checks.listAnnotations(one)).data).toMatchObject([{ path: 'src/a.txt', message: 'Odd' }])
  await rest.checks.create({ ...app, name: 'prompts', head_sha: sha, conclusion: 'success' })
  await rest.checks.create({ ...app, name: 'lint', head_sha: sha, conclusion: 'neutral' })
  const runs = async (query = {}) =>
    (await bot.rest.checks.listForRef({ ...app, ref: 'feature/x', ...query })).data.check_runs.map(
      ({ name, conclusion }) => `${name} ${conclusion}`,
    )
  expect(await runs()).toEqual(['lint neutral', 'prompts success'])
  expect(await runs({ filter: 'all', check_name: 'prompts' })).toEqual(['prompts success', 'prompts failure'])
  const suites = await bot.rest.checks.listSuitesForRef({ ...app, ref: sha })
  expect(suites.data.check_suites).toMatchObject([
    { status: 'completed', conclusion: 'success', head_branch: 'feature/x', app: { slug: 'checker' } },
  ])
  const suite = { ...app, check_suite_id: suites.data.check_suites[0]?.id ?? 0 }
  expect((await bot.rest.checks.getSuite(suite)).data).toEqual(suites.data.check_suites[0])
  expect((await bot.rest.checks.listForSuite(suite)).data.total_count).toBe(2)
  expect((await bot.rest.checks.get(one)).data.id).toBe(run.id)
  await world.github.settled()
  const created = Array.from({ length: 3 }, () => 'check_run.created')
  const completed = Array.from({ length: 3 }, () => 'check_run.completed')
  expect(receiver.names()).toEqual([...completed, ...created, 'installation.created'])
})

test('only the App that made a check changes it, and people make none', async () => {
  const { app, bot } = world
  const create = { ...app, name: 'x', head_sha: sha }
  expect(await failure(bot.rest.checks.create(create))).toEqual({
    status: 403,
    message: 'You must authenticate via a GitHub App.',
  })
  const first = await openApp('first')
  const second = await openApp('second')
  const { data } = await first.rest.checks.create(create)
  expect(data.status).toBe('queued')
  const update = { ...app, check_run_id: data.id, status: 'in_progress' } as const
  expect((await failure(second.rest.checks.update(update))).status).toBe(403)
  expect((await first.rest.checks.update(update)).data.status).toBe('in_progress')
  const unfinished = { ...app, check_run_id: data.id, status: 'completed' } as const
  expect((await failure(first.rest.checks.update(unfinished as never))).status).toBe(422)
  expect((await failure(first.rest.checks.create({ ...create, head_sha: 'f'.repeat(40) }))).status).toBe(422)
  expect((await failure(bot.rest.checks.get({ ...app, check_run_id: 1 }))).status).toBe(404)
})
