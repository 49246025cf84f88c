import { expect, test } from 'vitest'
import type { Entry } from '../journal.ts'
import { overlapsIn, runsOf } from './overlaps.ts'

const OPTIONS = { stallMs: 500, graceMs: 100 }

function agent(pid: number, job: string, from: number, to: number | null): Entry[] {
  const attempted = { pid, job, attempt: 1, group: 'g' }
  const begin: Entry = { at: from, what: 'begin', ...attempted }
  return to === null ? [begin] : [begin, { at: to, what: 'end', ...attempted }]
}

function overlaps(...entries: Entry[]) {
  const sorted = entries.toSorted((a, b) => a.at - b.at)
  return overlapsIn(runsOf(sorted, OPTIONS)).map(({ first, second, ms }) => [first.job, second.job, ms])
}

test('one agent after another does not overlap, two at once do', () => {
  expect(overlaps(...agent(1, 'a', 0, 10), ...agent(2, 'b', 10, 20))).toEqual([])
  expect(overlaps(...agent(1, 'a', 0, 12), ...agent(2, 'b', 10, 20))).toEqual([['a', 'b', 2]])
})

test('an agent without an end ran until its process was gone', () => {
  const gone: Entry = { at: 5, pid: 1, what: 'gone' }
  expect(overlaps(...agent(1, 'a', 0, null), gone, ...agent(2, 'b', 10, 20))).toEqual([])
  expect(overlaps(...agent(1, 'a', 0, null), { ...gone, at: 13 }, ...agent(2, 'b', 10, 20))).toEqual([['a', 'b', 3]])
})

test('a program without an end ran until it was last alive, whatever became of the process that started it', () => {
  const program: Entry[] = [
    { at: 0, pid: 1, what: 'runs', job: 'a', attempt: 1, group: 'g' },
    ...agent(7, 'a', 1, null),
    { at: 14, pid: 7, what: 'alive', job: 'a', attempt: 1, group: 'g' },
  ]
  const gone: Entry = { at: 5, pid: 1, what: 'gone' }
  expect(overlaps(...program, gone, ...agent(2, 'b', 10, 20))).toEqual([['a', 'b', 4]])
})

test('a process that stalls for long runs nothing, and has a moment to stop afterwards', () => {
  const stall: Entry = { at: 100, pid: 1, what: 'stall', ms: 1000 }
  expect(overlaps(...agent(1, 'a', 0, 1150), stall, ...agent(2, 'b', 500, 2000))).toEqual([])
  expect(overlaps(...agent(1, 'a', 0, 1250), stall, ...agent(2, 'b', 500, 2000))).toEqual([['a', 'b', 50]])
  expect(overlaps(...agent(1, 'a', 0, 300), { ...stall, ms: 100 }, ...agent(2, 'b', 200, 400))).toEqual([
    ['a', 'b', 100],
  ])
})
