import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { refusalOf } from '../../test/refusal.ts'
import { defineAgent } from '../agents/agent.ts'
import { deploymentPr } from '../agents/deployment-pr/deployment-pr.ts'
import { readEnvironment } from '../lib/environment.ts'
import { silentLog } from '../lib/log.ts'
import type { Rule } from '../rules/rule.ts'
import { standardWebhooks } from '../sources/standard-webhooks/standard-webhooks.ts'
import type { Config } from './config-file.ts'
import { configure } from './configure.ts'
import { defaultRules } from './default-rules.ts'

const secret = 'a-secret-of-32-characters-or-so!'

function install(config: unknown = {}, env: Record<string, string> = {}) {
  return configure(readEnvironment(env), config as Config, silentLog)
}

function refusal(config: unknown): string {
  const error = refusalOf(() => install(config))
  expect(error?.code ?? 'config_invalid').toBe('config_invalid')
  return error?.detail ?? 'accepted'
}

function agent(name: string, input: z.ZodType = z.unknown()) {
  return defineAgent({ name, description: name, input, run: async () => ({}) })
}

describe('an installation', () => {
  test('without a file has the built-in sources, agents and default rules, and no forge', () => {
    const { sources, agents, rules, forges } = install()
    expect([...sources.keys()]).toEqual(['github', 'agenta'])
    expect([...agents.keys()]).toEqual([
      'ping',
      'deployment-pr',
      'deploy',
      'issue-to-pr',
      'code-review',
      'acknowledge',
      'why',
      'agenta-deployment',
      'deployment-drift',
    ])
    expect(rules).toMatchObject(defaultRules)
    expect(forges.names).toEqual([])
  })

  test('takes its secrets and its forge from the environment', () => {
    const { sources, forges } = install({}, { GITHUB_WEBHOOK_SECRET: `${secret},${secret}2`, GITHUB_TOKEN: 'token' })
    expect(sources.get('github')?.secrets).toEqual([secret, `${secret}2`])
    expect(sources.get('agenta')?.secrets).toEqual([])
    expect(forges.names).toEqual(['github'])
  })

  test('has what the configuration adds', () => {
    const rule: Rule = { name: 'r', on: 'shop.order.*', agent: 'reviewer' }
    const { sources, agents, rules } = install({
      sources: [standardWebhooks({ name: 'shop', secrets: [secret] })],
      agents: [agent('reviewer')],
      rules: [rule],
    })
    expect([sources.has('shop'), agents.has('reviewer'), rules]).toMatchObject([true, true, [rule]])
  })

  test('may replace a built-in agent with one set up otherwise', () => {
    const own = deploymentPr({ customise: () => null })
    expect(install({ agents: [own] }).agents.get('deployment-pr')?.settings).toEqual(own.settings)
  })
})

describe('a wrong entry is refused with its place and a remedy', () => {
  test.each([
    [
      { agents: [agent('a'), { name: 'b' }] },
      'agents[1] is not an agent: create agents with defineAgent() or command().',
    ],
    [{ agents: [{ name: 'b', run() {} }] }, "agents[0].input: must be a zod schema; z comes from 'signalbox'."],
    [
      { agents: [{ name: 'my agent', run() {} }] },
      'agents[0].name: must be 1 to 100 letters, digits, or any of _ . : / -, the first a letter or digit',
    ],
    [
      { agents: [{ ...agent('a'), jobTypes: ['fine', 'my job'] }] },
      'agents[0].jobTypes[1]: must be 1 to 100 letters, digits, or any of _ . : / -, the first a letter or digit',
    ],
    [{ agents: [undefined] }, 'agents[0] is not an agent: create agents with defineAgent() or command().'],
    [{ agents: [agent('a'), agent('a')] }, 'agents[1].name: another agent is called "a"; choose another name.'],
    [{ sources: [null] }, 'sources[0] is not a source: create sources with standardWebhooks() or defineSource().'],
    [{ rules: [{ name: 'r', on: 'push', agent: 'nobody' }] }, 'rules[0] "r": agent: there is no agent "nobody"'],
  ])('%#', (config, detail) => {
    expect(refusal(config)).toContain(detail)
  })
})

describe('the input that a rule passes to its agent is checked at the start', () => {
  const deploy = (given: object) => ({ rules: [{ name: 'deploy', on: '*', agent: 'deployment-pr', with: given }] })

  test.each([{}, { repository: 'acme/prompts' }, { repositories: { bot: 'acme/bot' }, base: 'main' }])(
    '%j is accepted',
    (given) => {
      expect(refusal(deploy(given))).toBe('accepted')
    },
  )

  test.each([
    [{ repository: 'prompts' }, /^rules\[0\] "deploy": with\.repository: /],
    [{ repositories: { bot: 'no slash' } }, /^rules\[0\] "deploy": with\.repositories\.bot: /],
    [{ repositry: 'acme/prompts' }, /^rules\[0\] "deploy": with: unknown field "repositry"/],
    [{ base: 7 }, /^rules\[0\] "deploy": with\.base: must be a string/],
  ])('%j is refused by rule and field', (given, detail) => {
    expect(refusal(deploy(given))).toMatch(detail)
  })

  test('fields that are absent may come from a manual trigger', () => {
    const input = z.strictObject({ task: z.string(), model: z.enum(['small', 'large']) })
    const rules = (given: object) => [{ name: 'r', on: '*', agent: 'worker', with: given }]
    expect(refusal({ agents: [agent('worker', input)], rules: rules({ model: 'small' }) })).toBe('accepted')
    expect(refusal({ agents: [agent('worker', input)], rules: rules({ model: 'huge' }) })).toMatch(
      /^rules\[0\] "r": with\.model: /,
    )
  })

  test('what is in a field that is given must be whole, because nobody can add to it', () => {
    const input = z.strictObject({ checks: z.strictObject({ command: z.string(), minutes: z.int().optional() }) })
    const refused = (given: object) =>
      refusal({ agents: [agent('worker', input)], rules: [{ name: 'r', on: '*', agent: 'worker', with: given }] })
    expect(refused({ checks: { command: 'npm test', minutes: 5 } })).toBe('accepted')
    expect(refused({ checks: { minutes: 5 } })).toMatch(/^rules\[0\] "r": with\.checks\.command: /)
    expect(refused({ checks: { command: 'npm test', minuets: 5 } })).toMatch(
      /^rules\[0\] "r": with\.checks: unknown field "minuets"/,
    )
    expect(refused({ check: {} })).toMatch(/^rules\[0\] "r": with: unknown field "check"/)
  })

  test('a schema with asynchronous checks is left to the job', () => {
    const input = z.object({ name: z.string().refine(async () => false) })
    const rules = [{ name: 'r', on: '*', agent: 'worker', with: { name: 'x' } }]
    expect(refusal({ agents: [agent('worker', input)], rules })).toBe('accepted')
  })

  test('a rule without `with` is not checked', () => {
    const input = z.object({ task: z.string() })
    expect(refusal({ agents: [agent('worker', input)], rules: [{ name: 'r', on: '*', agent: 'worker' }] })).toBe(
      'accepted',
    )
  })
})

test('what a rule says about writing is refused by rule and field', () => {
  const rule = { name: 'fix', on: 'issues.labeled', agent: 'ping' }
  const outputs = { pull_request: { branchPrefixes: ['fix/'] } }
  expect(install({ rules: [{ ...rule, outputs }] }).rules).toMatchObject([{ outputs }])
  const misspelt = { pull_request: { branchPrefix: 'fix/' } } as object
  expect(refusal({ rules: [{ ...rule, outputs: misspelt }] })).toBe(
    'rules[0] "fix": outputs.pull_request: unknown field "branchPrefix"; did you mean "branchPrefixes"?',
  )
})

test('deployments are written where the environment, the rule and its agent say', () => {
  const rule = { name: 'deploy', on: 'environment.deployed', agent: 'deployment-pr' }
  const environment = readEnvironment({ GITHUB_REPO: 'acme/shop' })
  const homeOf = (config: Config) => configure(environment, config, silentLog).rules[0]?.home
  expect(homeOf({ rules: [rule] })).toEqual(['acme/shop'])
  expect(homeOf({ rules: [{ ...rule, with: { repositories: { bot: 'acme/bot' } } }] })).toEqual([
    'acme/shop',
    'acme/bot',
  ])
  expect(homeOf({ rules: [rule], agents: [deploymentPr({ repository: 'acme/prompts' })] })).toEqual([
    'acme/shop',
    'acme/prompts',
  ])
})

test('the hash of a rule is another when the rule is, or the text or a setting of its agent', () => {
  const rule = { name: 'r', on: 'push', agent: 'a' }
  const one = { ...agent('a', z.unknown()), settings: { argv: ['x'] } }
  const hashOf = (config: Config) => install(config).rules[0]?.config
  const hash = hashOf({ rules: [rule], agents: [one] })
  expect(hash).toMatch(/^[0-9a-f]{64}$/)
  expect(hashOf({ rules: [rule], agents: [one] })).toBe(hash)
  const others = [
    { rules: [{ ...rule, staged: true }], agents: [one] },
    { rules: [rule], agents: [{ ...one, settings: { argv: ['y'] } }] },
    { rules: [rule], agents: [{ ...one, run: async () => ({ result: 1 }) }] },
  ]
  expect(new Set([hash, ...others.map(hashOf)]).size).toBe(4)
})
