// A program runs as its account, writes to its file, and ends when this process does.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import { isRunning } from '../../lib/running-process.ts'
import { chooseAccount, isRoot } from './account.ts'
import { runProgram } from './program.ts'

let path = ''
let output = 0
beforeEach(async () => {
  path = join(await openTestFolder(), 'output')
  output = openSync(path, 'a')
})

function run(script: string, account = {}) {
  const program = runProgram('/bin/sh', ['-c', script], { account, output })
  onTestFinished(() => program.kill('SIGKILL'))
  return program
}

describe('a program', () => {
  test('ends with its exit code', async () => {
    expect(await run('exit 0').exited).toBe(0)
    expect(await run('exit 41').exited).toBe(41)
  })

  test('ends with the signal that ended it', async () => {
    const program = run('kill -TERM $$; sleep 60')
    expect(await program.exited).toBe('SIGTERM')
  })

  test('is sent signals', async () => {
    const program = run(`trap 'exit 5' INT; echo up; while :; do sleep 0.02; done`)
    while (!(await readFile(path, 'utf8')).includes('up')) await wait(5)
    program.kill('SIGINT')
    expect(await program.exited).toBe(5)
  })

  test('that does not exist ends with an error', async () => {
    const program = runProgram('/no/such/program', [], { account: {}, output })
    expect(await program.exited).toBe('spawn /no/such/program ENOENT')
  })

  test('writes both its outputs to the file, and reads an empty input', async () => {
    await run('echo one; echo two >&2; cat; echo three').exited
    expect(await readFile(path, 'utf8')).toBe('one\ntwo\nthree\n')
  })

  test('gets its arguments as they are', async () => {
    const args = ['-c', 'printf "%s\\n" "$@"', 'sh', 'with space', `quote ' " \\`, '$HOME', '']
    await runProgram('/bin/sh', args, { account: {}, output }).exited
    expect(await readFile(path, 'utf8')).toBe(`with space\nquote ' " \\\n$HOME\n\n`)
  })

  test.runIf(existsSync('/proc/self/stat'))('works in the root directory, in a process group of its own', async () => {
    // Field 5 of proc_pid_stat(5) is the process group.
    await run('pwd; cut -d " " -f 5 /proc/$$/stat; echo $$').exited
    const [folder, group, pid] = (await readFile(path, 'utf8')).trim().split('\n')
    expect(folder).toBe('/')
    expect(group).toBe(pid)
  })

  test.runIf(isRoot())('runs as the given account', async () => {
    await run('id -u', chooseAccount()).exited
    expect(await readFile(path, 'utf8')).toBe(`${chooseAccount().uid}\n`)
  })

  test('is interrupted when the process that started it is killed', async () => {
    const script = join(await openTestFolder(), 'parent.mjs')
    const module = fileURLToPath(new URL('program.ts', import.meta.url))
    await writeFile(
      script,
      `import { runProgram } from '${module}'
       const wait = 'trap "echo interrupted; exit 0" INT; echo $$; while :; do sleep 0.02; done'
       runProgram('/bin/sh', ['-c', wait], { account: {}, output: 1 })
       console.log('started')`,
    )
    const parent = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]()
    const printed = [(await lines.next()).value, (await lines.next()).value]
    const pid = Number(printed.find((line) => line !== 'started'))
    expect(isRunning(pid)).toBe(true)
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    expect((await lines.next()).value).toBe('interrupted')
  })
})
