import { expect, test } from 'vitest'
import { didYouMean, nearest } from './nearest.ts'

test.each([
  ['pshu', ['pull_request', 'push', 'issues'], 'push'],
  ['psh', ['ping', 'push'], 'push'],
  ['brunch', ['branch', 'tag'], 'branch'],
  ['Push', ['push'], 'push'],
  ['issue.opened', ['issues.closed', 'issues.opened'], 'issues.opened'],
  ['push', [], null],
  ['', ['on'], null],
  ['deployed', ['push', 'ping'], null],
  ['ab', ['xy'], null],
  ['x'.repeat(100_000), ['x'.repeat(100_000)], null],
])('the nearest to %.20j of %.50j is %j', (name, known, found) => {
  expect(nearest(name, known)).toBe(found)
})

test('a hint names the nearest, and is empty without one', () => {
  expect(didYouMean('pshu', ['push'])).toBe('; did you mean "push"?')
  expect(didYouMean('pshu', ['issues'])).toBe('')
})
