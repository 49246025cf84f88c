import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../agents/agent.ts'
import { deploy } from '../agents/deploy/deploy.ts'
import { deploymentPr } from '../agents/deployment-pr/deployment-pr.ts'
import { issueToPr } from '../agents/issue-to-pr/issue-to-pr.ts'
import type { Facts } from '../events/facts.ts'
import { readEnvironment } from '../lib/environment.ts'
import { silentLog } from '../lib/log.ts'
import { parseRules } from '../rules/define.ts'
import { jobsFor } from '../rules/jobs.ts'
import { compileRules } from '../rules/match.ts'
import type { Rule } from '../rules/rule.ts'
import type { Config } from './config-file.ts'
import { configure } from './configure.ts'
import type { DefaultRule } from './default-rules.ts'
import { defaultRules, offReason } from './default-rules.ts'

const TOKEN = { GITHUB_TOKEN: 'a-token' }
const REPOSITORY = { GITHUB_REPO: 'acme/prompts' }

function install(env: Record<string, string> = {}, config: Config = {}) {
  return configure(readEnvironment(env), config, silentLog)
}
function off(env: Record<string, string>, config?: Config) {
  return install(env, config).rules.find(({ name }) => name === 'deployment-pr')?.off ?? null
}

test('the default rules are valid, and make a production deployment a job of deployment-pr', () => {
  expect(parseRules(defaultRules, [...install().agents.keys()])).toEqual(defaultRules)
  const deployed = (environment: string) =>
    jobsFor(compileRules(defaultRules), {
      id: 'e1',
      source: 'signalbox',
      type: 'environment.deployed',
      facts: { project: 'acme', app: 'support-bot', environment },
    })
  const groupKey = 'deploy:acme:support-bot:production'
  expect(deployed('production')).toMatchObject([{ agent: 'deployment-pr', groupKey }])
  expect(deployed('staging')).toEqual([])
})

describe('the rule deployment-pr', () => {
  const forge = 'set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY'

  test('is on with credentials and a repository, and says what is missing without', () => {
    expect(off({ ...TOKEN, ...REPOSITORY })).toBeNull()
    expect(off(TOKEN)).toBe('set GITHUB_REPO')
    expect(off(REPOSITORY)).toBe(forge)
    expect(off({})).toBe(`${forge}; and set GITHUB_REPO`)
    expect(off({ ...REPOSITORY, GITHUB_APP_ID: '1' })).toMatch(/^set GITHUB_APP_PRIVATE_KEY too/)
  })

  test('needs no GITHUB_REPO where its agent names a repository', () => {
    expect(off(TOKEN, { agents: [deploymentPr({ repository: 'acme/prompts' })] })).toBeNull()
  })

  test('is the same in a configuration that spreads it, and never off there once it is changed', () => {
    const [rule] = defaultRules
    expect(off({}, { rules: [...defaultRules] })).not.toBeNull()
    expect(off({}, { rules: [{ ...(rule as Rule), priority: 7 }] })).toBeNull()
  })
})

describe('the rules of tasks', () => {
  const FORGE = 'set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY'
  const MODEL = { SIGNALBOX_MODEL: 'anthropic/x', ANTHROPIC_API_KEY: 'a-key' }
  const offs = (env: Record<string, string>, config?: Config) =>
    install(env, config)
      .rules.filter(({ name }) => name.startsWith('task-'))
      .map(({ off: reason }) => reason ?? null)

  test('are on with credentials and a model with its key, or a program in its place', () => {
    expect(offs({ ...TOKEN, ...MODEL })).toEqual([null, null, null])
    expect(offs(MODEL)).toEqual([FORGE, FORGE, FORGE])
    expect(offs(TOKEN)).toEqual(Array(3).fill(expect.stringContaining('set SIGNALBOX_MODEL')))
    const engine = (program: string) => ({ agents: [issueToPr({ engine: { argv: [program] } })] })
    expect(offs(TOKEN, engine('sh'))).toEqual([null, null, null])
    expect(offs(TOKEN, engine('./missing'))).toEqual(Array(3).fill(expect.stringContaining('there is no file')))
  })

  test('make one job of a label on an issue, of the command, and of a review of what came of it', () => {
    const jobs = (type: string, facts: object) =>
      jobsFor(compileRules(defaultRules), {
        id: 'e1',
        source: 'github',
        type,
        facts: { repository: 'acme/shop', number: 1, sender: 'jane', ...facts },
      }).map(({ rule, type: jobType, input }) => [rule, jobType, input])
    expect(jobs('issues.labeled', { label: 'agent-task' })).toEqual([['task-label', 'github_issues', {}]])
    expect(jobs('issues.labeled', { label: 'bug', labels: ['agent-task'] })).toEqual([])
    const command = { command: 'task', arguments: ['--max', '2', 'Mend', 'it'] }
    expect(jobs('issue_comment.created', command)).toEqual([
      ['task-command', 'issue-to-pr', { max: 2, text: 'Mend it' }],
    ])
    const review = { isPullRequest: true, fromFork: false, labels: ['agent-task'] }
    expect(jobs('pull_request_review.submitted', review)).toEqual([['task-feedback', 'issue-to-pr', {}]])
    expect(jobs('pull_request_review.submitted', { ...review, labels: ['bug'] })).toEqual([])
  })
})

describe('any default rule', () => {
  const rule: Rule = { name: 'review-push', on: 'push', agent: 'reviewer' }
  const workflow = (needs: DefaultRule['needs']): DefaultRule[] => [{ rule, needs }]
  const reviewer = (problem?: string) => ({
    ...defineAgent({ name: 'reviewer', description: '', input: z.unknown(), run: async () => ({}) }),
    ...(problem && { problem: () => problem }),
  })
  const setUp = (agent = reviewer(), env: Record<string, string> = {}) => ({
    environment: readEnvironment(env),
    ...install(env, { agents: [agent] }),
  })

  test('is off for what it needs, such as a model', () => {
    const needs: DefaultRule['needs'] = ({ models }) => models.problem()
    expect(offReason(rule, setUp(), workflow(needs))).toMatch(/SIGNALBOX_MODEL/)
    const env = { SIGNALBOX_MODEL: 'anthropic/x', ANTHROPIC_API_KEY: 'a-key' }
    expect(offReason(rule, setUp(reviewer(), env), workflow(needs))).toBeNull()
  })

  test('is off where its agent cannot run', () => {
    expect(
      offReason(
        rule,
        setUp(reviewer('there is no script')),
        workflow(() => null),
      ),
    ).toBe('there is no script')
  })

  test('is another than a rule of the same name that is one of a configuration', () => {
    const other = { ...rule, on: 'release.published' }
    expect(
      offReason(
        other,
        setUp(),
        workflow(() => 'set more'),
      ),
    ).toBeNull()
  })
})

describe('a command whose rule is off', () => {
  const command = { name: 'deployment-pr', on: 'command', command: { name: 'ship' }, agent: 'ping' }

  test('is answered as off, and is not among those there are', async () => {
    const { withCommandRules } = await import('./command-rules.ts')
    const on = { rule: { ...command, name: 'b', command: { name: 'fix' } }, off: null }
    const rules = withCommandRules([on, { rule: command, off: 'set SHIP' }])
    const { with: given } = rules.find(({ rule }) => rule.name === 'acknowledge')?.rule ?? {}
    expect(given).toMatchObject({
      commands: [{ name: 'fix' }, { name: 'why' }, { name: 'approve' }, { name: 'reject' }],
      off: [{ name: 'ship' }],
    })
    expect(withCommandRules([{ rule: command, off: 'set SHIP' }])).toHaveLength(1)
  })
})

describe('the rules of deployments', () => {
  const offs = (env: Record<string, string>, config?: Config) =>
    install(env, config).rules.flatMap(({ agent, off: reason }) => (agent === 'deploy' ? [reason ?? null] : []))

  test('are off until there is a token and a program, and say what to set', () => {
    expect(offs({ SIGNALBOX_DEPLOY_COMMAND: process.execPath })).toEqual(
      Array(4).fill(expect.stringContaining('GITHUB_TOKEN')),
    )
    expect(offs(TOKEN)).toEqual(Array(4).fill(expect.stringContaining('SIGNALBOX_DEPLOY_COMMAND')))
    expect(offs({ ...TOKEN, SIGNALBOX_DEPLOY_COMMAND: '/nothing/here.sh' })).toEqual(
      Array(4).fill('there is no file /nothing/here.sh'),
    )
    expect(offs({ ...TOKEN, SIGNALBOX_DEPLOY_COMMAND: process.execPath })).toEqual(Array(4).fill(null))
    const agents = [deploy({ environments: { production: { run: [process.execPath] } } })]
    expect(offs(TOKEN, { agents })).toEqual(Array(4).fill(null))
  })

  test('have one group for each environment of a repository, whatever asks', () => {
    const rules = compileRules(defaultRules)
    const keys = (type: string, facts: Facts) =>
      jobsFor(rules, { id: 'e1', source: 'github', type, facts: { repository: 'acme/shop', sender: 'jane', ...facts } })
        .filter(({ agent }) => agent === 'deploy')
        .map(({ type: jobType, groupKey, mode }) => [jobType, groupKey, mode])
    const group = ['deploy:acme/shop:production', 'next']
    expect(keys('release.published', { tag: 'v1' })).toEqual([['github_release', ...group]])
    expect(keys('release.published', { tag: 'v1', prerelease: true })).toEqual([])
    expect(keys('issue_comment.created', { number: 1, command: 'deploy' })).toEqual([['deploy', ...group]])
    expect(keys('issue_comment.created', { number: 1, command: 'rollback', arguments: ['production'] })).toEqual([
      ['rollback', ...group],
    ])
    expect(keys('environment.merged', { environment: 'production' })).toEqual([['deploy', ...group]])
    expect(keys('environment.merged', { environment: 'staging' })).toEqual([])
  })
})

test.each([deploymentPr(), issueToPr(), deploy({ environments: {} })])(
  'an agent of the configuration writes to GITHUB_REPO as the built-in one does: $name',
  (agent) => {
    const { agents } = install({ ...TOKEN, ...REPOSITORY }, { agents: [agent] })
    expect(agents.get(agent.name)?.repositories).toEqual(['acme/prompts'])
  },
)

test('an agent with a repository of its own keeps it', () => {
  const { agents } = install(REPOSITORY, { agents: [deploymentPr({ repository: 'acme/own' })] })
  expect(agents.get('deployment-pr')?.repositories).toEqual(['acme/own'])
})
