import { expect, test } from 'vitest'
import { testTerminal } from '../../test/terminal.ts'
import { cliOver } from './terminal.ts'

test('a result is printed as text, or as the value itself with --json', () => {
  const value = { id: '1', note: 'ä\n' }
  for (const [json, expected] of [
    [false, 'the text\n'],
    [true, '{\n  "id": "1",\n  "note": "ä\\n"\n}\n'],
  ] as const) {
    const { terminal, printed } = testTerminal()
    cliOver(terminal, () => json).print(value, () => 'the text')
    expect(printed).toEqual({ out: expected, err: '' })
  }
})

test('of what others wrote nothing controls the terminal with --json either, and the value is the same', () => {
  const value = { branch: 'x\u009b31m\u001b[2J\u202eabc\u007f', lines: 'one\ttwo\n' }
  const { terminal, printed } = testTerminal()
  cliOver(terminal, () => true).print(value, () => '')
  expect(printed.out).toMatch(/^[\n -~]+$/)
  expect(JSON.parse(printed.out)).toEqual(value)
})

test('the text is not made where it is not wanted', () => {
  const { terminal } = testTerminal()
  const fail = () => {
    throw new Error('it was made')
  }
  expect(() => cliOver(terminal, () => true).print([], fail)).not.toThrow()
})

test('whether JSON is wanted is asked when something is printed, for the options are read later', () => {
  let json = false
  const { terminal, printed } = testTerminal()
  const cli = cliOver(terminal, () => json)
  json = true
  cli.print(1, () => 'one')
  expect([cli.json(), printed.out]).toEqual([true, '1\n'])
})
