// Locks between processes, with real processes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openTestFolder } from '../../test/folder.ts'
import { RetryAt } from '../lib/error.ts'
import { lock, lockNow } from './lock.ts'

const NEVER = new AbortController().signal

/** Another process that has the lock. */
async function lockedByAnother(folder: string) {
  const source = `
    import { lock } from ${JSON.stringify(new URL('lock.ts', import.meta.url).href)}
    await lock(${JSON.stringify(folder)}, 'exclusive', new AbortController().signal)
    process.stdout.write('locked')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

test('an exclusive lock excludes every other; shared ones only an exclusive one', async () => {
  const folder = join(await openTestFolder(), 'lock')
  const one = await lockNow(folder, 'shared')
  const two = await lockNow(folder, 'shared')
  expect(await lockNow(folder, 'exclusive')).toBeNull()
  await one?.()
  expect(await lockNow(folder, 'exclusive')).toBeNull()
  await two?.()
  const alone = await lockNow(folder, 'exclusive')
  expect(alone).not.toBeNull()
  expect(await lockNow(folder, 'shared')).toBeNull()
  expect(await lockNow(folder, 'exclusive')).toBeNull()
  await alone?.()
  expect(await readdir(folder)).toEqual([])
})

test('waiting for one ends with the signal', async () => {
  const folder = await openTestFolder()
  const release = await lock(folder, 'exclusive', NEVER)
  await expect(lock(folder, 'shared', AbortSignal.timeout(50))).rejects.toThrow('timeout')
  await release()
  await (await lock(folder, 'shared', NEVER))()
})

test('many that want it exclusively have it one at a time', async () => {
  const folder = await openTestFolder()
  let inside = 0
  let most = 0
  const each = async () => {
    const release = await lock(folder, 'exclusive', NEVER)
    most = Math.max(most, ++inside)
    await new Promise(setImmediate)
    inside -= 1
    await release()
  }
  await Promise.all(Array.from({ length: 20 }, each))
  expect(most).toBe(1)
})

test('a lock ends with its process, even by SIGKILL', async () => {
  const folder = await openTestFolder()
  const child = await lockedByAnother(folder)
  expect(await lockNow(folder, 'shared')).toBeNull()
  child.kill('SIGKILL')
  await once(child, 'close')
  const mine = await lockNow(folder, 'exclusive')
  expect(mine).not.toBeNull()
  expect(await readdir(folder)).toHaveLength(1)
  await mine?.()
})

test('one whose process is stopped is not waited for, and not taken away', async () => {
  const folder = await openTestFolder()
  const child = await lockedByAnother(folder)
  child.kill('SIGSTOP')
  await expect(lock(folder, 'shared', AbortSignal.timeout(50))).rejects.toThrow('timeout')
  const [claim = ''] = await readdir(folder)
  const before = new Date(Date.now() - 61_000)
  await utimes(join(folder, claim), before, before)
  const failure = await lock(folder, 'shared', NEVER).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(RetryAt)
  expect(String(failure)).toMatch(
    new RegExp(`The process ${child.pid} on \\S+ has the lock ${folder} and shows no sign`),
  )
  expect(await readdir(folder)).toEqual([claim])
  child.kill('SIGKILL')
  await once(child, 'close')
  await (await lock(folder, 'exclusive', NEVER))()
})

test('one of another machine is believed for two minutes after its last heartbeat', async () => {
  const folder = await openTestFolder()
  const foreign = join(folder, `exclusive~1~1~id~elsewhere`)
  await writeFile(foreign, '')
  expect(await lockNow(folder, 'shared')).toBeNull()
  const before = new Date(Date.now() - 121_000)
  await utimes(foreign, before, before)
  await (await lockNow(folder, 'shared'))?.()
  expect(await readdir(folder)).toEqual([])
})

test('one whose folder has become a file is gone with it', async () => {
  const folder = join(await openTestFolder(), 'lock')
  const release = await lock(folder, 'shared', NEVER)
  await rm(folder, { recursive: true })
  await writeFile(folder, '')
  await release()
})
