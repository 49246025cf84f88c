// Deployments with their statuses, and requests passed on to Apps.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { failure, openWorld, signatureIsValid } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

test('a deployment is asked for, goes on, and ends the one before it', async () => {
  const { app, bot } = world
  await world.listen()
  const create = (more = {}) =>
    bot.rest.repos.createDeployment({ ...app, ref: 'main', environment: 'staging', ...more })
  const first = await create({ payload: { revision: 7 }, description: 'Seven' })
  expect(first.status).toBe(201)
  expect(first.data).toMatchObject({
    sha: await world.repo.head(),
    task: 'deploy',
    payload: { revision: 7 },
    environment: 'staging',
    production_environment: false,
    creator: { login: 'bot' },
  })
  const second = await create()
  const ids = [first, second].map(({ data }) => (data as { id: number }).id)
  const report = (deployment_id: number, state: 'in_progress' | 'success', more = {}) =>
    bot.rest.repos.createDeploymentStatus({ ...app, deployment_id, state, ...more })
  await report(ids[0]!, 'success', { log_url: 'https://ci.test/1', environment_url: 'https://staging.test' })
  await report(ids[1]!, 'in_progress')
  const done = await report(ids[1]!, 'success', { description: 'Done' })
  expect(done.data).toMatchObject({ state: 'success', description: 'Done', environment: 'staging' })
  const states = async (deployment_id: number) =>
    (await bot.rest.repos.listDeploymentStatuses({ ...app, deployment_id })).data.map(({ state }) => state)
  expect([await states(ids[0]!), await states(ids[1]!)]).toEqual([
    ['inactive', 'success'],
    ['success', 'in_progress'],
  ])
  const one = { ...app, deployment_id: ids[1]!, status_id: done.data.id }
  expect((await bot.rest.repos.getDeploymentStatus(one)).data).toEqual(done.data)
  const found = async (query: object) =>
    (await bot.rest.repos.listDeployments({ ...app, ...query })).data.map(({ id }) => id)
  expect([await found({ environment: 'staging' }), await found({ task: 'other' })]).toEqual([ids.toReversed(), []])
  const remove = (deployment_id: number) => bot.rest.repos.deleteDeployment({ ...app, deployment_id })
  expect((await failure(remove(ids[1]!))).status).toBe(422)
  await remove(ids[0]!)
  expect((await failure(bot.rest.repos.getDeployment({ ...app, deployment_id: ids[0]! }))).status).toBe(404)
  await world.github.settled()
  const created = (event: string, times: number) => Array.from({ length: times }, () => `${event}.created`)
  expect(world.receiver.names()).toEqual([...created('deployment', 2), ...created('deployment_status', 4), 'ping'])
})

test('a deployment waits for good statuses, and for the default branch', async () => {
  const { app, bot, repo, as } = world
  await world.branch('feature', { 'x.txt': 'x\n' })
  await world.branch('conflict')
  await repo.commit({ message: 'main moves', files: { 'src/a.txt': 'other\n' } })
  const deploy = (ref: string, more = {}) => bot.rest.repos.createDeployment({ ...app, ref, ...more })
  const merged = await deploy('feature')
  expect([merged.status, merged.data]).toEqual([202, { message: 'Auto-merged main into feature on deployment.' }])
  expect(await repo.readFile('feature', 'src/a.txt')).toBe('other\n')
  expect(await failure(deploy('conflict'))).toEqual({ status: 409, message: 'Conflict merging main into conflict' })
  expect((await deploy('conflict', { auto_merge: false })).status).toBe(201)
  const sha = (await repo.head('feature')) ?? ''
  await bot.rest.repos.createCommitStatus({ ...app, sha, state: 'failure', context: 'build' })
  const refused = { status: 409, message: 'Conflict: Commit status checks failed for feature.' }
  expect(await failure(deploy('feature'))).toEqual(refused)
  expect(await failure(deploy('feature', { required_contexts: ['lint'] }))).toEqual(refused)
  expect((await deploy('feature', { required_contexts: [] })).data).toMatchObject({ production_environment: true })
  expect(await failure(deploy('none'))).toEqual({ status: 422, message: 'No ref found for: none' })
  expect((await failure(as('guest').rest.repos.createDeployment({ ...app, ref: 'main' }))).status).toBe(403)
})

test('a dispatched event and workflow are sent to Apps, signed, and not to the webhooks of repositories', async () => {
  const { app, bot, repo, github, receiver } = world
  const manual = "name: 'Deploy it'\non:\n  workflow_dispatch:\n    inputs: {}\n"
  const files = { '.github/workflows/deploy.yml': manual, '.github/workflows/ci.yml': 'on: push\n' }
  await repo.commit({ message: 'Workflows', files })
  const secret = 'the secret of the App'
  const events = ['repository_dispatch', 'workflow_dispatch']
  github.addApp({ slug: 'listener', events, webhookUrl: receiver.url, webhookSecret: secret }).install('acme')
  await repo.addWebhook({ url: `${receiver.url}/own` })
  const dispatch = (event_type: string, client_payload?: Record<string, unknown>) =>
    bot.rest.repos.createDispatchEvent({ ...app, event_type, ...(client_payload && { client_payload }) })
  expect((await dispatch('prompt.changed', { revision: 7 })).status).toBe(204)
  const many = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`p${i}`, i]))
  expect((await failure(dispatch('many', many))).status).toBe(422)
  const run = (workflow_id: string | number, ref = 'main') =>
    bot.rest.actions.createWorkflowDispatch({ ...app, workflow_id, ref, inputs: { app: 'shop' } })
  expect((await run('deploy.yml')).status).toBe(204)
  const { data } = await bot.rest.actions.listRepoWorkflows(app)
  expect(data.workflows.map(({ name, path }) => [name, path])).toEqual([
    ['.github/workflows/ci.yml', '.github/workflows/ci.yml'],
    ['Deploy it', '.github/workflows/deploy.yml'],
  ])
  await run(data.workflows[1]!.id)
  expect((await bot.rest.actions.getWorkflow({ ...app, workflow_id: 'ci.yml' })).data.id).toBe(data.workflows[0]!.id)
  expect((await failure(run('ci.yml'))).message).toBe("Workflow does not have 'workflow_dispatch' trigger")
  expect((await failure(run('deploy.yml', 'none'))).message).toBe('No ref found for: none')
  expect((await failure(run('none.yml'))).status).toBe(404)
  await github.settled()
  const names = ['ping', 'repository_dispatch.prompt.changed', 'workflow_dispatch', 'workflow_dispatch']
  expect(receiver.names()).toEqual(['installation.created', ...names])
  const sent = receiver.arrivals.find(({ event }) => event === 'repository_dispatch')!
  expect(signatureIsValid(sent, secret)).toBe(true)
  expect(sent.payload).toMatchObject({ branch: 'main', client_payload: { revision: 7 }, sender: { login: 'bot' } })
  const workflow = receiver.arrivals.find(({ event }) => event === 'workflow_dispatch')!
  const path = '.github/workflows/deploy.yml'
  expect(workflow.payload).toMatchObject({ ref: 'refs/heads/main', workflow: path, inputs: { app: 'shop' } })
})

test('environments are made by hand or by the first deployment, and nothing protects them', async () => {
  const { bot, owner, app } = world
  await bot.rest.repos.createDeployment({ ...app, ref: 'main', environment: 'staging/eu', required_contexts: [] })
  await owner.rest.repos.createOrUpdateEnvironment({ ...app, environment_name: 'production' })
  const { data } = await bot.rest.repos.getAllEnvironments(app)
  expect(data.environments?.map(({ name }) => name)).toEqual(['staging/eu', 'production'])
  const staging = { ...app, environment_name: 'staging/eu' }
  expect((await bot.rest.repos.getEnvironment(staging)).data.name).toBe('staging/eu')
  const guarded = { ...staging, wait_timer: 30 }
  expect((await failure(owner.rest.repos.createOrUpdateEnvironment(guarded))).status).toBe(422)
  expect((await failure(bot.rest.repos.deleteAnEnvironment(staging))).status).toBe(404)
  expect((await owner.rest.repos.deleteAnEnvironment(staging)).status).toBe(204)
  expect((await failure(bot.rest.repos.getEnvironment(staging))).status).toBe(404)
})
