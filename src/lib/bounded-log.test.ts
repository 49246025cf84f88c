import { expect, test } from 'vitest'
import { boundedLog } from './bounded-log.ts'
import { fakeClock } from './clock.ts'
import { silentLog } from './log.ts'

/** A bounded log of two lines, and then one a second; and what it wrote. */
function open() {
  const clock = fakeClock()
  const written: [object, string][] = []
  const delayed: (() => void)[] = []
  const log = { ...silentLog, warn: (about: object | string, text = '') => void written.push([about as object, text]) }
  const write = boundedLog(log, { clock, burst: 2, everyMs: 1000, later: (run) => delayed.push(run) })
  return { clock, written, delayed, write: (n: number) => write({ n }, `line ${n}`) }
}

test('lines beyond the rate are left out, and the next one says how many', () => {
  const { clock, written, write } = open()
  for (let n = 1; n <= 5; n++) write(n)
  clock.advance(1000)
  write(6)
  clock.advance(1000)
  write(7)
  expect(written).toEqual([
    [{ about: { n: 1 } }, 'line 1'],
    [{ about: { n: 2 } }, 'line 2'],
    [{ about: { n: 6, left_out: 3 } }, 'line 6 (3 before it were not logged)'],
    [{ about: { n: 7 } }, 'line 7'],
  ])
})

test('when no other line comes, the number is said by itself', () => {
  const { written, delayed, write } = open()
  for (let n = 1; n <= 5; n++) write(n)
  expect(delayed).toHaveLength(1)
  delayed.shift()?.()
  expect(written.at(-1)).toEqual([{ about: { left_out: 3 } }, '3 more were not logged, the last: line 5'])
  write(6)
  expect(delayed).toHaveLength(1)
})

test('and not when it was said already', () => {
  const { clock, written, delayed, write } = open()
  for (let n = 1; n <= 3; n++) write(n)
  clock.advance(1000)
  write(4)
  delayed.shift()?.()
  expect(written).toHaveLength(3)
})
