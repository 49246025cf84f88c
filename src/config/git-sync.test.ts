// Pulling the folder of the configuration, with real git.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pull } from './git-sync.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'git-sync-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com']
function git(cwd: string, ...args: string[]) {
  return execa('git', [...identity, ...args], { cwd })
}
async function commit(cwd: string, name: string) {
  await writeFile(join(cwd, name), name)
  await git(cwd, 'add', '.')
  await git(cwd, 'commit', '-qm', name)
  return (await git(cwd, 'rev-parse', 'HEAD')).stdout
}

test('a clone follows its upstream, and one that has work of its own is left as it is', async () => {
  const origin = join(folder, 'origin')
  const clone = join(folder, 'clone')
  await git(folder, 'init', '-q', '-b', 'main', origin)
  await commit(origin, 'one')
  await git(folder, 'clone', '-q', origin, clone)
  const two = await commit(origin, 'two')
  expect(await pull(clone)).toBe(two)
  const own = await commit(clone, 'own')
  await commit(origin, 'three')
  await expect(pull(clone)).rejects.toThrow()
  expect((await git(clone, 'rev-parse', 'HEAD')).stdout).toBe(own)
})

test('a folder that is not a checkout, or has no upstream, is left alone', async () => {
  expect(await pull(folder)).toBeNull()
  await git(folder, 'init', '-q')
  await commit(folder, 'one')
  expect(await pull(folder)).toBeNull()
})
