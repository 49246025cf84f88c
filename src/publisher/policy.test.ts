import { expect, test } from 'vitest'
import { checkPolicies } from './policy.ts'

test("what a configuration's rules say about writing is checked, each mistake by rule and field", () => {
  const files = {
    maxFiles: 3,
    maxLines: 10,
    maxBytes: 100,
    protectedPaths: [],
    protectLockFiles: true,
    allowTokens: true,
  }
  const outputs = {
    pull_request: {
      max: 2,
      branchPrefixes: ['task/'],
      base: ['main'],
      draft: true,
      autoMerge: true,
      labels: ['bot'],
      ...files,
    },
    commit: { branches: ['task/**'], ...files },
    comment: {},
    labels: { allow: ['triage/*'] },
    reaction: {},
    review: { events: ['APPROVE'] },
    thread: { resolve: 'any' },
    check: { max: 3 },
    deployment_status: { environments: ['staging'] },
    issue: { labels: [] },
  }
  const good = { repositories: ['acme/*'], staged: true, outputs }
  expect(() => checkPolicies([{ name: 'a' }, { name: 'b', ...{ outputs: {} } }, { name: 'c', ...good }])).not.toThrow()
  const rules = [
    { name: 'a', outputs: { comments: {} } },
    { name: 'b', outputs: { pull_request: { maxFiles: 0 } }, repositories: 'acme/*' },
    { name: 'c', repositories: [''] },
    { name: 'd', outputs: 'none', staged: 'yes' },
  ]
  expect(() => checkPolicies(rules)).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      detail: [
        'rules[0] "a": outputs: unknown field "comments"; did you mean "comment"?',
        'rules[1] "b": outputs.pull_request.maxFiles: must be at least 1',
        'rules[1] "b": repositories: must be a list, not a string',
        'rules[2] "c": repositories.0: must have at least 1 character',
        'rules[3] "d": outputs: must be an object, not a string',
        'rules[3] "d": staged: must be true or false, not a string',
      ].join('\n'),
    }),
  )
})

test('an exclusion of nothing is refused at the start', () => {
  expect(() => checkPolicies([{ name: 'fix', ...{ repositories: ['!'] } }])).toThrow(
    'rules[0] "fix": repositories.0: must name what it excludes',
  )
})
