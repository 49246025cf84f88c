import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newId } from '../lib/id.ts'
import type { InstalledRule } from '../rules/rule.ts'
import { addTallies, rulesToTest, tallyOf } from './backtest.ts'
import { estimate } from './cost.ts'
import type { PastEvent, RuleCost } from './history.ts'

function past(change: Partial<PastEvent> = {}): PastEvent {
  return {
    id: newId(),
    source: 'github',
    type: 'push',
    status: 'ignored',
    subject: 'acme/shop@main',
    facts: { repository: 'acme/shop', branch: 'main' },
    depth: 0,
    received_at: '2026-01-01T00:00:00.000Z',
    made: [],
    ...change,
  }
}

const RULES: InstalledRule[] = [
  { name: 'review', on: 'push', agent: 'a' },
  { name: 'main', on: 'push', agent: 'a', when: { branch: 'main' } },
]

describe('a back-test', () => {
  test('compares what each rule would make with what was made', () => {
    const [kept, dropped] = [newId(), newId()]
    const events = [
      past({ made: [{ rule: 'review', id: kept }] }),
      past({ facts: { branch: 'dev' }, made: [{ rule: 'main', id: dropped }] }),
      past({ type: 'release', made: [{ rule: 'gone-rule', id: newId() }] }),
    ]
    const { rules, events: count } = tallyOf(rulesToTest(RULES), events)
    expect(count).toBe(3)
    expect(rules).toMatchObject([
      { rule: 'review', fires: 2, same: 1, new: 1, gone: 0, examples: { same: [{ job_id: kept }] } },
      { rule: 'main', fires: 1, same: 0, new: 1, gone: 1, examples: { gone: [{ job_id: dropped }] } },
      { rule: 'gone-rule', fires: 0, gone: 1 },
    ])
  })

  test('counts a rule that is off as if it were on, and with a name that one alone', () => {
    const off = [{ ...RULES[0]!, off: 'set X' }, RULES[1]!]
    const events = [past({ made: [{ rule: 'main', id: newId() }] })]
    expect(tallyOf(rulesToTest(off, 'review'), events, 'review').rules).toMatchObject([{ rule: 'review', fires: 1 }])
  })

  test('asks no rule of what names its job itself, was refused, or would be a loop', () => {
    const events = [
      past({ source: 'manual' }),
      past({ status: 'rejected' }),
      past({ depth: 4 }),
      past({ source: 'test' }),
    ]
    expect(tallyOf(rulesToTest(RULES), events).rules.map(({ fires }) => fires)).toEqual([0, 0])
  })

  test('says where the forge would be asked, and counts a refusal that the event itself decides', () => {
    const rules: InstalledRule[] = [{ name: 'chat', on: 'issues.opened', agent: 'a' }]
    const facts = { repository: 'acme/shop', sender: 'eve', senderType: 'User' }
    const asked = past({ type: 'issues.opened', facts })
    const bot = past({ type: 'issues.opened', facts: { ...facts, senderType: 'Bot' } })
    expect(tallyOf(rulesToTest(rules), [asked, bot]).rules).toMatchObject([{ fires: 1, asks: 1 }])
  })

  test('is the same however it is cut into pages', () => {
    const event = fc.record({
      type: fc.constantFrom('push', 'release'),
      branch: fc.constantFrom('main', 'dev'),
      made: fc.subarray(['review', 'main', 'other']),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), fc.nat(30), (given, at) => {
        const events = given.map(({ type, branch, made }) =>
          past({ type, facts: { branch }, made: made.map((rule) => ({ rule, id: newId() })) }),
        )
        const compiled = rulesToTest(RULES)
        const [first, second] = [events.slice(0, at), events.slice(at)].map((page) => tallyOf(compiled, page))
        const byName = (tally: ReturnType<typeof tallyOf>) => ({
          ...tally,
          rules: tally.rules.toSorted((a, b) => a.rule.localeCompare(b.rule)),
        })
        expect(byName(addTallies(first!, second!))).toEqual(byName(tallyOf(compiled, events)))
      }),
    )
  })
})

describe('the cost', () => {
  const cost = (change: Partial<RuleCost>): RuleCost => ({
    rule: 'review',
    agent: 'a',
    jobs: 2,
    tokens: 100,
    usd: 1,
    seconds: 10,
    ...change,
  })

  test('is the mean of the jobs of the rule, as many times', () => {
    const costs = [cost({}), cost({ rule: 'other', tokens: 9999 })]
    expect(estimate(costs, { rule: 'review', agent: 'a', jobs: 4 })).toEqual({
      tokens: 200,
      usd: 2,
      seconds: 20,
      of: 'rule',
      jobs: 2,
    })
  })

  test('is that of the agent where the rule has none, and not known where that has none either', () => {
    const costs = [cost({ rule: 'other', usd: null })]
    expect(estimate(costs, { rule: 'new', agent: 'a', jobs: 2 })).toMatchObject({ tokens: 100, usd: null, of: 'agent' })
    expect(estimate(costs, { rule: 'new', agent: 'b', jobs: 2 })).toBeNull()
  })
})
