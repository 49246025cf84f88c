import { expect, test } from 'vitest'
import { readIdempotencyKey } from './idempotency-key.ts'

test('a key is 1 to 255 visible ASCII characters, or absent', () => {
  for (const key of ['a-1', 'x'.repeat(255)]) expect(readIdempotencyKey(key)).toBe(key)
  for (const none of [null, undefined]) expect(readIdempotencyKey(none)).toBeNull()
})

test.each(['', 'a b', 'a\nb', 'é', 'x'.repeat(256)])('%j is refused with the rule', (key) => {
  expect(() => readIdempotencyKey(key)).toThrow('Idempotency-Key: must be 1 to 255 visible ASCII characters.')
})
