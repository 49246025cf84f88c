import { execFileSync } from 'node:child_process'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { isAlive } from '../../../test/process.ts'
import type { Event } from '../../events/event.ts'
import { givenLedger } from '../../findings/given.ts'
import { GiveUp } from '../../lib/error.ts'
import { noModel } from '../../models/fixtures/no-model.ts'
import { LEASE_MS, leaseTiming } from '../../queue/lease-timing.ts'
import type { AgentContext } from '../agent.ts'
import type { CommandOptions } from './command.ts'
import { command } from './command.ts'

const folders: string[] = []
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
})

function context(more: Partial<AgentContext<unknown>> = {}) {
  const lines: [string, unknown][] = []
  const given: AgentContext<unknown> = {
    job: { id: 'job-1', type: 'script', rule: 'r', attempt: 2 },
    input: { greeting: 'hi' },
    event: null,
    payload: { ref: 'refs/heads/main' },
    step: async (_, fn) => fn(),
    publish: async () => [],
    inherited: async () => undefined,
    findings: givenLedger(),
    sleep: async () => {},
    waitFor: async () => null,
    approval: async () => {
      throw new Error('Nobody can be asked here.')
    },
    workspace: async () => {
      const folder = await realpath(await mkdtemp(join(tmpdir(), 'command-')))
      folders.push(folder)
      return folder
    },
    checkout: async () => ({ folder: '/the/checkout', sha: 'a'.repeat(40), objects: '/the/objects' }),
    model: noModel,
    forge: null,
    log: (line, stream) => lines.push([line, stream]),
    signal: new AbortController().signal,
    now: () => new Date(),
    ...more,
  }
  return { given, lines }
}

function script(source: string, more: Partial<CommandOptions> = {}) {
  return command({ name: 'script', argv: ['sh', '-c', source], isolation: 'none', ...more })
}

function node(source: string, more: Partial<CommandOptions> = {}) {
  return command({ name: 'script', argv: [process.execPath, '-e', source], isolation: 'none', ...more })
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > end) throw new Error('it never came true')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('the job comes on standard input, the outcome goes back on file descriptor 3', async () => {
  const { given } = context()
  const answer = await node(`
    const fs = require('node:fs')
    const given = JSON.parse(fs.readFileSync(0, 'utf8'))
    const outputs = [{ kind: 'comment', repository: 'acme/shop', target: { issue: 1 }, body: given.payload.ref, key: 'k' }]
    fs.writeSync(3, JSON.stringify({ outputs, result: given }))`).run(given)
  expect(answer).toEqual({
    outputs: [{ kind: 'comment', repository: 'acme/shop', target: { issue: 1 }, body: 'refs/heads/main', key: 'k' }],
    result: { job: given.job, event: null, payload: given.payload, input: given.input },
  })
})

test('a list on file descriptor 3 is the outputs, which are checked later with those of all agents', async () => {
  const { given } = context()
  expect(await script(`printf '[{"kind":"unknown"}]' >&3`).run(given)).toEqual({ outputs: [{ kind: 'unknown' }] })
})

test('its lines are the log of the job', async () => {
  const { given, lines } = context()
  expect(await script('echo one; echo two >&2; printf three').run(given)).toEqual({})
  expect(lines.filter(([, stream]) => stream === 'stdout')).toEqual([
    ['one', 'stdout'],
    ['three', 'stdout'],
  ])
  expect(lines.filter(([, stream]) => stream === 'stderr')).toEqual([['two', 'stderr']])
})

test('lines end with a line feed, perhaps after a carriage return, and may be empty', async () => {
  const { given, lines } = context()
  await script(`printf 'a\\r\\n\\nb\\rc\\n'`).run(given)
  expect(lines.map(([line]) => line)).toEqual(['a', '', 'b\rc'])
})

test('a character that comes in two parts is one', async () => {
  const { given, lines } = context()
  const source = `process.stdout.write(Buffer.from([0xc3])); setTimeout(() => process.stdout.write(Buffer.from([0xa9, 10])), 50)`
  await node(source).run(given)
  expect(lines).toEqual([['é', 'stdout']])
})

test('the event comes without its body and its headers', async () => {
  const event = {
    id: 'e1',
    type: 'push',
    source: 'github',
    subject: 'main',
    actor: 'jane',
    facts: { branch: 'main' },
    body: new Uint8Array([1]),
    headers: { 'x-hub-signature-256': 'secret' },
  } as unknown as Event
  const echo = `const fs = require('node:fs'); fs.writeSync(3, JSON.stringify({ result: JSON.parse(fs.readFileSync(0, 'utf8')) }))`
  const { result } = await node(echo).run(context({ event, payload: undefined, input: undefined }).given)
  expect(result).toEqual({
    job: { id: 'job-1', type: 'script', rule: 'r', attempt: 2 },
    event: { id: 'e1', type: 'push', source: 'github', subject: 'main', actor: 'jane', facts: { branch: 'main' } },
    payload: null,
    input: null,
  })
})

test('it runs where its options say, and its folder is still its HOME', async () => {
  const report = `require('node:fs').writeSync(3, JSON.stringify({ result: [process.cwd(), process.env.HOME] }))`
  const { result } = await node(report, { cwd: '/' }).run(context().given)
  expect(result).toEqual(['/', folders[0]])
})

test('with cwd "repository" it runs in a checkout, and its folder is still its HOME', async () => {
  const checkout = await realpath(await mkdtemp(join(tmpdir(), 'command-')))
  folders.push(checkout)
  await writeFile(join(checkout, 'run.sh'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  const beside = await realpath(await mkdtemp(join(tmpdir(), 'command-')))
  folders.push(beside)
  const report = '#!/bin/sh\nprintf \'{"result": ["%s", "%s"]}\' "$PWD" "$HOME" >&3\n'
  await writeFile(join(beside, 'run.sh'), report, { mode: 0o755 })
  const agent = command({ name: 'x', argv: ['./run.sh'], cwd: 'repository' }).inFolder?.(beside)
  const { given } = context({ checkout: async () => ({ folder: checkout, sha: 'a', objects: '/nonexistent' }) })
  expect(await agent?.run(given)).toEqual({ result: [checkout, folders.at(-1)] })
})

test('its name and its description are those it was given', () => {
  expect(command({ name: 'a', argv: ['sh', '-c', 'x'] })).toMatchObject({ name: 'a', description: 'Runs sh.' })
  expect(command({ name: 'a', argv: ['sh'], description: 'Does it.' }).description).toBe('Does it.')
})

test('it is given the trace it is in', async () => {
  const { given } = context()
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const report = `require('node:fs').writeSync(3, JSON.stringify({ result: process.env.TRACEPARENT }))`
  expect(await node(report).run({ ...given, job: { ...given.job, traceparent } })).toEqual({ result: traceparent })
})

test('it sees only the environment it was given', async () => {
  process.env.COMMAND_TEST_SECRET = 'secret'
  process.env.COMMAND_TEST_NAMED = 'named'
  const { given } = context()
  const report = `require('node:fs').writeSync(3, JSON.stringify({ result: { env: process.env, cwd: process.cwd() } }))`
  const { result } = await node(report, { env: ['COMMAND_TEST_NAMED', 'COMMAND_TEST_ABSENT'] }).run(given)
  const { env, cwd } = result as { env: Record<string, string>; cwd: string }
  // A shell sets the limits, and these of its own.
  const names = Object.keys(env).filter((each) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(each))
  expect(names.sort()).toEqual(['COMMAND_TEST_NAMED', 'HOME', 'LANG', 'PATH', 'SIGNALBOX_PROCESS', 'TMPDIR'])
  expect(env).toMatchObject({ HOME: folders[0], TMPDIR: folders[0], COMMAND_TEST_NAMED: 'named' })
  expect(cwd).toBe(folders[0])
})

test('a variable that is named wins over the usual one', async () => {
  const report = `require('node:fs').writeSync(3, JSON.stringify({ result: process.env.HOME }))`
  expect(await node(report, { env: ['HOME'] }).run(context().given)).toEqual({ result: process.env.HOME })
})

test('a failure is retried with its last lines, exit code 78 gives up', async () => {
  const failure = script('for n in 1 2 3 4 5 6 7; do echo "line $n" >&2; done; exit 3').run(context().given)
  await expect(failure).rejects.toThrow('sh ended with exit code 3\nline 3\nline 4\nline 5\nline 6\nline 7')
  await expect(failure).rejects.not.toBeInstanceOf(GiveUp)
  await expect(script('echo no >&2; exit 78').run(context().given)).rejects.toThrow(GiveUp)
  await expect(script('kill -9 $$').run(context().given)).rejects.toThrow('sh was ended by SIGKILL')
  await expect(command({ name: 'x', argv: ['/no/such/program'] }).run(context().given)).rejects.toThrow(GiveUp)
})

test.each([
  ['not JSON', 'nonsense'],
  ['an unknown field', '{"outputs":[],"token":"x"}'],
  ['outputs that are no list', '{"outputs":{"kind":"labels"}}'],
  ['a text', '"done"'],
])('an answer with %s gives up', async (_, answer) => {
  await expect(script(`printf '%s' '${answer}' >&3`).run(context().given)).rejects.toThrow(GiveUp)
})

test('at the limit the whole group ends, also grandchildren that ignore SIGTERM', async () => {
  const controller = new AbortController()
  const { given, lines } = context({ signal: controller.signal })
  const source = `trap '' TERM; (trap '' TERM; echo "child $(exec sh -c 'echo $PPID')"; while :; do sleep 0.1; done) & echo "self $$"; wait; while :; do sleep 0.1; done`
  const run = script(source, { graceMs: 50 }).run(given)
  await until(() => lines.length === 2)
  controller.abort(new Error('time is up'))
  await expect(run).rejects.toThrow('time is up')
  const pids = lines.map(([line]) => Number(line.split(' ')[1]))
  await until(() => !pids.some(isAlive))
})

test('what it leaves running in the background ends with it', async () => {
  const { given, lines } = context()
  await script('sleep 1000 & echo $!; exit 0').run(given)
  const [[pid] = ['0']] = lines
  await until(() => !isAlive(Number(pid)))
})

test('when this process exits, what it runs ends too, also when it ignores SIGTERM', async () => {
  const source = `
    import { startProcessGroup } from ${JSON.stringify(new URL('process-group.ts', import.meta.url).href)}
    const argv = ['sh', '-c', 'trap "" TERM; echo $$; while :; do sleep 0.1; done']
    const group = startProcessGroup(argv, { cwd: '/', env: {}, signal: new AbortController().signal })
    group.stdout.setEncoding('utf8').on('data', (pid) => { process.stdout.write(pid, () => process.exit(0)) })`
  const args = ['--conditions=signalbox-source', '--input-type=module', '-e', source]
  const pid = Number(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  expect(pid).toBeGreaterThan(1)
  await until(() => !isAlive(pid))
})

/** A program that ends once what it has started has left its group, and has printed its id. */
function inSession(setsid: string): string {
  return `${setsid} sh -c 'echo $$; : > left; exec sleep 30' & until [ -e left ]; do sleep 0.01; done`
}

// By its environment, in /proc.
test.skipIf(process.platform !== 'linux')('what it leaves in a session of its own ends with it', async () => {
  const { given, lines } = context()
  await script(inSession('setsid')).run(given)
  const [[pid] = ['0']] = lines
  await until(() => !isAlive(Number(pid)))
})

test('a descendant in a session of its own, without its environment, does not delay the end of the job', async () => {
  const { given, lines } = context()
  await script(inSession('env -i setsid')).run(given)
  const [[pid] = ['0']] = lines
  process.kill(Number(pid))
})

test('an answer of more than five megabytes gives up, and the program does not hang on it', async () => {
  const source = `const fs = require('node:fs'); for (let n = 0; n < 6; n += 1) fs.writeSync(3, ' '.repeat(1_000_000))`
  expect(await node(source).run(context().given)).toEqual({})
  const full = source.replace("' '", "'1'")
  await expect(node(full).run(context().given)).rejects.toThrow(/larger than 5 MB/)
})

test('a program that may not be run is not worth a retry', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'command-'))
  folders.push(folder)
  await writeFile(join(folder, 'script'), '#!/bin/sh\n', { mode: 0o644 })
  const run = command({ name: 'x', argv: [join(folder, 'script')] }).run(context().given)
  await expect(run).rejects.toThrow(GiveUp)
  await expect(run).rejects.toThrow(/cannot be started/)
})

test('a job that was cancelled before it began starts nothing', async () => {
  const { given } = context({ signal: AbortSignal.abort(new Error('cancelled')) })
  await expect(script('echo no').run(given)).rejects.toThrow('cancelled')
  expect(folders).toEqual([])
})

test('a line without an end comes in pieces and does not fill the memory', async () => {
  const { given, lines } = context()
  await node(`process.stdout.write('x'.repeat(20_000_000) + '\\ny\\n')`).run(given)
  expect(Math.max(...lines.map(([line]) => line.length))).toBeLessThan(1_000_000)
  expect(lines.map(([line]) => line).join('')).toBe(`${'x'.repeat(20_000_000)}y`)
  expect(lines.at(-1)).toEqual(['y', 'stdout'])
})

test('the last lines of a failure are cut', async () => {
  const failing = node(`process.stderr.write('x'.repeat(1_000_000)); process.exitCode = 1`).run(context().given)
  const error = await failing.catch((reason: unknown) => reason)
  expect(String(error).length).toBeLessThan(21_000)
})

test('a program that does not read its input is no failure', async () => {
  const { given } = context({ payload: 'x'.repeat(5_000_000) })
  expect(await script('exit 0').run(given)).toEqual({})
})

test.each([
  [{ name: 'a', argv: './a.sh' }, 'command(): argv: must be a list'],
  [{ name: 'a', argv: [] }, 'command(): argv: must name the program to run'],
  [{ name: 'a', argv: ['x'], envs: ['A'] }, 'command(): unknown field "envs"'],
  [{ argv: ['x'] }, 'command(): name: is required'],
  [{ name: 'a', argv: ['x'], graceMs: leaseTiming(LEASE_MS).stopGraceMs }, 'command(): graceMs: '],
])('wrong options %j are refused when they are written', (options, problem) => {
  expect(() => command(options as unknown as CommandOptions)).toThrow(problem)
})
