import fc from 'fast-check'
import { expect, describe as group, test } from 'vitest'
import { z } from 'zod'
import { describe } from './zod.ts'

function problem(schema: z.ZodType, input: unknown, options: { root?: string; reportInput?: boolean } = {}): string {
  const { root, ...context } = options
  const { error } = schema.safeParse(input, context)
  if (error === undefined) throw new Error('The input is valid.')
  return describe(error, root === undefined ? {} : { root })
}

group('one mistake', () => {
  const target = z.union([z.strictObject({ issue: z.int() }), z.strictObject({ commit: z.string().min(40) })])
  const kinds = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('comment'), body: z.string() }),
    z.object({ kind: z.literal('labels') }),
  ])
  const tree = z.union([z.string(), z.union([z.number(), z.array(z.string())])])

  test.each<[string, z.ZodType, unknown, string]>([
    ['a missing field', z.object({ a: z.string() }), {}, 'a: is required'],
    ['a wrong type', z.object({ a: z.string() }), { a: 1 }, 'a: expected string, received number'],
    ['null', z.object({ a: z.string() }), { a: null }, 'a: expected string, received null'],
    ['a text too short', z.object({ a: z.string().min(2) }), { a: '' }, 'a: must have at least 2 characters'],
    ['a number too large', z.object({ a: z.number().max(3) }), { a: 4 }, 'a: must be at most 3'],
    ['a part of a number', z.object({ a: z.int() }), { a: 1.5 }, 'a: expected int, received number'],
    ['not a multiple', z.object({ a: z.number().multipleOf(5) }), { a: 4 }, 'a: must be a multiple of 5'],
    ['another option', z.object({ a: z.enum(['x', 'y']) }), { a: 'z' }, 'a: expected one of "x"|"y"'],
    ['another value', z.object({ a: z.literal('x') }), { a: 'z' }, 'a: expected "x"'],
    ['a pattern', z.object({ a: z.string().regex(/^x$/) }), { a: 'z' }, 'a: must match pattern /^x$/'],
    ['a format', z.object({ a: z.iso.datetime() }), { a: 'z' }, 'a: is not a valid ISO datetime'],
    ['a message of the schema', z.object({ a: z.string().regex(/x/, 'write x') }), { a: 'z' }, 'a: write x'],
    ['a check of the schema', z.number().refine((n) => n > 1), 1, 'is not acceptable'],
    [
      'a place inside a list',
      z.object({ a: z.array(z.string()) }),
      { a: ['x', 1] },
      'a.1: expected string, received number',
    ],
    ['an unknown field', z.strictObject({}), { 'a"b': 1 }, 'unknown field "a\\"b"'],
    ['unknown fields', z.object({ a: z.strictObject({}) }), { a: { x: 1, y: 2 } }, 'a: unknown fields "x", "y"'],
    [
      'a key',
      z.record(z.string().min(2), z.int()),
      { a: 1 },
      'a: the key is not valid: must have at least 2 characters',
    ],
    ['an element', z.set(z.string()), new Set([1]), 'expected string, received number'],
    ['an odd key', z.record(z.string(), z.int()), { 'a b\n': 'x' }, '"a b\\n": expected number, received string'],
    ['no option at all', tree, true, 'expected string or number or array, received boolean'],
    ['a missing union', z.object({ a: tree }), {}, 'a: is required'],
    ['the closest option', z.object({ a: tree }), { a: ['x', 1] }, 'a.1: expected string, received number'],
    ['options of one type', target, { commit: 1 }, 'commit: expected string, received number'],
    ['a tie of options', target, {}, 'issue: is required, or commit: is required'],
    ['values of a union', z.union([z.literal('a'), z.int()]), 'b', 'expected "a" or number, received string'],
    ['a message of a union', z.union([z.string(), z.int()], 'must be a glob'), true, 'must be a glob'],
    ['too many options', z.xor([z.number(), z.int()]), 1, 'more than one option matched'],
    ['an unknown kind', kinds, { kind: 'x' }, 'kind: expected one of "comment"|"labels"'],
    ['a mistake in a kind', kinds, { kind: 'comment' }, 'body: is required'],
  ])('%s', (_what, schema, input, sentence) => {
    expect(problem(schema, input)).toBe(sentence)
  })
})

test('a missing field is required whatever its message, when the input is reported', () => {
  const schema = z.object({ a: z.string('write a name'), b: z.enum(['x', 'y']) })
  expect(problem(schema, {}, { reportInput: true })).toBe('a: is required; b: is required')
  expect(problem(schema, { a: 1, b: 1 }, { reportInput: true })).toBe('a: write a name; b: expected one of "x"|"y"')
})

test('every mistake is named, and each once', () => {
  const schema = z.strictObject({ a: z.string(), b: z.object({ c: z.int() }) })
  expect(problem(schema, { b: { c: 'x' }, d: 1 })).toBe(
    'a: is required; b.c: expected number, received string; unknown field "d"',
  )
  const twice = z.string().superRefine((_text, context) => {
    for (const message of ['no', 'no']) context.addIssue({ code: 'custom', message })
  })
  expect(problem(twice, 'x')).toBe('no')
})

test('the whole input is called as the caller says', () => {
  const schema = z.object({ a: z.string() })
  expect(problem(schema, [], { root: 'the request' })).toBe('the request: expected object, received array')
  expect(problem(schema, undefined, { root: 'input' })).toBe('input: is required')
  expect(problem(schema, {}, { root: 'the request' })).toBe('a: is required')
})

test('many mistakes are counted after the first ones, and a long one is cut', () => {
  const many = problem(z.array(z.string()), Array(500).fill(1))
  expect(many).toMatch(/^0: expected string, received number; 1: .*; and 47\d more$/)
  expect(many.length).toBeLessThanOrEqual(1000)
  const long = problem(z.strictObject({}), { ['x'.repeat(5000)]: 1 })
  expect(long).toMatch(/^unknown field "x+…$/)
  expect(long.length).toBeLessThanOrEqual(300)
})

test('any JSON that does not fit is described in bounded, well-formed text without control characters', () => {
  const leaf = z.union([z.string().max(2), z.array(z.int()), z.strictObject({ a: z.literal(1) })])
  const schema = z.strictObject({ a: leaf, b: z.record(z.string().max(1), leaf), c: z.enum(['x']) })
  const member = fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' })
  const input = fc.oneof(member, fc.record({ a: member, b: fc.dictionary(fc.string({ unit: 'binary' }), member) }))
  fc.assert(
    fc.property(input, (value) => {
      const text = problem(schema, value)
      expect(text).not.toBe('')
      expect(text.length).toBeLessThanOrEqual(1000)
      expect(text.isWellFormed()).toBe(true)
      expect(text).not.toMatch(/\p{Cc}|undefined/u)
    }),
  )
})

test('a control character in a key is escaped, those that JSON leaves included', () => {
  const unknown = problem(z.strictObject({}), { '\u009b31m': 1, '\u007f': 1, '\n': 1 })
  expect(unknown).toBe(String.raw`unknown fields "\u009b31m", "\u007f", "\n"`)
  expect(problem(z.record(z.string(), z.int()), { '\u0085': 'x' })).toContain(String.raw`"\u0085": expected number`)
})
