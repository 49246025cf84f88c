// Errors of the operating system are put into words, and nothing else is.
import { lookup } from 'node:dns/promises'
import { mkdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { systemFailure } from './system-error.ts'

async function failureOf(promise: Promise<unknown>) {
  return systemFailure(await promise.catch((error: unknown) => error))
}

test('a file that is not there, a folder where a file should be, and a file where a folder should be', async () => {
  expect(await failureOf(readFile('/no/such/file'))).toEqual({
    reason: 'there is no such file or folder: /no/such/file',
    remedy: 'Correct the path.',
  })
  expect((await failureOf(mkdir('/etc/passwd')))?.reason).toBe('there is another file of that name: /etc/passwd')
  expect((await failureOf(mkdir('/etc/passwd/x')))?.reason).toMatch(/^a part of the path is a file, not a folder: /)
  expect((await failureOf(readFile('/etc')))?.reason).toMatch(/^it is a folder, not a file/)
})

test('a name that nobody knows, and an address of another machine', async () => {
  expect((await failureOf(lookup('name.invalid')))?.reason).toMatch(/name server.*: name\.invalid$/)
  const listening = new Promise((_, reject) => createServer().once('error', reject).listen(0, '192.0.2.1'))
  expect(await failureOf(listening)).toEqual({
    reason: 'this machine does not have that address: 192.0.2.1',
    remedy: 'Choose one that it has.',
  })
})

test('a code without words of its own is named with the call that failed', () => {
  const error = Object.assign(new Error('EXDEV: cross-device link'), { code: 'EXDEV', syscall: 'rename', path: '/a' })
  expect(systemFailure(error)?.reason).toBe('rename failed (EXDEV): /a')
})

test('a mistake of the program is not an error of the operating system', () => {
  expect(systemFailure(new TypeError('x is undefined'))).toBeNull()
  expect(systemFailure(Object.assign(new Error('no'), { code: 'ERR_INVALID_ARG_TYPE' }))).toBeNull()
  expect(systemFailure('text')).toBeNull()
})
