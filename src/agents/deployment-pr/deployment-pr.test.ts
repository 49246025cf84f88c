import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { GiveUp } from '../../lib/error.ts'
import type { AgentContext } from '../agent.ts'
import { ping } from '../ping/ping.ts'
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
    workspace: () => Promise.reject(new Error('none')),
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

test('ping answers with what it was asked by', async () => {
  const given = context({})
  expect(await ping.run(given)).toEqual({
    result: { pong: true, at: '2026-01-01T00:00:00.000Z', job: 'job-1', attempt: 1, event: null },
  })
  expect(given.lines).toEqual(['pong at 2026-01-01T00:00:00.000Z'])
})
