// The program of a `command` agent is looked for before its first job.
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import { command } from './command.ts'

function problemOf(file: string, cwd?: string) {
  return command({ name: 'script', argv: [file], ...(cwd && { cwd }) }).problem?.()
}

test('a relative path is refused, with the path to write', () => {
  expect(() => problemOf('./scripts/changelog.sh')).toThrow(
    'command(): argv.0: ./scripts/changelog.sh is relative, and the program runs in an empty folder: ' +
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is to be copied
      'write `${import.meta.dirname}/scripts/changelog.sh`, or set cwd',
  )
})

test('a program that is there has no problem: by its path, in cwd, or in a folder of PATH', async () => {
  const folder = await openTestFolder()
  await writeFile(join(folder, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
  expect(problemOf(join(folder, 'run.sh'))).toBeNull()
  expect(problemOf('./run.sh', folder)).toBeNull()
  expect(problemOf('sh')).toBeNull()
})

test('one that is not there, or not executable, is named with what to do', async () => {
  const folder = await openTestFolder()
  const path = join(folder, 'run.sh')
  expect(problemOf(path)).toBe(`there is no file ${path}`)
  await writeFile(path, '#!/bin/sh\n')
  await chmod(path, 0o644)
  expect(problemOf(path)).toBe(`${path} is not executable: chmod +x ${path}`)
  expect(problemOf(folder)).toBe(`${folder} is not a file`)
  expect(problemOf('no-such-program')).toBe('no folder of PATH has a program called no-such-program')
  expect(problemOf('sh', '/no/such/folder')).toBe('there is no folder /no/such/folder')
})
