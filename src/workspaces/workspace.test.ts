import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openWorkspaces, sweepWorkspaces } from './workspace.ts'

describe('the folders of an attempt', () => {
  it('are empty, and each is another one', async () => {
    const workspaces = openWorkspaces(new AbortController().signal)
    const [one, two] = [await workspaces.make(), await workspaces.make()]
    expect(one).not.toBe(two)
    expect(await readdir(one)).toEqual([])
    await workspaces.remove()
  })

  it('are removed with all that is in them, also one that is still being made', async () => {
    const workspaces = openWorkspaces(new AbortController().signal)
    const folder = await workspaces.make()
    await mkdir(join(folder, 'deep/er'), { recursive: true })
    await writeFile(join(folder, 'deep/er/file'), 'x')
    const late = workspaces.make()
    await workspaces.remove()
    for (const path of [folder, await late]) await expect(access(path)).rejects.toThrow('ENOENT')
  })

  it('can be removed when there are none, and twice', async () => {
    const workspaces = openWorkspaces(new AbortController().signal)
    await workspaces.remove()
    await workspaces.make()
    await workspaces.remove()
    await workspaces.remove()
  })

  it('are not made any more once the attempt is over', async () => {
    const stop = new AbortController()
    const workspaces = openWorkspaces(stop.signal)
    stop.abort(new Error('time limit'))
    await expect(workspaces.make()).rejects.toThrow('time limit')
  })
})

describe('the folders of killed processes', () => {
  it('are removed by the next one, and those of running ones stay', async () => {
    const workspaces = openWorkspaces(new AbortController().signal)
    const mine = await workspaces.make()
    const ended = spawn(process.execPath, ['-e', ''])
    await once(ended, 'exit')
    const running = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
    const of = (pid: number | undefined) => join(dirname(mine), basename(mine).replace(`-${process.pid}-`, `-${pid}-`))
    const [left, other] = [of(ended.pid), of(running.pid)]
    await mkdir(join(left, 'deep'), { recursive: true })
    await mkdir(other)
    expect(await sweepWorkspaces()).toBeGreaterThanOrEqual(1)
    await expect(access(left)).rejects.toThrow('ENOENT')
    await access(mine)
    await access(other)
    running.kill()
    await once(running, 'exit')
    await sweepWorkspaces()
    await expect(access(other)).rejects.toThrow('ENOENT')
    await access(mine)
    await workspaces.remove()
  })
})
