// The command line as an operator meets it: real processes in an empty folder.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { openTestDatabase } from './database.ts'
import type { Running } from './process.ts'
import { run } from './process.ts'
import { until } from './signalbox.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'))
  // Root's PostgreSQL runs as somebody else, who must be able to get in.
  await chmod(folder, 0o711)
  return () => rm(folder, { recursive: true, force: true })
})

async function call(args: string[], env: Record<string, string> = {}) {
  const running = run(args, { cwd: folder, env })
  return { code: await running.exited, text: running.output() }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('it shows its help, and a wrong word ends with 2', async () => {
  const [help, wrong] = await Promise.all([call(['--help']), call(['job'])])
  expect(help).toMatchObject({ code: 0, text: expect.stringContaining('signalbox dev') })
  expect(wrong).toEqual({ code: 2, text: expect.stringMatching(/Unknown command 'job'.*Did you mean jobs\?/) })
})

/** The packages and the modules of this program that a command loads. */
async function loadedBy(args: string[]): Promise<{ packages: string[]; modules: string[] }> {
  const hook = `import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
    process.on('exit', () => process.stderr.write('LOADED ' + JSON.stringify(loaded)))`
  const root = fileURLToPath(new URL('..', import.meta.url))
  const { stderr } = await promisify(execFile)(
    process.execPath,
    [
      '--conditions=signalbox-source',
      '--disable-warning=ExperimentalWarning',
      `--import=data:text/javascript,${encodeURIComponent(hook)}`,
      `${root}src/cli/signalbox.ts`,
      ...args,
    ],
    { cwd: folder, env: { PATH: process.env.PATH ?? '' } },
  ).catch((error: { stderr: string }) => error)
  const urls = JSON.parse(/LOADED (.*)$/s.exec(stderr)?.[1] ?? '[]') as string[]
  const packages = urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? [])
  const modules = urls.flatMap((url) =>
    url.startsWith(`file://${root}src/`) ? url.slice(`file://${root}src/`.length) : [],
  )
  return { packages: [...new Set(packages)].sort(), modules }
}

test('the help loads the parser of the command line and nothing else', async () => {
  for (const args of [['--help'], ['--version'], []]) {
    const { packages, modules } = await loadedBy(args)
    expect({ args, packages }).toEqual({ args, packages: ['commander'] })
    expect(
      modules.filter(
        (module) =>
          !/^(cli\/(signalbox|oldest-node|process|program|terminal|text|exit-code)|lib\/(version|control-characters|compile-cache))\.ts$/.test(
            module,
          ),
      ),
    ).toEqual([])
  }
})

test('a command that asks a server loads neither a server nor a database', async () => {
  const { packages, modules } = await loadedBy(['jobs', 'ls', '--server', 'http://127.0.0.1:9'])
  expect(packages.filter((name) => /octokit|^hono$|@hono|^pg|undici|execa|embedded/.test(name))).toEqual([])
  expect(modules.filter((module) => /^(http|db|queue|main|pipeline)/.test(module))).toEqual([])
})

test('a pipe that is closed early is no failure', async () => {
  const command = `"${fileURLToPath(new URL('../bin/signalbox', import.meta.url))}" rules ls --local --json | head -c 1; true`
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', `set -o pipefail; ${command}`], { cwd: folder })
  expect({ stdout, stderr }).toEqual({ stdout: '{', stderr: '' })
})

test('a .env file is read, the environment wins, and a wrong value in it is named', async () => {
  await writeFile(join(folder, '.env'), 'SIGNALBOX_URL=http://127.0.0.1:9\nPORT=abc\n')
  const wrong = await call(['jobs', 'ls'])
  expect(wrong).toEqual({ code: 1, text: expect.stringContaining('PORT: must be a whole number') })
  const asked = await call(['jobs', 'ls'], { PORT: '1' })
  expect(asked).toEqual({ code: 1, text: expect.stringContaining('There is no answer from http://127.0.0.1:9.') })
  // What the shell has is not sent where the folder's file says.
  const withheld = await call(['jobs', 'ls'], { PORT: '1', SIGNALBOX_API_TOKEN: 'an-api-token-of-the-shell' })
  expect(withheld).toEqual({ code: 1, text: expect.stringContaining('the token is not sent there') })
  await rm(join(folder, '.env'))
})

test('colour is for terminals: a pipe gets none', async () => {
  const { text } = await call(['doctor'], { DATABASE_URL: 'postgres://127.0.0.1:9/x', PORT: '0' })
  expect(text).toContain('✗ database')
  expect(text).not.toContain('\u001b')
})

test('what serves requests starts with a larger heap', async () => {
  const service: Running = run(['--json', 'dev'], { cwd: folder, env: { PORT: '0' } })
  await service.prints(/"url": "http/)
  const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', `${service.child.pid}`])
  expect(stdout).toContain('--max-semi-space-size=64 --min-semi-space-size=64 --initial-old-space-size=256')
  expect(await service.kill('SIGTERM')).toBe(0)
})

test('doctor in a folder without settings says what is closed, starts what it can, and passes', async () => {
  const database = await openTestDatabase()
  const { code, text } = await call(['doctor'], { DATABASE_URL: database.url, PORT: '0', NO_COLOR: '1' })
  expect(text).toMatch(/^✓ Node\.js/m)
  expect(text).toMatch(/^! source github +closed.* → .*GITHUB_WEBHOOK_SECRET/m)
  expect(text).toMatch(/^✓ migrations +all applied/m)
  expect({ code, last: text.trimEnd().split('\n').at(-1) }).toEqual({
    code: 0,
    last: expect.stringMatching(/^It works, with/),
  })
  await database.close()
})

test('doctor ends with 1 when something must be put right', async () => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:9/x', PORT: '0', MAX_CONCURRENT_JOBS: 'many' }
  const { code, text } = await call(['doctor', '--json'], env)
  expect(code).toBe(1)
  const problems = JSON.parse(text).checks.filter(({ status }: { status: string }) => status === 'problem')
  expect(problems.map(({ name }: { name: string }) => name)).toEqual(['MAX_CONCURRENT_JOBS', 'database'])
})

test('dev needs nothing: it triggers, deploys, explains, and leaves no process behind', async () => {
  // A .env file is read, and the real environment wins.
  await writeFile(join(folder, '.env'), 'PORT=1\nGITHUB_WEBHOOK_SECRET=a-secret-from-the-env-file\n')
  const dev: Running = run(['dev'], { cwd: folder, env: { PORT: '0' } })
  const [, url = ''] = await dev.prints(/curl -X POST (\S+)\/webhook\/manual\n.*\n/)
  expect(dev.output()).toContain(`POST ${url}/webhook/github`)
  const env = { SIGNALBOX_URL: url }

  const { jobs } = JSON.parse((await call(['trigger', '--json'], env)).text)
  await until('the job is done', async () => (await call(['jobs', 'show', jobs[0]], env)).text.includes('completed'))

  await writeFile(join(folder, 'config.json'), '{"temperature":0.5}')
  const deploy = ['deploy', '--app', 'bot', '--env', 'production', '--config', 'config.json', '--no-wait', '--json']
  const deployed = JSON.parse((await call(deploy, env)).text)
  expect(deployed).toMatchObject({ sequence: 1, jobs: [] })
  const explained = await call(['rules', 'explain', deployed.event_id], env)
  expect(explained).toEqual({ code: 0, text: expect.stringContaining('✗ rule deployment-pr: Off (set GITHUB_TOKEN') })

  // Everything but the bare trigger needs the token, which the commands above found by themselves.
  expect((await fetch(`${url}/api/jobs`)).status).toBe(401)
  const tries = [...dev.output().matchAll(/^ {2}curl (.*)$/gm)].map(([, rest]) => `curl -sS --fail-with-body ${rest}`)
  expect(tries).toHaveLength(2)
  for (const line of tries) {
    const { stdout } = await promisify(execFile)('sh', ['-euc', line], { cwd: folder })
    expect(stdout).toMatch(/"received":true|"items":/)
  }
  const token = await readFile(join(folder, '.signalbox/api-token'), 'utf8')

  expect((await call(['db', 'url'])).text).toMatch(/^postgresql:\/\//)
  // A second one in the same folder is refused, and says who is there.
  const second = await call(['dev', '--port', '0'])
  expect(second).toEqual({ code: 1, text: expect.stringContaining(`Process ${dev.child.pid} `) })

  const { child } = dev
  expect(await dev.kill('SIGTERM')).toBe(0)
  expect(isRunning(child.pid ?? 0)).toBe(false)
  expect(existsSync(join(folder, '.signalbox', 'owner.lock'))).toBe(false)
  expect(await call(['db', 'url'])).toEqual({ code: 1, text: expect.stringContaining('No embedded database runs') })

  const again: Running = run(['dev', '--json'], { cwd: folder, env: { PORT: '0' } })
  await again.prints(/"url": "http/)
  expect(await readFile(join(folder, '.signalbox/api-token'), 'utf8')).toBe(token)
  expect(again.output()).not.toContain(token.trim())
  expect(await again.kill('SIGTERM')).toBe(0)
})
