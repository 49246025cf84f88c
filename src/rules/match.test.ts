import { describe, expect, test } from 'vitest'
import type { Facts } from '../events/facts.ts'
import { compileRules, matchRules } from './match.ts'
import type { Condition, Rule } from './rule.ts'

function matches(rule: Partial<Rule>, event: { type?: string; source?: string; facts?: Facts }) {
  return (
    matchRules(compileRules([{ name: 'it', on: '*', agent: 'ping', ...rule }]), {
      source: 'github',
      type: 'push',
      facts: {},
      ...event,
    }).length === 1
  )
}

function holds(when: Condition, facts: Facts) {
  return matches({ when }, { facts })
}

test('a rule matches the types it is for', () => {
  expect(matches({ on: 'push' }, { type: 'push' })).toBe(true)
  expect(matches({ on: ['release.published', 'issues.*'] }, { type: 'issues.labeled' })).toBe(true)
  expect(matches({ on: 'push' }, { type: 'release.published' })).toBe(false)
})

test('a rule with a source matches events of that source only', () => {
  expect(matches({ source: 'agenta' }, { source: 'agenta' })).toBe(true)
  expect(matches({ source: 'agenta' }, { source: 'github' })).toBe(false)
})

test('every given part must hold', () => {
  expect(holds({ branch: 'main', author: 'mona' }, { branch: 'main', author: 'mona' })).toBe(true)
  expect(holds({ branch: 'main', author: 'mona' }, { branch: 'main', author: 'hubot' })).toBe(false)
})

test('an absent fact satisfies nothing, not even a star', () => {
  expect(holds({ branch: '**' }, {})).toBe(false)
  expect(holds({ branch: '!main' }, {})).toBe(false)
  expect(holds({ label: '*' }, { labels: [] })).toBe(false)
})

test('"not" of an absent fact holds', () => {
  expect(holds({ not: { branch: 'main' } }, {})).toBe(true)
  expect(holds({ not: { branch: 'main' } }, { branch: 'main' })).toBe(false)
})

test('all, any and not can be nested', () => {
  const when: Condition = {
    repository: 'acme/*',
    any: [{ branch: 'main' }, { all: [{ branch: 'release/**' }, { not: { author: '*[bot]' } }] }],
  }
  const repository = 'acme/shop'
  expect(holds(when, { repository, branch: 'main' })).toBe(true)
  expect(holds(when, { repository, branch: 'release/1/2', author: 'mona' })).toBe(true)
  expect(holds(when, { repository, branch: 'release/1/2', author: 'renovate[bot]' })).toBe(false)
  expect(holds(when, { repository: 'evil/shop', branch: 'main' })).toBe(false)
})

test('repositories, labels and authors compare as GitHub does, without case; branches with it', () => {
  expect(holds({ repository: 'Acme/Shop' }, { repository: 'acme/shop' })).toBe(true)
  expect(holds({ label: 'agent-task' }, { labels: ['bug', 'Agent-Task'] })).toBe(true)
  expect(holds({ author: 'Mona' }, { author: 'mona' })).toBe(true)
  expect(holds({ branch: 'Main' }, { branch: 'main' })).toBe(false)
})

describe('a label', () => {
  test('is any of those the issue carries', () => {
    expect(holds({ label: 'agent-task' }, { labels: ['bug', 'agent-task'] })).toBe(true)
  })

  test('is only the one just added when the event is about one, so that a further label starts nothing again', () => {
    expect(holds({ label: 'agent-task' }, { label: 'agent-task', labels: ['agent-task'] })).toBe(true)
    expect(holds({ label: 'agent-task' }, { label: 'bug', labels: ['bug', 'agent-task'] })).toBe(false)
  })
})

test('rules come back in the order they were given', () => {
  const rules: Rule[] = ['b', 'a', 'c'].map((name) => ({
    name,
    on: name === 'a' ? 'release.*' : 'push',
    agent: 'ping',
  }))
  const matched = matchRules(compileRules(rules), { source: 'github', type: 'push', facts: {} })
  expect(matched.map(({ name }) => name)).toEqual(['b', 'c'])
})
