// Pulling the folder of the configuration, with real git.
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { until } from '../../test/signalbox.ts'
import type { Mirrors } from '../workspaces/mirrors.ts'
import { syncFailures } from '../workspaces/sync-failures.ts'
import { openGitSync, pull } from './git-sync.ts'

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

test('what a pull starts sees none of the settings of this process', async () => {
  const origin = join(folder, 'origin')
  const clone = join(folder, 'clone')
  await git(folder, 'init', '-q', '-b', 'main', origin)
  await commit(origin, 'one')
  await git(folder, 'clone', '-q', origin, clone)
  await commit(origin, 'two')
  const seen = join(folder, 'seen')
  await writeFile(join(clone, '.git/hooks/post-merge'), `#!/bin/sh\nenv > '${seen}'\n`, { mode: 0o755 })
  vi.stubEnv('GITHUB_TOKEN', 'ghp_of_this_process')
  vi.stubEnv('SSH_AUTH_SOCK', '/tmp/agent.sock')
  await pull(clone).finally(() => vi.unstubAllEnvs())
  const names = (await readFile(seen, 'utf8')).split('\n').map((line) => line.split('=')[0])
  expect(names).toEqual(expect.arrayContaining(['PATH', 'SSH_AUTH_SOCK', 'GIT_TERMINAL_PROMPT']))
  expect(names).not.toContain('GITHUB_TOKEN')
})

test('a folder that is not a checkout, or has no upstream, is left alone', async () => {
  expect(await pull(folder)).toBeNull()
  await git(folder, 'init', '-q')
  await commit(folder, 'one')
  expect(await pull(folder)).toBeNull()
})

const noMirrors: Mirrors = {
  checkout: () => Promise.reject(new Error('none')),
  sync: async () => {},
  syncAll: async () => {},
}

/** A log whose lines a test reads. */
function memoryLog() {
  const lines: { level: number; msg: string }[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  return { log, lines }
}

test('a running sync pulls at once and again, and says so only when something came', async () => {
  const origin = join(folder, 'origin')
  const clone = join(folder, 'clone')
  await git(folder, 'init', '-q', '-b', 'main', origin)
  await commit(origin, 'one')
  await git(folder, 'clone', '-q', origin, clone)
  const { log, lines } = memoryLog()
  const two = await commit(origin, 'two')
  const sync = openGitSync({ folder: clone, mirrors: noMirrors, notes: folder, intervalMs: 20, log })
  const head = async () => (await git(clone, 'rev-parse', 'HEAD')).stdout
  await until('the clone has the second commit', async () => (await head()) === two && lines.length === 1)
  const three = await commit(origin, 'three')
  await until('it has the third one', async () => (await head()) === three && lines.length === 2)
  await sync.close()
  expect(lines.map(({ level }) => level)).toEqual([pino.levels.values.info, pino.levels.values.info])
  await commit(origin, 'four')
  expect(await head()).toBe(three)
})

test('a pull that fails is one warning with the setting that ends it, until one works again', async () => {
  const origin = join(folder, 'origin')
  const clone = join(folder, 'clone')
  await git(folder, 'init', '-q', '-b', 'main', origin)
  await commit(origin, 'one')
  await git(folder, 'clone', '-q', origin, clone)
  await rename(origin, join(folder, 'away'))
  const { log, lines } = memoryLog()
  const sync = openGitSync({ folder: clone, mirrors: noMirrors, notes: folder, intervalMs: 20, log })
  const noted = async () => (await syncFailures(folder)).find(({ problem }) => problem.includes('git'))
  const first = await until('it has failed', noted)
  expect(first).toMatchObject({ name: clone })
  await until('it has failed again', async () => ((await noted())?.since ?? first.since) > first.since)
  await rename(join(folder, 'away'), origin)
  await until('it is well again', async () => (await syncFailures(folder)).length === 0)
  await sync.close()
  const { warn, info } = pino.levels.values
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    [warn, 'git pull failed; set GIT_SYNC_ENABLED=false to stop pulling'],
    [info, expect.stringContaining('the configuration folder was pulled')],
    [info, 'git pull works again'],
  ])
})

test('a push is fetched at once, and one that comes meanwhile after that; other events are not', async () => {
  const asked: string[] = []
  let answer = Promise.withResolvers<void>()
  const mirrors: Mirrors = {
    ...noMirrors,
    async sync(repository) {
      asked.push(repository)
      await answer.promise
    },
  }
  const { log } = memoryLog()
  const sync = openGitSync({ folder: null, mirrors, notes: folder, intervalMs: 60_000, log })
  sync.received({ type: 'issues.opened', facts: { repository: 'acme/shop' } })
  for (let n = 0; n < 3; n++) sync.received({ type: 'push', facts: { repository: 'acme/shop' } })
  sync.received({ type: 'push', facts: { repository: 'acme/other' } })
  expect(asked).toEqual(['acme/shop', 'acme/other'])
  const first = answer
  answer = Promise.withResolvers()
  answer.resolve()
  first.resolve()
  await until('the later pushes are fetched', async () => asked.length === 3)
  await sync.close()
  sync.received({ type: 'push', facts: { repository: 'acme/shop' } })
  expect(asked).toEqual(['acme/shop', 'acme/other', 'acme/shop'])
})
