// The log of PostgreSQL's programs is appended to, bounded, and quoted when one of them fails.
import { closeSync, openSync, writeSync } from 'node:fs'
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import type { ServerLog } from './server-log.ts'
import { lastFailure, openServerLog } from './server-log.ts'

describe('the server log', () => {
  let dataDir = ''
  let path = ''
  beforeEach(async () => {
    dataDir = await openTestFolder()
    path = join(dataDir, 'postgres.log')
  })

  const open = async (): Promise<ServerLog> => {
    const log = await openServerLog(dataDir)
    onTestFinished(() => log.close())
    return log
  }

  test('is appended to, and knows what was written since it was opened', async () => {
    await writeFile(path, 'earlier: größer\n')
    const log = await open()
    expect(await log.written()).toBe('')
    writeSync(log.output, 'now: größer\n')
    expect(await log.written()).toBe('now: größer\n')
    expect(await readFile(path, 'utf8')).toBe('earlier: größer\nnow: größer\n')
  })

  test('can be read by its owner only', async () => {
    await open()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('starts anew when it is larger than 8 MB, and keeps one old file', async () => {
    await writeFile(path, 'old\n')
    await truncate(path, 8 * 1024 * 1024 + 1)
    await writeFile(`${path}.old`, 'older\n')
    const log = await open()
    writeSync(log.output, 'new\n')
    expect(await readFile(path, 'utf8')).toBe('new\n')
    expect((await readdir(dataDir)).sort()).toEqual(['postgres.log', 'postgres.log.old'])
    expect((await readFile(`${path}.old`, 'utf8')).startsWith('old\n')).toBe(true)
  })

  test('of exactly 8 MB goes on', async () => {
    await writeFile(path, '')
    await truncate(path, 8 * 1024 * 1024)
    await open()
    expect(await readdir(dataDir)).toEqual(['postgres.log'])
  })

  test('is named by the error of a program that failed, with the line that says why', async () => {
    await writeFile(path, 'FATAL: of an earlier run\n')
    const log = await open()
    writeSync(log.output, 'LOG: starting\nFATAL: could not bind\n\n')
    expect(await log.failure('PostgreSQL ended while starting.')).toMatchObject({
      code: 'database_failed',
      detail: `PostgreSQL ended while starting. The log is ${path}; it says: FATAL: could not bind`,
    })
  })

  test('is quoted where it reports the error, not where it tidies up after it', async () => {
    const log = await open()
    writeSync(log.output, 'initdb: error: could not write: No space left on device\ninitdb: removing contents\n')
    const reason = 'initdb: error: could not write: No space left on device'
    expect(await log.reason()).toBe(reason)
    expect(await lastFailure(dataDir)).toEqual({ path, reason })
  })

  test('does not quote an earlier run when nothing was written', async () => {
    await writeFile(path, 'FATAL: of an earlier run\n')
    const log = await open()
    expect((await log.failure('initdb failed.')).detail).toMatch(/it says: \(nothing was written\)$/)
  })

  test('releases its file descriptor when it is closed', async () => {
    const log = await openServerLog(dataDir)
    log.close()
    expect(() => writeSync(log.output, 'late')).toThrow('EBADF')
    // The number is free for another file.
    const next = openSync(path, 'r')
    expect(next).toBeLessThanOrEqual(log.output)
    closeSync(next)
  })
})
