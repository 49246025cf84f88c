import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Command } from './command.ts'
import { argumentNames, commandSchema, isNamed, readArguments, usageOf } from './command.ts'

const deploy: Command = {
  name: 'deploy',
  aliases: ['ship'],
  arguments: { environment: ['staging', 'production'], 'ref?': 'string', '--max': 'number', '--dry-run': 'boolean' },
}
const task: Command = { name: 'task', arguments: { what: 'text', '--max': 'number' } }
function read(command: Command, line: string) {
  const found = readArguments(command, line === '' ? [] : line.split(' '))
  return 'problem' in found ? found.problem : found.values
}

test('the words of a command become values of their types', () => {
  expect(read(deploy, 'staging')).toEqual({ environment: 'staging' })
  expect(read(deploy, '--max 5 production main --dry-run')).toEqual({
    ...{ environment: 'production', ref: 'main', max: 5, 'dry-run': true },
  })
  expect(read(deploy, 'staging --max=2.5 --dry-run=false')).toEqual({
    environment: 'staging',
    max: 2.5,
    'dry-run': false,
  })
  expect(read(task, 'fix the login --max 3 page')).toEqual({ what: 'fix the login page', max: 3 })
})

test.each([
  ['', 'environment is missing'],
  ['stagin', 'environment must be staging or production, not "stagin"; did you mean "staging"?'],
  ['staging a b', '"b" is one word too many'],
  ['staging --max', '--max needs a number'],
  ['staging --max five', '--max must be a number, not "five"'],
  ['staging --max 1e9', '--max must be a number, not "1e9"'],
  ['staging --max 1 --max 2', '--max is given twice'],
  ['staging --maxx 1', 'there is no --maxx; did you mean "--max"?'],
  ['staging --dry-run=maybe', '--dry-run must be true or false, not "maybe"'],
  ['staging --__proto__ 1', 'there is no --__proto__'],
])('the words %j are refused', (line, problem) => {
  expect(read(deploy, line)).toBe(problem)
})

test('a command says how it is written, and has its names', () => {
  expect(usageOf(deploy)).toBe('/deploy <staging|production> [ref] [--max <number>] [--dry-run]')
  expect(usageOf(task)).toBe('/task <what> [--max <number>]')
  expect(argumentNames(deploy)).toEqual(['environment', 'ref', 'max', 'dry-run'])
  expect(['deploy', 'ship', 'Deploy'].map((name) => isNamed(deploy, name))).toEqual([true, true, false])
})

describe('a description is refused', () => {
  test.each([
    [{ name: '/deploy' }],
    [{ name: 'Deploy' }],
    [{ name: 'a', arguments: { 'b?': 'string', c: 'string' } }],
    [{ name: 'a', arguments: { b: 'text', c: 'string' } }],
    [{ name: 'a', arguments: { b: 'string', '--b': 'string' } }],
    [{ name: 'a', arguments: { b: 'date' } }],
    [{ name: 'a', arguments: { __proto__x: 'string' } }],
  ])('%j', (given) => {
    expect(commandSchema.safeParse(given).success).toBe(false)
  })
})

test('whatever is written, only what is described comes out, with its type', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom('staging', '--max', '5', '--dry-run', '--max=1'))),
      (words) => {
        const found = readArguments(deploy, words)
        if ('problem' in found) return
        expect(Object.keys(found.values).every((name) => argumentNames(deploy).includes(name))).toBe(true)
        expect(['staging', 'production']).toContain(found.values.environment)
        expect(['undefined', 'number']).toContain(typeof found.values.max)
      },
    ),
  )
})
