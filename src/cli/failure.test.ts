import { readFile } from 'node:fs/promises'
import { SignalboxError } from '@signalbox/sdk'
import { CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { AppError, ERRORS } from '../lib/error.ts'
import { CliError, failureJson, failureOf, failureText } from './failure.ts'

test('an expected error is its sentence, its particulars and what to do', () => {
  const failure = failureOf(new AppError('config_invalid', 'PORT: must be a whole number'))
  expect(failureText(failure)).toBe(
    `signalbox: The configuration is not valid.\n  PORT: must be a whole number\n  → ${ERRORS.config_invalid.hint}\n`,
  )
  expect(JSON.parse(failureJson(failure))).toEqual({
    code: 'config_invalid',
    detail: 'PORT: must be a whole number',
    hint: ERRORS.config_invalid.hint,
  })
  expect(failureText(failureOf(new AppError('not_found')))).toMatch(
    /^signalbox: Nothing has this address or id\.\n {2}→ .*signalbox events ls, .*endpoints ls/,
  )
})

test("the server's refusals and its absence say what to do here", () => {
  expect(failureOf(new SignalboxError(401, 'token_invalid', 'The API token is missing or wrong.'))).toMatchObject({
    hint: expect.stringContaining('SIGNALBOX_API_TOKEN'),
    exitCode: 1,
  })
  expect(
    failureOf(new SignalboxError(0, 'unreachable', 'There is no answer from http://127.0.0.1:8000.')),
  ).toMatchObject({
    detail: 'There is no answer from http://127.0.0.1:8000.',
    hint: expect.stringContaining('signalbox dev'),
  })
  expect(failureOf(new SignalboxError(502, 'http_502', 'Bad gateway'))).toMatchObject({
    hint: expect.stringContaining('SIGNALBOX_URL'),
  })
})

test('why a server cannot be reached is said', () => {
  const unreachable = (reason: Error) =>
    failureOf(
      new SignalboxError(0, 'unreachable', 'There is no answer from https://box.example.com.', {
        cause: new TypeError('fetch failed', { cause: reason }),
      }),
    )
  const refused = Object.assign(new Error('connect'), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address: '10.0.0.1',
    port: 8443,
  })
  expect(unreachable(refused)).toMatchObject({
    detail: 'There is no answer from https://box.example.com. Nothing listens there: 10.0.0.1:8443.',
    hint: expect.stringContaining('signalbox dev'),
  })
  const untrusted = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  expect(unreachable(untrusted)).toMatchObject({
    detail: 'There is no answer from https://box.example.com. Self-signed certificate.',
    hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
  })
})

test('why the database cannot be reached is said', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
  const failure = failureOf(new AppError('database_unavailable', undefined, { cause }))
  expect(failureText(failure)).toBe(
    'signalbox: The database cannot be reached.\n  Nothing listens there.\n' +
      '  → Check DATABASE_URL; "signalbox doctor" says more.\n',
  )
  const wrong = new AppError('database_unavailable', undefined, { cause: new Error('database "x" does not exist') })
  expect(failureOf(wrong).detail).toBe('Database "x" does not exist.')
})

test('an error of the operating system is no bug', async () => {
  const error = await readFile('/no/such/file').catch((thrown: unknown) => thrown)
  expect(failureOf(error)).toEqual({
    code: 'system_error',
    detail: 'There is no such file or folder: /no/such/file.',
    hint: 'Correct the path.',
    exitCode: 1,
  })
})

test('anything else is a bug with its own exit code, and no stack in the text', () => {
  const failure = failureOf(new TypeError('x is not a function'))
  expect(failure).toMatchObject({ code: 'unexpected', exitCode: 70 })
  expect(failureText(failure)).toMatch(/^signalbox: Unexpected error\.\n {2}x is not a function\n {2}→ .*DEBUG/)
  expect(failureText(failure)).not.toContain('at ')
  expect(failureOf(new CliError('file_unreadable', 'a', 'b'))).toMatchObject({ exitCode: 1, hint: 'b' })
})

test('every code of the table, and any other, has a hint of one line', () => {
  for (const code of [...Object.keys(ERRORS), 'unreachable', 'internal', 'http_418', '__proto__', 'constructor']) {
    const { hint, exitCode } = failureOf(new SignalboxError(500, code, 'x'))
    expect({ code, hint, exitCode }).toEqual({ code, hint: expect.stringMatching(/^[A-Z].+[^\n]$/), exitCode: 1 })
  }
})

test('a server that says nothing is named by its status', () => {
  expect(failureOf(new SignalboxError(503, 'http_503', '')).detail).toBe('The server answered 503.')
})

test('wrong usage is a sentence, whatever the parser said', () => {
  const details = ["error: unknown option '--nope'", "error: unknown command 'job'\n(Did you mean jobs?)"].map(
    (message) => failureOf(new CommanderError(1, 'x', message)).detail,
  )
  expect(details).toEqual(["Unknown option '--nope'.", "Unknown command 'job' (Did you mean jobs?)"])
})

test('anything thrown is put into words', () => {
  for (const thrown of [undefined, null, 7, 'text', {}, new AggregateError([new Error('one'), new Error('two')])]) {
    expect(failureOf(thrown)).toMatchObject({ code: 'unexpected', exitCode: 70, detail: expect.stringMatching(/./) })
  }
})

test('a detail of several lines stays under its sentence', () => {
  const failure = failureOf(new AppError('config_invalid', 'first\nsecond'))
  expect(failureText(failure).split('\n').slice(1, 3)).toEqual(['  first', '  second'])
})

test('what a detail quotes of an event does not control the terminal', () => {
  const detail = 'Nothing follows: the branch is x\u009b31m\u001b[2J\u202e.\nline 2'
  for (const failure of [
    failureOf(new AppError('config_invalid', detail)),
    failureOf(new SignalboxError(409, 'x', detail)),
  ])
    expect(failureText(failure)).toMatch(/x\ufffd31m\ufffd\[2J\ufffd\.\n +line 2|x\ufffd31m\ufffd\[2J\ufffd\.\nline 2/)
})

test('several mistakes that a server names are under the sentence of their code', () => {
  const failure = failureOf(new SignalboxError(422, 'input_invalid', 'name: is required\nurl: is required'))
  expect(failureText(failure).split('\n').slice(0, 3)).toEqual([
    'signalbox: A value in the request is not valid.',
    '  name: is required',
    '  url: is required',
  ])
})
