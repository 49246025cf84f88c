import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HookAttempt } from '../forges/hooks.ts'
import { gapsOf, readList } from './missed.ts'

const START = Date.UTC(2026, 0, 1)
let ids = 0

function minute(minutes: number): Date {
  return new Date(START + minutes * 60_000)
}

function attempt(guid: string, minutes: number, status: number, event = 'push'): HookAttempt {
  ids += 1
  return { id: String(ids), guid, at: minute(minutes), status, event }
}

function listOf(...attempts: HookAttempt[]) {
  const list = readList(minute(0))
  list.add(attempts)
  return list.listed()
}

test('a webhook is missed when none of its attempts was acknowledged', () => {
  const { missed } = listOf(
    attempt('redelivered in vain', 9, 503),
    attempt('redelivered', 8, 200),
    attempt('arrived', 3, 204),
    attempt('redirected', 3, 302),
    attempt('redelivered', 2, 502),
    attempt('redelivered in vain', 1, 0),
  )
  expect(missed.map(({ guid, at, status }) => [guid, at, status])).toEqual([
    ['redelivered in vain', minute(1), 503],
    ['redirected', minute(3), 302],
  ])
})

test('a ping is not missed, and neither is what was sent before', () => {
  expect(listOf(attempt('a', 1, 502, 'ping'), attempt('b', -1, 502)).missed).toEqual([])
})

test('of two attempts in one second the later is the one with the higher id, however long ids are', () => {
  const list = readList(minute(0))
  const at = minute(1)
  const each = { guid: 'a', event: 'push', at, status: 0 }
  list.add([
    { ...each, id: '173923493432123393', status: 504 },
    { ...each, id: '173923493432123392', status: 502 },
    { ...each, id: '99', status: 500 },
  ])
  expect(list.listed().missed).toMatchObject([{ id: '173923493432123393', status: 504 }])
})

test('the order of a list and what it repeats do not matter', () => {
  const attempts = fc.array(
    fc.record({
      guid: fc.constantFrom('a', 'b', 'c', 'd'),
      minutes: fc.nat(60),
      status: fc.constantFrom(0, 200, 204, 302, 401, 502),
    }),
    { maxLength: 20 },
  )
  fc.assert(
    fc.property(attempts, fc.infiniteStream(fc.nat()), (given, random) => {
      const whole = given.map(({ guid, minutes, status }) => attempt(guid, minutes, status))
      const repeated = whole.flatMap((each) => ((random.next().value ?? 0) % 3 === 0 ? [each, each] : [each]))
      const keys = new Map(repeated.map((_, at) => [at, random.next().value ?? 0]))
      const shuffled = [...repeated.entries()].sort(([a], [b]) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0))
      const pages = readList(minute(0))
      for (const [, each] of shuffled) pages.add([each])
      expect(pages.listed()).toEqual(listOf(...whole))
    }),
  )
})

test('two outages are two gaps if the server answered in between, and some time passed', () => {
  const at = (minutes: number) => ({ at: minute(minutes) })
  const acknowledged = (...minutes: number[]) => minutes.map((each) => minute(each).getTime())
  expect(gapsOf([at(0), at(20)], acknowledged())).toHaveLength(1)
  expect(gapsOf([at(0), at(20)], acknowledged(10))).toHaveLength(2)
  expect(gapsOf([at(0), at(20)], acknowledged(30))).toHaveLength(1)
  expect(gapsOf([at(0), at(2), at(4)], acknowledged(1, 3))).toHaveLength(1)
  expect(gapsOf([], acknowledged(1))).toEqual([])
})
