import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newId } from './id.ts'
import { parseTraceparent, parseTracestate, spanWithin, traceOfEvent, traceparentOf } from './trace-context.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

test('what is written is read again', () => {
  const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length - 1}}[1-9a-f]$`))
  const contexts = fc.record({ traceId: hex(32), spanId: hex(16), isSampled: fc.boolean() })
  fc.assert(fc.property(contexts, (context) => void expect(parseTraceparent(traceparentOf(context))).toEqual(context)))
})

test.each([
  null,
  '',
  'nonsense',
  `00-${TRACE}-${SPAN}`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01x`,
  `00-${TRACE}-${SPAN}-01-more`,
])('%j is no traceparent', (header) => {
  expect(parseTraceparent(header)).toBeNull()
})

test('a later version of the form is read as far as it is known', () => {
  expect(parseTraceparent(`01-${TRACE}-${SPAN}-03-more`)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled: true })
})

test('an event without a sender that traces has the trace of its id, in every process', () => {
  const id = newId()
  const { own, parent } = traceOfEvent({ id, headers: {} })
  expect(parent).toBeNull()
  expect(parseTraceparent(traceparentOf(own))).toEqual(own)
  expect(own.traceId).toBe(id.replaceAll('-', ''))
  expect(traceOfEvent({ id: id.toUpperCase(), headers: {} }).own).toEqual(own)
})

test('what happens in a trace has ids of its own, the same each time they are computed', () => {
  const { own } = traceOfEvent({ id: newId(), headers: {} })
  expect(spanWithin(own, 'job', 'a', '1')).toEqual(spanWithin(own, 'job', 'a', '1'))
  expect(spanWithin(own, 'job', 'a', '1').spanId).not.toBe(spanWithin(own, 'job', 'a', '2').spanId)
})

test.each([
  ['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
  [' a@b=1 ,, \tc/d=x y:z;', 'a@b=1,c/d=x y:z;'],
  [null, null],
  ['', null],
  ['a', null],
  ['A=1', null],
  ['a=', null],
  ['a=1=2', null],
  ['a=\u00e9', null],
  ['a=1,b=2,a=3', null],
  [`a=${'x'.repeat(257)}`, null],
  [Array.from({ length: 33 }, (_, n) => `k${n}=1`).join(), null],
])('of the tracestate %j is passed on %j', (header, kept) => {
  expect(parseTracestate(header)).toBe(kept)
})

test('of a tracestate with more than 512 characters whole members go, long ones first, then the last', () => {
  const short = Array.from({ length: 8 }, (_, n) => `k${n}=${'x'.repeat(60)}`)
  const long = `long=${'x'.repeat(200)}`
  // Eight of 63 characters with commas are 511.
  expect(parseTracestate([long, ...short].join())).toBe(short.join())
  expect(parseTracestate([...short, 'last=1'].join())).toBe(short.join())
  expect(parseTracestate([long, 'a=1'].join())).toBe(`${long},a=1`)
})
