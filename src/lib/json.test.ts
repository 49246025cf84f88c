import type { Json } from '@signalbox/sdk'
import {
  array,
  assert,
  constantFrom,
  dictionary,
  double,
  integer,
  jsonValue,
  letrec,
  oneof,
  property,
  shuffledSubarray,
  string,
} from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, canonicalSha256, isObject, sortedKeys } from './json.ts'

describe('canonical JSON', () => {
  it('prints the example of RFC 8785, section 3.2.2', () => {
    const source =
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
      '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}'
    expect(canonicalJson(JSON.parse(source))).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  it('sorts keys by UTF-16 code units, as RFC 8785, section 3.2.3, shows', () => {
    const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
    expect(Object.values(JSON.parse(canonicalJson(keys)) as object)).toHaveLength(7)
    expect([...canonicalJson(keys).matchAll(/:(\d)/g)].map(([, value]) => Number(value))).toEqual([2, 4, 6, 7, 1, 5, 3])
  })

  it('keeps __proto__ as a key', () => {
    expect(canonicalJson(JSON.parse('{"z":1,"__proto__":{"a":2}}'))).toBe('{"__proto__":{"a":2},"z":1}')
  })

  it('reads back as the same value', () => {
    // No key that has to be escaped: V8 13 misreads some of those,
    // https://github.com/nodejs/node/issues/63785
    const key = string({ unit: constantFrom('a', 'Z', '0', '.', '_', 'é', '€', '😀') })
    const { json } = letrec<{ json: Json }>((tie) => ({
      json: oneof(
        { maxDepth: 3 },
        constantFrom<Json>(null, true, false),
        string({ unit: 'binary' }),
        integer(),
        double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
        array(tie('json')),
        dictionary(key, tie('json'), { noNullPrototype: true }),
      ),
    }))
    assert(
      property(json, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(value)
      }),
    )
  })

  it('does not depend on the order in which keys were written', () => {
    const entries = dictionary(string(), integer()).chain((object) => {
      const all = Object.entries(object)
      return shuffledSubarray(all, { minLength: all.length }).map((shuffled) => [all, shuffled] as const)
    })
    assert(
      property(entries, ([all, shuffled]) => {
        expect(canonicalSha256(Object.fromEntries(shuffled))).toBe(canonicalSha256(Object.fromEntries(all)))
      }),
    )
  })

  it('has different hashes for different values', () => {
    assert(
      property(
        array(constantFrom<Json>(null, 0, '', false, [], {}, '0', 'null'), { minLength: 2, maxLength: 2 }),
        (two) => {
          const [a = null, b = null] = two
          expect(canonicalSha256(a) === canonicalSha256(b)).toBe(JSON.stringify(a) === JSON.stringify(b))
        },
      ),
    )
  })
})

describe('sorted keys', () => {
  it('are in code unit order at every level, in arrays too', () => {
    const value = { b: [{ z: 1, a: 2 }], a: { d: null, c: 'x' }, Z: 0 }
    expect(JSON.stringify(sortedKeys(value))).toBe('{"Z":0,"a":{"c":"x","d":null},"b":[{"a":2,"z":1}]}')
  })

  it('leave the value as it is, and the original untouched', () => {
    assert(
      property(jsonValue({ maxDepth: 3 }), (value) => {
        const before = JSON.stringify(value)
        expect(sortedKeys(value)).toEqual(value)
        expect(JSON.stringify(value)).toBe(before)
      }),
    )
  })

  it('make equal values equal texts', () => {
    assert(
      property(dictionary(string(), integer()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse())
        expect(JSON.stringify(sortedKeys(reversed))).toBe(JSON.stringify(sortedKeys(object)))
      }),
    )
  })

  it('keep __proto__ as a key', () => {
    const sorted = sortedKeys(JSON.parse('{"z":1,"__proto__":{"b":1,"a":2}}'))
    expect(JSON.stringify(sorted)).toBe('{"__proto__":{"a":2,"b":1},"z":1}')
  })
})

it('knows objects from arrays, null and other values', () => {
  expect([{}, { a: 1 }, Object.create(null)].map(isObject)).toEqual([true, true, true])
  expect([null, [], 'a', 1, true, undefined].map(isObject)).toEqual(Array(6).fill(false))
})
