import { describe, expect, test } from 'vitest'
import type { Facts } from '../events/facts.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import { groupKey } from './group.ts'
import { jobsFor, jobTypes, manualJob } from './jobs.ts'
import { compileRules } from './match.ts'
import type { Rule } from './rule.ts'

const deploy: Rule = {
  name: 'deploy-pr',
  on: 'environment.deployed',
  agent: 'deployment-pr',
  concurrency: { key: 'deploy:{app}:{environment}' },
  with: { base: 'main' },
}
const event = {
  id: 'e1',
  source: 'agenta',
  type: 'environment.deployed',
  facts: { app: 'support-bot', environment: 'production' },
}

test('a matching rule makes one job with its options and the defaults', () => {
  const [job, ...others] = jobsFor(compileRules([deploy]), event)
  expect(others).toEqual([])
  expect(isUuid(job!.id)).toBe(true)
  expect(job).toEqual({
    id: job!.id,
    rule: 'deploy-pr',
    type: 'deployment-pr',
    agent: 'deployment-pr',
    input: { base: 'main' },
    policy: { repositories: [] },
    who: null,
    model: null,
    budget: null,
    priority: 5,
    groupKey: 'deploy:support-bot:production',
    groupLimit: 1,
    mode: 'queue',
    debounce: null,
    ceilingSubject: null,
    maxAttempts: 5,
    timeLimitMs: 900_000,
  })
})

test('the same event and rule always make the same job, another event or rule another', () => {
  const other: Rule = {
    ...deploy,
    name: 'other',
    jobType: 'github_push',
    priority: 9,
    maxAttempts: 1,
    timeLimitMs: 1000,
  }
  const [first, second] = jobsFor(compileRules([deploy, other]), event)
  expect(jobsFor(compileRules([deploy]), event)[0]!.id).toBe(first!.id)
  expect(second!.id).not.toBe(first!.id)
  expect(second).toMatchObject({ type: 'github_push', priority: 9, maxAttempts: 1, timeLimitMs: 1000 })
  expect(jobsFor(compileRules([deploy]), { ...event, id: 'e2' })[0]!.id).not.toBe(first!.id)
})

describe('a group', () => {
  test('is the template with the facts in it', () => {
    expect(groupKey('{repository}#{number}', { repository: 'acme/shop', number: 7 })).toBe('acme/shop#7')
    expect(groupKey('one at a time', {})).toBe('one at a time')
  })

  test('is none when there is no template or a fact it names is absent', () => {
    expect(groupKey(undefined, { app: 'x' })).toBeNull()
    expect(groupKey('deploy:{app}:{environment}', { app: 'x' })).toBeNull()
    expect(groupKey('{constructor}', {})).toBeNull()
  })

  test('stays short enough for an index, and distinct', () => {
    const [a, b] = ['a', 'b'].map((end) => groupKey('{app}:{branch}', { app: 'x'.repeat(500), branch: end }))
    expect(isUuid(a!)).toBe(true)
    expect(a).not.toBe(b)
  })
})

describe('a job by hand', () => {
  const types = jobTypes(
    [deploy, { name: 'r', on: 'push', agent: 'command', jobType: 'github_push' }],
    [{ name: 'ping' }, { name: 'command', jobTypes: ['custom_task', 'github_push'] }],
  )

  test('is of a type that a rule or an agent has', () => {
    expect([...types.keys()]).toEqual(['deployment-pr', 'github_push', 'ping', 'command', 'custom_task'])
    expect(manualJob(types, { eventId: 'e1', jobType: 'ping', input: undefined })).toMatchObject({
      rule: 'manual',
      type: 'ping',
      agent: 'ping',
      input: {},
      groupKey: null,
    })
    expect(manualJob(types, { eventId: 'e1', jobType: 'custom_task', input: { task: 'x' } })).toMatchObject({
      rule: 'manual',
      type: 'custom_task',
      agent: 'command',
      input: { task: 'x' },
    })
  })

  test("joins its input with the rule's options, which nobody can change by hand", () => {
    const input = (jobType: string, given: unknown) => manualJob(types, { eventId: 'e1', jobType, input: given }).input
    expect(input('deployment-pr', undefined)).toEqual({ base: 'main' })
    expect(input('deployment-pr', { task: 'x', base: 'main' })).toEqual({ task: 'x', base: 'main' })
    expect(() => input('deployment-pr', { task: 'x', base: 'dev' })).toThrow(
      'payload.base: the rule "deploy-pr" sets it, to "main"',
    )
    for (const given of ['dev', [1], null]) {
      expect(() => input('deployment-pr', given)).toThrow(
        'payload: must be an object, because the rule "deploy-pr" sets',
      )
    }
    for (const given of [{ a: 1 }, [1], null, 'x']) expect(input('ping', given)).toEqual(given)
  })

  test("keeps to the policy of its type's rule", () => {
    const policy = { repositories: ['acme/prompts'], outputs: { comment: { max: 1 } }, staged: true }
    const types = jobTypes([{ ...deploy, ...policy }], [])
    expect(manualJob(types, { eventId: 'e1', jobType: 'deployment-pr', input: {} }).policy).toEqual(policy)
    expect(jobsFor(compileRules([{ ...deploy, ...policy }]), event)[0]?.policy).toEqual(policy)
  })

  test('without a rule has the default outputs, where the environment and the options of its agent say', () => {
    const agents = [{ name: 'ping' }, { name: 'worker', jobTypes: ['task'], repositories: ['acme/docs', 'acme/shop'] }]
    const policyIn = (jobType: string, home: string[]) =>
      manualJob(jobTypes([], agents, home), { eventId: 'e1', jobType, input: {} }).policy
    expect(policyIn('ping', [])).toEqual({ repositories: [] })
    expect(policyIn('ping', ['acme/shop'])).toEqual({ repositories: ['acme/shop'] })
    for (const name of ['worker', 'task']) {
      expect(policyIn(name, ['acme/shop'])).toEqual({ repositories: ['acme/shop', 'acme/docs'] })
    }
  })

  test('of an unknown type is refused, and the known ones are named', () => {
    const wanted = () => manualJob(types, { eventId: 'e1', jobType: 'nonsense', input: {} })
    expect(wanted).toThrow(AppError)
    expect(wanted).toThrow(
      'There is no job type "nonsense"; known: command, custom_task, deployment-pr, github_push, ping.',
    )
  })
})

describe('where a job may write', () => {
  const rule = { ...deploy, home: ['acme/prompts'], config: 'abc' }
  const repositoriesFor = (facts: Facts, more: Partial<Rule> = {}) =>
    jobsFor(compileRules([{ ...rule, ...more }]), { ...event, facts })[0]?.policy.repositories

  test("is the event's own repository, whatever deployments have", () => {
    expect(repositoriesFor({ repository: 'acme/shop' })).toEqual(['acme/shop'])
  })

  test('of an event without one is where deployments go', () => {
    expect(repositoriesFor({})).toEqual(['acme/prompts'])
  })

  test('is what the rule names, where it does', () => {
    expect(repositoriesFor({ repository: 'acme/shop' }, { repositories: ['acme/docs'] })).toEqual(['acme/docs'])
  })

  test('is never a glob that a sender wrote', () => {
    for (const repository of ['**', '*/*', 'acme/*', '!x', 'acme/{a,b}'])
      expect(repositoriesFor({ repository })).toEqual([])
  })

  test('is kept with whether the event is of a repository, as anybody may write there', () => {
    const policy = jobsFor(compileRules([rule]), { ...event, facts: { repository: 'acme/shop' } })[0]?.policy
    expect(policy).toMatchObject({ isOfForge: true })
  })

  test('is kept with the hash of the configuration', () => {
    expect(jobsFor(compileRules([rule]), event)[0]?.policy).toEqual({ repositories: ['acme/prompts'], config: 'abc' })
  })
})

describe('a default of an argument that may be absent', () => {
  const [rule] = compileRules([
    {
      name: 'deploy',
      on: 'command',
      command: { name: 'deploy', arguments: { 'environment?': 'string', 'ref?': 'string' } },
      who: 'anyone',
      agent: 'deploy',
      with: { environment: 'production' },
      concurrency: { key: 'deploy:{repository}:{input.environment}', mode: 'next' },
    },
  ])
  const given = (...words: string[]) => {
    const facts = { repository: 'acme/shop', sender: 'jane', command: 'deploy', arguments: words }
    return jobsFor(rule === undefined ? [] : [rule], {
      id: 'e1',
      source: 'github',
      type: 'issue_comment.created',
      facts,
    })[0]
  }

  test('is in the input and in the group, unless another one was written', () => {
    expect(given()).toMatchObject({ input: { environment: 'production' }, groupKey: 'deploy:acme/shop:production' })
    expect(given('staging', 'v1')).toMatchObject({
      input: { environment: 'staging', ref: 'v1' },
      groupKey: 'deploy:acme/shop:staging',
      mode: 'next',
    })
  })

  test('may be another one by hand, in the group of the repository that is named', () => {
    if (rule === undefined) throw new Error('no rule')
    const types = new Map([['deploy', { ...rule.rule, home: ['acme/shop'] }]])
    const asked = (input: unknown) => manualJob(types, { eventId: 'e1', jobType: 'deploy', input })
    expect(asked({ environment: 'staging' })).toMatchObject({ groupKey: 'deploy:acme/shop:staging', mode: 'queue' })
    expect(asked(undefined)).toMatchObject({ groupKey: 'deploy:acme/shop:production' })
    expect(asked({ repository: 'acme/blog' })).toMatchObject({ groupKey: 'deploy:acme/blog:production' })
  })
})
