import { expect, test } from 'vitest'
import { eventType, githubType, typeUnder } from './event-type.ts'

test('a type is up to 100 letters, digits, dots, underscores and hyphens', () => {
  for (const type of ['push', 'issues.labeled', 'a_b-c.D1', 'x'.repeat(100)]) expect(eventType(type)).toBe(type)
  for (const value of ['', '.a', 'a b', 'a/b', 'ü', 'a\n', 'x'.repeat(101), 7, null, undefined, {}]) {
    expect(eventType(value)).toBeUndefined()
  }
})

test('a type is put below a name once', () => {
  expect(typeUnder('shop', 'order.paid')).toBe('shop.order.paid')
  expect(typeUnder('shop', typeUnder('shop', 'order.paid'))).toBe('shop.order.paid')
  expect(typeUnder('shop', 'shopping')).toBe('shop.shopping')
})

test("an event of GitHub's keeps its name, unless this program has one of that name", () => {
  expect(githubType('push', undefined)).toBe('push')
  expect(githubType('issues', 'labeled')).toBe('issues.labeled')
  expect(githubType('job', 'failed')).toBe('github.job.failed')
})
