import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Facts } from '../events/facts.ts'
import { explain } from './explain.ts'
import type { MatchInput } from './match.ts'
import { compileRules, matchRules } from './match.ts'
import type { Condition, Rule } from './rule.ts'
import { GLOB_PARTS } from './rule.ts'

const rule: Rule = {
  name: 'review',
  on: 'push',
  when: { branch: ['main', 'release/*'], not: { author: '*[bot]' } },
  agent: 'review',
}
function pushTo(facts: Facts): MatchInput {
  return { source: 'github', type: 'push', facts }
}

test('a match says what it is for', () => {
  expect(explain(rule, pushTo({ branch: 'main', author: 'mona' }))).toEqual({
    rule: 'review',
    matched: true,
    checks: [
      { part: 'on', wanted: 'push', actual: 'push', holds: true },
      { part: 'branch', wanted: 'main or release/*', actual: 'main', holds: true },
      { part: 'not', wanted: 'no match', actual: 'no match', holds: true },
      { part: 'not.author', wanted: '*[bot]', actual: 'mona', holds: false },
    ],
    sentence:
      '"review" matches: the type is push; the branch is main; not excluded, because the author is mona, wanted *[bot].',
    job: null,
  })
})

test.each([
  [{ branch: 'dev' }, '"review" does not match: the branch is dev, wanted main or release/*.'],
  [{}, '"review" does not match: the event has no branch, wanted main or release/*.'],
  [
    { branch: 'main', author: 'renovate[bot]' },
    '"review" does not match: the rule excludes it, because the author is renovate[bot].',
  ],
])('a miss says what kept it: %j', (facts, sentence) => {
  expect(explain(rule, pushTo(facts)).sentence).toBe(sentence)
})

test('a miss of "any" names every alternative', () => {
  const either: Rule = { ...rule, when: { any: [{ branch: 'main' }, { tag: 'v*', author: 'mona' }] } }
  expect(explain(either, pushTo({ branch: 'dev' })).sentence).toBe(
    '"review" does not match: none of these holds: (the branch is dev, wanted main), (the event has no tag, wanted v* and the event has no author, wanted mona).',
  )
})

const word = fc.constantFrom('main', 'Main', 'dev', 'release/1', 'a/b/c', 'renovate[bot]', 'C++')
const glob = fc.constantFrom('main', 'release/*', '**', '*', '!main', '*[bot]', '{main,dev}', '!(main|dev)', 'C++')
const globs = fc.oneof(glob, fc.array(glob, { minLength: 1, maxLength: 3 }))
const partNames = Object.keys(GLOB_PARTS) as (keyof typeof GLOB_PARTS)[]
const plain = fc.dictionary(fc.constantFrom(...partNames), globs, { maxKeys: 2 }) as fc.Arbitrary<Condition>
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small' },
    plain,
    fc
      .tuple(plain, fc.record({ all: fc.array(tie('condition'), { maxLength: 2 }) }))
      .map(([own, more]) => ({ ...own, ...more })),
    fc
      .tuple(plain, fc.record({ any: fc.array(tie('condition'), { maxLength: 3 }) }))
      .map(([own, more]) => ({ ...own, ...more })),
    fc.tuple(plain, fc.record({ not: tie('condition') })).map(([own, more]) => ({ ...own, ...more })),
  ),
}))
const facts = fc.record(
  {
    branch: word,
    tag: word,
    label: word,
    labels: fc.array(word, { maxLength: 2 }),
    action: word,
    environment: word,
    app: word,
    repository: word,
    author: word,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Facts>
const anyRule = fc.record(
  {
    name: fc.constant('it'),
    agent: fc.constant('ping'),
    on: fc.constantFrom('push', 'issues.*', '*'),
    source: word,
    when: condition,
  },
  { requiredKeys: ['name', 'agent', 'on'] },
) as fc.Arbitrary<Rule>
const anyEvent: fc.Arbitrary<MatchInput> = fc.record({
  source: word,
  type: fc.constantFrom('push', 'issues.labeled'),
  facts,
})

test('explaining and matching always agree, and the top parts are what decides', () => {
  fc.assert(
    fc.property(anyRule, anyEvent, (given, event) => {
      const explained = explain(given, event)
      const matched = matchRules(compileRules([given]), event).length === 1
      expect(explained.matched).toBe(matched)
      expect(explained.checks.filter(({ part }) => !part.includes('.')).every((check) => check.holds)).toBe(matched)
    }),
  )
})

test('"not" reverses a condition, whatever it is', () => {
  fc.assert(
    fc.property(condition, anyEvent, (when, event) => {
      const [plainRule, negated]: Rule[] = [
        { name: 'it', on: '*', agent: 'ping', who: 'anyone', when },
        { name: 'it', on: '*', agent: 'ping', who: 'anyone', when: { not: when } },
      ]
      expect(explain(plainRule!, event).matched).toBe(!explain(negated!, event).matched)
    }),
  )
})
