// What Agenta's own product reports as deployed, resolved through its API: from the signed webhook
// to the deployment and its pull request.
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import type { DeploymentSummary, JobDetail, Page, Trace } from '@signalbox/sdk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Config } from '../src/config/config-file.ts'
import { commitRequest, idOf } from './fake-agenta/commit.ts'
import type { FakeAgenta } from './fake-agenta/fake-agenta.ts'
import { openFakeAgenta } from './fake-agenta/fake-agenta.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, until } from './signalbox.ts'

const PROJECT = '01961234-bbbb-7abc-9def-123456789abc'
const ENVIRONMENT = '019c2b74-d84f-7cf2-aff0-e45e116e26cb'
const JANE = '019315dc-a332-7ba5-a426-d079c43ab776'
const APP = '019c2b74-d8b7-74e7-9f16-6a6a2c9cd111'
const OTHER_APP = '019c2b74-d8b7-74e7-9f16-6a6a2c9cd222'
const VARIANT = '019c2b74-d8df-7f57-bb13-5e8c0c3f5222'

let agenta: FakeAgenta
let github: FakeGithub
let repository: RepositoryHandle
let signalbox: TestSignalbox
beforeEach(async () => {
  agenta = await openFakeAgenta()
  agenta.applications.set(APP, { id: APP, slug: 'customer-support-bot', name: 'Customer support bot' })
  agenta.applications.set(OTHER_APP, { id: OTHER_APP, slug: 'mailer' })
  agenta.variants.set(VARIANT, { id: VARIANT, slug: 'v2-optimized' })
  github = await openFakeGithub()
  repository = await github.addRepository({ owner: 'acme', name: 'prompts', files: { 'README.md': '# Prompts\n' } })
})
afterEach(async () => {
  await signalbox.close()
  await github.close()
  agenta.close()
})

async function open({ config, ...env }: { config?: Config; [name: string]: unknown } = {}) {
  signalbox = await openTestSignalbox({
    ...(config && { config }),
    env: {
      GITHUB_TOKEN: github.addToken({ login: 'acme' }),
      GITHUB_API_URL: github.apiUrl,
      GITHUB_REPO: repository.fullName,
      AGENTA_API_URL: agenta.url,
      AGENTA_API_KEY: agenta.key,
      ...env,
    } as Record<string, string>,
  })
}

/** Adds a revision of an application, and returns the reference that events have of it. */
function commit(app: string, version: number, parameters: object | undefined) {
  const id = idOf(app, version)
  const about = { id, slug: `prompt-v${version}`, version: String(version), message: `Version ${version}` }
  const data = { url: 'https://cloud.agenta.ai/services/completion', ...(parameters && { parameters }) }
  agenta.revisions.set(id, { ...about, application_id: APP, application_variant_id: VARIANT, data })
  return references(app, version)
}

/** As `POST /applications/revisions/deploy` has them put together: slugs of the revision alone. */
function references(app: string, version: number) {
  const id = idOf(app, version)
  const revision = { id, slug: `prompt-v${version}`, version: String(version) }
  return { application: { id: app }, application_variant: { id: VARIANT }, application_revision: revision }
}

/** Sends the commit of the environment's version, which puts these under their keys. */
async function deployed(version: number, updated: Record<string, object>, changes: object = {}) {
  const environment_revision = { id: idOf(ENVIRONMENT, version), slug: `prod-${version}`, version: String(version) }
  const attributes = {
    user_id: JANE,
    references: {
      environment: { id: ENVIRONMENT, slug: 'production' },
      environment_revision,
      environment_variant: { id: idOf(ENVIRONMENT, 999) },
    },
    state: { references: updated },
    diff: {
      created: {},
      updated: Object.fromEntries(Object.entries(updated).map(([key, after]) => [key, { old: {}, new: after }])),
      deleted: {},
    },
    ...changes,
  }
  const request = commitRequest({ id: idOf(PROJECT, version), project: PROJECT, attributes })
  const answer = await fetch(`${signalbox.url}/webhook/agenta`, request)
  expect(answer.status).toBe(200)
  return answer.json() as Promise<{ event_id: string; jobs: string[] }>
}

async function get<Answer>(path: string): Promise<Answer> {
  return (await (await signalbox.api(path)).json()) as Answer
}

async function deployments(): Promise<DeploymentSummary[]> {
  return (await get<Page<DeploymentSummary>>('/api/deployments')).items
}

async function ended(id: string | undefined) {
  return until(`job ${id} has ended`, async () => {
    const job = await get<JobDetail>(`/api/jobs/${id}`)
    return ['completed', 'failed'].includes(job.status) && job
  })
}

describe('a commit of an environment', () => {
  test('becomes a deployment with names, configuration, sequence and diff, and a pull request', async () => {
    await open()
    const first = await deployed(7, { 'customer-support-bot.revision': commit(APP, 7, { temperature: 0.7 }) })
    expect(await ended(first.jobs[0])).toMatchObject({ status: 'completed', job_type: 'agenta-deployment' })
    const second = await deployed(
      8,
      { 'customer-support-bot.revision': commit(APP, 8, { temperature: 0.5 }) },
      { message: 'Calmer' },
    )
    await ended(second.jobs[0])
    const [newest, oldest] = await deployments()
    expect(await get(`/api/deployments/${newest?.deployment_id}`)).toMatchObject({
      project_id: PROJECT,
      app_name: 'customer-support-bot',
      variant_name: 'v2-optimized',
      variant_id: VARIANT,
      environment: 'production',
      revision: 8,
      commit_message: 'Calmer',
      deployed_by: JANE,
      sequence: 2,
      previous_deployment_id: oldest?.deployment_id,
      config_diff: { added: {}, modified: { temperature: { old: 0.7, new: 0.5 } }, removed: {} },
    })
    expect(oldest?.commit_message).toBe('Version 7')
    const pull = await until('the pull request is there', async () =>
      (await repository.pulls()).find(({ body }) => body?.includes('Calmer')),
    )
    const file = await repository.readFile(pull.head.ref, 'deployments/customer-support-bot/production.json')
    expect(JSON.parse(file ?? '')).toMatchObject({ config: { temperature: 0.5 } })
    const { nodes } = await get<Trace>(`/api/trace/${newest?.deployment_id}`)
    const chain = nodes.filter(
      ({ kind, title }) => kind === 'deployment' || /^(agenta|environment|deployment-pr|pull)/.test(title),
    )
    expect(chain.map(({ kind, depth }) => `${depth} ${kind}`).slice(0, 6)).toEqual([
      ...['0 event', '1 job', '2 deployment', '3 event', '4 job', '5 output'],
    ])
  })

  test('of several applications is a deployment of each', async () => {
    await open()
    const changes = {
      'customer-support-bot.revision': commit(APP, 1, { a: 1 }),
      'mailer.revision': commit(OTHER_APP, 2, { b: 2 }),
    }
    await ended((await deployed(3, changes)).jobs[0])
    const apps = (await deployments()).map(({ app_name }) => app_name)
    expect(apps.sort()).toEqual(['customer-support-bot', 'mailer'])
  })

  test('that is reported again is the same deployment, and one older than what is recorded is none', async () => {
    await open()
    const older = { 'customer-support-bot.revision': commit(APP, 1, { a: 1 }) }
    const newer = { 'customer-support-bot.revision': commit(APP, 2, { a: 2 }) }
    await ended((await deployed(5, newer)).jobs[0])
    const late = await ended((await deployed(4, older)).jobs[0])
    expect(late.result).toMatchObject({
      deployments: {
        'customer-support-bot.revision': 'Nothing, because version 5 of the environment is recorded.',
      },
    })
    await signalbox.api(`/api/jobs/${late.id}/retry`, { method: 'POST', body: { from_start: true } })
    expect(await signalbox.count('signalbox.deployments')).toBe(1)
  })

  test("is resolved with rules of one's own too, and by a rule of one's own in place of the built-in one", async () => {
    await open({ config: { rules: [] } })
    const { jobs } = await deployed(1, { 'customer-support-bot.revision': commit(APP, 1, { a: 1 }) })
    expect(await ended(jobs[0])).toMatchObject({ status: 'completed', rule: 'agenta-deployment' })
    expect(await signalbox.count('signalbox.deployments')).toBe(1)
  })
})

describe('when Agenta', () => {
  test.each([[[503]], [[0]], [[429]], [[500, 502]]])('fails with %j, the job is attempted again', async (faults) => {
    await open()
    agenta.faults.push(...faults)
    const { jobs } = await deployed(1, { 'customer-support-bot.revision': commit(APP, 1, { a: 1 }) })
    const job = await ended(jobs[0])
    expect(job).toMatchObject({ status: 'completed', attempt: faults.length + 1 })
    expect(await signalbox.count('signalbox.deployments')).toBe(1)
  })

  test('does not know an id, the job fails in the end and says what to look at', async () => {
    await open()
    const { jobs } = await deployed(1, { 'customer-support-bot.revision': references(APP, 404) })
    const job = await ended(jobs[0])
    expect(job).toMatchObject({ status: 'failed', attempt: 3 })
    expect(job.error).toBe(
      `Agenta knows no application revision ${idOf(APP, 404)}: is AGENTA_API_KEY a key of that project, and is it still there?`,
    )
  })

  test('refuses the key, the job fails at once, and says so without the key', async () => {
    await open({ AGENTA_API_KEY: 'another-key-of-nobody-0123456789' })
    const { jobs } = await deployed(1, { 'customer-support-bot.revision': commit(APP, 1, { a: 1 }) })
    const job = await ended(jobs[0])
    expect(job).toMatchObject({ status: 'failed', attempt: 1 })
    expect(job.error).toContain('answered 401')
    expect(job.error).toContain('AGENTA_API_KEY is to be a key')
    expect(JSON.stringify(job)).not.toContain('another-key-of-nobody')
  })

  test('is not at the address, the job fails and says what the address is to be', async () => {
    await open({ AGENTA_API_URL: agenta.url.replace(/\/api$/, '') })
    const { jobs } = await deployed(1, { 'customer-support-bot.revision': commit(APP, 1, { a: 1 }) })
    expect((await ended(jobs[0])).error).toContain('such as https://cloud.agenta.ai/api')
  })

  test('has no parameters in the revision, the job fails', async () => {
    await open()
    const { jobs } = await deployed(1, { 'customer-support-bot.revision': commit(APP, 1, undefined) })
    expect((await ended(jobs[0])).error).toContain('has no parameters')
  })
})

describe('without the API', () => {
  test.each([
    [{ AGENTA_API_KEY: '', AGENTA_API_URL: '' }, 'set AGENTA_API_URL and AGENTA_API_KEY'],
    [{ AGENTA_API_KEY: '' }, 'set AGENTA_API_KEY'],
  ])('%j an event of several applications is stored, and its reason says what to set', async (env, reason) => {
    await open(env)
    const changes = { 'a.revision': references(APP, 1), 'b.revision': references(OTHER_APP, 2) }
    const { event_id: id, jobs } = await deployed(3, changes)
    expect(jobs).toEqual([])
    expect(await get(`/api/events/${id}`)).toMatchObject({
      type: 'agenta.environments.revisions.committed',
      status: 'ignored',
      reason: `rule "agenta-deployment" is off: ${reason}; no endpoint asked for it`,
    })
    expect(agenta.requests).toEqual([])
  })
})

test('the key is in nothing that is stored', async () => {
  await open()
  await ended((await deployed(1, { 'customer-support-bot.revision': commit(APP, 1, { a: 1 }) })).jobs[0])
  for (const table of ['events', 'jobs', 'job_steps', 'job_log', 'outputs', 'deployments']) {
    expect(await signalbox.count(`signalbox.${table} t`, `t::text like '%${agenta.key}%'`)).toBe(0)
  }
})
