import { structuredPatch } from 'diff'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isAnchored } from './anchors.ts'
import { parseHunks } from './hunks.ts'

const PATCH = '@@ -1,3 +1,3 @@ f()\n one\n-two\n+2\n three\n@@ -9 +9,2 @@\n nine\n+ten\n\\ No newline at end of file'

function at(line: number, more: object = {}) {
  return { line, side: 'RIGHT' as const, ...more }
}

test('the lines of each hunk are known by their numbers on both sides', () => {
  const hunks = parseHunks(PATCH)
  expect(hunks.map(({ section }) => section)).toEqual(['f()', ''])
  expect(hunks.map(({ lines }) => lines.map(({ left, right, text }) => [left, right, text]))).toEqual([
    [
      [1, 1, 'one'],
      [2, null, 'two'],
      [null, 2, '2'],
      [3, 3, 'three'],
    ],
    [
      [9, 9, 'nine'],
      [null, 10, 'ten'],
    ],
  ])
  expect(hunks.flatMap(({ lines }) => lines.map((line) => line.endsWithNewline))).toEqual([
    ...[true, true, true, true, true],
    false,
  ])
})

test('a comment has a place where the patch shows its line, and its start in the same hunk above it', () => {
  const file = { hunks: parseHunks(PATCH) }
  expect([1, 2, 3, 4, 9, 10, 11].filter((line) => isAnchored(file, at(line)))).toEqual([1, 2, 3, 9, 10])
  expect([2, 4, 9, 10].filter((line) => isAnchored(file, at(line, { side: 'LEFT' })))).toEqual([2, 9])
  expect(isAnchored(file, at(3, { startLine: 1 }))).toBe(true)
  expect(isAnchored(file, at(2, { startLine: 2, startSide: 'LEFT' }))).toBe(true)
  expect(isAnchored(file, at(3, { startLine: 3 }))).toBe(false)
  expect(isAnchored(file, at(2, { startLine: 3 }))).toBe(false)
  expect(isAnchored(file, at(9, { startLine: 3 }))).toBe(false)
})

test('a hunk ends where its header says, whatever follows', () => {
  const [first, second, ...others] = parseHunks('@@ -1 +1 @@\n-a\n+b\n-- c\n@@ -5 +5 @@\n-@@ -1 +1 @@\n+\n\nindex 1..2')
  expect(first?.lines.map(({ text }) => text)).toEqual(['a', 'b'])
  expect(second?.lines.map(({ text }) => text)).toEqual(['@@ -1 +1 @@', ''])
  expect(others).toEqual([])
})

const text = fc
  .array(fc.constantFrom('a', 'b', '', '@@ -1 +1 @@', '-', '+x', '\\', '-- a/x', '\r'))
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
        hunk.lines.map(({ left, right }) => (right === null ? old[(left ?? 0) - 1] : now[right - 1])),
      )
      expect(read).toEqual(shown)
    }),
  )
})

test('any text is read without an error', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer(), (patch, line) => {
      return typeof isAnchored({ hunks: parseHunks(`@@ -1,2 +1,2 @@\n${patch}`) }, at(line)) === 'boolean'
    }),
  )
})
