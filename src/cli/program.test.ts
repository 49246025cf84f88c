// The command line as a whole, in this process, without a server.
import { SignalboxError } from '@signalbox/sdk'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { call, testTerminal } from '../../test/terminal.ts'
import { failureOf } from './failure.ts'
import { buildProgram } from './program.ts'

function commandsUnder(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsUnder)]
}

test('every command that does something has an example that names it', async () => {
  const leaves = commandsUnder(await buildProgram(testTerminal().terminal, () => true)).filter(
    ({ commands }) => commands.length === 0,
  )
  for (const leaf of leaves) {
    const words: string[] = []
    for (let at: Command | null = leaf; at !== null; at = at.parent) words.unshift(at.name())
    const { code, out } = await call([...words.slice(1), '--help'])
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`Examples?:\\n(.*\\n)*.*${words.join(' ')}`))
  }
  expect(leaves.length).toBeGreaterThan(20)
})

test.each([
  [['nonsense'], "Unknown command 'nonsense'."],
  [['help', 'nonsense'], "Unknown command 'nonsense'."],
  [['jobs', 'ls', '--status', 'done'], 'Allowed choices are pending'],
  [['jobs', 'ls', '--limit', '0'], 'It must be a number from 1 to 100.'],
  [['jobs', 'show'], "Missing required argument 'job-id'."],
  [['deploy', '--app', 'bot', '--config', 'x.json'], "Required option '--env <name>' not specified."],
  [['events', 'ls', '--server', 'localhost'], 'It must be an address'],
])('wrong usage %j ends with 2 and says so once', async (args, expected) => {
  const { code, out, err } = await call(args)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain(expected)
  expect(err.match(/signalbox: /g)).toHaveLength(1)
})

test('a noun without a verb shows its help', async () => {
  const { code, err } = await call(['jobs'])
  expect(code).toBe(2)
  expect(err).toContain('show [options] <job-id>')
})

test('no server is an expected failure, as text or as JSON', async () => {
  const env = { SIGNALBOX_URL: 'http://127.0.0.1:9' }
  expect(await call(['jobs', 'ls'], { env })).toMatchObject({
    code: 1,
    err: expect.stringContaining('→ Start one with: signalbox dev'),
  })
  const { code, out, err } = await call(['jobs', 'ls', '--json'], { env })
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(JSON.parse(err)).toMatchObject({
    code: 'unreachable',
    detail: expect.stringMatching(/^There is no answer from http:\/\/127\.0\.0\.1:9\. ./),
  })
})

test.each([
  ['jobs', 'logs', 'abcdef', '--follow'],
  ['events', 'tail'],
])('following by %s %s where no server is ends at once', async (...args) => {
  const { code, err } = await call(args, { env: { SIGNALBOX_URL: 'http://127.0.0.1:9' } })
  expect([code, err]).toEqual([1, expect.stringContaining('There is no answer')])
})

test('where something is not there, every list is named', async () => {
  const program = await buildProgram(testTerminal().terminal, () => true)
  const lists = program.commands.filter(({ commands }) => commands.some((each) => each.name() === 'ls'))
  const { hint } = failureOf(new SignalboxError(404, 'not_found', 'There is no node "x".'))
  for (const list of lists) expect(hint).toContain(`${list.name()} ls`)
  expect(hint).toContain('sources')
})

test('a wrong setting is named before anything is done', async () => {
  const { code, err } = await call(['jobs', 'ls'], { env: { PORT: 'x' } })
  expect(code).toBe(1)
  expect(err).toContain('PORT: must be a whole number')
})

test('the stack is for who asks for it', async () => {
  const env = { SIGNALBOX_URL: 'http://127.0.0.1:9', ORCHESTRATOR_LOG_LEVEL: 'debug' }
  expect((await call(['jobs', 'ls'], { env })).err).toMatch(/\n {4}at .*\n[\s\S]*because of /)
})

test('two processes need one database', async () => {
  expect(await call(['serve', '--only', 'receiver'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('Set DATABASE_URL'),
  })
})

test('a command that is not used is known by its name only', async () => {
  const program = await buildProgram(testTerminal().terminal, (name) => name === 'jobs')
  const loaded = program.commands.filter(({ commands, options }) => commands.length + options.length > 0)
  expect(loaded.map((command) => command.name())).toEqual(['jobs'])
})

test.each([
  [['help', 'jobs'], 'log|logs [options] <job-id>'],
  [['help', 'serve'], '--only <part>'],
  [['jobs', 'ls', '--help'], '--status <status>'],
  [['--json', 'trigger', '--help'], 'signalbox trigger [options] [job-type]'],
])('%j shows the help of that command', async (args, expected) => {
  const { code, out, err } = await call(args)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain(expected)
})

test('the help names every command, and fits a terminal of 80 columns', async () => {
  const { out } = await call(['--help'], { columns: 80 })
  for (const name of ['dev', 'serve', 'doctor', 'deploy', 'trigger', 'jobs', 'rules', 'secret']) {
    expect(out).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
  }
  expect(out).toContain('1 expected failure')
  for (const line of out.split('\n').filter((each) => !each.includes('http')))
    expect(line.length).toBeLessThanOrEqual(80)
})

test('the version is that of the package', async () => {
  expect(await call(['--version'])).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: '' })
})

test('nothing at all shows the help and ends with 2', async () => {
  const { code, err } = await call([])
  expect(code).toBe(2)
  expect(err).toContain('Run it:')
})

test('wrong usage is an object with --json, wherever that stands', async () => {
  for (const args of [
    ['--json', 'jobs', 'ls', '--limit', 'x'],
    ['jobs', 'ls', '--limit', 'x', '--json'],
  ]) {
    const { code, err } = await call(args)
    expect({ code, ...JSON.parse(err) }).toMatchObject({ code: 'usage', detail: expect.stringContaining('1 to 100') })
  }
})
