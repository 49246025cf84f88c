import type { ConfigDiff } from '@signalbox/sdk'
import { array, assert, constant, constantFrom, dictionary, double, letrec, oneof, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../lib/json.ts'
import { canonicalJson, isObject } from '../lib/json.ts'
import { configDiff } from './config-diff.ts'

/** The keys a path of a diff leads through: `['model', 'top.p']` for `model.top\\.p`. */
function pathKeys(path: string): string[] {
  // With a dot in front of every key, an empty key is a dot of its own.
  return (`.${path}`.match(/\.(?:[^\\.]|\\.)*/gs) ?? []).map((step) => step.slice(1).replace(/\\(.)/gs, '$1'))
}

/** The configuration that `diff` leads to from `before`. */
function applyDiff(diff: ConfigDiff, before: JsonObject): JsonObject {
  const after = copy(before) as JsonObject
  for (const path of Object.keys(diff.removed)) {
    const { parent, key } = find(after, path)
    delete parent[key]
  }
  for (const [path, change] of Object.entries(diff.modified)) put(after, path, change.new)
  for (const [path, value] of Object.entries(diff.added)) put(after, path, value)
  return after
}

function copy(value: Json): Json {
  if (Array.isArray(value)) return value.map(copy)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copy(member as Json)]))
}

function find(root: JsonObject, path: string): { parent: JsonObject; key: string } {
  const keys = pathKeys(path)
  const last = keys.pop() ?? ''
  let parent = root
  for (const step of keys) {
    const next = Object.hasOwn(parent, step) ? parent[step] : undefined
    if (!isObject(next)) throw new RangeError(`there is no object on the way to "${path}"`)
    parent = next as JsonObject
  }
  return { parent, key: last }
}

function put(root: JsonObject, path: string, value: Json): void {
  const { parent, key: name } = find(root, path)
  Object.defineProperty(parent, name, { value: copy(value), enumerable: true, configurable: true, writable: true })
}

const hardKeys = constantFrom(
  'a',
  'b',
  'a.b',
  '.',
  '',
  '\\',
  '\\.',
  'a\\',
  '__proto__',
  'constructor',
  'toString',
  '\n',
  '0',
)
const key = oneof({ weight: 3, arbitrary: hardKeys }, string({ maxLength: 3 }))
const { object: anyObject } = letrec<{ json: Json; object: JsonObject }>((tie) => ({
  json: oneof(
    { maxDepth: 4, withCrossShrink: true },
    constantFrom<Json>(null, true, false, 0, 1, '', 'text', '\u0000', '\ud800'),
    double({ noNaN: true, noDefaultInfinity: true }),
    constant<Json>([]),
    array(tie('json'), { maxLength: 3 }),
    tie('object'),
  ),
  object: dictionary(key, tie('json'), { maxKeys: 5, noNullPrototype: true }),
}))

describe('the diff of two configurations', () => {
  it('names what was added, modified and removed, key by key', () => {
    const before = { temperature: 0.7, system_prompt: 'You are a helpful assistant', stop: ['a'], top_p: 1 }
    const after = { temperature: 0.5, system_prompt: 'Be concise and professional.', stop: ['a'], max_tokens: 100 }
    expect(configDiff(before, after)).toEqual({
      added: { max_tokens: 100 },
      modified: {
        temperature: { old: 0.7, new: 0.5 },
        system_prompt: { old: 'You are a helpful assistant', new: 'Be concise and professional.' },
      },
      removed: { top_p: 1 },
    })
  })

  it('names a parameter inside an object by its dotted path', () => {
    const before = { model: { name: 'small', 'v1.5': 1, options: { seed: 1 } } }
    const after = { model: { name: 'large', 'v1.5': 2, options: {} } }
    expect(configDiff(before, after)).toEqual({
      added: {},
      modified: { 'model.name': { old: 'small', new: 'large' }, 'model.v1\\.5': { old: 1, new: 2 } },
      removed: { 'model.options.seed': 1 },
    })
  })

  it('distinguishes an empty object, null and a missing parameter', () => {
    expect(configDiff({}, { a: {} }).added).toEqual({ a: {} })
    expect(configDiff({ a: null }, { a: {} }).modified).toEqual({ a: { old: null, new: {} } })
    expect(configDiff({ a: {} }, {}).removed).toEqual({ a: {} })
  })

  it('keeps a secret and its name together', () => {
    const secret = (value: string) => ({ h: { name: 'x-api-key', value } })
    expect(configDiff(secret('a1'), secret('b2'))).toEqual({
      added: {},
      modified: { h: { old: secret('a1').h, new: secret('b2').h } },
      removed: {},
    })
    expect(configDiff({ h: { name: 'accept', value: 1 } }, { h: { name: 'accept', value: 2 } }).modified).toEqual({
      'h.value': { old: 1, new: 2 },
    })
  })

  it('is empty when only the order of keys changed, inside arrays too', () => {
    expect(configDiff({ a: 1, b: [{ x: 1, y: 2 }] }, { b: [{ y: 2, x: 1 }], a: 1 })).toEqual({
      added: {},
      modified: {},
      removed: {},
    })
  })

  it('keeps a key called __proto__ and touches no prototype', () => {
    const after = JSON.parse('{"__proto__":{"polluted":true}}') as JsonObject
    const diff = configDiff({}, after)
    expect(JSON.stringify(diff.added)).toBe('{"__proto__":{"polluted":true}}')
    expect(JSON.stringify(applyDiff(diff, {}))).toBe('{"__proto__":{"polluted":true}}')
    expect('polluted' in {}).toBe(false)
  })

  it('leads from the old to the new configuration, for any two of them', () => {
    assert(
      property(anyObject, anyObject, (before, after) => {
        const original = canonicalJson(before)
        // Not through JSON.parse: V8 13 misreads some escaped keys,
        // https://github.com/nodejs/node/issues/63785
        expect(canonicalJson(applyDiff(configDiff(before, after), before))).toBe(canonicalJson(after))
        expect(canonicalJson(before)).toBe(original)
      }),
    )
  })

  it('is empty exactly when the configurations are equal', () => {
    assert(
      property(anyObject, anyObject, (before, after) => {
        const isEmpty = (diff: object) => JSON.stringify(diff) === '{"added":{},"modified":{},"removed":{}}'
        expect(isEmpty(configDiff(before, structuredClone(before)))).toBe(true)
        expect(isEmpty(configDiff(before, after))).toBe(canonicalJson(before) === canonicalJson(after))
      }),
    )
  })

  it('writes each path so that it reads back as the keys it leads through', () => {
    assert(
      property(array(key, { minLength: 1, maxLength: 4 }), (keys) => {
        const nested = keys.reduceRight<Json>((inner, name) => Object.fromEntries([[name, inner]]), 1) as JsonObject
        const parents = keys.slice(0, -1).reduceRight<Json>((inner, name) => Object.fromEntries([[name, inner]]), {})
        const [path = 'none'] = Object.keys(configDiff(parents as JsonObject, nested).added)
        expect(pathKeys(path)).toEqual(keys)
      }),
    )
  })
})
