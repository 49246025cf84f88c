import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from './database.ts'
import { boundValue, storable, storableJson } from './text.ts'

// Any UTF-16: half pairs and NUL often, and backslashes, which make texts that look like escapes.
const unit = fc.oneof(
  fc.constantFrom('\0', '\ud83d', '\ude00', '\ud800', '\udfff', '\\', 'u0000', 'ud800', '"', '\ufffd'),
  fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
)
const anyText = fc.array(unit, { maxLength: 12 }).map((parts) => parts.join(''))

describe('a bound value', () => {
  test('has U+FFFD for NUL, in lists too, and is otherwise the same', () => {
    const bytes = Buffer.from('\0')
    const values = ['a', ['b', null], 1, null, bytes]
    for (const value of values) expect(boundValue(value)).toBe(value)
    expect(boundValue('a\0')).toBe('a\ufffd')
    expect(boundValue(['a', '\0', null])).toEqual(['a', '\ufffd', null])
  })
})

describe('text', () => {
  test('has U+FFFD where PostgreSQL would refuse a character', () => {
    expect(storable('a\0b')).toBe('a\ufffdb')
    expect(storable('\ud83d|\ude00')).toBe('\ufffd|\ufffd')
    expect(storable('fine 😀\n')).toBe('fine 😀\n')
  })

  test('is cut where asked, and the cut splits no pair', () => {
    expect(storable('abcdef', 4)).toBe('abc…')
    expect(storable('ab😀cd', 4)).toBe('ab…')
    expect(storable('ab😀cd', 6)).toBe('ab😀cd')
    expect(storable('\0\0\0', 2)).toBe('\ufffd…')
  })

  test('keeps its length, is changed once only, and not at all when it is well-formed', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const stored = storable(text)
        expect(stored).toHaveLength(text.length)
        expect(storable(stored)).toBe(stored)
        if (text.isWellFormed() && !text.includes('\0')) expect(stored).toBe(text)
      }),
    )
  })
})

describe('JSON', () => {
  test('without such characters is the usual JSON', () => {
    const rows = [{ a: 'x', at: new Date(0), b: [null, 1, '\\u0000'] }]
    expect(storableJson(rows)).toBe(JSON.stringify(rows))
  })

  test('has U+FFFD in values and keys at every level', () => {
    const rows = [{ a: { 'k\0': ['\ud800', { b: '\0' }] }, at: new Date(0), left: undefined }]
    expect(JSON.parse(storableJson(rows))).toEqual([
      { a: { 'k\ufffd': ['\ufffd', { b: '\ufffd' }] }, at: '1970-01-01T00:00:00.000Z' },
    ])
  })

  test('keeps __proto__ as a key', () => {
    expect(storableJson(JSON.parse('{"__proto__":{"a":"\\u0000"}}'))).toBe('{"__proto__":{"a":"\ufffd"}}')
  })
})

describe('in PostgreSQL', () => {
  let database: Database
  beforeAll(async () => {
    database = await openTestDatabase({ max: 1, migrated: false })
    await database.query('create table stored (id integer generated always as identity, line text, value jsonb)')
  })
  afterAll(() => database.close())

  test('any text comes back from a text column as it was stored', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyText, { minLength: 20, maxLength: 60 }), async (texts) => {
        const lines = texts.map((text) => storable(text))
        const { rows } = await database.query<{ line: string }>(
          'insert into stored (line) select unnest($1::text[]) returning line',
          [lines],
        )
        expect(rows.map((row) => row.line)).toEqual(lines)
      }),
      { numRuns: 20 },
    )
  })

  test('any JSON comes back from a jsonb column as it was stored', async () => {
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        anyText,
        fc.integer(),
        fc.constantFrom(null, true),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.array(fc.tuple(anyText, tie('value')), { maxLength: 4 }).map((members) => Object.fromEntries(members)),
      ),
    }))
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 5, maxLength: 20 }), async (values) => {
        const json = storableJson(values)
        const { rows } = await database.query<{ value: unknown }>(
          'insert into stored (value) values ($1::jsonb) returning value',
          [json],
        )
        expect(rows[0]?.value).toEqual(JSON.parse(json))
      }),
      { numRuns: 100 },
    )
  })

  test('what is not made storable is refused, so the rule is needed', async () => {
    await expect(database.query("select '\\u0000'::text, $1::jsonb", ['"\\u0000"'])).rejects.toThrow()
    await expect(database.query('select $1::jsonb', ['"\\ud800"'])).rejects.toThrow()
  })

  test('NUL is replaced in every text that is bound, and half a pair by the driver', async () => {
    const { rows } = await database.query('select $1::text as line, $2::text[] as lines', ['a\0b', ['\0', '\ud800']])
    expect(rows).toEqual([{ line: 'a\ufffdb', lines: ['\ufffd', '\ufffd'] }])
  })
})
