import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { FIRST_DEPLOYMENT } from '../../../test/fixtures/payloads.ts'
import { refusalOf } from '../../../test/refusal.ts'
import { forgesFrom } from '../../forges/forges.ts'
import { openGithubStage } from '../../forges/github/fixtures/stage.ts'
import { openDispatcher } from '../dispatcher.ts'
import { EVENT_ID, endpoint, event, guard, mustPrepare, prepare, readTarget } from '../fixtures/to-prepare.ts'
import { sendPrepared } from '../send-prepared.ts'

const WORKFLOW = 'on:\n  workflow_dispatch:\n    inputs:\n      app: {type: string}\n'
const stage = await openGithubStage({ 'README.md': 'shop\n', '.github/workflows/deploy.yml': WORKFLOW })
const { fake } = stage
const dispatcher = openDispatcher({ guard })
const deployed = event(FIRST_DEPLOYMENT, { source: 'deployments', type: 'environment.deployed', facts: { app: 'bot' } })
const to = endpoint('github-dispatch', { settings: { repository: 'acme/shop', event_type: 'deployed' } })
afterEach(() => fake.faults.clear())
afterAll(async () => {
  await dispatcher.destroy()
  await stage.close()
})

function send(...args: Parameters<typeof mustPrepare>) {
  const forges = forgesFrom({ github: stage.forge() })
  return sendPrepared('github-dispatch', mustPrepare(...args), { dispatcher, mailer: null, forges })
}

function payloadOf(...args: Parameters<typeof mustPrepare>) {
  const prepared = mustPrepare(...args)
  if (prepared.by !== 'forge' || !('payload' in prepared.dispatch)) throw new Error('it is not an event')
  return prepared.dispatch.payload
}

describe('a repository with GitHub Actions', () => {
  it('is shown by its name', () => {
    const given = {
      settings: {
        repository: 'github:acme/shop',
        workflow: 'deploy.yml',
        ref: 'main',
        inputs: { app: '{{data.app_name}}' },
      },
    }
    expect(readTarget('github-dispatch', given)).toEqual({
      url: 'github:acme/shop',
      settings: { repository: 'acme/shop', workflow: 'deploy.yml', ref: 'main', inputs: { app: '{{data.app_name}}' } },
      credential: null,
    })
  })

  it.each([
    [{}, 'settings.repository: is required'],
    [{ repository: 'shop' }, 'settings.repository: write owner/name, or forge:path such as gitlab:group/name'],
    [
      { repository: 'a/b', workflow: 'x.yml' },
      'settings.ref: is required with settings.workflow; it is the branch or tag to run it at',
    ],
    [{ repository: 'a/b', ref: 'main' }, 'settings.workflow: is required with settings.ref and settings.inputs'],
    [
      { repository: 'a/b', workflow: 'x.yml', ref: 'main', event_type: 'x' },
      'settings.event_type: is not used with settings.workflow; set one of them',
    ],
    [
      { repository: 'a/b', workflow: '../x', ref: 'main' },
      'settings.workflow: must be the name of a file in .github/workflows, or its number',
    ],
    [
      { repository: 'a/b', workflow: 'x.yml', ref: 'main', inputs: { a: '{{' } },
      'settings.inputs.a: must close every "{{" with "}}" on the same line',
    ],
    [
      {
        repository: 'a/b',
        workflow: 'x.yml',
        ref: 'main',
        inputs: Object.fromEntries(Array.from({ length: 26 }, (_, i) => [`i${i}`, 'x'])),
      },
      'settings.inputs: must have at most 25 entries',
    ],
  ])('with the settings %j is refused', (settings, detail) => {
    expect(refusalOf(() => readTarget('github-dispatch', { settings }))).toMatchObject({ detail })
  })
})

describe('an event of a repository', () => {
  it('reaches its workflows with the envelope', async () => {
    expect(await send(to, deployed, { publicUrl: 'https://box.example.com' })).toMatchObject({
      statusCode: 204,
      error: null,
    })
    expect(payloadOf(to, deployed)).toEqual({ ...FIRST_DEPLOYMENT, event_id: EVENT_ID, link: '', complete: true })
    expect(Object.keys(payloadOf(to, deployed)).length).toBeLessThanOrEqual(10)
  })

  it('is called as the event is, unless it is said otherwise', () => {
    const own = endpoint('github-dispatch', { settings: { repository: 'acme/shop' } })
    expect(mustPrepare(own, deployed)).toMatchObject({ dispatch: { eventType: 'environment.deployed' } })
    expect(mustPrepare(to, deployed)).toMatchObject({ dispatch: { eventType: 'deployed' } })
  })

  it('that is too large has ids, addresses and facts', async () => {
    const data = { ...FIRST_DEPLOYMENT.data, config: { prompt: 'x'.repeat(70_000) }, config_url: '/api/config' }
    const large = { ...deployed, body: Buffer.from(JSON.stringify({ ...FIRST_DEPLOYMENT, data })) }
    expect(payloadOf(to, large)).toMatchObject({
      event: 'environment.deployed',
      event_id: EVENT_ID,
      complete: false,
      data: {
        app_name: 'customer-support-bot',
        deployment_id: 'deploy_1234567890',
        config_url: '/api/config',
        facts: { app: 'bot' },
      },
    })
    expect(JSON.stringify(payloadOf(to, large)).length).toBeLessThan(2000)
    expect(await send(to, large)).toMatchObject({ statusCode: 204 })
  })

  it('has no secrets in it', () => {
    const data = { ...FIRST_DEPLOYMENT.data, config: { api_key: 'k-12345678' } }
    const body = Buffer.from(JSON.stringify({ ...FIRST_DEPLOYMENT, data }))
    expect(payloadOf(to, { ...deployed, body })).toMatchObject({ data: { config: { api_key: '[redacted]' } } })
  })
})

describe('a run of a workflow', () => {
  const settings = { repository: 'acme/shop', workflow: 'deploy.yml', ref: 'main' }

  it('has the inputs that are filled in', async () => {
    const inputs = {
      app: '{{data.app_name}}@{{data.environment}}',
      diff: '{{data.config_diff.modified.temperature | json}}',
      none: '{{data.x}}',
    }
    const own = endpoint('github-dispatch', { settings: { ...settings, inputs } })
    expect(mustPrepare(own, deployed)).toMatchObject({
      dispatch: {
        workflow: 'deploy.yml',
        ref: 'main',
        inputs: { app: 'customer-support-bot@production', diff: '{"old":0.7,"new":0.5}', none: '' },
      },
    })
    expect(await send(own, deployed)).toMatchObject({ statusCode: 204 })
  })

  it('that GitHub refuses is a failure in its words', async () => {
    const own = endpoint('github-dispatch', { settings: { ...settings, ref: 'nowhere' } })
    expect(await send(own, deployed)).toMatchObject({
      statusCode: null,
      error: 'forge_failed',
      reason: expect.stringContaining('No ref found'),
    })
  })
})

describe('an attempt', () => {
  it('says when GitHub asks to wait', async () => {
    fake.faults.add({ kind: 'status', status: 503, method: 'POST', route: '/repos/{owner}/{repo}/dispatches' })
    const sent = await send(to, deployed)
    expect(sent).toMatchObject({ error: 'forge_failed', reason: expect.stringContaining('503') })
    expect(Date.parse(sent.retryAfter ?? '')).toBeGreaterThan(Date.now())
  })

  it('says that GitHub is not set up', async () => {
    const transport = { dispatcher, mailer: null, forges: forgesFrom({}, 'set GITHUB_TOKEN') }
    expect(await sendPrepared('github-dispatch', mustPrepare(to, deployed), transport)).toMatchObject({
      error: 'not_configured',
      reason: 'No forge is configured: set GITHUB_TOKEN.',
    })
  })

  it('is not made for what GitHub reports of such a run, which would repeat it for ever', () => {
    const reports = ['repository_dispatch.deployed', 'workflow_dispatch', 'workflow_run.completed', 'check_run.created']
    for (const type of reports) expect(prepare(to, event({}, { type })).by).toBe('nothing')
    expect(prepare(to, event({}, { type: 'workflow_run.completed', facts: { repository: 'acme/other' } })).by).toBe(
      'forge',
    )
    expect(prepare(to, event({}, { type: 'push' })).by).toBe('forge')
  })
})
