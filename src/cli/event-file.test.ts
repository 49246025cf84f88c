import { expect, test } from 'vitest'
import { githubEventOf } from '../sources/github/event-of.ts'
import { eventIn } from './event-file.ts'

test('a payload of GitHub is read as its webhook would be', () => {
  const push = { ref: 'refs/heads/main', before: '0', after: '1', repository: { full_name: 'acme/shop' } }
  expect(eventIn(push, 'push.json', {})).toMatchObject({
    source: 'github',
    type: 'push',
    facts: { branch: 'main', repository: 'acme/shop' },
  })
  const labelled = { action: 'labeled', label: { name: 'agent-task' } }
  expect(eventIn(labelled, 'x.json', { githubEvent: 'issues' })).toMatchObject({
    type: 'issues.labeled',
    facts: { label: 'agent-task' },
  })
})

test('a deployment and a stored event are known by what they are', () => {
  const data = { app_name: 'bot', environment: 'production' }
  const deployed = eventIn({ event: 'environment.deployed', delivery_id: 'd1', project_id: 'p', data }, 'd.json', {})
  expect(deployed).toMatchObject({ source: 'agenta', type: 'environment.deployed', facts: { app: 'bot' } })
  const stored = { id: '1', source: 'signalbox', type: 'job.failed', facts: { app: 'bot' }, payload: {} }
  expect(eventIn(stored, 'e.json', {})).toEqual({ source: 'signalbox', type: 'job.failed', facts: { app: 'bot' } })
  expect(eventIn(stored, 'e.json', { source: 'other' })).toMatchObject({ source: 'other' })
})

test('what does not show its event is asked for', () => {
  expect(() => eventIn({ hello: 1 }, 'x.json', {})).toThrow('x.json does not show which event it is.')
  expect(() => eventIn([], 'x.json', {})).toThrow('x.json is not a JSON object.')
})

test('a payload is read as the server would have read the webhook', () => {
  const issue = { action: 'opened', issue: { number: 7, user: { login: '名前' }, labels: [{ name: 'bug' }] } }
  expect(eventIn({ ...issue, repository: { full_name: 'acme/shop' } }, 'i.json', {})).toMatchObject({
    type: 'issues.opened',
    facts: { repository: 'acme/shop', number: 7, labels: ['bug'] },
  })
})

test.each([null, 'text', 7, true, []])('%j is not an event', (given) => {
  expect(() => eventIn(given, 'standard input', {})).toThrow('standard input is not a JSON object.')
})

test('keys that every object inherits do not make an event', () => {
  expect(githubEventOf(JSON.parse('{"__proto__":{"zen":"x"}}'))).toBeUndefined()
  expect(githubEventOf({ toString: 1 })).toBeUndefined()
})
