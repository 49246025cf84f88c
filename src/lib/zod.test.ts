import fc from 'fast-check'
import { expect, describe as group, test } from 'vitest'
import { z } from 'zod'
import { describe, PARSING } from './zod.ts'

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
    ['a wrong type', z.object({ a: z.string() }), { a: 1 }, 'a: must be a string, not a number'],
    ['null', z.object({ a: z.string() }), { a: null }, 'a: must be a string, not null'],
    ['a text too short', z.object({ a: z.string().min(2) }), { a: '' }, 'a: must have at least 2 characters'],
    ['a number too large', z.object({ a: z.number().max(3) }), { a: 4 }, 'a: must be at most 3'],
    ['a part of a number', z.object({ a: z.int() }), { a: 1.5 }, 'a: must be a whole number'],
    ['not a multiple', z.object({ a: z.number().multipleOf(5) }), { a: 4 }, 'a: must be a multiple of 5'],
    ['another option', z.object({ a: z.enum(['x', 'y']) }), { a: 'z' }, 'a: must be "x" or "y"'],
    ['another value', z.object({ a: z.literal('x') }), { a: 'z' }, 'a: must be "x"'],
    ['a pattern', z.object({ a: z.string().regex(/^x$/) }), { a: 'z' }, 'a: must match pattern /^x$/'],
    ['a format', z.object({ a: z.iso.datetime() }), { a: 'z' }, 'a: must be a time such as 2026-01-31T12:00:00Z'],
    ['another format', z.object({ a: z.iso.date() }), { a: 'z' }, 'a: is not a valid ISO date'],
    ['a message of the schema', z.object({ a: z.string().regex(/x/, 'write x') }), { a: 'z' }, 'a: write x'],
    ['a check of the schema', z.number().refine((n) => n > 1), 1, 'is not acceptable'],
    [
      'a place inside a list',
      z.object({ a: z.array(z.string()) }),
      { a: ['x', 1] },
      'a.1: must be a string, not a number',
    ],
    ['an unknown field', z.strictObject({}), { 'a"b': 1 }, 'unknown field "a\\"b"'],
    [
      'unknown fields',
      z.object({ a: z.strictObject({}) }),
      { a: { x: 1, y: 2 } },
      'a: unknown field "x"\na: unknown field "y"',
    ],
    [
      'a key',
      z.record(z.string().min(2), z.int()),
      { a: 1 },
      'a: the key is not valid: must have at least 2 characters',
    ],
    ['an element', z.set(z.string()), new Set([1]), 'must be a string, not a number'],
    ['an odd key', z.record(z.string(), z.int()), { 'a b\n': 'x' }, '"a b\\n": must be a number, not a string'],
    ['no option at all', tree, true, 'must be a string, a number or a list, not a boolean'],
    ['a missing union', z.object({ a: tree }), {}, 'a: is required'],
    ['the closest option', z.object({ a: tree }), { a: ['x', 1] }, 'a.1: must be a string, not a number'],
    ['options of one type', target, { commit: 1 }, 'commit: must be a string, not a number'],
    ['a tie of options', target, {}, 'issue: is required, or commit: is required'],
    ['values of a union', z.union([z.literal('a'), z.int()]), 'b', 'must be "a" or a number, not a string'],
    ['a message of a union', z.union([z.string(), z.int()], 'must be a glob'), true, 'must be a glob'],
    ['too many options', z.xor([z.number(), z.int()]), 1, 'more than one option matched'],
    ['an unknown kind', kinds, { kind: 'x' }, 'kind: must be "comment" or "labels"'],
    ['a mistake in a kind', kinds, { kind: 'comment' }, 'body: is required'],
  ])('%s', (_what, schema, input, sentence) => {
    expect(problem(schema, input)).toBe(sentence)
  })
})

test('a missing field is required whatever its message, when the input is reported', () => {
  const schema = z.object({ a: z.string('write a name'), b: z.enum(['x', 'y']) })
  expect(problem(schema, {}, { reportInput: true })).toBe('a: is required\nb: is required')
  expect(problem(schema, { a: 1, b: 1 }, { reportInput: true })).toBe('a: write a name\nb: must be "x" or "y"')
})

test('every mistake is named, and each once', () => {
  const schema = z.strictObject({ a: z.string(), b: z.object({ c: z.int() }) })
  expect(problem(schema, { b: { c: 'x' }, d: 1 })).toBe(
    'a: is required\nb.c: must be a number, not a string\nunknown field "d"',
  )
  const twice = z.string().superRefine((_text, context) => {
    for (const message of ['no', 'no']) context.addIssue({ code: 'custom', message })
  })
  expect(problem(twice, 'x')).toBe('no')
})

test('the whole input is called as the caller says', () => {
  const schema = z.object({ a: z.string() })
  expect(problem(schema, [], { root: 'the request' })).toBe('the request: must be an object, not a list')
  expect(problem(schema, undefined, { root: 'input' })).toBe('input: is required')
  expect(problem(schema, {}, { root: 'the request' })).toBe('a: is required')
})

test('many mistakes are counted after the first ones, and a long one is cut', () => {
  const many = problem(z.array(z.string()), Array(500).fill(1))
  expect(many).toMatch(/^0: must be a string, not a number\n1: [^;]*\nand 47\d more$/)
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
      expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|undefined/u)
    }),
  )
})

test('a control character in a key is escaped, those that JSON leaves included', () => {
  const unknown = problem(z.strictObject({}), { '\u009b31m': 1, '\u007f': 1, '\n': 1 })
  expect(unknown).toBe(['\\u009b31m', '\\u007f', '\\n'].map((key) => `unknown field "${key}"`).join('\n'))
  expect(problem(z.record(z.string(), z.int()), { '\u0085': 'x' })).toContain(String.raw`"\u0085": must be a number`)
})

test('an unknown field comes with the nearest known one, whatever the object is in', () => {
  const inner = z.strictObject({ branch: z.string().optional(), any: z.array(z.string()).optional() })
  const schema = z.object({ when: z.union([z.string(), inner]) })
  const problems = (when: unknown) => {
    const { error } = schema.safeParse({ when }, PARSING)
    return error && describe(error).split('\n')
  }
  expect(problems({ brunch: 'main', colour: 'red' })).toEqual([
    'when: unknown field "brunch"; did you mean "branch"?',
    'when: unknown field "colour"',
  ])
})

test('one mistake is on the line of its introduction, and several are below it', () => {
  const { error } = z.object({ a: z.string(), b: z.string() }).safeParse({ a: 'x' })
  expect(error && describe(error, { intro: 'The input is not valid:' })).toBe('The input is not valid: b: is required')
  const { error: both } = z.object({ a: z.string(), b: z.string() }).safeParse({})
  expect(both && describe(both, { intro: 'The input is not valid:' })).toBe(
    'The input is not valid:\na: is required\nb: is required',
  )
})

test('none of the limits and types of zod is said in its own words', () => {
  const schema = z.object({
    exact: z.string().length(3),
    above: z.number().gt(0),
    below: z.number().lt(10),
    list: z.array(z.int()).max(1),
    text: z.string().max(1),
    flag: z.boolean(),
    map: z.record(z.string(), z.int()),
    level: z.enum(['DEBUG', 'INFO', 'ERROR']),
    number: z.coerce.number(),
  })
  const wrong = {
    exact: 'x',
    above: 0,
    below: 10,
    list: [1, 2],
    text: 'xx',
    flag: 'yes',
    map: [],
    level: 7,
    number: {},
  }
  const { error } = schema.safeParse(wrong, PARSING)
  expect(error && describe(error).split('\n')).toEqual([
    'exact: must have exactly 3 characters',
    'above: must be more than 0',
    'below: must be less than 10',
    'list: must have at most 1 item',
    'text: must have at most 1 character',
    'flag: must be true or false, not a string',
    'map: must be an object, not a list',
    'level: must be "DEBUG", "INFO" or "ERROR"',
    'number: must be a number',
  ])
})
