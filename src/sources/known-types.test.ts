import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { GITHUB_TYPES } from './github/event-types.ts'
import { isReserved, unknownSources, unknownTypes } from './known-types.ts'

const corpus = createRequire(import.meta.url)('@octokit/webhooks-examples') as {
  name: string
  examples: { action?: string }[]
}[]
const sources = ['github', 'agenta', 'shop']

test("every example of GitHub's is of a known type", () => {
  const types = corpus.flatMap(({ name, examples }) =>
    examples.map(({ action }) => (action === undefined ? name : `${name}.${action}`)),
  )
  expect(types).toHaveLength(329)
  expect(unknownTypes([...new Set(types)], [])).toEqual([])
  expect(GITHUB_TYPES.length).toBeGreaterThan(250)
})

test.each([
  [['push', 'issues.*', 'issues.opened', '*.opened', '*', '**', 'pull_request*', '{push,pshu}', '!issues.closed']],
  [
    [
      'environment.deployed',
      'job.*',
      'job.failed',
      'manual',
      '!(push)',
      'endpoint.recovered',
      'endpoint.disabled',
      'delivery.exhausted',
    ],
  ],
  [['shop.order.paid', 'shop.*', 'sh*', 'agenta.testset.created', 'repository_dispatch.deploy-now', '*.paid']],
])('%j are known', (globs) => {
  expect(unknownTypes(globs, sources)).toEqual([])
})

test.each([
  ['pshu', 'no known event is called "pshu"; did you mean "push"?'],
  ['Push', 'no known event is called "Push"; did you mean "push"?'],
  ['issues', 'no known event is called "issues"; did you mean "issues.*"?'],
  ['issue.opened', 'no known event is called "issue.opened"; did you mean "issues.opened"?'],
  ['isues.*', 'no known event matches "isues.*"; did you mean "issues.*"?'],
  ['issues.lableed', 'no known event is called "issues.lableed"; did you mean "issues.labeled"?'],
  ['release.merged', /^no known event is called "release\.merged"; release has created, deleted, .*unpublished$/],
  ['push.main', 'no known event is called "push.main"; did you mean "push"?'],
  ['shpo.paid', 'no known event is called "shpo.paid"; did you mean "shop.*"?'],
  ['enviroment.deployed', 'no known event is called "enviroment.deployed"; did you mean "environment.deployed"?'],
  ['!pshu', 'no known event is called "pshu"; did you mean "push"?'],
  ['manual.settled', 'no known event is called "manual.settled"; did you mean "manual"?'],
  ['shop', 'no known event is called "shop"; did you mean "shop.*"?'],
])('%s is not, and the nearest is named', (glob, sentence) => {
  expect(unknownTypes([glob], sources)).toEqual([
    typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
  ])
})

test("no source may have the name of one of GitHub's events", () => {
  const names = corpus.map(({ name }) => name).filter((name) => !name.includes('_'))
  expect(names.length).toBeGreaterThan(20)
  expect(names.filter((name) => !isReserved(name))).toEqual([])
})

test('a source that is not configured is named with the nearest', () => {
  expect(unknownSources(['github', 'sh*', '!manual', 'deployments'], sources)).toEqual([])
  expect(unknownSources(['gihtub'], sources)).toEqual(['no source is called "gihtub"; did you mean "github"?'])
})

test('a name that belongs to nobody may be of an event that another program emits', () => {
  expect(unknownTypes(['payment.settled', 'payment.*', '!payment.failed'], sources)).toEqual([])
})
