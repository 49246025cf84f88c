// One running process owns a data directory; a lock of a dead one is replaced.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { isRunning } from '../../lib/running-process.ts'
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

  test.runIf(existsSync('/proc/self/stat'))(
    'of a process that has ended, but whose parent does not ask, is replaced',
    async () => {
      const parent = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
      onTestFinished(() => void parent.kill('SIGKILL'))
      const [line] = await once(createInterface({ input: parent.stdout }), 'line')
      const stat = () => readFile(`/proc/${line}/stat`, 'utf8')
      await expect.poll(() => stat()).toMatch(/\) Z /)
      const started = (await stat()).split(') ')[1]?.split(' ')[19]
      await leaveLock({ pid: Number(line), started })
      ;(await lockOwner(dir)).release()
      expect(isRunning(Number(line))).toBe(false)
    },
  )

  test.runIf(existsSync('/proc/self/stat'))('of a process whose id another one has reused is replaced', async () => {
    await leaveLock({ started: '1' })
    ;(await lockOwner(dir)).release()
  })

  test.each(['', '{"pid":', 'not JSON'])('that a power failure left as %j is replaced', async (content) => {
    await writeFile(path(), content)
    ;(await lockOwner(dir)).release()
  })

  test('is replaced when a process died while it was replacing one', async () => {
    await leaveLock({ pid: 2 ** 22 + 1 })
    await copyFile(path(), `${path()}.removal`)
    ;(await lockOwner(dir)).release()
    expect(await readdir(dir)).toEqual([])
  })

  test('can be read by its owner only, and names this process', async () => {
    const lock = await lockOwner(dir)
    expect((await stat(path())).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(path(), 'utf8'))).toMatchObject({ pid: process.pid })
    lock.release()
  })

  test('shows every second that its owner is running', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const lock = await lockOwner(dir)
    await utimes(path(), 0, 0)
    vi.advanceTimersByTime(999)
    expect((await stat(path())).mtimeMs).toBe(0)
    vi.advanceTimersByTime(1)
    await expect.poll(async () => (await stat(path())).mtimeMs).toBeGreaterThan(Date.now() - 60_000)
    lock.release()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('can be released twice, and when its directory is gone', async () => {
    const lock = await lockOwner(dir)
    lock.release()
    lock.release()
    const other = await lockOwner(dir)
    await rm(dir, { recursive: true })
    other.release()
    await mkdir(dir)
  })

  test('on a directory that does not exist is an error', async () => {
    await expect(lockOwner(join(dir, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' })
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

describe('a process id', () => {
  test('is that of a running process, under any account', () => {
    expect(isRunning(process.pid)).toBe(true)
    // The first process of the machine or container.
    expect(isRunning(1)).toBe(true)
  })

  test('of a process that has ended is not', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    expect(isRunning(child.pid ?? 0)).toBe(false)
  })

  test.each([0, -1, -process.pid])('is not %i, which would mean a group of processes', (pid) => {
    expect(isRunning(pid)).toBe(false)
  })
})
