import type { RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { AGENTA_DEPLOYMENT } from '../../test/fixtures/payloads.ts'
import { deployed, openReceiver, standard, timed } from './fixtures/receiver.ts'
import type { HandlerOptions } from './options.ts'

const fake = await openFakeGithub()
afterEach(() => fake.faults.clear())
afterAll(() => fake.close())

function setUp(more: Partial<HandlerOptions> = {}) {
  return openReceiver(fake, more)
}

/** The envelope in which Signalbox relays what Agenta sent. */
const relayed = {
  event: 'environment.deployed',
  timestamp: '2026-04-07T11:24:19Z',
  delivery_id: AGENTA_DEPLOYMENT.event.event_id,
  project_id: AGENTA_DEPLOYMENT.scope.project_id,
  data: { source: 'agenta', subject: null, actor: null, facts: {}, payload: AGENTA_DEPLOYMENT },
}

describe("a deployment in Agenta's first format", () => {
  test('opens its pull request, and the log follows it line by line', async () => {
    const { repo, lines, send } = await setUp()
    const { status, answer } = await send(deployed)
    const branch = 'agenta/deploy-customer-support-bot-1234567890'
    const pr_url = `${repo.htmlUrl}/pull/1`
    expect({ status, answer }).toEqual({
      status: 200,
      answer: { received: true, pr_created: true, pr_url, pr_number: 1, branch },
    })
    expect(lines.join('\n')).toBe(`📨 Received event: environment.deployed
   Timestamp: 2025-11-20T10:30:00Z
   Delivery ID: delivery_1234567890

🎯 Production deployment detected!
   App: customer-support-bot
   Variant: v2-optimized

📝 Creating GitHub PR...
   Repository: ${repo.fullName}
   Base branch: main
   Creating branch: ${branch}

✅ GitHub PR created: ${pr_url}`)
    const [pull] = await repo.pulls()
    expect(pull).toMatchObject({ title: '🤖 Deploy customer-support-bot to production', head: { ref: branch } })
    expect(pull?.labels.map(({ name }) => name).sort()).toEqual(['agenta-deployment', 'production'])
    const file = await repo.readFile(branch, 'deployments/customer-support-bot/production.json')
    expect(JSON.parse(file ?? '')).toMatchObject({ deployment_id: 'deploy_1234567890', variant: { revision: 15 } })
  })

  test('again, also at once, finds the same pull request', async () => {
    const { repo, send } = await setUp()
    const answers = await Promise.all([send(deployed), send(deployed), send(deployed)])
    answers.push(await send(deployed))
    expect(new Set(answers.map(({ answer }) => JSON.stringify(answer)))).toHaveProperty('size', 1)
    expect(await repo.pulls()).toHaveLength(1)
  })

  test('captured and sent again, also after later ones were merged, changes nothing', async () => {
    const { repo, send } = await setUp()
    const later = (id: string, timestamp: string) => ({
      ...deployed,
      timestamp,
      data: { ...deployed.data, deployment_id: id },
    })
    await send(deployed)
    await send(later('deploy_2', '2025-11-21T10:30:00Z'))
    await repo.mergePullRequest(1)
    await send(later('deploy_3', '2025-11-22T10:30:00Z'))
    await repo.mergePullRequest(2)
    for (const branch of await repo.branches()) if (branch !== 'main') await repo.deleteBranch(branch)
    const answers = [await send(deployed), await send(later('deploy_2', '2025-11-21T10:30:00Z'))]
    expect(answers.map(({ answer }) => answer)).toMatchObject([{ pr_number: 1 }, { pr_number: 1 }])
    expect(await repo.pulls()).toHaveLength(2)
    expect(await repo.branches()).toEqual(['main'])
  })
})

describe("a deployment in Agenta's current format", () => {
  const branch = 'agenta/deploy-customer-support-bot-environment-revision-8'
  const opened = { status: 200, answer: { received: true, pr_created: true, pr_number: 1, branch } }

  test('opens its pull request', async () => {
    const { repo, lines, send } = await setUp()
    expect(await send(AGENTA_DEPLOYMENT, await timed(AGENTA_DEPLOYMENT))).toMatchObject(opened)
    expect(lines.slice(0, 7)).toEqual([
      '📨 Received event: environment.deployed',
      '   Timestamp: 2026-04-07T11:24:18.000Z',
      '   Delivery ID: 01961234-5678-7abc-9def-123456789abc',
      '',
      '🎯 Production deployment detected!',
      '   App: customer-support-bot',
      '   Variant: production',
    ])
    expect(await repo.pulls()).toMatchObject([{ title: '🤖 Deploy customer-support-bot to production' }])
    const file = await repo.readFile(branch, 'deployments/customer-support-bot/production.json')
    expect(JSON.parse(file ?? '')).toMatchObject({ variant: { id: 'variant-1', name: 'production', revision: 8 } })
  })

  test('relayed by Signalbox opens its pull request', async () => {
    const { repo, lines, send } = await setUp()
    expect(await send(relayed, await standard(relayed))).toMatchObject(opened)
    expect(lines[0]).toBe('📨 Received event: environment.deployed')
    expect(await repo.pulls()).toHaveLength(1)
  })

  test('sent several times, directly and relayed, is one pull request', async () => {
    const { repo, send } = await setUp()
    const answers = [
      await send(AGENTA_DEPLOYMENT, await timed(AGENTA_DEPLOYMENT)),
      await send(AGENTA_DEPLOYMENT, await timed(AGENTA_DEPLOYMENT, 200)),
      await send(relayed, await standard(relayed)),
    ]
    for (const answer of answers) expect(answer).toMatchObject(opened)
    expect(await repo.pulls()).toHaveLength(1)
  })
})

describe('an event that the handler does not act on', () => {
  test.each([
    ['job.completed', { event: 'job.completed' }],
    ['push', { event: 'push', data: { source: 'github', payload: { ref: 'refs/heads/main' } } }],
    ['webhooks.subscriptions.tested', { event: { event_type: 'webhooks.subscriptions.tested' } }],
    ['unknown', { event: {} }],
    ['unknown', { anything: [] }],
  ])('is received and logged as %s', async (name, payload) => {
    const { repo, lines, send } = await setUp()
    expect(await send(payload)).toMatchObject({ status: 200, answer: { received: true } })
    expect(lines[0]).toBe(`📨 Received event: ${name}`)
    expect(await repo.pulls()).toEqual([])
  })

  test('may be a deployment to another environment', async () => {
    const { repo, send } = await setUp()
    const staging = { ...deployed, data: { ...deployed.data, environment: 'staging' } }
    expect(await send(staging)).toMatchObject({ status: 200, answer: { received: true } })
    expect(await repo.pulls()).toEqual([])
  })

  test('cannot forge a line of the log', async () => {
    const { send, lines } = await setUp()
    await send({ event: 'x\n✅ GitHub PR created: https://evil.example', timestamp: '\u001b[2J', delivery_id: {} })
    expect(lines.slice(0, 3)).toEqual([
      '📨 Received event: x ✅ GitHub PR created: https://evil.example',
      '   Timestamp: ⟨U+001B⟩[2J',
      '   Delivery ID: unknown',
    ])
  })
})

describe('when GitHub fails', () => {
  test('the answer is a 502 without the reason, and the repeat succeeds', async () => {
    const { repo, lines, send } = await setUp()
    const fault = fake.faults.add({ method: 'POST', kind: 'lostResponse', route: '/repos/{owner}/{repo}/pulls' })
    expect(await send(deployed)).toMatchObject({
      status: 502,
      answer: { code: 'forge_failed', detail: 'The pull request could not be opened.' },
    })
    expect(fault.hits).toBe(1)
    expect(lines.at(-1)).toMatch(/^RetryAt: GitHub did not answer POST /)
    expect(await send(deployed)).toMatchObject({ status: 200, answer: { pr_number: 1 } })
    expect(await repo.pulls()).toHaveLength(1)
  })

  test('by a rate limit, the 502 says when to come back', async () => {
    const { send } = await setUp()
    fake.faults.add({ kind: 'secondaryRateLimit', retryAfterSeconds: 30 })
    const { status, headers } = await send(deployed)
    expect(status).toBe(502)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(25)
  })

  test('because the repository is not there, the 502 says so', async () => {
    const { send } = await setUp({ repositories: { 'customer-support-bot': 'your-org/absent' } })
    expect(await send(deployed)).toMatchObject({
      status: 502,
      answer: { code: 'forge_failed', detail: expect.stringContaining('GitHub does not have that') },
    })
  })
})

test('a policy that refuses the pull request is a 502', async () => {
  const { repo, send } = await setUp({ policy: { repositories: ['other-org/*'] } })
  expect(await send(deployed)).toMatchObject({
    status: 502,
    answer: { code: 'forge_failed', detail: expect.stringContaining('Refused by policy') },
  })
  expect(await repo.pulls()).toEqual([])
})

test('a base branch that has the deployment already gets no pull request', async () => {
  const first = await setUp()
  const { answer } = await first.send(deployed)
  const path = 'deployments/customer-support-bot/production.json'
  const content = (await first.repo.readFile(String(answer.branch), path)) ?? ''
  const second = await setUp()
  await second.repo.commit({ message: 'By hand', files: { [path]: content } })
  expect(await second.send(deployed)).toMatchObject({ status: 200, answer: { received: true, pr_created: false } })
  expect(second.lines.at(-1)).toBe('✅ Nothing to change: the base branch already has this deployment')
  expect(await second.repo.pulls()).toEqual([])
})

describe('customise', () => {
  test('changes the pull request', async () => {
    const { repo, send, lines } = await setUp({
      environments: ['staging'],
      customise: (output, event) => ({ ...output, title: `${event.data.variant_name} goes live` }),
    })
    await send({ ...deployed, data: { ...deployed.data, environment: 'staging' } })
    expect(await repo.pulls()).toMatchObject([{ title: 'v2-optimized goes live' }])
    expect(lines).toContain('🎯 Staging deployment detected!')
  })

  test('may decline it', async () => {
    const { repo, send } = await setUp({ customise: () => null })
    expect(await send(deployed)).toMatchObject({ status: 200, answer: { received: true } })
    expect(await repo.pulls()).toEqual([])
  })

  test('that throws is a 502, its stack in the log only', async () => {
    const { lines, send } = await setUp({
      customise: () => {
        throw new Error('a bug of the user')
      },
    })
    const { status, answer } = await send(deployed)
    expect(status).toBe(502)
    expect(JSON.stringify(answer)).not.toContain('a bug of the user')
    expect(lines.at(-1)).toContain('a bug of the user')
  })
})

test('a deployment of an app that has no repository is a 502 that says where to set one', async () => {
  const github = { token: fake.addToken({ login: 'your-org' }), apiUrl: fake.apiUrl }
  const { send } = await setUp({ github, repositories: { 'another-bot': 'your-org/another' } })
  const { status, answer } = await send(deployed)
  expect(status).toBe(502)
  expect(answer).toEqual({
    code: 'forge_failed',
    detail:
      'No repository is configured for customer-support-bot: ' +
      'set GITHUB_REPO (github.repository), or name the app in repositories.',
  })
})

test('without GitHub a deployment is a 502, and what gets no pull request is received', async () => {
  const { send } = await setUp({ github: {} })
  expect(await send(deployed)).toMatchObject({
    status: 502,
    answer: { code: 'forge_failed', detail: 'GitHub is not configured: set GITHUB_TOKEN and GITHUB_REPO.' },
  })
  expect(await send({ event: 'job.completed' })).toMatchObject({ status: 200, answer: { received: true } })
  const staging = { ...deployed, data: { ...deployed.data, environment: 'staging' } }
  expect(await send(staging)).toMatchObject({ status: 200, answer: { received: true } })
})

describe('a configuration that is validated', () => {
  const validate = { schema: { type: 'object', properties: { temperature: { maximum: 1 } } } }
  const withConfig = (config: object) => ({ ...deployed, data: { ...deployed.data, config } })
  // The token of an account may make no checks, so the commit gets a status.
  const statusesOf = async (repo: RepositoryHandle) => {
    const sha = await repo.head('agenta/deploy-customer-support-bot-1234567890')
    const headers = { authorization: `Bearer ${fake.addToken({ login: 'your-org' })}` }
    const response = await fetch(`${fake.apiUrl}/repos/${repo.fullName}/commits/${sha}/statuses`, { headers })
    return (await response.json()) as object[]
  }

  test('has one status of the commit, however often it is sent, and the answer says whether it is valid', async () => {
    const { repo, send, lines } = await setUp({ validate })
    for (const _ of [1, 2]) {
      expect(await send(withConfig({ temperature: 2 }))).toMatchObject({ status: 200, answer: { config_valid: false } })
    }
    expect(await statusesOf(repo)).toMatchObject([
      { context: 'Deployed configuration', state: 'failure', description: '$.temperature must be <= 1' },
    ])
    expect(lines).toContain('⚠️ $.temperature must be <= 1')
  })

  test('passes when it keeps to the schema', async () => {
    const { repo, send } = await setUp({ validate })
    expect(await send(withConfig({ temperature: 1 }))).toMatchObject({ answer: { config_valid: true } })
    expect(await statusesOf(repo)).toMatchObject([{ state: 'success' }])
  })
})

test('a deployment that failed gets no pull request, and the log says so', async () => {
  const { repo, send, lines } = await setUp()
  const { status, answer } = await send({ ...deployed, data: { ...deployed.data, status: 'failed' } })
  expect({ status, answer }).toEqual({ status: 200, answer: { received: true } })
  expect(lines.at(-1)).toBe('⏭️ The deployment failed, so it gets no pull request.')
  expect(await repo.pulls('all')).toEqual([])
})

test('two projects with an app of one name have a file each, also while both pull requests are open', async () => {
  const { repo, send } = await setUp()
  const other = { ...deployed, project_id: 'other', data: { ...deployed.data, deployment_id: 'deploy_2' } }
  await send(deployed)
  expect(await send(other)).toMatchObject({ answer: { pr_number: 2 } })
  await repo.mergePullRequest(1)
  await repo.mergePullRequest(2)
  const app = 'customer-support-bot/production.json'
  expect(await repo.readFile('main', `deployments/${app}`)).toContain('"project_id": "project_abc"')
  expect(await repo.readFile('main', `deployments/other/${app}`)).toContain('"project_id": "other"')
})
