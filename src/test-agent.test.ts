import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { AgentContext, AgentResult } from './agents/agent.ts'
import { defineAgent } from './agents/agent.ts'
import { AppError, GiveUp } from './lib/error.ts'
import { testAgent } from './test-agent.ts'
import type { TestRepository } from './test-forge.ts'

type Run = (context: AgentContext<{ n: number }>) => Promise<AgentResult>

function agent(run: Run) {
  const input = z.object({ n: z.number().default(1) })
  return defineAgent({ name: 'tested', description: 'For a test.', input, run })
}

test('an agent gets what the test has, and what it returns is checked as the service does', async () => {
  const comment = { kind: 'comment', repository: 'a/b', target: { issue: 1 }, key: 'k', body: 'hi' } as const
  const run: Run = async ({ input, event, payload, job, log, now, forge }) => {
    log('working', { on: 'it' })
    const seen = { input, type: event?.type, facts: event?.facts, payload, attempt: job.attempt, now: now(), forge }
    return { outputs: [comment], result: seen }
  }
  const now = new Date('2026-01-01T00:00:00Z')
  const event = { type: 'push', facts: { repository: 'a/b' } }
  const ran = await testAgent(agent(run), { event, payload: { ref: 'x' }, job: { attempt: 2 }, now })
  expect(ran).toEqual({
    outputs: [comment],
    early: [],
    findings: null,
    result: {
      input: { n: 1 },
      type: 'push',
      facts: { repository: 'a/b' },
      payload: { ref: 'x' },
      attempt: 2,
      now: '2026-01-01T00:00:00.000Z',
      forge: null,
    },
    steps: {},
    log: ['working on=it'],
    asked: [],
  })
  await expect(testAgent(agent(run), { input: { n: 'x' } })).rejects.toThrow(GiveUp)
  const wrong: Run = async () => ({ outputs: [{ ...comment, key: '' }] })
  await expect(testAgent(agent(wrong))).rejects.toThrow(/outputs\.0\.key/)
})

test('what the service would refuse is refused, and nothing else', async () => {
  const event = { facts: { repository: 'acme/shop' } }
  const returning = (outputs: object[]) => agent(async () => ({ outputs }) as AgentResult)
  const typo = agent(async () => ({ output: [] }) as AgentResult)
  await expect(testAgent(typo, { event })).rejects.toThrow('unknown field "output"; did you mean "outputs"?')
  const files = { kind: 'commit', repository: 'acme/shop', branch: 'signalbox/x', key: 'k', message: 'm' }
  const commit = { ...files, changes: [{ path: '.github/x.yml', content: 'x' }] }
  await expect(testAgent(returning([commit]), { event })).rejects.toThrow("The rule's outputs have no commit")
  const rule = { outputs: { commit: {} } }
  await expect(testAgent(returning([commit]), { event, rule })).rejects.toThrow('.github/x.yml is protected')
  const elsewhere = { ...commit, changes: [{ path: 'x', content: 'x' }] }
  await expect(testAgent(returning([{ ...elsewhere, branch: 'main2' }]), { event, rule })).rejects.toThrow(
    'The branch main2 is not one of',
  )
  const shown = await testAgent(returning([elsewhere]), { event, rule })
  expect(shown.outputs).toEqual([elsewhere])
  await expect(testAgent(returning([elsewhere]), { rule })).rejects.toThrow('The repository acme/shop is not one')
  const named = { ...rule, repositories: ['acme/*'] }
  expect((await testAgent(returning([elsewhere]), { rule: named })).outputs).toHaveLength(1)
})

test("an agent for a comment on a pull request gets the head's commit, and its files", async () => {
  const run: Run = async ({ event, checkout }) => {
    const { folder } = await checkout()
    return { result: [event?.facts.sha, event?.facts.fromFork, await readFile(join(folder, 'a'), 'utf8')] }
  }
  const pull = { number: 7, state: 'open', head: 'fix', headSha: 'c'.repeat(40), fromFork: true } as never
  const repositories = { 'acme/shop': { branches: { main: { a: '1' }, fix: { a: '2' } }, pullRequests: [pull] } }
  const event = { type: 'issue_comment.created', facts: { repository: 'acme/shop', number: 7, isPullRequest: true } }
  const { result, steps } = await testAgent(agent(run), { event, repositories })
  expect(result).toEqual(['c'.repeat(40), true, '2'])
  expect(Object.keys(steps)).toEqual(['signalbox:head'])
})

test('steps are remembered, those of an attempt before as well', async () => {
  const run: Run = async ({ step }) => {
    const made = await step('made', () => new Date(0))
    return { result: [made, await step('earlier', () => 'new')] }
  }
  const ran = await testAgent(agent(run), { steps: { earlier: 'old' } })
  expect(ran.result).toEqual(['1970-01-01T00:00:00.000Z', 'old'])
  expect(ran.steps).toEqual({ made: '1970-01-01T00:00:00.000Z', earlier: 'old' })
  const twice: Run = async ({ step }) => ({ result: [await step('a', () => 1), await step('a', () => 2)] })
  await expect(testAgent(agent(twice))).rejects.toThrow('The agent has two steps named "a"')
})

test('the model gives the answers of the test, and no other', async () => {
  const schema = z.object({ ok: z.boolean() })
  const run: Run = async ({ model }) => {
    const first = await model.text({ name: 'first', prompt: 'One?' })
    return { result: [first, await model.object({ name: 'second', prompt: 'Two?', schema })] }
  }
  const { result, asked } = await testAgent(agent(run), { model: ['Yes.', 'no JSON', { json: { ok: true } }] })
  expect(result).toEqual(['Yes.', { ok: true }])
  expect(asked.map(({ name, messages }) => [name, messages.length])).toEqual([
    ['first', 1],
    ['second', 1],
    ['second', 3],
  ])
  await expect(testAgent(agent(run), { model: ['Yes.'] })).rejects.toThrow(
    'The test has no answer for the question "second".',
  )
  const byName = await testAgent(agent(run), {
    model: ({ name }) => (name === 'first' ? { text: 'A', outputTokens: 9 } : { json: { ok: false } }),
  })
  expect(byName.result).toEqual(['A', { ok: false }])
})

test('its folders are there while it runs', async () => {
  const run: Run = async ({ workspace }) => {
    const folder = await workspace()
    return { result: [folder, existsSync(folder)] }
  }
  const [folder, wasThere] = (await testAgent(agent(run))).result as [string, boolean]
  expect([wasThere, existsSync(folder)]).toEqual([true, false])
})

describe('the forge', () => {
  const pull = { number: 1, state: 'open', head: 'fix', headSha: 'a', fromFork: false } as never
  const closed = { number: 2, state: 'closed', head: 'old' } as never
  const repositories = {
    'acme/shop': {
      files: { 'README.md': 'Hello' },
      pullRequests: [pull, closed],
      permissions: { jane: 'write' as const },
      teams: { 'acme/core': ['jane'] },
    },
    'acme/two': { defaultBranch: 'trunk', branches: { trunk: { a: '1' }, next: { a: '2' } } },
  }
  async function read<T>(ask: (forge: NonNullable<AgentContext<unknown>['forge']>) => Promise<T>) {
    return (
      await testAgent(
        agent(async ({ forge }) => ({ result: forge && (await ask(forge)) })),
        { repositories },
      )
    ).result
  }

  test('reads the repositories of the test', async () => {
    expect(await read((forge) => forge.readFile('acme/shop', 'README.md', 'main'))).toBe('Hello')
    expect(await read((forge) => forge.readFile('github:acme/shop', 'constructor', 'main'))).toBe(null)
    expect(await read((forge) => forge.readFile('acme/two', 'a', 'next'))).toBe('2')
    expect(await read((forge) => forge.defaultBranch('acme/two'))).toBe('trunk')
    expect(await read((forge) => forge.branchSha('acme/two', 'gone'))).toBe(null)
    const bySha = read(async (forge) =>
      forge.readFile('acme/two', 'a', (await forge.branchSha('acme/two', 'next')) ?? ''),
    )
    expect(await bySha).toBe('2')
    expect(await read((forge) => forge.pullRequests('acme/shop', {}))).toEqual([pull])
    expect(await read((forge) => forge.pullRequests('acme/shop', { state: 'all', head: 'old' }))).toEqual([closed])
  })

  test('knows heads, permissions and teams', async () => {
    expect(await read((forge) => forge.pullRequestHead('acme/shop', 1))).toEqual({
      sha: 'a',
      fromFork: false,
      pushedAt: new Date(0).toISOString(),
    })
    expect(await read((forge) => forge.pullRequestHead('acme/shop', 9))).toBe(null)
    expect(await read((forge) => forge.permission('acme/shop', 'jane'))).toBe('write')
    expect(await read((forge) => forge.permission('acme/shop', 'someone'))).toBe('none')
    expect(await read((forge) => forge.isTeamMember('acme/shop', 'acme/core', 'jane'))).toBe(true)
  })

  test('has the files that are checked out', async () => {
    const run: Run = async ({ checkout }) => {
      const own = await checkout()
      const other = await checkout({ repository: 'acme/two', ref: 'next' })
      return {
        result: [
          await readFile(join(own.folder, 'README.md'), 'utf8'),
          await readFile(join(other.folder, 'a'), 'utf8'),
        ],
      }
    }
    const event = { facts: { repository: 'acme/shop' } }
    expect((await testAgent(agent(run), { repositories, event })).result).toEqual(['Hello', '2'])
    await expect(testAgent(agent(run), { repositories })).rejects.toThrow('The event is about no repository')
  })

  test('refuses others as a forge would', async () => {
    await expect(read((forge) => forge.defaultBranch('acme/gone'))).rejects.toThrow(AppError)
  })
})

test('an agent reads of the forge what the test has, and what it has not is not there', async () => {
  const createdAt = new Date('2026-01-01T00:00:00Z')
  const written = { id: 1, url: 'u', body: 'hi', author: 'jane', authorAssociation: 'MEMBER' }
  const comment = { ...written, createdAt, updatedAt: createdAt }
  const issue = { number: 7, url: 'u', state: 'open', title: 't', body: '', author: 'jane' } as const
  const deployment = {
    id: 5,
    ref: 'v1',
    sha: 's',
    environment: 'production',
    description: '',
    key: null,
    author: null,
    createdAt,
  }
  const shop: TestRepository = {
    branches: { main: { 'a.txt': 'one\n' }, next: { 'a.txt': 'two\n', 'b.txt': 'b\n' } },
    commits: { next: [{ sha: 's', message: 'm', author: null }] },
    issues: [{ ...issue, labels: [], assignees: [], isLocked: false, isPullRequest: false }],
    comments: { 7: [comment] },
    deployments: [{ ...deployment, statuses: [] }],
  }
  const run: Run = async ({ forge }) => ({
    result: [
      await forge?.diff('acme/shop', 'main', 'next'),
      (await forge?.commitsBetween('acme/shop', 'main', 'next'))?.length,
      (await forge?.issue('acme/shop', 7))?.author,
      await forge?.issue('acme/shop', 8),
      (await forge?.comments('acme/shop', { issue: 7 }))?.length,
      (await forge?.comments('acme/shop', { issue: 7 }, { since: new Date() }))?.length,
      await forge?.reviewThreads('acme/shop', 7),
      (await forge?.deployments('acme/shop', { environment: 'production' }))?.length,
      (await forge?.deployments('acme/shop', { environment: 'production', ref: 'v2' }))?.length,
      await forge?.deploymentStatuses('acme/shop', 5),
    ],
  })
  const { result } = await testAgent(agent(run), { repositories: { 'acme/shop': shop } })
  expect(result).toEqual([
    [
      {
        path: 'a.txt',
        previousPath: null,
        blob: expect.stringMatching(/^[0-9a-f]{40}$/),
        patch: '@@ -1,1 +1,1 @@\n-one\n+two',
      },
      {
        path: 'b.txt',
        previousPath: null,
        blob: expect.stringMatching(/^[0-9a-f]{40}$/),
        patch: '@@ -0,0 +1,1 @@\n+b',
      },
    ],
    ...[1, 'jane', null, 1, 0, [], 1, 0, []],
  ])
  const missing: Run = async ({ forge }) => ({ result: await forge?.pullRequest('acme/shop', 1) })
  await expect(testAgent(agent(missing), { repositories: { 'acme/shop': shop } })).rejects.toThrow(
    'There is no pull request 1 in the test.',
  )
})

test('what an agent publishes while it works is checked and kept, and gets the receipts of the test', async () => {
  const comment = { kind: 'comment', repository: 'a/b', target: { issue: 1 }, key: 'k', body: 'hi' } as const
  const event = { type: 'push', facts: { repository: 'a/b' } }
  const seen: unknown[] = []
  const run: Run = async ({ publish }) => {
    seen.push(
      await publish('one', [{ ...comment, name: 'plan' }], { otherwise: [comment] }),
      await publish('two', [comment]),
    )
    return { outputs: [{ ...comment, body: 'See {{outputs.plan.url}}' }] }
  }
  const receipt = { url: 'https://x/1', created: true }
  const { early } = await testAgent(agent(run), { event, receipts: { one: [receipt] } })
  expect(seen).toEqual([[receipt], [null]])
  expect(early).toEqual([
    { name: 'one', outputs: [{ ...comment, name: 'plan' }], otherwise: [comment] },
    { name: 'two', outputs: [comment], otherwise: [] },
  ])
  const wrong: Run = async ({ publish }) => {
    await publish('one', [{ ...comment, repository: 'a/other' }])
    return {}
  }
  await expect(testAgent(agent(wrong), { event })).rejects.toThrow(/^Refused by policy/)
})
