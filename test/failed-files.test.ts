import { expect, test } from 'vitest'
import { filesToRepeat } from './failed-files.ts'

function ended(...ok: boolean[]) {
  return ok.map((isOk, at) => ({ moduleId: `/repo/${at}.test.ts`, ok: () => isOk }))
}

test('the files that failed are repeated, if they are few', () => {
  expect(filesToRepeat(ended(true, false, true), [])).toEqual(['/repo/1.test.ts'])
  expect(filesToRepeat(ended(false, false, false), [])).toHaveLength(3)
})

test('nothing is repeated where nothing failed, or much, or something that is of no test', () => {
  expect(filesToRepeat(ended(true, true), [])).toEqual([])
  expect(filesToRepeat(ended(false, false, false, false), [])).toEqual([])
  expect(filesToRepeat(ended(false), [new Error('unhandled')])).toEqual([])
})
