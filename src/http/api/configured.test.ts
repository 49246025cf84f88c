// Rules, agents and sources: what a server was configured with, and none of its secrets.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { DescribedApi } from '../../../test/described-api.ts'
import { describedApi } from '../../../test/described-api.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox, SECRET } from '../../../test/signalbox.ts'
import { defineAgent } from '../../agents/agent.ts'

const reviewer = defineAgent({
  name: 'reviewer',
  description: 'Liest 变更 und sagt, was es sieht.',
  jobTypes: ['look'],
  input: z.unknown(),
  run: async () => ({}),
})

let signalbox: TestSignalbox
let api: DescribedApi
beforeAll(async () => {
  signalbox = await openTestSignalbox({
    roles: { receiver: true, orchestrator: false },
    env: { AGENTA_WEBHOOK_SECRET: '', GITHUB_WEBHOOK_SECRET: `${SECRET},${SECRET}-of-before` },
    config: {
      agents: [reviewer],
      rules: [
        { name: 'short', on: 'push', agent: 'ping' },
        {
          name: 'full',
          on: ['issues.*', 'pull_request.opened'],
          source: 'github',
          when: { label: 'bug', not: { author: ['*bot', 'ci'] } },
          agent: 'reviewer',
          with: { depth: 3 },
          jobType: 'review',
          priority: 9,
          concurrency: { key: 'review:{repository}' },
          maxAttempts: 2,
          timeLimitMs: 60_000,
        },
      ],
    },
  })
  api = await describedApi(signalbox)
})
afterAll(() => signalbox.close())

test('rules are listed in order, complete with their defaults', async () => {
  expect((await api.get('/rules')).body).toEqual({
    items: [
      {
        name: 'short',
        on: ['push'],
        source: null,
        when: null,
        command: null,
        who: null,
        outputs: null,
        repositories: null,
        staged: false,
        self: false,
        agent: 'ping',
        with: null,
        job_type: 'ping',
        priority: 5,
        concurrency: null,
        debounce: null,
        ceiling_per_hour: null,
        off: null,
        paused: null,
        max_attempts: 5,
        time_limit_ms: 900_000,
        model: null,
        budget: null,
      },
      {
        name: 'full',
        on: ['issues.*', 'pull_request.opened'],
        source: ['github'],
        when: { label: 'bug', not: { author: ['*bot', 'ci'] } },
        command: null,
        who: { permission: 'write' },
        outputs: null,
        repositories: null,
        staged: false,
        self: false,
        agent: 'reviewer',
        with: { depth: 3 },
        job_type: 'review',
        priority: 9,
        concurrency: { key: 'review:{repository}', limit: 1, mode: 'queue' },
        debounce: null,
        ceiling_per_hour: null,
        off: null,
        paused: null,
        max_attempts: 2,
        time_limit_ms: 60_000,
        model: null,
        budget: null,
      },
    ],
    next: null,
  })
})

test('agents are listed by name, the built-in ones among them', async () => {
  const { items } = (await api.get('/agents')).body as { items: { name: string; description: string }[] }
  expect(items).toContainEqual({
    name: 'reviewer',
    job_types: ['look'],
    description: 'Liest 变更 und sagt, was es sieht.',
  })
  expect(items.map(({ name }) => name)).toEqual(expect.arrayContaining(['ping', 'deployment-pr']))
})

test('sources are listed with the number of their secrets, never the secrets', async () => {
  const { body } = await api.get('/sources')
  expect(body.items).toEqual(
    expect.arrayContaining([
      { name: 'github', path: '/webhook/github', status: 'open', secrets: 2, paused: null },
      { name: 'agenta', path: '/webhook/agenta', status: 'closed', secrets: 0, paused: null },
    ]),
  )
  expect(JSON.stringify(body)).not.toContain(SECRET)
})
