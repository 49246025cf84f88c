import { describe, expect, test } from 'vitest'
import { compileRules } from './match.ts'
import { ignoredReason, keptReason } from './reason.ts'
import type { InstalledRule, Rule } from './rule.ts'

const rule: Rule = { name: 'review', on: 'push', source: 'github', when: { branch: 'main' }, agent: 'review' }
const push = { source: 'github', type: 'push', facts: { branch: 'dev' } }
function reason(rules: InstalledRule[], event = push) {
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

test('a rule that matches and is off is named with what to set, also where others made jobs', () => {
  const off = { ...rule, when: {}, off: 'set SIGNALBOX_MODEL' }
  expect(reason([{ ...rule, name: 'first' }, off])).toBe(
    'rule "review" is off: set SIGNALBOX_MODEL; no endpoint asked for it',
  )
  expect(keptReason(compileRules([off]), push)).toBe('rule "review" is off: set SIGNALBOX_MODEL')
  expect(keptReason(compileRules([{ ...off, on: 'release.*' }]), push)).toBeNull()
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

describe('beside the jobs of other rules', () => {
  const command = { name: 'review', arguments: { 'depth?': 'number' } } as const
  const asked: Rule = { name: 'review', on: 'command', command, agent: 'review' }
  const event = {
    source: 'github',
    type: 'issue_comment.created',
    facts: { repository: 'acme/shop', sender: 'mona', command: 'review', label: 'ok', arguments: [] as string[] },
  }
  const kept = (rules: Rule[], change: Partial<(typeof event)['facts']> = {}, paused = new Map()) =>
    keptReason(compileRules(rules), { ...event, facts: { ...event.facts, ...change } }, paused)
  const all: Rule = { name: 'all', on: 'issue_comment.*', who: 'anyone', agent: 'a' }

  test('what is paused is said', () => {
    const since = '2026-01-01T00:00:00Z'
    expect(kept([asked, all])).toBeNull()
    expect(kept([asked, all], {}, new Map([['review', { since, reason: 'frozen' }]]))).toBe(
      'rule "review" is paused: frozen',
    )
  })

  test('who may not is said, and what else kept a command', () => {
    expect(kept([{ ...asked, who: { users: ['jane'] } }, all])).toBe(
      'rule "review": `mona` is not one of those that who names',
    )
    expect(kept([{ ...all, name: 'chat', who: { users: ['jane'] } }, all])).toBe(
      'rule "chat": `mona` is not one of those that who names',
    )
    expect(kept([{ ...asked, when: { branch: 'main' } }, all])).toBe(
      'rule "review": the event has no branch, wanted main',
    )
    expect(kept([asked, all], { arguments: ['x'] })).toContain('rule "review": /review: ')
  })

  test('what a rule for something else wants is not', () => {
    expect(kept([{ ...asked, on: 'push' }, { ...all, when: { branch: 'main' } }, all])).toBeNull()
    expect(kept([asked, all], { command: 'deploy' })).toBeNull()
  })
})
