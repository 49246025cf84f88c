import { expect, test } from 'vitest'
import { compileRules } from './match.ts'
import { ignoredReason } from './reason.ts'
import type { Rule } from './rule.ts'

const rule: Rule = { name: 'review', on: 'push', source: 'github', when: { branch: 'main' }, agent: 'review' }
const push = { source: 'github', type: 'push', facts: { branch: 'dev' } }
function reason(rules: Rule[], event = push) {
  return ignoredReason(compileRules(rules), event)
}

test('without rules it says so', () => {
  expect(reason([])).toBe('there are no rules; no endpoint asked for it')
})

test('when no rule is for the type it names the type and the source', () => {
  expect(reason([{ ...rule, on: 'release.*' }])).toBe('no rule is for push from github; no endpoint asked for it')
})

test('when a rule is for the type it says what kept the first one', () => {
  expect(reason([rule, { ...rule, name: 'other' }])).toBe(
    'rule "review": the branch is dev, wanted main (and 1 more); no endpoint asked for it',
  )
})

test('it stays short', () => {
  const event = { ...push, facts: { branch: 'x'.repeat(512) } }
  expect(reason([rule], event)).toHaveLength(500)
})

test('a rule for another source is not near', () => {
  expect(reason([{ ...rule, source: 'agenta', when: {} }])).toBe(
    'no rule is for push from github; no endpoint asked for it',
  )
})
