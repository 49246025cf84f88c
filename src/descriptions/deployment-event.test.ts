import { expect, test } from 'vitest'
import { deploymentEvent, readChanges } from './deployment-event.ts'

const least = {
  event: 'environment.deployed',
  timestamp: '2025-11-20T10:30:00Z',
  data: { app_name: 'bot', environment: 'production', deployment_id: 'd1' },
}

function withData(data: Record<string, unknown>) {
  return { ...least, data: { ...least.data, ...data } }
}

test('an event needs its type, a time, an app, an environment and an id', () => {
  expect(deploymentEvent.parse(least)).toEqual(least)
  const wrong = [
    { ...least, event: 'push' },
    { ...least, timestamp: undefined },
    { ...least, data: undefined },
    withData({ app_name: '' }),
    withData({ environment: null }),
    withData({ deployment_id: {} }),
  ]
  for (const event of wrong) expect(deploymentEvent.safeParse(event).success).toBe(false)
})

test('numbers stand for names and ids, as some senders write them', () => {
  expect(deploymentEvent.parse(withData({ deployment_id: 12, app_name: 7, deployed_by: 3 })).data).toMatchObject({
    deployment_id: '12',
    app_name: '7',
    deployed_by: '3',
  })
})

test('what is not needed may be null or absent, unknown fields are left out', () => {
  const optional = ['variant_name', 'variant_id', 'revision', 'commit_message', 'deployed_by', 'config_url', 'sequence']
  const nulls = Object.fromEntries(optional.map((name) => [name, null]))
  expect(deploymentEvent.parse(withData({ ...nulls, other: 1 })).data).toEqual({ ...least.data, ...nulls })
})

const NOTHING = { modified: [], added: [], removed: [], unreadable: false }

test.each([
  ['no diff', undefined, NOTHING],
  ['a diff of null', null, NOTHING],
  ['empty parts', { added: {}, modified: {}, removed: {} }, NOTHING],
  ['a text', 'nonsense', { ...NOTHING, unreadable: true }],
  ['a list', [1], { ...NOTHING, unreadable: true }],
  ['a part that is a list', { added: [1] }, { ...NOTHING, unreadable: true }],
  [
    'one good part of two',
    { added: { a: 1 }, removed: 'x' },
    { ...NOTHING, added: [{ key: 'a', value: 1 }], unreadable: true },
  ],
])('%s is read as far as it goes', (_, diff, changes) => expect(readChanges(diff)).toEqual(changes))

test.each([
  ['an object', { old: 1, new: 2 }, { old: 1, new: 2 }],
  ['a pair', [1, 2], { old: 1, new: 2 }],
  ['an object without the old value', { new: 2 }, { old: undefined, new: 2 }],
  ['the new value itself', 2, { old: undefined, new: 2 }],
  ['a list that is no pair', [1, 2, 3], { old: undefined, new: [1, 2, 3] }],
  ['an object that is the new value', { a: 1 }, { old: undefined, new: { a: 1 } }],
])('a modified parameter may be %s', (_, value, change) => {
  expect(readChanges({ modified: { key: value } }).modified).toEqual([{ key: 'key', ...change }])
})

test('a parameter called __proto__ is a parameter', () => {
  expect(readChanges(JSON.parse('{"added":{"__proto__":1}}')).added).toEqual([{ key: '__proto__', value: 1 }])
})
