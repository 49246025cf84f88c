// The rules of deployments, which are on where a program for `production` is set up.
import type { Rule } from '../rules/rule.ts'

const TWO_HOURS_MS = 2 * 60 * 60 * 1000

/**
 * What the rules of deployments have in common: of one environment of a repository one runs at a
 * time, and of those that wait only the newest.
 */
const SHARED = {
  agent: 'deploy',
  concurrency: { key: 'deploy:{repository}:{input.environment}', mode: 'next' },
  outputs: { deployment_status: { max: 50 }, comment: {} },
  timeLimitMs: TWO_HOURS_MS,
} as const satisfies Partial<Rule>

/** A release, a command, and the merge of a deployment's pull request. */
export const DEPLOY_RULES: readonly Rule[] = [
  {
    name: 'deploy-release',
    on: 'release.published',
    when: { not: { prerelease: 'true' } },
    with: { environment: 'production' },
    jobType: 'github_release',
    ...SHARED,
  },
  {
    name: 'deploy-command',
    on: 'command',
    command: {
      name: 'deploy',
      arguments: { 'environment?': 'string', 'ref?': 'string' },
      description: 'deploys a branch, a tag or a commit',
    },
    with: { environment: 'production' },
    ...SHARED,
  },
  {
    name: 'rollback-command',
    on: 'command',
    command: {
      name: 'rollback',
      arguments: { environment: 'string' },
      description: 'goes back to what was live before',
    },
    with: { kind: 'rollback' },
    jobType: 'rollback',
    ...SHARED,
  },
  {
    name: 'deploy-merged',
    on: 'environment.merged',
    when: { environment: 'production' },
    with: { environment: 'production' },
    ...SHARED,
  },
]
