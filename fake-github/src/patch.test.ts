import { expect, test } from 'vitest'
import { patchLines } from './patch.ts'

test('every line of a patch is known by its number on each side, its position and its hunk', () => {
  const patch = '@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n@@ -9 +9,2 @@ f()\n nine\n+ten\n\\ No newline at end of file'
  expect(patchLines(patch).map(({ left, right, position }) => [position, left, right])).toEqual([
    [1, 1, 1],
    [2, 2, null],
    [3, null, 2],
    [4, 3, 3],
    [6, 9, 9],
    [7, null, 10],
  ])
  expect(patchLines(patch)[2]?.hunk).toBe('@@ -1,3 +1,3 @@\n one\n-two\n+2')
  expect(patchLines(patch)[5]?.hunk).toBe('@@ -9 +9,2 @@ f()\n nine\n+ten')
})
