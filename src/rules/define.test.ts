import fc from 'fast-check'
import { expect, test } from 'vitest'
import { refusalOf } from '../../test/refusal.ts'
import { AppError } from '../lib/error.ts'
import { parseRules } from './define.ts'

const agents = ['ping', 'deployment-pr', 'command']
const rule = { name: 'review', on: 'push', agent: 'ping' }

function refusal(given: unknown): string {
  const error = refusalOf(() => parseRules(given, agents))
  expect(error?.code).toBe('config_invalid')
  return error?.detail ?? ''
}

test('a complete rule is accepted as it is', () => {
  const complete = {
    ...rule,
    on: ['push', 'release.*'],
    source: ['github', 'agenta'],
    when: { branch: ['main'], any: [{ author: 'mona' }, { all: [{ label: 'x' }], not: { tag: 'v0*' } }] },
    with: { argv: ['npm', 'test'], nested: { deep: [1, null] } },
    jobType: 'github_push',
    priority: 10,
    concurrency: { key: 'push:{repository}:{branch}', mode: 'latest' },
    debounce: { quietMs: 1000, maxMs: 60_000 },
    ceiling: { perHour: 5 },
    maxAttempts: 3,
    timeLimitMs: 60_000,
  }
  expect(parseRules([complete, { ...rule, name: 'other' }], agents)).toEqual([complete, { ...rule, name: 'other' }])
})

test.each([
  [{ ...rule, priority: 11 }, 'rules[0] "review": priority: '],
  [{ ...rule, priority: 0 }, 'rules[0] "review": priority: '],
  [
    { ...rule, agent: 'nobody' },
    'rules[0] "review": agent: there is no agent "nobody"; known: command, deployment-pr, ping',
  ],
  [{ ...rule, wen: {} }, 'rules[0] "review": unknown field "wen"'],
  [{ ...rule, when: { brunch: 'main' } }, 'rules[0] "review": when: unknown field "brunch"; did you mean "branch"?'],
  [{ ...rule, when: { any: [{ brunch: 'x' }] } }, 'rules[0] "review": when.any.0: unknown field "brunch"'],
  [{ ...rule, when: { not: {} } }, 'rules[0] "review": when.not: must not be empty'],
  [{ ...rule, when: { any: [] } }, 'rules[0] "review": when.any: must not be empty'],
  [{ ...rule, when: { branch: '' } }, 'rules[0] "review": when.branch: '],
  [{ ...rule, on: [] }, 'rules[0] "review": on: '],
  [{ ...rule, source: 7 }, 'rules[0] "review": source: must be a glob or a list of globs'],
  [{ ...rule, on: '!' }, 'rules[0] "review": a glob cannot be read'],
  [
    { ...rule, concurrency: { key: '{app}:{colour}' } },
    'rules[0] "review": concurrency.key: names the unknown fact {colour}; known: repository, ',
  ],
  [{ ...rule, concurrency: {} }, 'rules[0] "review": concurrency.key: '],
  [{ ...rule, concurrency: { key: 'k', limit: 0 } }, 'rules[0] "review": concurrency.limit: '],
  [
    { ...rule, concurrency: { key: 'k', mode: 'cancel' } },
    'rules[0] "review": concurrency.mode: must be queue, latest, next or skip; latest cancels what waits or runs, and next what waits',
  ],
  [
    { ...rule, concurrency: { key: 'k', limit: 2, mode: 'latest' } },
    'rules[0] "review": concurrency.limit: must be 1, or left out, with a mode other than queue',
  ],
  [
    { ...rule, concurrency: { key: 'k', mode: 'latest' }, debounce: { quietMs: 10, maxMs: 9 } },
    'rules[0] "review": debounce.maxMs: must not be less than quietMs',
  ],
  [{ ...rule, debounce: { quietMs: 10, maxMs: 20 } }, 'rules[0] "review": debounce: needs a concurrency of the mode'],
  [
    { ...rule, who: { permission: 'maintainer' } },
    'rules[0] "review": who.permission: must be one of read, triage, write, maintain, admin; did you mean "maintain"?',
  ],
  [{ ...rule, who: { users: ['a b'], team: [] } }, 'rules[0] "review": who.users.0: must be the name of an account'],
  [
    { ...rule, who: { permision: 'write' } },
    'rules[0] "review": who: unknown field "permision"; did you mean "permission"?',
  ],
  [{ ...rule, who: 'anybody' }, `rules[0] "review": who: must be 'anyone', or an object of permission, teams`],
  [{ ...rule, ceiling: { perHour: -1 } }, 'rules[0] "review": ceiling.perHour: '],
  [{ ...rule, group: 'g' }, 'rules[0] "review": unknown field "group"'],
  [{ ...rule, name: 'manual' }, 'rules[0] "manual": name: "manual" is the name of jobs started by hand'],
  [{ on: 'push', agent: 'ping' }, 'rules[0]: name: '],
  ['push', 'rules[0]: '],
  [null, 'rules[0]: '],
])('%j is refused by rule and field', (given, detail) => {
  expect(refusal([given])).toContain(detail)
})

test('every problem is named at once, two rules of one name among them', () => {
  expect(refusal([rule, rule, { ...rule, name: 'b', priority: 'high' }]).split('\n')).toEqual([
    'rules[1] "review": name: rules[0] has it too; every rule needs its own',
    expect.stringContaining('rules[2] "b": priority: '),
  ])
})

test('rules that are no list are refused', () => {
  expect(refusal({ rule })).toBe('rules: must be a list.')
})

test('the edges of every number are accepted, and one beyond is refused with the field', () => {
  const edges = { priority: [1, 10], maxAttempts: [1, 100], timeLimitMs: [1000, 24 * 60 * 60 * 1000] }
  for (const [field, [least = 0, most = 0]] of Object.entries(edges)) {
    for (const value of [least, most]) expect(parseRules([{ ...rule, [field]: value }], agents)).toHaveLength(1)
    for (const value of [least - 1, most + 1, least + 0.5, `${least}`]) {
      expect(refusal([{ ...rule, [field]: value }])).toContain(`rules[0] "review": ${field}: `)
    }
  }
})

test('a condition may be nested, and a mistake in it is named by its path', () => {
  const when = { all: [{ any: [{ branch: 'main' }, { not: { lable: 'x' } }] }] }
  expect(refusal([{ ...rule, when }])).toContain('when.all.0.any.1.not: unknown field "lable"')
})

test('whatever a file has for rules, they are accepted or refused as a mistake of the configuration', () => {
  const key = fc.constantFrom('name', 'on', 'agent', 'when', 'with', 'concurrency', 'any', 'not', 'branch', '__proto__')
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>('push', 'ping', '!', '', '{app}', '{', 7, null, undefined),
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(key, tie('value'), { maxKeys: 5 }),
    ),
  }))
  fc.assert(
    fc.property(fc.array(value, { maxLength: 3 }), (given) => {
      try {
        expect(parseRules(given, agents)).toHaveLength(given.length)
      } catch (error) {
        expect(error).toBeInstanceOf(AppError)
      }
    }),
  )
})
