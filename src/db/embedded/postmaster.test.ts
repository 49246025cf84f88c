// A server that another process started is recognised by its directory, and stopped.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import { isPostmaster, readPostmaster, stopOrphan } from './postmaster.ts'

let dir = ''
beforeEach(async () => {
  dir = await openTestFolder()
})

/** Writes `postmaster.pid` as PostgreSQL 18 does. */
async function writePostmasterFile(pid: number, status = 'ready   '): Promise<void> {
  const lines = [pid, dir, 1_767_225_600, 5433, '', '127.0.0.1', '  65543 0', status]
  await writeFile(join(dir, 'postmaster.pid'), `${lines.join('\n')}\n`)
}

/** Starts a process in the directory that stands for a server: it ends at the given signal only. */
async function startStandIn(signal: 'INT' | 'QUIT') {
  const others = ['INT', 'QUIT'].filter((name) => name !== signal)
  const script = `trap '' ${others.join(' ')}; trap 'exit 7' ${signal}; echo up; while :; do sleep 0.02; done`
  const child = spawn('/bin/sh', ['-c', script], { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

/** The id of a process that has ended. */
function endedPid(): number {
  return spawnSync('/bin/sh', ['-c', 'exit 0']).pid
}

describe("PostgreSQL's own file about a running server", () => {
  test('has its process, its port, and whether it accepts connections', async () => {
    await writePostmasterFile(4711)
    expect(await readPostmaster(dir)).toEqual({ pid: 4711, port: 5433, ready: true })
    await writePostmasterFile(4711, 'starting')
    expect(await readPostmaster(dir)).toMatchObject({ ready: false })
  })

  test('does not exist when no server runs', async () => {
    expect(await readPostmaster(dir)).toBeUndefined()
    expect(await readPostmaster(join(dir, 'missing'))).toBeUndefined()
  })

  test('means a server that is not ready while it is only partly written', async () => {
    await writeFile(join(dir, 'postmaster.pid'), `4711\n${dir}\n`)
    expect(await readPostmaster(dir)).toMatchObject({ pid: 4711, ready: false })
    await writeFile(join(dir, 'postmaster.pid'), '')
    expect(await readPostmaster(dir)).toMatchObject({ pid: 0, ready: false })
  })

  test('that cannot be read is an error', async () => {
    await mkdir(join(dir, 'postmaster.pid'))
    await expect(readPostmaster(dir)).rejects.toMatchObject({ code: 'EISDIR' })
  })
})

describe.runIf(platform() === 'linux')('a process', () => {
  test('is the server of the directory it works in, also by another name of that directory', async () => {
    const { pid = 0 } = await startStandIn('INT')
    const other = join(await openTestFolder(), 'link')
    await symlink(dir, other)
    expect(isPostmaster(pid, dir)).toBe(true)
    expect(isPostmaster(pid, other)).toBe(true)
    expect(isPostmaster(process.pid, dir)).toBe(false)
  })

  test('that has ended, or a directory that is gone, has no server', () => {
    expect(isPostmaster(endedPid(), dir)).toBe(false)
    expect(isPostmaster(process.pid, join(dir, 'missing'))).toBe(false)
  })
})

describe.runIf(platform() === 'linux')('a server left running', () => {
  test('is stopped', async () => {
    const child = await startStandIn('INT')
    const exited = once(child, 'exit')
    await writePostmasterFile(child.pid ?? 0)
    await stopOrphan(dir)
    expect(await exited).toEqual([7, null])
  })

  test('is not looked for where no file is', async () => {
    await expect(stopOrphan(dir)).resolves.toBeUndefined()
  })

  test('that has ended leaves its file to PostgreSQL, which knows what to do', async () => {
    await writePostmasterFile(endedPid())
    await stopOrphan(dir)
    expect(existsSync(join(dir, 'postmaster.pid'))).toBe(true)
  })

  test('whose id another program has reused is forgotten, and that program goes on', async () => {
    const other = spawn('/bin/sh', ['-c', 'exec sleep 60'], { cwd: '/' })
    onTestFinished(() => void other.kill('SIGKILL'))
    await once(other, 'spawn')
    await writePostmasterFile(other.pid ?? 0)
    await stopOrphan(dir)
    expect(existsSync(join(dir, 'postmaster.pid'))).toBe(false)
    expect(other.exitCode).toBeNull()
    expect(other.signalCode).toBeNull()
  })
})
