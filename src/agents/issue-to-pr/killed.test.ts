// The edit loop in a process that is killed by SIGKILL: after each turn, and amid a program.
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import { isRunningProgram, run } from '../../../test/process.ts'
import { until } from '../../../test/until.ts'
import type { AttemptProcess } from './fixtures/attempt.ts'
import { calls, openStage, SHOP, TEST } from './fixtures/stage.ts'

// Each attempt is a process, and starts programs.
const WORK = [
  calls(['read', { path: 'src/sum.mjs' }]),
  calls(['patch', { path: 'src/sum.mjs', replacements: [{ old: 'a - b', new: 'a + b' }] }]),
  calls(['run', { command: 'test' }]),
  calls(['finish', { outcome: 'done', summary: 'It adds now.' }]),
]

async function openAttempts() {
  const { server, sha, objects } = await openStage()
  server.answers(...WORK)
  const folder = await openTestFolder()
  // The programs of the attempts have an account of their own, and folders in it.
  await chmod(folder, 0o711)
  const steps = join(folder, 'steps')
  const start = (more: Partial<AttemptProcess> = {}) => {
    const given: AttemptProcess = { task: 'Make sum add.', url: `${server.url}/v1`, steps, sha, objects, ...more }
    const file = fileURLToPath(new URL('fixtures/attempt.ts', import.meta.url))
    const args = ['--conditions=signalbox-source', '--disable-warning=ExperimentalWarning', file, JSON.stringify(given)]
    const running = run(args, { command: process.execPath, cwd: folder, env: { TMPDIR: folder } })
    onTestFinished(async () => void (await running.kill('SIGKILL')))
    return running
  }
  return { server, steps, start }
}

const DONE = {
  changes: [{ path: 'src/sum.mjs', content: SHOP['src/sum.mjs'].replace('a - b', 'a + b') }],
  leftOut: [],
  outcome: 'done',
  exitCodes: [0],
}

test('killed after every turn, it asks the model each question once and comes to the same', async () => {
  const { server, start } = await openAttempts()
  const commands = { test: { ...TEST, argv: [...TEST.argv, 'test/sum.test.mjs'] as const } }
  for (const [at] of WORK.entries()) {
    expect(await start({ commands, killAfter: `turn:${at + 1}` }).exited).toBe('SIGKILL')
    expect(server.requests).toHaveLength(at + 1)
  }
  const last = start({ commands })
  const code = await last.exited
  expect([code, JSON.parse(last.output())]).toEqual([0, DONE])
  expect(server.requests).toHaveLength(WORK.length)
})

// By the arguments of programs, in /proc.
test.skipIf(process.platform !== 'linux')(
  'killed amid a program, it ends it, and takes that turn again only',
  async () => {
    const { server, steps, start } = await openAttempts()
    server.answers(...WORK.slice(0, 3), ...WORK.slice(2))
    const mark = randomUUID()
    const hangs = { argv: [process.execPath, '-e', 'setInterval(() => {}, 1000)', mark] as const }
    const first = start({ commands: { test: hangs } })
    await until('the program runs', async () => isRunningProgram(mark))
    expect(await first.kill('SIGKILL')).toBe('SIGKILL')
    await until('the program has ended', async () => !isRunningProgram(mark))
    expect([server.requests.length, existsSync(steps)]).toEqual([3, true])

    const commands = { test: { ...TEST, argv: [...TEST.argv, 'test/sum.test.mjs'] as const } }
    const second = start({ commands })
    const code = await second.exited
    const [report = ''] = /\{.*\}$/.exec(second.output()) ?? []
    expect([code, JSON.parse(report)]).toEqual([0, DONE])
    expect(server.requests).toHaveLength(5)
  },
)
