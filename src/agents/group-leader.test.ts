import { expect, test } from 'vitest'
import { endWithLease } from '../lib/end-with-us.ts'
import { RetryAt } from '../lib/error.ts'
import { startGroupLeader } from './group-leader.ts'

function sleepLong() {
  return startGroupLeader(['sleep', '600'], { stdio: 'ignore' })
}

test('a program that ended because its process was frozen is to be run again, without blame', async () => {
  const { exit } = sleepLong()
  const letPrograms = endWithLease(() => 300)
  const another = sleepLong()
  const failures = [exit, another.exit].map((each) => each.catch((error: unknown) => error))
  block(1500)
  expect(await Promise.all(failures)).toEqual([expect.any(RetryAt), expect.any(RetryAt)])
  letPrograms()
})

test('a program that was killed by somebody else has ended by that signal', async () => {
  const letPrograms = endWithLease(() => 10_000)
  const { child, exit } = sleepLong()
  child.kill('SIGKILL')
  expect(await exit).toEqual({ code: null, signal: 'SIGKILL' })
  letPrograms()
})

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
