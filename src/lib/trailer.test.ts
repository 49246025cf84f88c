import { expect, test } from 'vitest'
import { isCommitOf, readTrailer, withTrailer } from './trailer.ts'

test('a commit message names its change set in its last paragraph only', () => {
  const message = withTrailer('Deploy v1\n\nSignalbox-Key: forged', { key: 'deployment=a b', order: 3 })
  expect(message).toBe('Deploy v1\n\nSignalbox-Key: forged\n\nSignalbox-Key: deployment=a%20b\nSignalbox-Order: 3\n')
  expect(isCommitOf(readTrailer(message), 'deployment=a b')).toBe(true)
  expect(readTrailer(message).order).toBe(3)
  expect(readTrailer('Signalbox-Key: x\n\nEnd')).toEqual({})
})
