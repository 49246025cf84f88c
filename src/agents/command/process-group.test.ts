import { once } from 'node:events'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'
import { startProcessGroup } from './process-group.ts'

const folder = await realpath(await mkdtemp(join(tmpdir(), 'group-')))
afterAll(() => rm(folder, { recursive: true, force: true }))

function start(source: string, options: { signal?: AbortSignal; graceMs?: number; env?: Record<string, string> } = {}) {
  const { signal = new AbortController().signal, graceMs, env = {} } = options
  return startProcessGroup(['/bin/sh', '-c', source], {
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', ...env },
    signal,
    graceMs,
  })
}

/** Everything the child wrote, on its three ways out, and how it ended. */
async function outcome(group: ReturnType<typeof start>) {
  const [stdout, stderr, third, exit] = await Promise.all([
    text(group.stdout),
    text(group.stderr),
    text(group.third),
    group.exit,
  ])
  return { stdout, stderr, third, exit }
}

test('its input and its three outputs are pipes, its folder and its variables are those given', async () => {
  const group = start('cat; echo "$PWD $NAME" >&2; echo third >&3; exit 7', { env: { NAME: 'value' } })
  group.stdin.end('input\n')
  expect(await outcome(group)).toEqual({
    stdout: 'input\n',
    stderr: `${folder} value\n`,
    third: 'third\n',
    exit: { code: 7, signal: null },
  })
})

test('it leads a group of its own', async () => {
  const controller = new AbortController()
  const group = start('echo $$; exec sleep 60', { signal: controller.signal })
  const [line] = await once(group.stdout, 'data')
  expect(process.kill(-Number(line), 0)).toBe(true)
  controller.abort()
  await group.exit
  expect(() => process.kill(-Number(line), 0)).toThrow(expect.objectContaining({ code: 'ESRCH' }))
})

test('a program that does not exist is a rejection with its code', async () => {
  const group = startProcessGroup(['no-such-program'], { cwd: folder, env: {}, signal: new AbortController().signal })
  await expect(group.exit).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a signal that is aborted already ends it at once', async () => {
  const { exit } = await outcome(start('sleep 60', { signal: AbortSignal.abort() }))
  expect(exit).toEqual({ code: null, signal: 'SIGTERM' })
})

test('it may end by itself after SIGTERM', async () => {
  const controller = new AbortController()
  const group = start("trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done", {
    signal: controller.signal,
    graceMs: 60_000,
  })
  group.stdout.once('data', () => controller.abort())
  const exit = await group.exit
  expect(exit).toEqual({ code: 3, signal: null })
})

test('what ignores SIGTERM is killed after its grace', async () => {
  const controller = new AbortController()
  const group = start("trap '' TERM; echo ready; while :; do sleep 0.05; done", {
    signal: controller.signal,
    graceMs: 50,
  })
  group.stdout.once('data', () => controller.abort())
  expect(await group.exit).toEqual({ code: null, signal: 'SIGKILL' })
})

test('an abort after its end does nothing', async () => {
  const controller = new AbortController()
  const { exit } = await outcome(start('exit 0', { signal: controller.signal, graceMs: 1 }))
  controller.abort()
  expect(exit).toEqual({ code: 0, signal: null })
})
