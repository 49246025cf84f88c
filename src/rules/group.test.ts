import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Facts } from '../events/facts.ts'
import { isUuid } from '../lib/id.ts'
import { GROUP_FACTS, groupKey } from './group.ts'

const value = fc.string({ minLength: 1, maxLength: 40 })
const facts: fc.Arbitrary<Facts> = fc.record({ app: value, environment: value, branch: value })

test('a group is its template with the facts in it, character by character', () => {
  fc.assert(
    fc.property(facts, ({ app = '', environment = '' }) => {
      expect(groupKey('deploy:{app}:{environment}', { app, environment })).toBe(`deploy:${app}:${environment}`)
    }),
  )
})

test('a fact is put in once: what looks like a template inside a fact stays text', () => {
  expect(groupKey('{app}:{branch}', { app: '{branch}', branch: '$&' })).toBe('{branch}:$&')
})

test('every fact of a template must be there, whichever is absent', () => {
  const template = GROUP_FACTS.map((name) => `{${name}}`).join('/')
  const whole: Facts = Object.fromEntries(GROUP_FACTS.map((name) => [name, name === 'number' ? 7 : name]))
  expect(groupKey(template, whole)).not.toBeNull()
  for (const name of GROUP_FACTS) {
    const { [name]: _, ...others } = whole
    expect(groupKey(template, others)).toBeNull()
  }
})

test('a group that is too long for an index becomes an id, the same for the same facts and no others', () => {
  const key = (end: string) => groupKey('{app}{branch}', { app: 'x'.repeat(600), branch: end })
  expect(isUuid(key('a') ?? '')).toBe(true)
  expect(key('a')).toBe(key('a'))
  expect(key('a')).not.toBe(key('b'))
  const longest = groupKey('{app}', { app: 'x'.repeat(500) })
  expect(longest).toHaveLength(500)
})

test('a field of the input is a part of the group, where it is a text or a number', () => {
  const key = (input: unknown) =>
    groupKey('deploy:{repository}:{input.environment}', { repository: 'acme/shop' }, input)
  expect(key({ environment: 'production' })).toBe('deploy:acme/shop:production')
  expect(key({ environment: 7 })).toBe('deploy:acme/shop:7')
  for (const input of [{}, null, 'production', { environment: {} }, { environment: null }])
    expect(key(input)).toBeNull()
  expect(groupKey('{input.constructor}', {}, {})).toBeNull()
})
