import { structuredPatch } from 'diff'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isAnchored, parseHunks } from './hunks.ts'

const PATCH = '@@ -1,3 +1,3 @@ f()\n one\n-two\n+2\n three\n@@ -9 +9,2 @@\n nine\n+ten\n\\ No newline at end of file'

function at(line: number, more: object = {}) {
  return { path: 'a', body: 'b', line, side: 'RIGHT' as const, ...more }
}

test('the lines of each hunk are known by their numbers on both sides', () => {
  expect(parseHunks(PATCH).map((hunk) => hunk.map(({ left, right }) => [left, right]))).toEqual([
    [
      [1, 1],
      [2, null],
      [null, 2],
      [3, 3],
    ],
    [
      [9, 9],
      [null, 10],
    ],
  ])
})

test('a comment has a place where the patch shows its line, and its start in the same hunk above it', () => {
  expect([1, 2, 3, 4, 9, 10, 11].filter((line) => isAnchored(PATCH, at(line)))).toEqual([1, 2, 3, 9, 10])
  expect([2, 4, 9, 10].filter((line) => isAnchored(PATCH, at(line, { side: 'LEFT' })))).toEqual([2, 9])
  expect(isAnchored(PATCH, at(3, { startLine: 1 }))).toBe(true)
  expect(isAnchored(PATCH, at(2, { startLine: 2, startSide: 'LEFT' }))).toBe(true)
  expect(isAnchored(PATCH, at(3, { startLine: 3 }))).toBe(false)
  expect(isAnchored(PATCH, at(2, { startLine: 3 }))).toBe(false)
  expect(isAnchored(PATCH, at(9, { startLine: 3 }))).toBe(false)
})

const text = fc
  .array(fc.constantFrom('a', 'b', '', '@@ -1 +1 @@', '-', '+x', '\\'))
  .map((lines) => `${lines.join('\n')}\n`)

test('every line of a hunk is the line of the file that has its number', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const { hunks } = structuredPatch('a', 'a', before, after)
      const patch = hunks.flatMap((hunk) => [
        `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`,
        ...hunk.lines,
      ])
      const shown = patch.filter((line) => /^[-+ ]/.test(line)).map((line) => line.slice(1))
      const [old, now] = [before.split('\n'), after.split('\n')]
      const read = parseHunks(patch.join('\n')).flatMap((hunk) =>
        hunk.map(({ left, right }) => (right === null ? old[(left ?? 0) - 1] : now[right - 1])),
      )
      expect(read).toEqual(shown)
    }),
  )
})

test('any text is read without an error', () => {
  fc.assert(fc.property(fc.string(), fc.integer(), (patch, line) => typeof isAnchored(patch, at(line)) === 'boolean'))
})
