import { expect, test } from 'vitest'
import { filesToRepeat } from './failed-files.ts'

function results(...statuses: string[]) {
  return { testResults: statuses.map((status, at) => ({ name: `/repo/${at}.test.ts`, status })) }
}

test('the files that failed are repeated, if they are few', () => {
  expect(filesToRepeat(results('passed', 'failed', 'passed'))).toEqual(['/repo/1.test.ts'])
  expect(filesToRepeat(results('failed', 'failed', 'failed'))).toHaveLength(3)
})

test('nothing is repeated where nothing failed, or much', () => {
  expect(filesToRepeat(results('passed', 'passed'))).toEqual([])
  expect(filesToRepeat(results('failed', 'failed', 'failed', 'failed'))).toEqual([])
})
