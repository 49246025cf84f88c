import { expect, test } from 'vitest'
import { bytesText } from './bytes-text.ts'

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [3_440_000, '3.4 MB'],
  [123_456_789, '123 MB'],
  [4.5e9, '4.5 GB'],
  [9e15, '9000 TB'],
])('%d bytes are %s', (bytes, expected) => {
  expect(bytesText(bytes)).toBe(expected)
})
