import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Facts } from '../events/facts.ts'
import { compileRules, matchRules } from './match.ts'
import type { Condition, Rule } from './rule.ts'

function matches(rule: Partial<Rule>, event: { type?: string; source?: string; facts?: Facts }) {
  return (
    matchRules(compileRules([{ name: 'it', on: '*', agent: 'ping', who: 'anyone', ...rule }]), {
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

test('a rule with several sources matches events of each, and one may be excluded', () => {
  const answers = (source: string[]) =>
    ['github', 'agenta', 'shop'].map((each) => matches({ source }, { source: each }))
  expect(answers(['agenta', 'github'])).toEqual([true, true, false])
  expect(answers(['!github'])).toEqual([false, true, true])
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

describe('what a condition means, for any conditions and facts', () => {
  const word = fc.constantFrom('main', 'dev', 'release/1', 'mona', 'renovate[bot]')
  const glob = fc.constantFrom('main', 'release/*', '**', '!main', '*[bot]')
  const condition: fc.Arbitrary<Condition> = fc.record({ branch: glob, author: glob, tag: glob }, { requiredKeys: [] })
  const facts: fc.Arbitrary<Facts> = fc.record({ branch: word, author: word, tag: word }, { requiredKeys: [] })

  test('`any` is or, `all` is and, `not` is not', () => {
    fc.assert(
      fc.property(condition, condition, facts, (a, b, known) => {
        expect(holds({ any: [a, b] }, known)).toBe(holds(a, known) || holds(b, known))
        expect(holds({ all: [a, b] }, known)).toBe(holds(a, known) && holds(b, known))
        expect(holds({ not: a }, known)).toBe(!holds(a, known))
        expect(holds({ not: { any: [a, b] } }, known)).toBe(holds({ all: [{ not: a }, { not: b }] }, known))
      }),
    )
  })

  test('what is given beside them must hold, too', () => {
    fc.assert(
      fc.property(condition, condition, facts, (a, b, known) => {
        expect(holds({ ...a, any: [b] }, known)).toBe(holds(a, known) && holds(b, known))
        expect(holds({ ...a, not: b }, known)).toBe(holds(a, known) && !holds(b, known))
      }),
    )
  })

  test('of an empty list, `all` holds and `any` does not', () => {
    expect(holds({ all: [] }, {})).toBe(true)
    expect(holds({ any: [] }, {})).toBe(false)
  })
})

test('everything but one kind of event can be asked for', () => {
  expect(matches({ on: ['*', '!push'] }, { type: 'push' })).toBe(false)
  expect(matches({ on: ['*', '!push'] }, { type: 'issues.opened' })).toBe(true)
  expect(matches({ on: '!pull_request.*' }, { type: 'pull_request.opened' })).toBe(false)
  expect(matches({ on: '!pull_request.*' }, { type: 'push' })).toBe(true)
})

test('an empty glob is a mistake, not a rule that never matches', () => {
  expect(() => compileRules([{ name: 'r', on: '', agent: 'ping' }])).toThrow(TypeError)
  expect(() => compileRules([{ name: 'r', on: '*', agent: 'ping', when: { branch: [''] } }])).toThrow(TypeError)
})
