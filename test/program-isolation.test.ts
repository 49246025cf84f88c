// Programs of agents that attack the service: what each tried, and what stopped it.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { AgentContext } from '../src/agents/agent.ts'
import type { CommandOptions } from '../src/agents/command/command.ts'
import { command } from '../src/agents/command/command.ts'
import type { Isolation, IsolationName } from '../src/agents/isolation/isolation.ts'
import { isolationFor, secretPaths, UNISOLATED } from '../src/agents/isolation/isolation.ts'
import { givenLedger } from '../src/findings/given.ts'
import { errorText } from '../src/lib/error.ts'
import type { Log } from '../src/lib/log.ts'
import { silentLog } from '../src/lib/log.ts'
import { noModel } from '../src/models/fixtures/no-model.ts'
import { isAlive, isRunningProgram } from './process.ts'
import { openTestSignalbox } from './signalbox.ts'
import { until } from './until.ts'

const PLANTED = 'planted-token-of-the-service'
const SOON = new AbortController().signal

// A stand-in for the service: a process of this account, whose environment and files have secrets.
let folder: string
let victim: ChildProcess
beforeAll(async () => {
  // Not in the temporary folder, which bubblewrap replaces as a whole.
  folder = await realpath(await mkdtemp(join(process.cwd(), 'node_modules/.isolation-')))
  await chmod(folder, 0o755)
  await mkdir(join(folder, '.signalbox/postgres'), { recursive: true, mode: 0o700 })
  await writeFile(join(folder, '.signalbox/postgres/signalbox.json'), JSON.stringify({ password: PLANTED }), {
    mode: 0o600,
  })
  await writeFile(join(folder, '.env'), `GITHUB_TOKEN=${PLANTED}\n`, { mode: 0o600 })
  await writeFile(join(folder, 'guide.txt'), 'open to all\n')
  await writeFile(join(folder, 'signalbox.config.ts'), 'export default {}\n')
  victim = spawn('sleep', ['1000'], { env: { PATH: process.env.PATH, GITHUB_TOKEN: PLANTED } })
  await once(victim, 'spawn')
  const docker = createServer((socket) => socket.end(PLANTED)).listen(join(folder, 'docker.sock'))
  await once(docker, 'listening')
  return async () => {
    victim.kill('SIGKILL')
    docker.close()
    await rm(folder, { recursive: true, force: true })
  }
})

function service(isolation: IsolationName) {
  return { isolation, hidden: secretPaths('.signalbox', null, folder) }
}

/** Runs a script as the program of an agent; returns what it printed, and its error. */
async function attack(
  isolation: IsolationName,
  source: string,
  more: Partial<CommandOptions> = {},
  given: Partial<AgentContext<unknown>> = {},
) {
  const home = await realpath(await mkdtemp(join(tmpdir(), 'isolation-')))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  const lines: string[] = []
  const context: AgentContext<unknown> = {
    job: { id: 'job-1', type: 'attacker', rule: 'r', attempt: 1 },
    input: {},
    event: null,
    payload: null,
    step: async (_, fn) => fn(),
    publish: async () => [],
    inherited: async () => undefined,
    findings: givenLedger(),
    sleep: async () => {},
    waitFor: async () => null,
    approval: async () => {
      throw new Error('Nobody can be asked here.')
    },
    workspace: async () => home,
    checkout: () => Promise.reject(new Error('none')),
    model: noModel,
    forge: null,
    log: (line) => lines.push(line),
    signal: SOON,
    now: () => new Date(),
    ...given,
  }
  const agent = command({ name: 'attacker', argv: ['/bin/sh', '-c', source], ...more })
  await agent.isolate?.(service(isolation))
  const error = await agent.run(context).then(() => null, errorText)
  return { home, printed: lines.join('\n'), error }
}

function node(source: string): Partial<CommandOptions> {
  return { argv: [process.execPath, '-e', source] }
}

async function problemOf(isolation: IsolationName, user?: string): Promise<string | null> {
  return isolationFor({ user }, service(isolation)).then(() => null, errorText)
}

/** Skips a test where the isolation does not work, and says why. */
async function need(context: TestContext, isolation: IsolationName, user?: string): Promise<void> {
  const problem = await problemOf(isolation, user)
  context.skip(problem !== null, problem ?? '')
}

const PTRACE = process.arch === 'arm64' ? 117 : 101
const PTRACE_ATTACH = 16

/** Attacks on what the service knows. Each prints the secret if it succeeds. */
const READERS: [string, () => string][] = [
  ["the environment of the service, by the parent's id", () => 'tr "\\0" "\\n" < /proc/$PPID/environ'],
  ['the environment of the service, by its id', () => `tr "\\0" "\\n" < /proc/${victim.pid}/environ`],
  ['the environment of every process', () => 'for each in /proc/[0-9]*/environ; do tr "\\0" "\\n" < $each; done'],
  ['the folder of the service, by its process', () => `cat /proc/${victim.pid}/root${folder}/.env`],
  ['the folder of the service, by the first process', () => `cat /proc/1/root${folder}/.env`],
  ['.env', () => `cat ${folder}/.env`],
  ["the database's password", () => `cat ${folder}/.signalbox/postgres/signalbox.json`],
  ['whatever there is to find', () => `grep -rs ${PLANTED.slice(0, -1)}[e] ${folder}`],
]

const BREAKERS: [string, () => string][] = [
  ['a signal to the service', () => `kill -9 ${victim.pid} && echo BROKEN`],
  ['a signal to every process', () => '(trap "" TERM; kill -TERM -1); true'],
  [
    'tracing the service',
    () => `perl -e 'print "BROKEN" if syscall(${PTRACE}, ${PTRACE_ATTACH}, ${victim.pid}, 0, 0) == 0'`,
  ],
  ['another configuration', () => `echo 'throw 1' > ${folder}/signalbox.config.ts && echo BROKEN`],
  [
    'a file of the system',
    () => 'for each in / /usr /etc /usr/bin /proc/sys/kernel; do echo > $each/broken && echo BROKEN; done',
  ],
]

describe('in bubblewrap', () => {
  test.for(READERS)('a program cannot read %s', async ([, source], context) => {
    await need(context, 'bubblewrap')
    const { printed } = await attack('bubblewrap', `${source()}; echo done`)
    expect(printed).not.toContain(PLANTED)
    expect(printed).toContain('done')
  })

  test.for(BREAKERS)('a program cannot do harm by %s', async ([, source], context) => {
    await need(context, 'bubblewrap')
    const { printed } = await attack('bubblewrap', source())
    expect(printed).not.toContain('BROKEN')
    expect(isAlive(victim.pid ?? 0)).toBe(true)
    expect(readFileSync(join(folder, 'signalbox.config.ts'), 'utf8')).toBe('export default {}\n')
  })

  test('sockets of the machine are not there, the one of Docker among them', async (context) => {
    await need(context, 'bubblewrap')
    const source = `
      const { connect } = require('node:net')
      for (const path of ['${folder}/docker.sock', '/run/docker.sock', '/var/run/docker.sock'])
        connect(path).on('data', (text) => console.log(String(text))).on('error', ({ code }) => console.log(code))`
    expect((await attack('bubblewrap', '', node(source))).printed).toBe('ENOENT\nENOENT\nENOENT')
    expect((await attack('none', '', node(source))).printed).toContain(PLANTED)
  })

  test('the program sees no process but its own, and no folder but its own', async (context) => {
    await need(context, 'bubblewrap')
    const { printed, home } = await attack('bubblewrap', 'ls /proc | grep -c "^[0-9]"; ls /tmp; ls /home /root /var; :')
    const [processes, ...rest] = printed.split('\n')
    expect(Number(processes)).toBeLessThan(8)
    expect(rest.filter((line) => !line.startsWith('ls: '))).toEqual([home.split('/').at(-1)])
  })

  test('folders that are named are readable or writable, without the secrets in them', async (context) => {
    await need(context, 'bubblewrap')
    const source = `cat ${folder}/guide.txt; ls -A ${folder}/.signalbox; cat ${folder}/.env; echo new > ${folder}/guide.txt || echo refused`
    const { printed } = await attack('bubblewrap', source, { read: [folder] })
    expect(printed.split('\n')[0]).toBe('open to all')
    expect(printed).toContain('refused')
    expect(printed).not.toContain(PLANTED)
    const shared = await mkdtemp(join(folder, 'shared-'))
    const account = await isolationFor({}, service('bubblewrap')).then(accountIn)
    if (account) await chown(shared, account.uid, account.uid)
    const writing = `echo new > ${shared}/file; cat ${folder}/.env ${folder}/.signalbox/*; rm -rf ${folder}/.signalbox`
    const second = await attack('bubblewrap', writing, { read: [folder], write: [shared] })
    expect(second.printed).not.toContain(PLANTED)
    expect(readFileSync(join(shared, 'file'), 'utf8')).toBe('new\n')
    expect(existsSync(join(folder, '.signalbox/postgres/signalbox.json'))).toBe(true)
  })

  test('a link in its folder leads to nothing outside, not even as the program or its folder', async (context) => {
    await need(context, 'bubblewrap')
    const home = await realpath(await mkdtemp(join(tmpdir(), 'isolation-')))
    onTestFinished(() => rm(home, { recursive: true, force: true }))
    await writeFile(join(folder, 'tool'), `#!/bin/sh\necho ${PLANTED}\n`, { mode: 0o755 })
    onTestFinished(() => rm(join(folder, 'tool')))
    await symlink(join(folder, 'tool'), join(home, 'tool'))
    await symlink(folder, join(home, 'folder'))
    const given = { workspace: async () => home }
    const tool = await attack('bubblewrap', '', { argv: ['./tool'], cwd: home }, given)
    expect(tool).toMatchObject({
      printed: expect.not.stringContaining(PLANTED),
      error: expect.stringContaining('tool'),
    })
    const inside = await attack('bubblewrap', 'cat tool', { cwd: join(home, 'folder') }, given)
    expect(inside.printed).not.toContain(PLANTED)
    // Root gives the folder to the account of the program, and nothing that a link in it leads to.
    expect(statSync(join(folder, 'guide.txt')).uid).toBe(process.getuid?.())
  })

  test('a folder of everything does not bring the processes of the machine', async (context) => {
    await need(context, 'bubblewrap')
    const source = `cat /proc/${victim.pid}/environ ${folder}/.env ${folder}/.signalbox/postgres/*; ls ${folder}`
    const { printed } = await attack('bubblewrap', source, { read: ['/'] })
    expect(printed).toContain('guide.txt')
    expect(printed).not.toContain(PLANTED)
  })

  test('without a network it reaches nothing, not even this machine', async (context) => {
    await need(context, 'bubblewrap')
    const server = createServer((socket) => socket.end('reached')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    const source = `require('node:net').connect(${port}, '127.0.0.1')
      .on('data', (text) => console.log(String(text))).on('error', ({ code }) => console.log(code))`
    expect((await attack('bubblewrap', '', { ...node(source), network: 'none' })).printed).toBe('ECONNREFUSED')
    expect((await attack('bubblewrap', '', node(source))).printed).toBe('reached')
  })

  test('it reaches the hosts that are named, through a proxy, and no others', async (context) => {
    await need(context, 'bubblewrap')
    const server = createHttpServer((_, response) => response.end('reached')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    const source = `
      const { request } = require('node:http')
      const { hostname: host, port } = new URL(process.env.HTTPS_PROXY)
      const ask = (path) => new Promise((resolve) => request({ host, port, method: 'CONNECT', path })
        .on('connect', ({ statusCode }, socket) => {
          if (statusCode !== 200) return resolve(console.log(statusCode))
          socket.on('data', (text) => { console.log(String(text).split('\\r\\n').at(-1)); socket.destroy(); resolve() })
          socket.write('GET / HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n')
        }).end())
      const all = async () => {
        for (const path of ['localhost:${port}', 'LOCALHOST:${port}', '127.0.0.1:${port}', 'localhost:1', 'a/b:443'])
          await ask(path)
        await new Promise((resolve) => require('node:net').connect(${port}, '127.0.0.1').on('error', ({ code }) => resolve(console.log(code))))
        require('node:fs').writeSync(3, '{"result":1}')
        process.exit(7)
      }
      all()`
    const network = { allow: [`localhost:${port}`] }
    const { printed, error } = await attack('bubblewrap', '', { ...node(source), network })
    const lines = printed.split('\n')
    const refused = (target: string) => `network: ${target} was refused: network.allow does not name it`
    expect(lines.filter((line) => !line.startsWith('network'))).toEqual([
      'reached',
      'reached',
      ...Array.from({ length: 3 }, () => '403'),
      'ECONNREFUSED',
    ])
    expect(lines.filter((line) => line.startsWith('network'))).toEqual([
      refused(`127.0.0.1:${port}`),
      refused('localhost:1'),
      refused('a/b:443'),
    ])
    expect(error).toContain('ended with exit code 7')
  })

  test('what leaves the group, the session and the environment ends with the program', async (context) => {
    await need(context, 'bubblewrap')
    const seconds = 90_000 + process.pid
    await attack(
      'bubblewrap',
      `env -i setsid sleep ${seconds} & until grep -qs ${seconds} /proc/[0-9]*/cmdline; do :; done`,
    )
    await until('the daemon has ended', async () => !isRunningProgram(String(seconds)))
  })

  test('a fork bomb has no more processes than it may', async (context) => {
    await need(context, 'bubblewrap')
    const bomb = `
      const { spawn } = require('node:child_process')
      let started = 0
      for (let n = 0; n < 600; n += 1) spawn('sleep', ['60']).on('error', () => {}).on('spawn', () => { started += 1 })
      setTimeout(() => { console.log(started); process.exit() }, 500)`
    const { printed } = await attack('bubblewrap', '', { ...node(bomb), limits: { processes: 200 } })
    expect(Number(printed)).toBeLessThan(200)
  })

  test('files in memory have a limit', async (context) => {
    await need(context, 'bubblewrap')
    const fill = (path: string) => `head -c 300000000 /dev/zero > ${path}/big; stat -c %s ${path}/big`
    const { printed } = await attack(
      'bubblewrap',
      `${fill('/tmp')}; ${fill('/dev/shm')}; echo > /dev/big || echo refused`,
    )
    expect(printed.match(/^\d+$/gm)?.map(Number)).toEqual([268435456, 268435456])
    expect(printed).toContain('refused')
  })

  test('SIGTERM comes to the program, which may end by itself', async (context) => {
    await need(context, 'bubblewrap')
    const controller = new AbortController()
    const lines: string[] = []
    const onLine = (line: string) => {
      lines.push(line)
      if (line === 'ready') controller.abort(new Error('time is up'))
    }
    const source = 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.05; done'
    const { error } = await attack('bubblewrap', source, {}, { signal: controller.signal, log: onLine })
    expect(error).toBe('time is up')
    expect(lines.filter((line) => line !== 'Terminated')).toEqual(['ready', 'bye'])
  })

  test('a variable that is passed on is in no list of processes', async (context) => {
    await need(context, 'bubblewrap')
    process.env.ISOLATION_TEST_KEY = 'a-passed-on-key'
    const controller = new AbortController()
    const run = attack(
      'bubblewrap',
      'echo $ISOLATION_TEST_KEY; sleep 60',
      { env: ['ISOLATION_TEST_KEY'] },
      {
        signal: controller.signal,
        log: (line) => {
          expect(line).toBe('a-passed-on-key')
          expect(isRunningProgram('a-passed-on-key')).toBe(false)
          controller.abort(new Error('seen'))
        },
      },
    )
    expect((await run).error).toBe('seen')
  })
})

describe('as another account', () => {
  const user = 'nobody'

  test.for(READERS)('a program cannot read %s', async ([, source], context) => {
    await need(context, 'user', user)
    const { printed } = await attack('user', `${source()}; echo done`, { user })
    expect(printed).not.toContain(PLANTED)
    expect(printed).toContain('done')
  })

  test('its folder is its own, and it has no other group and no way back', async (context) => {
    await need(context, 'user', user)
    const source = 'echo ok > file && cat file; id -u; id -G; grep NoNewPrivs /proc/self/status | cut -f2'
    const [ok, uid, groups, locked] = (await attack('user', source, { user })).printed.split('\n')
    expect([ok, locked]).toEqual(['ok', '1'])
    expect(uid).toBe(String(65_534))
    expect(groups?.split(' ')).toHaveLength(1)
  })

  test('the start is refused when that account can read the secrets', async (context) => {
    await need(context, 'user', user)
    for (const name of ['.env', '.signalbox/postgres/signalbox.json']) {
      const file = join(folder, name)
      const remedy = `run chmod go-rw ${file}, or name another account`
      await chmod(join(folder, '.signalbox'), 0o711)
      await chmod(join(folder, '.signalbox/postgres'), 0o711)
      await chmod(file, 0o644)
      expect(await problemOf('user', user)).toBe(`user: nobody can read ${file}: ${remedy}`)
      await chmod(file, 0o600)
      expect(await problemOf('user', user)).toBeNull()
    }
  })

  test('an account that is not there, or is root, is refused', async (context) => {
    await need(context, 'user', user)
    expect(await problemOf('user', 'no-such-account')).toContain('there is no account "no-such-account"')
    expect(await problemOf('user', 'root')).toContain('has the rights of root')
  })
})

describe('without isolation', () => {
  test('the start says once what programs can read, and they can', async () => {
    const warnings: string[] = []
    const log = { ...silentLog, warn: (text: unknown) => warnings.push(String(text)) } as Log
    const agents = ['first', 'second'].map((name) => command({ name, argv: ['true'], isolation: 'none' }))
    const signalbox = await openTestSignalbox({ config: { agents }, log })
    await signalbox.close()
    expect(warnings.filter((text) => text.includes('isolation'))).toEqual([
      'Programs of these agents run without isolation, isolation is "none": first, second. ' +
        `They can read ${UNISOLATED}.`,
    ])
    const read = `tr "\\0" "\\n" < /proc/${victim.pid}/environ; cat ${folder}/.env ${folder}/.signalbox/postgres/*`
    expect((await attack('none', read)).printed.split(PLANTED)).toHaveLength(4)
  })

  test('what to do about it depends on who asked for it', async () => {
    const service = { isolation: 'none' as const, hidden: [] }
    expect(await isolationFor({}, service)).toMatchObject({ remedy: 'Remove SIGNALBOX_ISOLATION, unless it is meant' })
    expect(await isolationFor({ isolation: 'none' }, service)).toMatchObject({
      remedy: "Remove `isolation: 'none'` of the agent, unless it is meant",
    })
  })

  test('a service whose agent cannot have its isolation does not start, and says which', async () => {
    const agents = [command({ name: 'closed', argv: ['true'], isolation: 'none', network: 'none' })]
    await expect(openTestSignalbox({ config: { agents } })).rejects.toMatchObject({
      code: 'config_invalid',
      detail: 'agent "closed": network: "none" needs bubblewrap; isolation is "none"',
    })
  })

  test('user without an account is refused, and an account without isolation', async () => {
    expect(await problemOf('none', 'nobody')).toBe('user: would not be used, because isolation is "none"')
    expect(await problemOf('user')).toBe('user: must name an account: set it, or SIGNALBOX_PROGRAM_USER')
  })
})

describe('limits, whatever the isolation', () => {
  test.each(['none', 'auto'] as const)('memory and the size of files, with %s', async (isolation) => {
    const hog = `const all = []; for (let mb = 0; mb < 2000; mb += 50) all.push(Buffer.alloc(50_000_000, 1)); console.log('BROKEN')`
    const memory = await attack(isolation, '', { ...node(hog), limits: { memoryMb: 600 } })
    expect(memory.printed).not.toContain('BROKEN')
    expect(memory.error).not.toBeNull()
    const filler = 'head -c 5000000 /dev/zero > big'
    const { home, error } = await attack(isolation, filler, { limits: { fileMb: 2 } })
    expect(error).toContain('sh ended with exit code')
    expect(statSync(join(home, 'big')).size).toBe(2 * 1024 * 1024)
  })

  test.each(['none', 'auto'] as const)('open files, with %s', async (isolation) => {
    const { printed } = await attack(isolation, 'ulimit -n; ulimit -c', { limits: { openFiles: 50 } })
    expect(printed).toBe('50\n0')
  })

  test('a program that prints without end is ended', async () => {
    const { error } = await attack('none', 'exec cat /dev/zero', { limits: { outputMb: 1 } })
    expect(error).toBe('The program printed more than 1 MB.')
  })

  test('limits and folders that are not valid are refused when they are written', () => {
    const limits = { memoryMb: 0 }
    expect(() => command({ name: 'a', argv: ['true'], limits })).toThrow('command(): limits.memoryMb: ')
    expect(() => command({ name: 'a', argv: ['true'], read: [''] })).toThrow('read.0: ')
  })
})

function accountIn(isolation: Isolation) {
  return isolation.kind === 'none' ? null : isolation.account
}
