// What is signalled when a process has ended, seen from outside: each test kills a real process.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isAlive, isRunningProgram } from '../../test/process.ts'
import { until } from '../../test/signalbox.ts'
import { endWithUs } from './end-with-us.ts'

const MODULE = fileURLToPath(new URL('end-with-us.ts', import.meta.url))

/** A process that runs `source`, with the first line that it prints. */
async function start(source: string): Promise<{ parent: ChildProcess; line: string }> {
  const program = `import { spawn } from 'node:child_process'; import { writeSync } from 'node:fs'; import { endWithUs } from '${MODULE}'; ${source}`
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript']
  const parent = spawn(process.execPath, [...flags, '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void parent.kill('SIGKILL'))
  const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]()
  return { parent, line: String((await lines.next()).value) }
}

async function killed(parent: ChildProcess): Promise<void> {
  parent.kill('SIGKILL')
  await once(parent, 'exit')
}

/** `sleep` as the leader of a group of its own, watched. */
const SLEEP = `
  const sleep = (signal = 'KILL', group = true) =>
    endWithUs(() => spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }), { signal, group })`
const STAY = 'setInterval(() => {}, 1000)'

describe('when a process is killed by SIGKILL', () => {
  test('a process group that ignores SIGTERM ends with it, whole', async () => {
    const { parent, line } = await start(`
      const source = "trap '' TERM INT; sleep 600 & echo $$ $!; while :; do sleep 600; done"
      const options = { detached: true, stdio: ['ignore', 'pipe', 'ignore'] }
      const child = endWithUs(() => spawn('/bin/sh', ['-c', source], options), { signal: 'KILL', group: true })
      child.stdout.pipe(process.stdout)`)
    const pids = line.split(' ').map(Number)
    expect(pids.map(isAlive)).toEqual([true, true])
    await killed(parent)
    await until('both have ended', async () => !pids.some(isAlive))
  })

  test('a process that it has started in this moment, and not seen yet, ends with it', async () => {
    const mark = randomUUID()
    const { parent } = await start(`
      endWithUs(() => {
        const env = { ...process.env, SIGNALBOX_PROCESS: '${mark}' }
        spawn('sh', ['-c', 'sleep 600; true', '${mark}'], { detached: true, stdio: 'ignore', env })
        writeSync(1, 'started\\n')
        process.kill(process.pid, 'SIGKILL')
      }, { signal: 'KILL', group: true, mark: '${mark}' })`)
    if (parent.exitCode === null && parent.signalCode === null) await once(parent, 'exit')
    await until('it has ended', async () => !isRunningProgram(mark))
  })

  test('each process gets its own signal', async () => {
    const { parent, line } = await start(`
      ${SLEEP}
      console.log(sleep('INT', false).pid, sleep().pid)
      ${STAY}`)
    const pids = line.split(' ').map(Number)
    await killed(parent)
    await until('both have ended', async () => !pids.some(isAlive))
  })

  test('the group of a process that ended before is left alone', async () => {
    const { parent, line } = await start(`
      ${SLEEP}
      const options = { detached: true, stdio: ['ignore', 'pipe', 'ignore'] }
      const gone = endWithUs(() => spawn('/bin/sh', ['-c', 'sleep 600 >&2 & echo $!'], options), { signal: 'KILL', group: true })
      gone.stdout.on('data', (pid) => {
        gone.once('exit', () => console.log(pid.toString().trim(), sleep().pid))
      })
      ${STAY}`)
    const [left = 0, watched = 0] = line.split(' ').map(Number)
    onTestFinished(() => void process.kill(left, 'SIGKILL'))
    await killed(parent)
    await until('the other has ended', async () => !isAlive(watched))
    expect(isAlive(left)).toBe(true)
  })
})

describe('what is leased', () => {
  const LEASED = `
    import { endWithLease } from '${MODULE}'
    const options = { detached: true, stdio: 'ignore' }
    const sleep = (isLeased) => endWithUs(() => spawn('sleep', ['600'], options), { signal: 'KILL', group: true, isLeased })`

  test('ends while its process is frozen, before the lease is over, and nothing else does', async () => {
    const { parent, line } = await start(`${LEASED}
      endWithLease(() => 3000)
      console.log(sleep(true).pid, sleep(false).pid)
      setInterval(() => {}, 1000)`)
    const [leased = 0, other = 0] = line.split(' ').map(Number)
    // It goes on for longer than a lease as long as its process does.
    await wait(3300)
    expect([leased, other].map(isAlive)).toEqual([true, true])
    parent.kill('SIGSTOP')
    await until('it has ended', async () => !isAlive(leased))
    expect(isAlive(other)).toBe(true)
    await killed(parent)
    await until('the other has ended', async () => !isAlive(other))
  })

  test('ends while the event loop is blocked', async () => {
    const { line } = await start(`${LEASED}
      endWithLease(() => 1000)
      console.log(sleep(true).pid)
      setTimeout(() => { for (;;); }, 200)`)
    await until('it has ended', async () => !isAlive(Number(line)))
  })

  test('may run for any time once nothing is leased any more', async () => {
    const { parent, line } = await start(`${LEASED}
      let left = 500
      endWithLease(() => left)
      const { pid } = sleep(true)
      setTimeout(() => { left = null }, 100)
      setTimeout(() => console.log(pid), 400)`)
    parent.kill('SIGSTOP')
    await wait(1000)
    expect(isAlive(Number(line))).toBe(true)
  })
})

test.runIf(existsSync('/proc/self/task'))('a watcher that was killed is replaced, with all it knew', async () => {
  const { parent, line } = await start(`
    import { readFileSync } from 'node:fs'
    ${SLEEP}
    const children = () => readFileSync(\`/proc/self/task/\${process.pid}/children\`, 'utf8').trim().split(' ').map(Number)
    const one = sleep().pid
    process.kill(children().find((pid) => pid !== one), 'SIGKILL')
    const waiting = setInterval(() => {
      if (children().length > 1) return
      clearInterval(waiting)
      console.log(one, sleep().pid)
      ${STAY}
    }, 10)`)
  const pids = line.split(' ').map(Number)
  await killed(parent)
  await until('both have ended', async () => !pids.some(isAlive))
})

test('a process ends although it has something watched, and that ends too', async () => {
  const { parent, line } = await start(`
    ${SLEEP}
    const child = sleep()
    child.unref()
    console.log(child.pid)`)
  if (parent.exitCode === null) await once(parent, 'exit')
  expect(parent.exitCode).toBe(0)
  await until('it has ended', async () => !isAlive(Number(line)))
})

test('a program that cannot be started fails as it does unwatched', async () => {
  const child = endWithUs(() => spawn('/no/such/program'), { signal: 'KILL', group: false })
  expect(await once(child, 'error')).toMatchObject([{ code: 'ENOENT' }])
})
