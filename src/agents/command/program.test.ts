// The program of a `command` agent is looked for before its first job.
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import { command } from './command.ts'
import { environmentOf, locate } from './program.ts'

function problemOf(file: string, { cwd, folder }: { cwd?: string; folder?: string } = {}) {
  const agent = command({ name: 'script', argv: [file], ...(cwd && { cwd }) })
  return (folder ? agent.inFolder?.(folder) : agent)?.problem?.()
}

test('a relative path is one beside the configuration, whatever folder the program runs in', async () => {
  const folder = await openTestFolder()
  await mkdir(join(folder, 'work'))
  await writeFile(join(folder, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
  expect(problemOf('./run.sh', { folder })).toBeNull()
  expect(problemOf('./run.sh', { folder, cwd: 'repository' })).toBeNull()
  expect(problemOf('./run.sh', { folder, cwd: './work' })).toBeNull()
  expect(problemOf('./other.sh', { folder, cwd: folder })).toBe(`there is no file ${join(folder, 'other.sh')}`)
  expect(problemOf('./run.sh')).toBe(`there is no file ${join(process.cwd(), 'run.sh')}`)
})

test('a program that is there has no problem: by its path, or in a folder of PATH', async () => {
  const folder = await openTestFolder()
  await writeFile(join(folder, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
  expect(problemOf(join(folder, 'run.sh'))).toBeNull()
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
  expect(problemOf('sh', { cwd: '/no/such/folder' })).toBe('there is no folder /no/such/folder')
})

test('no program is found in the folder that it runs in, whatever PATH has', () => {
  vi.stubEnv('PATH', '.:/usr/bin::bin:/bin')
  expect(environmentOf('/home').PATH).toBe('/usr/bin:/bin')
  vi.stubEnv('PATH', '')
  expect(environmentOf('/home').PATH).toBe('/usr/bin:/bin')
  vi.unstubAllEnvs()
})

test('paths that are not whole are beside the configuration, those that it may read and write too', () => {
  const given = { argv: ['./run.sh', 'x'] as const, cwd: 'work', read: ['agents', '/usr/local'], write: ['out'] }
  expect(locate(given, '/etc/signalbox')).toEqual({
    argv: ['/etc/signalbox/run.sh', 'x'],
    cwd: '/etc/signalbox/work',
    read: ['/etc/signalbox/agents', '/usr/local'],
    write: ['/etc/signalbox/out'],
  })
})
