// The two flows of the product, end to end: real HTTP, real PostgreSQL, a strict GitHub with real
// git and signed webhooks.
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openApiGuard } from '../fake-github/openapi.ts'
import { defineAgent } from '../src/agents/agent.ts'
import type { Config } from '../src/config/config-file.ts'
import { defaultRules } from '../src/config/default-rules.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, until } from './signalbox.ts'
import { cliOf } from './terminal.ts'

const APP = 'customer-support-bot'
const FILE = `deployments/${APP}/production.json`

const reviewer = defineAgent({
  name: 'reviewer',
  description: 'Says on a pushed commit what it saw.',
  input: z.unknown(),
  run: async ({ event }) => ({
    outputs: [
      {
        kind: 'comment',
        key: 'review',
        repository: event?.facts.repository ?? '',
        target: { commit: event?.facts.sha ?? '' },
        body: `Looked at ${event?.subject}.`,
      },
    ],
    result: { looked: true },
  }),
})

const config: Config = {
  agents: [reviewer],
  rules: [
    ...defaultRules.filter(({ name }) => name === 'deployment-pr'),
    { name: 'github_push', on: 'push', when: { branch: 'main', not: { author: 'bot' } }, agent: 'reviewer' },
  ],
}

const guard = openApiGuard()
let github: FakeGithub
let repository: RepositoryHandle
let signalbox: TestSignalbox

beforeEach(async () => {
  github = await openFakeGithub({ onExchange: guard.onExchange })
  repository = await github.addRepository({ owner: 'acme', name: 'prompts', files: { 'README.md': '# Prompts\n' } })
  const env = {
    GITHUB_TOKEN: github.addToken({ login: 'acme' }),
    GITHUB_API_URL: github.apiUrl,
    GITHUB_REPO: repository.fullName,
  }
  signalbox = await openTestSignalbox({ config, env })
  await repository.addWebhook({ url: `${signalbox.url}/webhook/github`, secret: SECRET })
})
afterEach(async () => {
  await github.settled()
  await signalbox.close()
  await github.close()
  expect(guard.violations).toEqual([])
})

type DeploymentRow = {
  deployment_id: string
  sequence: number
  pull_requests: { number: number; state: string; merged_by: string | null }[]
}

async function deploy(configuration: object, change: object = {}): Promise<DeploymentRow> {
  const body = {
    project_id: 'project_abc',
    app_name: APP,
    variant_name: 'v2-optimized',
    environment: 'production',
    config: configuration,
    deployed_by: 'jane@company.com',
    ...change,
  }
  const response = await signalbox.api('/api/deployments', { method: 'POST', body })
  expect(response.status).toBe(201)
  return (await response.json()) as DeploymentRow
}
async function deploymentNow(id: string) {
  return (await (await signalbox.api(`/api/deployments/${id}`)).json()) as DeploymentRow
}
function jobsDone(n: number) {
  return until(
    `${n} jobs are done`,
    async () => (await signalbox.count('signalbox.jobs', `status = 'completed'`)) === n,
  )
}

describe('a deployed configuration', () => {
  test('is said with the address of its pull request by who deployed it', async () => {
    const args = ['deploy', '--app', APP, '--env', 'production', '--by', 'jane', '--config', '-']
    const { code, out } = await cliOf(signalbox).ask(args, { readInput: async () => '{"temperature":0.5}' })
    expect(code).toBe(0)
    expect(out).toMatch(/\njob \S{8} deployment-pr: completed .*\nPull request: http\S+\/acme\/prompts\/pull\/1\n$/)
  })

  test('becomes a pull request with its diff, and its merge is stored against the deployment', async () => {
    await deploy({ temperature: 0.7, system_prompt: 'You are a helpful assistant' })
    await jobsDone(1)
    const [first] = await repository.pulls()
    expect(first).toMatchObject({ title: `🤖 Deploy ${APP} to production`, state: 'open', base: { ref: 'main' } })
    expect(first?.labels.map((label) => label.name).sort()).toEqual(['agenta-deployment', 'production'])
    await repository.mergePullRequest(first?.number ?? 0, 'acme')

    const second = await deploy({ temperature: 0.5, system_prompt: 'You are a helpful assistant' })
    expect(second.sequence).toBe(2)
    const pull = await until('the second pull request is open', async () => (await repository.pulls('open'))[0])
    expect(pull.body).toContain('- **temperature**: `0.7` → `0.5`')
    expect(pull.head.ref).toBe(`agenta/deploy-${APP}-${second.deployment_id.replace('deploy_', '')}`)
    const merge = await repository.mergePullRequest(pull.number, 'acme')
    expect(JSON.parse((await repository.readFile('main', FILE)) ?? '{}')).toMatchObject({
      config: { temperature: 0.5 },
    })

    const merged = await until('the merge has come back', async () => {
      const now = await deploymentNow(second.deployment_id)
      return now.pull_requests[0]?.state === 'merged' && now
    })
    expect(merged.pull_requests).toMatchObject([
      { number: pull.number, state: 'merged', merged_by: 'acme', merge_sha: merge },
    ])
  })

  test('too large for its event is whole in the pull request', async () => {
    const prompt = 'Answer in full sentences. '.repeat(1000)
    await deploy({ prompt })
    const pull = await until('the pull request is open', async () => (await repository.pulls('open'))[0])
    expect(JSON.parse((await repository.readFile(pull.head.ref, FILE)) ?? '{}')).toMatchObject({ config: { prompt } })
  })

  test('of staging is recorded, and nothing else follows', async () => {
    await deploy({ temperature: 1 }, { environment: 'staging' })
    const { rows } = await signalbox.database.query(
      `select status, reason from signalbox.events where type = 'environment.deployed'`,
    )
    expect(rows).toMatchObject([{ status: 'ignored', reason: expect.stringContaining('staging') }])
    expect(await signalbox.count('signalbox.jobs')).toBe(0)
    expect(await repository.pulls()).toEqual([])
  })

  test('deployed twice in a row leaves one open pull request with the latest configuration', async () => {
    const deployments = [await deploy({ n: 1 }), await deploy({ n: 2 })]
    await jobsDone(2)
    const open = await repository.pulls('open')
    expect(open).toHaveLength(1)
    expect(JSON.parse((await repository.readFile(open[0]?.head.ref ?? '', FILE)) ?? '{}')).toMatchObject({
      config: { n: 2 },
    })
    for (const { deployment_id: id } of deployments) {
      const found = await until('both name the pull request', async () => (await deploymentNow(id)).pull_requests[0])
      expect(found.number).toBe(open[0]?.number)
    }
  })
})

describe('a push', () => {
  test('becomes a job whose outcome is a comment on the commit, and an event that says so', async () => {
    const sha = await repository.commit({ message: 'Change the prompt', files: { 'prompt.txt': 'Be brief.\n' } })
    const comment = await until('the comment is there', async () => (await repository.commitComments(sha))[0])
    expect(comment.body).toContain('Looked at acme/prompts@main.')
    await jobsDone(1)
    const finished = await until('the end of the job is an event', async () => {
      const { rows } = await signalbox.database.query<{ payload: object }>(
        `select payload from webhook_events where event_type = 'job.completed'`,
      )
      return rows[0]
    })
    expect(finished.payload).toMatchObject({
      event: 'job.completed',
      data: { agent: 'reviewer', result: { looked: true } },
    })
  })

  test('delivered twice by GitHub is one job and one comment', async () => {
    github.faults.addWebhook({ kind: 'duplicate', event: 'push' })
    const sha = await repository.commit({ message: 'Twice', files: { 'a.txt': 'a' } })
    await github.settled()
    await jobsDone(1)
    expect(await signalbox.count('signalbox.events', `type = 'push'`)).toBe(1)
    expect(await repository.commitComments(sha)).toHaveLength(1)
  })

  test('to another branch is kept with the reason why nothing followed', async () => {
    await repository.commit({ message: 'Trial', files: { 'a.txt': 'a' }, branch: 'trial' })
    await github.settled()
    const { rows } = await signalbox.database.query<{ reason: string }>(
      `select reason from signalbox.events where type = 'push'`,
    )
    expect(rows[0]?.reason).toContain('trial')
    const { rows: events } = await signalbox.database.query<{ id: string }>(
      `select id from signalbox.events where type = 'push'`,
    )
    const why = (await (await signalbox.api(`/api/events/${events[0]?.id}/explain`)).json()) as {
      rules: { rule: string; matched: boolean; sentence: string }[]
    }
    expect(why.rules.map(({ rule, matched }) => [rule, matched])).toEqual(
      ['deployment-pr', 'github_push'].map((name) => [name, false]),
    )
    expect(why.rules.find(({ rule }) => rule === 'github_push')?.sentence).toContain('the branch is trial, wanted main')
  })
})
