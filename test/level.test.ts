// What stands open without its job: found by looking at GitHub and at the deployments, whatever
// webhooks came.
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import type { LevelCheck } from '@signalbox/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/agents/agent.ts'
import type { Config } from '../src/config/config-file.ts'
import { githubHeaders } from './fixtures/signed.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from './signalbox.ts'

function agentOf(name: string) {
  return defineAgent({ name, description: 'Does nothing.', input: z.unknown(), run: async () => ({ outputs: [] }) })
}

const config: Config = {
  agents: ['reviewer', 'worker', 'documenter'].map(agentOf),
  rules: [
    {
      name: 'review',
      on: ['pull_request.opened', 'pull_request.synchronize'],
      when: { not: { isDraft: 'true' } },
      agent: 'reviewer',
    },
    { name: 'task', on: 'issues.labeled', when: { label: 'agent' }, agent: 'worker' },
    { name: 'document', on: 'environment.deployed', agent: 'documenter' },
    { name: 'command', on: 'command', command: { name: 'task', description: 'Works.' }, agent: 'worker' },
  ],
}

let github: FakeGithub
let repository: RepositoryHandle
let signalbox: TestSignalbox

beforeEach(async () => {
  github = await openFakeGithub()
  repository = await github.addRepository({
    owner: 'acme',
    name: 'shop',
    files: { 'README.md': '# Shop\n' },
    collaborators: { mona: 'write' },
  })
  const env = {
    GITHUB_TOKEN: github.addToken({ login: 'acme' }),
    GITHUB_API_URL: github.apiUrl,
    GITHUB_REPO: 'acme/shop',
  }
  signalbox = await openTestSignalbox({ config, env })
})
afterEach(async () => {
  await signalbox.close()
  await github.close()
})

async function level(query = ''): Promise<LevelCheck> {
  const answer = await signalbox.api(`/api/gaps/level${query}`, { method: 'POST' })
  expect(answer.status).toBe(200)
  return (await answer.json()) as LevelCheck
}

async function openPull(branch: string, options: { draft?: boolean; body?: string } = {}): Promise<number> {
  await repository.commit({ branch, message: branch, files: { [branch]: 'x' }, author: 'mona' })
  return (await repository.openPullRequest({ title: branch, head: branch, ...options }, 'mona')).number
}

test('pull requests, labelled issues and deployments without their jobs are listed, and get them once', async () => {
  const pull = await openPull('change', { body: '/task' })
  await openPull('draft', { draft: true })
  const { number: issue } = await repository.openIssue({ title: 'Do it' }, 'mona')
  await repository.labelIssue(issue, ['agent', 'other'], 'mona')
  await repository.openIssue({ title: 'No label' })
  await signalbox.api('/api/rules/document/pause', { method: 'POST', body: {} })
  const deployment = {
    project_id: 'p',
    app_name: 'bot',
    variant_name: 'v',
    environment: 'production',
    config: {},
    deployed_by: 'jane',
  }
  expect((await signalbox.api('/api/deployments', { method: 'POST', body: deployment })).ok).toBe(true)
  await signalbox.api('/api/rules/document/resume', { method: 'POST' })

  const listed = [
    { kind: 'pull_request', subject: `acme/shop#${pull}`, type: 'pull_request.synchronize', rules: ['review'] },
    { kind: 'issue', subject: `acme/shop#${issue}`, type: 'issues.labeled', actor: 'mona', rules: ['task'] },
    { kind: 'deployment', subject: 'bot@production', type: 'environment.deployed', rules: ['document'] },
  ]
  expect(await level()).toMatchObject({ fixed: false, items: listed.map((each) => ({ ...each, jobs: [] })) })
  expect(await signalbox.count('signalbox.jobs')).toBe(0)

  const fixed = await level('?fix=true')
  expect(fixed.items.map(({ jobs }) => jobs.length)).toEqual([1, 1, 1])
  expect(await level('?fix=true')).toEqual({ fixed: true, items: [] })
  await until('they are done', async () => (await signalbox.count('signalbox.jobs', "status = 'completed'")) === 3)
  expect(await signalbox.count('signalbox.events', "delivery_id like 'level_%' and recovered_at is not null")).toBe(3)

  // A new head is another thing to review.
  await repository.commit({ branch: 'change', message: 'more', files: { more: 'x' }, author: 'mona' })
  expect((await level()).items).toMatchObject([{ kind: 'pull_request', jobs: [] }])
})

test('what nobody may start gets no more than by its webhook, and paused rules want nothing', async () => {
  await openPull('change')
  const { number } = await repository.openIssue({ title: 'Do it' }, 'guest')
  await repository.labelIssue(number, 'agent', 'acme')
  await signalbox.api('/api/rules/review/pause', { method: 'POST', body: {} })
  expect((await level()).items.map(({ rules, actor }) => [rules, actor])).toEqual([[['task'], 'acme']])
})

test('of a head whose webhook came, whoever sent that counts and not the author', async () => {
  const number = await openPull('change')
  const sha = await repository.commit({ branch: 'change', message: 'more', files: { x: 'y' }, author: 'mona' })
  const home = { full_name: 'acme/shop' }
  const payload = {
    action: 'synchronize',
    number,
    pull_request: {
      number,
      draft: false,
      user: { login: 'mona', type: 'User' },
      head: { ref: 'change', sha, repo: home },
      base: { ref: 'main', repo: home },
    },
    repository: home,
    sender: { login: 'renovate[bot]', type: 'Bot' },
  }
  expect((await level()).items).toMatchObject([{ kind: 'pull_request', actor: 'mona' }])
  const body = Buffer.from(JSON.stringify(payload))
  const keys = { secret: SECRET, token: TOKEN, now: new Date() }
  const headers = githubHeaders(body, keys, { 'x-github-event': 'pull_request' })
  const answer = await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', headers, body })
  expect(await answer.json()).toMatchObject({ jobs: [], message: expect.stringContaining('is a bot') })
  expect((await level('?fix=true')).items).toEqual([])
})
