import { expect, test } from 'vitest'
import { problemsBySchema, schemaProblem } from './schema.ts'

const schema = {
  type: 'object',
  required: ['model'],
  additionalProperties: false,
  properties: {
    model: { enum: ['gpt-5', 'claude-5'] },
    temperature: { type: 'number', maximum: 1 },
    messages: { type: 'array', items: { type: 'object', properties: { 'x-role': { type: 'string' } } } },
  },
}

test('a configuration that keeps to its schema has no problems', () => {
  expect(problemsBySchema(schema, { model: 'gpt-5', temperature: 0.5 })).toEqual([])
})

test('each problem says where it is, as a JSON path, and what is wrong', () => {
  const config = { model: 'gpt-3', temperature: 2, messages: [{}, { 'x-role': 1 }], top: 1 }
  expect(problemsBySchema(schema, config)).toEqual([
    { at: '$', text: 'must NOT have additional properties ("top")' },
    { at: '$.model', text: 'must be equal to one of the allowed values (["gpt-5","claude-5"])' },
    { at: '$.temperature', text: 'must be <= 1' },
    { at: '$.messages[1]["x-role"]', text: 'must be string' },
  ])
  expect(problemsBySchema(schema, {})).toEqual([{ at: '$', text: "must have required property 'model'" }])
})

test.each([
  ['http://json-schema.org/draft-07/schema#', { items: [{ type: 'number' }] }, true],
  ['http://json-schema.org/draft-06/schema#', { items: [{ type: 'number' }] }, true],
  ['https://json-schema.org/draft/2020-12/schema', { prefixItems: [{ type: 'number' }] }, true],
  ['http://json-schema.org/draft-04/schema#', {}, false],
])('a schema of %s is read as such', ($schema, more, isUsable) => {
  const given = { $schema, ...more }
  if (!isUsable) return expect(schemaProblem(given)).toContain('write it for draft 7, or for 2020-12')
  expect(schemaProblem(given)).toBeNull()
  expect(problemsBySchema(given, ['x'])).toEqual([{ at: '$[0]', text: 'must be number' }])
})

test.each([
  [{ type: 'nothing' }],
  [{ $ref: 'https://elsewhere.example/schema.json' }],
  [{ pattern: '(' }],
  [{ $async: true, type: 'string' }],
])('the schema %j is refused, and nothing is fetched for it', (given) => {
  expect(schemaProblem(given)).toMatch(/^is no JSON Schema that can be used: /)
})

test('a pattern that takes for ever on a text is ended', () => {
  const schema = { pattern: '^(a+)+$' }
  expect(() => problemsBySchema(schema, `${'a'.repeat(50)}!`)).toThrow('could not be checked by its schema in 5 s')
})

test('of a configuration that is wrong in each of its members, the first mistakes are named', () => {
  expect(problemsBySchema({ items: { type: 'string' } }, Array(100_000).fill(0))).toHaveLength(1000)
})

test('what a schema says to people or other programs is no mistake', () => {
  expect(schemaProblem({ type: 'string', format: 'nonsense', 'x-editor': 'textarea', title: 'Prompt' })).toBeNull()
})
