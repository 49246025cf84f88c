// One running process owns a data directory; a lock of a dead one is replaced.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lockOwner } from './owner.ts'

describe('the lock on a data directory', () => {
  let dir = ''
  const path = () => join(dir, 'owner.lock')

  /** Leaves a lock as another process would have, changed in some fields. */
  const leaveLock = async (changes: object): Promise<void> => {
    const lock = await lockOwner(dir)
    const content = JSON.parse(await readFile(path(), 'utf8'))
    lock.release()
    await writeFile(path(), JSON.stringify({ ...content, ...changes, nonce: 'left' }))
  }

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'signalbox-owner-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  test('has one owner at a time, and names it to the next process', async () => {
    const lock = await lockOwner(dir)
    await expect(lockOwner(dir)).rejects.toMatchObject({
      code: 'database_busy',
      detail: `Process ${process.pid} is using the data directory ${dir}.`,
    })
    lock.release()
    ;(await lockOwner(dir)).release()
    expect(await readdir(dir)).toEqual([])
  })

  test('of a process that has ended is replaced', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    await leaveLock({ pid: child.pid })
    ;(await lockOwner(dir)).release()
  })

  test.runIf(existsSync('/proc/self/stat'))('of a process whose id another one has reused is replaced', async () => {
    await leaveLock({ started: '1' })
    ;(await lockOwner(dir)).release()
  })

  test('that a power failure left empty is replaced', async () => {
    await writeFile(path(), '')
    ;(await lockOwner(dir)).release()
  })

  test('of a dead owner goes to exactly one of many processes that start at once', async () => {
    await leaveLock({ pid: 2 ** 22 + 1 })
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => lockOwner(dir)))
    const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    expect(winners).toHaveLength(1)
    expect(await readdir(dir)).toEqual(['owner.lock'])
    winners[0]?.value.release()
  })

  test('of another container is respected while its heartbeat goes on, and replaced when it has stopped', async () => {
    await leaveLock({ host: 'another container', pid: 1 })
    let beats = 0
    const heart = setInterval(() => {
      beats += 1
      void utimes(path(), beats, beats).catch(() => {})
    }, 20)
    await expect(lockOwner(dir, 5000)).rejects.toMatchObject({
      code: 'database_busy',
      detail: expect.stringContaining('Process 1 of another machine or container'),
    })
    clearInterval(heart)
    ;(await lockOwner(dir, 150)).release()
  })
})
