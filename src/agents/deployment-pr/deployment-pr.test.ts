import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { givenLedger } from '../../findings/given.ts'
import { GiveUp } from '../../lib/error.ts'
import { noModel } from '../../models/fixtures/no-model.ts'
import { parseOutputs } from '../../publisher/output.ts'
import type { AgentContext } from '../agent.ts'
import type { DeploymentPrDefaults } from './answer.ts'
import { deploymentPr } from './deployment-pr.ts'

const payload = JSON.parse(readFileSync(new URL('fixtures/deployed-event.json', import.meta.url), 'utf8'))

function context(given: { payload?: unknown; input?: unknown }): AgentContext<unknown> & { lines: string[] } {
  const lines: string[] = []
  return {
    job: { id: 'job-1', type: 'deployment-pr', rule: 'r', attempt: 1 },
    input: given.input,
    event: null,
    payload: given.payload,
    step: async (_, fn) => fn(),
    publish: async () => [],
    inherited: async () => undefined,
    findings: givenLedger(),
    sleep: async () => {},
    waitFor: async () => null,
    approval: async () => {
      throw new Error('Nobody can be asked here.')
    },
    workspace: () => Promise.reject(new Error('none')),
    checkout: () => Promise.reject(new Error('none')),
    model: noModel,
    forge: null,
    log: (line) => lines.push(line),
    signal: AbortSignal.timeout(60_000),
    now: () => new Date('2026-01-01T00:00:00Z'),
    lines,
  }
}

function run(given: { payload?: unknown; input?: unknown }, defaults: DeploymentPrDefaults = {}) {
  const agent = deploymentPr(defaults)
  return agent.run(context({ ...given, input: agent.input.parse(given.input) }))
}

test("a deployment becomes one output, and a rule's options override the defaults", async () => {
  const { outputs, result } = await run(
    { payload, input: { base: 'release', repository: 'acme/bots' } },
    { repository: 'acme/all', base: 'main' },
  )
  expect(outputs).toMatchObject([{ kind: 'pull_request', repository: 'acme/bots', base: 'release' }])
  expect(result).toEqual({
    repository: 'acme/bots',
    branch: 'agenta/deploy-customer-support-bot-1234567890',
    file: 'deployments/customer-support-bot/production.json',
  })
})

test('an environment that was not chosen is skipped and says so', async () => {
  const { outputs, result } = await run({ payload }, { repository: 'acme/all', environments: ['staging'] })
  expect(outputs).toEqual([])
  expect(result).toEqual({ skipped: 'Deployments to production get no pull request.' })
})

test('customise changes the output or drops it', async () => {
  const changed = await run(
    { payload },
    { repository: 'acme/all', customise: (output, event) => ({ ...output, title: `New ${event.data.app_name}` }) },
  )
  expect(changed.outputs).toMatchObject([{ title: 'New customer-support-bot' }])
  expect((await run({ payload }, { repository: 'acme/all', customise: () => null })).outputs).toEqual([])
})

test.each([
  ['no payload', undefined],
  ['another event', { ...payload, event: 'push' }],
  ['no app', { ...payload, data: { ...payload.data, app_name: '' } }],
  ['no deployment id', { ...payload, data: { ...payload.data, deployment_id: undefined } }],
  ['data that is a list', { ...payload, data: [] }],
])('%s is not worth a retry', async (_, wrong) => {
  await expect(run({ payload: wrong }, { repository: 'acme/all' })).rejects.toThrow(GiveUp)
})

test('an app without a repository is not worth a retry', async () => {
  await expect(run({ payload })).rejects.toThrow(/No repository is set for customer-support-bot: set GITHUB_REPO/)
})

test('a misspelt option is an error', () => {
  expect(() => deploymentPr().input.parse({ repositry: 'acme/all' })).toThrow(/repositry/)
})

test('the log says where the pull request goes, or why there is none', async () => {
  const agent = deploymentPr({ repository: 'acme/all', environments: ['production'] })
  const opened = context({ payload })
  await agent.run(opened)
  expect(opened.lines).toEqual([
    'The pull request for acme/all is deployments/customer-support-bot/production.json ' +
      'on agenta/deploy-customer-support-bot-1234567890.',
  ])
  const skipped = context({ payload: { ...payload, data: { ...payload.data, environment: 'staging' } } })
  await agent.run(skipped)
  expect(skipped.lines).toEqual(['Deployments to staging get no pull request.'])
})

test('a payload that is no deployment is refused by its fields', async () => {
  const wrong = { ...payload, data: { ...payload.data, app_name: undefined } }
  await expect(run({ payload: wrong }, { repository: 'acme/all' })).rejects.toThrow(
    'The payload is not a deployment event: data.app_name: is required',
  )
  await expect(run({ payload: undefined }, { repository: 'acme/all' })).rejects.toThrow(
    'The payload is not a deployment event: the payload: is required',
  )
})

test("an app's own repository is taken before the common one, on whatever forge", async () => {
  const repositories = { 'customer-support-bot': 'gitlab:acme/tools/bots' }
  const { outputs } = await run({ payload, input: { repositories } }, { repository: 'acme/all' })
  expect(outputs).toMatchObject([{ repository: 'gitlab:acme/tools/bots' }])
})

test('a rule without options uses the defaults', async () => {
  for (const input of [undefined, null, {}])
    expect((await run({ payload, input }, { repository: 'acme/all' })).outputs).toHaveLength(1)
})

test('what customise throws is the failure of the job', async () => {
  const customise = () => {
    throw new Error('not on a Friday')
  }
  await expect(run({ payload }, { repository: 'acme/all', customise })).rejects.toThrow('not on a Friday')
})

test('its outputs are valid, also from the documented example', async () => {
  const { outputs } = await run({ payload }, { repository: 'acme/all' })
  expect(parseOutputs(outputs)).toEqual(outputs)
})

test.each(['failed', 'FAILURE', 'error'])(
  'a deployment with the status %s gets no pull request, and the job says so',
  async (status) => {
    const failed = { ...payload, data: { ...payload.data, status } }
    const { outputs, result } = await run({ payload: failed }, { repository: 'acme/all' })
    expect(outputs).toEqual([])
    expect(result).toEqual({ skipped: 'The deployment failed, so it gets no pull request.' })
    const done = { ...payload, data: { ...payload.data, status: 'succeeded' } }
    expect((await run({ payload: done }, { repository: 'acme/all' })).outputs).toHaveLength(1)
  },
)

test('people are asked, and a draft is opened, as the options say', async () => {
  const people = { reviewers: ['jane'], teamReviewers: ['core'], assignees: ['joe'], draft: true }
  expect((await run({ payload, input: people }, { repository: 'acme/all' })).outputs).toMatchObject([people])
  const { outputs } = await run({ payload }, { repository: 'acme/all' })
  for (const name of Object.keys(people)) expect(outputs?.[0]).not.toHaveProperty(name)
})

test('what customise made of the texts is not replaced by what templates say of several', async () => {
  const outputOf = async (customise: DeploymentPrDefaults['customise']) =>
    (await run({ payload }, { repository: 'acme/all', ...(customise && { customise }) })).outputs?.[0]
  expect(await outputOf(undefined)).toHaveProperty('combined')
  expect(await outputOf((output) => ({ ...output, labels: [] }))).toHaveProperty('combined')
  expect(await outputOf((output) => ({ ...output, body: 'Mine' }))).not.toHaveProperty('combined')
})
